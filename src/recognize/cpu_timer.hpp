#pragma once
#include <ctime>

namespace euterpe {

/// Adds the calling thread's CPU time within a scope to a sum.
class CpuTimer {
 public:
  explicit CpuTimer(double& sum) : sum_(sum), start_(now()) {}
  ~CpuTimer() { sum_ += now() - start_; }
  CpuTimer(const CpuTimer&) = delete;

 private:
  static double now() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  }
  double& sum_;
  double start_;
};

}  // namespace euterpe
