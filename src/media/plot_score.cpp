#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "media/canvas.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

bool black_key(int pitch) {
  const int c = ((pitch % 12) + 12) % 12;
  return c == 1 || c == 3 || c == 6 || c == 8 || c == 10;
}

std::string track_name(const Score& score, std::size_t index) {
  const Track& track = score.tracks[index];
  const std::string name = track.name.empty() ? fmt::format("track {}", index + 1) : track.name;
  return track.drums ? name + " (drums)" : name;
}

struct Range {
  int low = 127, high = 0;
};

Range pitch_range(const Score& score) {
  Range range;
  for (const Track& track : score.tracks) {
    for (const Note& note : track.notes) {
      range.low = std::min<int>(range.low, note.pitch);
      range.high = std::max<int>(range.high, note.pitch);
    }
  }
  if (range.low > range.high) range = {60, 72};
  const int missing = 24 - (range.high - range.low);  // two octaves at least, lest few notes become fat bricks
  if (missing > 0) {
    range.low -= missing / 2;
    range.high += missing - missing / 2;
  }
  return {std::max(0, range.low - 2), std::min(127, range.high + 2)};
}

void draw_rows(Canvas& canvas, const Box& box, const Scale& y, const Range& range) {
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
  const double width = box.width() / std::max<double>(1, static_cast<double>(bars.size()));
  std::size_t every = 1;
  for (const std::size_t step : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}) {
    every = step;
    if (width * static_cast<double>(step) >= 28) break;
  }
  const std::size_t line_every = width >= 4 ? 1 : every;
  for (std::size_t i = 0; i < bars.size(); i += line_every) {
    const double at = x(time.seconds_at(Ticks{bars[i]}).value);
    if (at > box.right + 0.5) break;
    canvas.line(at, box.top, at, box.bottom, i % every == 0 ? Color{0.78, 0.80, 0.84} : kGrid);
    if (i % every == 0 && i + 1 < bars.size()) {
      canvas.text(at + 2, box.top - 6, std::to_string(i + 1), kSmall, Align::left, kFaint);
    }
  }
  canvas.text(box.left - 8, box.top - 6, "bar", kSmall, Align::right, kFaint);
}

void draw_notes(Canvas& canvas, const Box& box, const Scale& x, const Scale& y, const Score& score,
                const TempoMap& time) {
  cairo_save(canvas.cairo());
  cairo_rectangle(canvas.cairo(), box.left, box.top, box.width(), box.height());
  cairo_clip(canvas.cairo());
  const double row = std::abs(y(1) - y(0)), half = std::max(1.2, row * 0.44);
  std::size_t color_index = 0;
  for (const Track& track : score.tracks) {
    if (track.notes.empty()) continue;
    Color color = series_color(color_index++);
    for (const Note& note : track.notes) {
      const double left = x(time.seconds_at(Ticks{note.start}).value);
      const double right = std::max(left + 2, x(time.seconds_at(Ticks{note.end()}).value) - 0.7);
      color.alpha = 0.45 + 0.55 * std::min<int>(note.velocity, 110) / 110.0;
      const double middle = y(note.pitch);
      canvas.fill({left, middle - half, right, middle + half}, color);
    }
  }
  cairo_restore(canvas.cairo());
}

}  // namespace

void plot_score(const std::filesystem::path& path, const Score& score, const std::string& title, PictureSize size) {
  Canvas canvas(path, size);
  const Box box{72, 74, canvas.width() - 24, canvas.height() - 52};
  const TempoMap time(score);
  const auto bars = score.bar_lines();
  const double end = bars.empty() ? 0 : time.seconds_at(Ticks{bars.back()}).value;
  const double seconds = std::max({end, score.duration().value, 1.0});
  const Range range = pitch_range(score);
  const Scale x{0, seconds, box.left, box.right};
  const Scale y{range.low - 0.5, range.high + 0.5, box.bottom, box.top};

  draw_rows(canvas, box, y, range);
  draw_bars(canvas, box, x, score, time);
  draw_notes(canvas, box, x, y, score, time);
  if (score.note_count() == 0) {
    canvas.text((box.left + box.right) / 2, (box.top + box.bottom) / 2, "no notes", kTitle, Align::center, kFaint);
  }
  canvas.frame(box);
  canvas.x_axis(box, x, time_ticks(0, seconds, static_cast<int>(canvas.width() / 110)),
                seconds < 120 ? "time (s)" : "time (min:s)", false);

  std::vector<Canvas::Key> keys;
  for (std::size_t i = 0; i < score.tracks.size(); ++i) {
    if (!score.tracks[i].notes.empty()) keys.push_back({track_name(score, i), series_color(keys.size())});
  }
  canvas.title(title, box.left);
  canvas.legend(box.left + (title.empty() ? 0 : canvas.text_width(title, kTitle, true) + 30), box.right, 26, keys);
  canvas.finish();
}

}  // namespace euterpe
