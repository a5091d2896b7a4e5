#pragma once
/// Parallel loops over independent items on a bounded number of threads.
#include <cstddef>
#include <functional>

namespace euterpe {

/// Threads that parallel_for and libtorch may use; 0 asks for one per core. Set once at start-up (`--threads`).
void set_threads(int n);
int threads();

/// Calls body(i) for i = 0 … n − 1, items handed out in order, on up to threads() threads (or `limit` if > 0).
/// The first exception stops the handing out and is rethrown here once the running items have ended.
void parallel_for(std::size_t n, const std::function<void(std::size_t)>& body, int limit = 0);

}  // namespace euterpe
