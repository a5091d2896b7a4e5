#pragma once
/// Progress of long work on stderr: count, rate and time left. One rewritten line on a terminal, plain lines elsewhere.
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace euterpe {

/// Thread-safe. Silent until half a second has gone by, so that short work prints nothing.
class Progress {
 public:
  /// \param total items expected, 0 if not known; \param unit plural noun ("files")
  Progress(std::string title, std::uint64_t total, std::string unit);
  ~Progress();  ///< prints the last state and ends the line
  void advance(std::uint64_t n = 1);
  /// `n` were done before this process began: they count, but not in the rate.
  void go_on_from(std::uint64_t n);
  /// The work stops after so many seconds, done or not.
  void stop_after(double seconds);
  std::uint64_t done() const {
    std::lock_guard lock(mutex_);
    return done_;
  }
  /// Text put after the numbers ("loss 2.31").
  void note(std::string text);
  static void set_enabled(bool enabled);  ///< -q turns it off

 private:
  void print(bool last);
  std::string line(double elapsed) const;

  using Clock = std::chrono::steady_clock;
  std::string title_, unit_, note_;
  std::uint64_t total_, done_ = 0, before_ = 0;
  double most_seconds_ = 0;
  Clock::time_point start_, printed_;
  bool terminal_, any_ = false;
  mutable std::mutex mutex_;
};

/// "1:02:03", "4:05" or "12 s".
std::string format_duration(double seconds);

}  // namespace euterpe
