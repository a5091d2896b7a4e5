#include "nn/thread_team.hpp"

#include <algorithm>
#include <chrono>

namespace euterpe {
namespace {

constexpr int kLargest = 16;  // members; a step is too short for more
constexpr std::uint32_t kSizeBits = 0xff;
constexpr int kSpins = 2000;  // some 50 µs: longer than drawing a token takes, shorter than anyone minds
constexpr int kRest = 100;    // runs alone after a member came late
constexpr std::chrono::microseconds kLate{1000};  // only a thread that lost its core is so late

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadTeam& ThreadTeam::shared() {
  static ThreadTeam team;
  return team;
}

ThreadTeam::~ThreadTeam() {
  stop_ = true;
  ticket_ += kSizeBits + 1;
  ticket_.notify_all();
  for (auto& t : threads_) t.join();
}

void ThreadTeam::run_erased(int wanted, Function function, const void* body) {
  std::unique_lock lock(in_use_, std::try_to_lock);
  if (late_.exchange(false)) rest_ = kRest;
  if (!lock || wanted <= 1 || rest_ > 0) {
    if (lock && wanted > 1) --rest_;
    function(body, Member(this, 0, 1));
    return;
  }
  const int size = std::min(wanted, kLargest);
  function_ = function;
  body_ = body;
  const std::uint32_t ticket = ticket_.load();
  while (static_cast<int>(threads_.size()) + 1 < size) {
    const int rank = static_cast<int>(threads_.size()) + 1;
    threads_.emplace_back([this, rank, ticket] { serve(rank, ticket); });
  }
  ticket_ = (ticket & ~kSizeBits) + (kSizeBits + 1) + static_cast<std::uint32_t>(size);
  if (asleep_.load() > 0) ticket_.notify_all();
  function(body, Member(this, 0, size));
  wait_for_all(size);
}

void ThreadTeam::serve(int rank, std::uint32_t seen) {
  for (;;) {
    for (int i = 0; i < kSpins && ticket_.load(std::memory_order_acquire) == seen; ++i) pause();
    if (ticket_.load() == seen) {
      ++asleep_;
      ticket_.wait(seen);
      --asleep_;
    }
    if (stop_) return;
    seen = ticket_.load();
    // Who is no member of this run may read nothing but the ticket: the next run does not wait for him.
    const int size = static_cast<int>(seen & kSizeBits);
    if (rank >= size) continue;
    function_(body_, Member(this, rank, size));
    wait_for_all(size);
  }
}

void ThreadTeam::wait_for_all(int size) {
  const std::uint32_t meeting = meetings_.load();
  if (arrived_.fetch_add(1) + 1 == size) {
    arrived_ = 0;
    meetings_.fetch_add(1);
    return;
  }
  for (int i = 0; i < kSpins; ++i) {
    if (meetings_.load(std::memory_order_acquire) != meeting) return;
    pause();
  }
  const auto begin = std::chrono::steady_clock::now();
  while (meetings_.load(std::memory_order_acquire) == meeting) std::this_thread::yield();
  if (std::chrono::steady_clock::now() - begin > kLate) late_ = true;
}

}  // namespace euterpe
