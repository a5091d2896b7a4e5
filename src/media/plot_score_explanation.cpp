#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "media/explanation_parts.hpp"
#include "media/roll.hpp"

namespace euterpe {
namespace {

constexpr double kLeft = 72, kRight = 96, kStrip = 44, kNumbers = 22, kAxis = 46;
constexpr std::size_t kMostBars = 48, kMarked = 3;

double greatest_of(double greatest, double value) {
  return std::max(greatest, std::isfinite(value) ? std::abs(value) : 0);
}

/// First of at most kMostBars bars in a row that hold the greatest weight.
std::size_t first_shown(std::span<const double> bars) {
  if (bars.size() <= kMostBars) return 0;
  double sum = std::accumulate(bars.begin(), bars.begin() + kMostBars, 0.0), best = sum;
  std::size_t first = 0;
  for (std::size_t i = kMostBars; i < bars.size(); ++i) {
    sum += bars[i] - bars[i - kMostBars];
    if (sum > best) best = sum, first = i + 1 - kMostBars;
  }
  return first;
}

}  // namespace

void plot_score_explanation(const std::filesystem::path& path, const Score& score, std::span<const NoteWeight> notes,
                            std::span<const double> bars, const ExplanationText& text, PictureSize size) {
  Canvas canvas(path, size);
  const double right = canvas.width() - kRight, head = draw_explanation_head(canvas, text, kLeft, right);
  const double foot = explanation_foot(text, canvas.height() * 0.3);
  const Box strip{kLeft, head, right, head + kStrip};
  const Box roll{kLeft, strip.bottom + kNumbers, right, canvas.height() - kAxis - foot};

  const TempoMap time(score);
  auto lines = score.bar_lines();
  if (lines.empty()) lines.push_back(0);
  const auto seconds = [&](std::size_t bar) {
    return bar < lines.size() ? time.seconds_at(Ticks{lines[bar]}).value : score.duration().value;
  };
  const std::size_t first = first_shown(bars), count = std::min(bars.size(), kMostBars);
  const double begin = seconds(first), end = std::max(begin + 1, seconds(first + std::max<std::size_t>(count, 1)));
  const Scale x{begin, end, roll.left, roll.right};
  const PitchRange range = pitch_range(score);
  const Scale y{range.low - 0.5, range.high + 0.5, roll.bottom, roll.top};

  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), first);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return bars[a] > bars[b]; });
  order.resize(std::min(order.size(), kMarked));
  std::erase_if(order, [&](std::size_t b) { return !(bars[b] > 0); });

  double greatest_bar = 0, greatest = 0;
  for (const double weight : bars) greatest_bar = greatest_of(greatest_bar, weight);
  for (const NoteWeight& note : notes) greatest = greatest_of(greatest, note.weight);
  if (!(greatest > 0)) greatest = 1;
  if (!(greatest_bar > 0)) greatest_bar = 1;

  draw_pitch_rows(canvas, roll, y, range);
  for (const std::size_t b : order)
    canvas.fill({x(seconds(b)), roll.top, std::min(x(seconds(b + 1)), roll.right), roll.bottom}, {0.99, 0.90, 0.80, 1});
  draw_bars(canvas, roll, x, score, time);
  for (std::size_t i = first; i < first + count; ++i) {
    const double left = x(seconds(i)) + 1, to = std::min(x(seconds(i + 1)), roll.right) - 1;
    const double middle = strip.bottom, length = std::max(0.0, bars[i]) / greatest_bar * (strip.height() - 16);
    canvas.fill({left, middle - length, std::max(left + 1, to), middle}, weight_color(bars[i] / greatest_bar));
    if (std::find(order.begin(), order.end(), i) != order.end())
      canvas.text((left + to) / 2, middle - length - 4, std::to_string(i + 1), kSmall, Align::center, kInk, true);
  }
  canvas.line(strip.left, strip.bottom, strip.right, strip.bottom, kFaint);
  canvas.text(strip.left - 8, strip.bottom - 4, "weight", kSmall, Align::right, kFaint);

  cairo_save(canvas.cairo());
  cairo_rectangle(canvas.cairo(), roll.left, roll.top, roll.width(), roll.height());
  cairo_clip(canvas.cairo());
  const double half = std::max(1.5, std::abs(y(1) - y(0)) * 0.44);
  // The heaviest last, lest others cover them.
  std::vector<NoteWeight> drawn(notes.begin(), notes.end());
  std::stable_sort(drawn.begin(), drawn.end(),
                   [](const NoteWeight& a, const NoteWeight& b) { return std::abs(a.weight) < std::abs(b.weight); });
  for (const NoteWeight& item : drawn) {
    EUTERPE_ASSERT(item.track < score.tracks.size() && item.note < score.tracks[item.track].notes.size());
    const Note& note = score.tracks[item.track].notes[item.note];
    const double left = x(time.seconds_at(Ticks{note.start}).value);
    const double to = std::max(left + 2.5, x(time.seconds_at(Ticks{note.end()}).value) - 0.7);
    if (to < roll.left || left > roll.right) continue;
    canvas.fill({left, y(note.pitch) - half, to, y(note.pitch) + half}, weight_color(item.weight / greatest));
  }
  cairo_restore(canvas.cairo());
  if (notes.empty())
    canvas.text((roll.left + roll.right) / 2, (roll.top + roll.bottom) / 2, "no notes", kTitle, Align::center, kFaint);
  canvas.frame(roll);
  canvas.x_axis(roll, x, time_ticks(begin, end, static_cast<int>(canvas.width() / 110)),
                end < 120 ? "time (s)" : "time (min:s)", false);
  draw_weight_bar(canvas, {right + 26, roll.top + 4, right + 40, roll.bottom}, greatest);
  draw_explanation_foot(canvas, text, kLeft, canvas.width() - 20, canvas.height() - foot - 2);
  canvas.finish();
}

}  // namespace euterpe
