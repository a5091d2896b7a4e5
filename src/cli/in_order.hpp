#pragma once
/// Results of parallel work, given out in order.
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace euterpe {

/// Gives out n results in the order of their numbers, each as soon as those before it are done. Thread-safe; `emit` is
/// called by one thread at a time.
template <class Result>
class InOrder {
 public:
  InOrder(std::size_t n, std::function<void(Result&)> emit) : slots_(n), emit_(std::move(emit)) {}
  /// Without a result nothing is given out for i.
  void put(std::size_t i, std::optional<Result> result) {
    const std::lock_guard lock(mutex_);
    slots_[i] = Slot{true, std::move(result)};
    for (; next_ < slots_.size() && slots_[next_].done; ++next_) {
      if (slots_[next_].result) emit_(*slots_[next_].result);
      slots_[next_].result.reset();
    }
  }

 private:
  struct Slot {
    bool done = false;
    std::optional<Result> result;
  };
  std::vector<Slot> slots_;
  std::function<void(Result&)> emit_;
  std::size_t next_ = 0;
  std::mutex mutex_;
};

}  // namespace euterpe
