#include "base/interrupt.hpp"

#include <atomic>
#include <csignal>

#include "base/error.hpp"

namespace euterpe {
namespace {
// Read by many threads, written by a signal handler: lock-free, so both may.
std::atomic<int> g_interrupted{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int signal) {
  g_interrupted = 1;
  std::signal(signal, SIG_DFL);
}
}  // namespace

void install_interrupt_handlers() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return g_interrupted != 0; }

void check_interrupt() {
  if (interrupted()) throw Error(Category::interrupted, "interrupt", "stopped by a signal");
}

}  // namespace euterpe
