#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

namespace euterpe {
namespace {
std::atomic<int> g_threads{0};

/// Cores that this process may use: its affinity, and the quota of its container (cgroup v2 cpu.max: "quota period").
int available_cores() {
  int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (file >> quota >> period && quota > 0 && period > 0)
    cores = std::min(cores, std::max(1, static_cast<int>(std::ceil(quota / period))));
  return cores;
}

}  // namespace

void set_threads(int n) { g_threads = std::max(0, n); }

int threads() {
  static const int available = available_cores();
  const int n = g_threads;
  return n > 0 ? n : available;
}

void parallel_for(std::size_t n, const std::function<void(std::size_t)>& body, int limit) {
  const std::size_t wanted = limit > 0 ? static_cast<std::size_t>(limit) : static_cast<std::size_t>(threads());
  const std::size_t workers = std::min(n, wanted);
  if (workers <= 1) {
    for (std::size_t i = 0; i < n; ++i) body(i);
    return;
  }
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr first;
  auto work = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < n;) {
      try {
        body(i);
      } catch (...) {
        std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
        next = n;
      }
    }
  };
  std::vector<std::thread> pool;
  for (std::size_t i = 1; i < workers; ++i) pool.emplace_back(work);
  work();
  for (auto& t : pool) t.join();
  if (first) std::rethrow_exception(first);
}

}  // namespace euterpe
