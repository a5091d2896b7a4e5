#include "media/roll.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace euterpe {
namespace {

bool black_key(int pitch) {
  const int c = ((pitch % 12) + 12) % 12;
  return c == 1 || c == 3 || c == 6 || c == 8 || c == 10;
}

}  // namespace

PitchRange pitch_range(const Score& score) {
  PitchRange range{127, 0};
  for (const Track& track : score.tracks) {
    for (const Note& note : track.notes) {
      range.low = std::min<int>(range.low, note.pitch);
      range.high = std::max<int>(range.high, note.pitch);
    }
  }
  if (range.low > range.high) range = {60, 72};
  const int missing = 24 - (range.high - range.low);
  if (missing > 0) {
    range.low -= missing / 2;
    range.high += missing - missing / 2;
  }
  return {std::max(0, range.low - 2), std::min(127, range.high + 2)};
}

void draw_pitch_rows(Canvas& canvas, const Box& box, const Scale& y, const PitchRange& range) {
  for (int pitch = range.low; pitch <= range.high; ++pitch) {
    if (black_key(pitch)) canvas.fill({box.left, y(pitch + 0.5), box.right, y(pitch - 0.5)}, {0.955, 0.96, 0.97});
    if (pitch % 12 == 0) canvas.line(box.left, y(pitch - 0.5), box.right, y(pitch - 0.5), kGrid);
  }
  const double row = std::abs(y(1) - y(0));
  std::vector<Tick> ticks;
  static constexpr const char* kNames[] = {"C", "", "D", "", "E", "F", "", "G", "", "A", "", "B"};
  for (int pitch = range.low; pitch <= range.high; ++pitch) {
    const int degree = pitch % 12;
    const bool named = degree == 0 || (row >= 7 && degree == 7) || (row >= 13 && *kNames[degree]);
    if (named) ticks.push_back({static_cast<double>(pitch), fmt::format("{}{}", kNames[degree], pitch / 12 - 1)});
  }
  canvas.y_axis(box, y, ticks, "pitch", false);
}

void draw_bars(Canvas& canvas, const Box& box, const Scale& x, const Score& score, const TempoMap& time) {
  const auto bars = score.bar_lines();
  const double last = bars.empty() ? 0 : time.seconds_at(Ticks{bars.back()}).value;
  const double width = (x(last) - x(0)) / std::max<double>(1, static_cast<double>(bars.size()));
  std::size_t every = 1;
  for (const std::size_t step : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}) {
    every = step;
    if (width * static_cast<double>(step) >= 28) break;
  }
  const std::size_t line_every = width >= 4 ? 1 : every;
  for (std::size_t i = 0; i < bars.size(); i += line_every) {
    const double at = x(time.seconds_at(Ticks{bars[i]}).value);
    if (at < box.left - 0.5) continue;
    if (at > box.right + 0.5) break;
    canvas.line(at, box.top, at, box.bottom, i % every == 0 ? Color{0.78, 0.80, 0.84} : kGrid);
    if (i % every == 0 && i + 1 < bars.size() && at < box.right - 8) {
      canvas.text(at + 2, box.top - 6, std::to_string(i + 1), kSmall, Align::left, kFaint);
    }
  }
  canvas.text(box.left - 8, box.top - 6, "bar", kSmall, Align::right, kFaint);
}

}  // namespace euterpe
