#pragma once
/// A few threads that work in lockstep on something that lasts microseconds, where starting threads or an OpenMP region
/// for each part would cost more than the part.
#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace euterpe {

class ThreadTeam {
 public:
  /// One member's place in the work that runs.
  class Member {
   public:
    Member(ThreadTeam* team, int rank, int size) : team_(team), rank_(rank), size_(size) {}
    int rank() const { return rank_; }
    int size() const { return size_; }
    /// Waits until every member has come here; what each wrote before, all read after.
    void meet() const {
      if (size_ > 1) team_->wait_for_all(size_);
    }
    /// This member's share [first, last) of `n` equal pieces.
    int first(int n) const { return static_cast<int>(std::int64_t{n} * rank_ / size_); }
    int last(int n) const { return static_cast<int>(std::int64_t{n} * (rank_ + 1) / size_); }

   private:
    ThreadTeam* team_;
    int rank_, size_;
  };

  /// The process's team, its threads started when first needed.
  static ThreadTeam& shared();
  ThreadTeam() = default;
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  /// Calls body(Member) on up to `wanted` threads at once, this one among them, and returns when all have ended. The
  /// team may be smaller, down to this thread alone: while another caller has it, and for a while after a member came
  /// late, because a core that another program holds makes lockstep slower than one thread. `body` must not throw.
  template <class Body>
  void run(int wanted, const Body& body) {
    run_erased(
        wanted, [](const void* b, const Member& m) { (*static_cast<const Body*>(b))(m); }, &body);
  }

 private:
  using Function = void (*)(const void*, const Member&);
  void run_erased(int wanted, Function function, const void* body);
  void wait_for_all(int size);
  void serve(int rank, std::uint32_t seen);

  std::mutex in_use_;
  std::vector<std::thread> threads_;
  int rest_ = 0;  ///< runs that one thread still does alone
  Function function_ = nullptr;
  const void* body_ = nullptr;
  std::atomic<bool> late_{false}, stop_{false};
  // Each on a cache line of its own: spinning on one must not slow the other.
  alignas(64) std::atomic<std::uint32_t> ticket_{0};  ///< count of runs, and in its low byte the members of the last
  alignas(64) std::atomic<int> asleep_{0};
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<std::uint32_t> meetings_{0};
};

}  // namespace euterpe
