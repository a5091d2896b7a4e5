#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "media/panels.hpp"
#include "media/roll.hpp"

namespace euterpe {
namespace {

std::string track_name(const Score& score, std::size_t index) {
  const Track& track = score.tracks[index];
  const std::string name = track.name.empty() ? fmt::format("track {}", index + 1) : track.name;
  return track.drums ? name + " (drums)" : name;
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
  plot_score(path, score, Annotations{}, title, size);
}

void plot_score(const std::filesystem::path& path, const Score& score, const Annotations& annotations,
                const std::string& title, PictureSize size) {
  Canvas canvas(path, size);
  Box box{72, 74, canvas.width() - 24, canvas.height() - 52};
  const TempoMap time(score);
  const auto bars = score.bar_lines();
  const double end = bars.empty() ? 0 : time.seconds_at(Ticks{bars.back()}).value;
  const double seconds = std::max({end, score.duration().value, 1.0});
  const PitchRange range = pitch_range(score);
  constexpr double kHead = 42, kBarNumbers = 26;
  const double below = draw_strips(canvas, box.left, box.right, kHead, annotations, seconds);
  if (below > kHead) box.top = below + kBarNumbers;
  const Scale x{0, seconds, box.left, box.right};
  const Scale y{range.low - 0.5, range.high + 0.5, box.bottom, box.top};

  draw_pitch_rows(canvas, box, y, range);
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
