#include "base/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

namespace euterpe {
namespace {
std::atomic<bool> g_enabled{true};
constexpr double kTerminalInterval = 0.2, kPlainInterval = 10.0, kSilence = 0.5;
}  // namespace

std::string format_duration(double seconds) {
  if (!(seconds >= 0)) return "?";
  const auto s = static_cast<std::uint64_t>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

Progress::Progress(std::string title, std::uint64_t total, std::string unit)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      start_(Clock::now()),
      printed_(start_),
      terminal_(isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  std::lock_guard lock(mutex_);
  if (any_) print(true);
}

void Progress::set_enabled(bool enabled) { g_enabled = enabled; }

void Progress::advance(std::uint64_t n) {
  std::lock_guard lock(mutex_);
  done_ += n;
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - printed_).count();
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  if (elapsed < kSilence || since < (terminal_ ? kTerminalInterval : kPlainInterval)) return;
  print(false);
}

void Progress::go_on_from(std::uint64_t n) {
  std::lock_guard lock(mutex_);
  done_ += n;
  before_ += n;
}

void Progress::stop_after(double seconds) {
  std::lock_guard lock(mutex_);
  most_seconds_ = seconds;
}

void Progress::note(std::string text) {
  std::lock_guard lock(mutex_);
  note_ = std::move(text);
}

std::string Progress::line(double elapsed) const {
  const double rate = elapsed > 0 ? static_cast<double>(done_ - before_) / elapsed : 0;
  std::string text = fmt::format("{}: {}", title_, done_);
  if (total_)
    text += fmt::format("/{} ({:.0f} %)", total_, 100.0 * static_cast<double>(done_) / static_cast<double>(total_));
  text += fmt::format(" {}, {:.{}f}/s", unit_, rate, rate < 10 ? 2 : 0);
  if (total_ && rate > 0 && done_ < total_) {
    double left = static_cast<double>(total_ - done_) / rate;
    if (most_seconds_ > 0) left = std::min(left, std::max(0.0, most_seconds_ - elapsed));
    text += fmt::format(", {} left", format_duration(left));
  } else {
    text += fmt::format(", {}", format_duration(elapsed));
  }
  if (!note_.empty()) text += ", " + note_;
  return text;
}

void Progress::print(bool last) {
  if (!g_enabled) return;
  const auto now = Clock::now();
  const std::string text = line(std::chrono::duration<double>(now - start_).count());
  if (terminal_)
    std::fprintf(stderr, "\r\033[K%s%s", text.c_str(), last ? "\n" : "");
  else
    std::fprintf(stderr, "%s\n", text.c_str());
  std::fflush(stderr);
  printed_ = now;
  any_ = true;
}

}  // namespace euterpe
