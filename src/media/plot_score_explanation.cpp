#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "media/explanation_parts.hpp"
#include "media/roll.hpp"
#include "score/notation.hpp"

namespace euterpe {
namespace {

constexpr double kLeft = 72, kRight = 96, kStrip = 44, kNumbers = 22, kAxis = 46;
constexpr double kDrumRow = 17, kBetween = 8;  // pixels: the most that a drum's row takes; from roll to drums
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

bool is_drums(const Track& track) { return track.drums; }

/// The drums that are struck, one row each, lowest key first.
std::vector<int> drum_rows(const Score& score) {
  std::set<int> keys;
  for (const Track& track : score.tracks)
    if (is_drums(track))
      for (const Note& note : track.notes) keys.insert(note.pitch);
  return {keys.begin(), keys.end()};
}

Score pitched_part(const Score& score) {
  Score pitched = score;
  std::erase_if(pitched.tracks, is_drums);
  return pitched;
}

void draw_drum_rows(Canvas& canvas, const Box& box, const Scale& y, const std::vector<int>& keys) {
  std::vector<Tick> ticks;
  const double row = std::abs(y(1) - y(0));
  const std::size_t every = row >= kSmall ? 1 : static_cast<std::size_t>(std::ceil(kSmall / row));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto at = static_cast<double>(i);
    if (i % 2 == 1) canvas.fill({box.left, y(at + 0.5), box.right, y(at - 0.5)}, {0.955, 0.96, 0.97});
    if (i % every == 0) ticks.push_back({at, percussion_place(keys[i]).name});
  }
  canvas.y_axis(box, y, ticks, "", false);
}

}  // namespace

void plot_score_explanation(const std::filesystem::path& path, const Score& score, std::span<const NoteWeight> notes,
                            const BarWeights& looked_at, const ExplanationText& text, PictureSize size) {
  const std::span<const double> bars = looked_at.weights;
  Canvas canvas(path, size);
  const std::vector<int> drums = drum_rows(score);
  const Score pitched = pitched_part(score);
  const bool has_roll = pitched.note_count() > 0 || drums.empty();
  double left = kLeft;
  for (const int key : drums) left = std::max(left, canvas.text_width(percussion_place(key).name, kSmall) + 24);
  const double right = canvas.width() - kRight;
  const double head =
      draw_explanation_head(canvas, text,
                            {{"speaks for " + text.label + ": without it the log odds fall", weight_color(1)},
                             {"against it: they rise", weight_color(-1)},
                             {"hardly matters", weight_color(0)},
                             {"the heaviest bars", kHeavyBar}},
                            kLeft, canvas.width() - 16);
  const double foot = explanation_foot(text, canvas.height() * 0.3);
  const Box strip{left, head, right, head + kStrip};
  const Box panels{left, strip.bottom + kNumbers, right, canvas.height() - kAxis - foot};
  const double drums_room =
      has_roll ? std::min(0.4 * panels.height(), kDrumRow * static_cast<double>(drums.size())) : panels.height();
  const Box roll{left, panels.top, right, drums.empty() ? panels.bottom : panels.bottom - drums_room - kBetween};
  const Box kit{left, panels.bottom - drums_room, right, panels.bottom};

  const TempoMap time(score);
  auto lines = score.bar_lines();
  if (lines.empty()) lines.push_back(0);
  // Of a bar among those looked at.
  const auto seconds = [&](std::size_t bar) {
    bar += looked_at.first;
    return bar < lines.size() ? time.seconds_at(Ticks{lines[bar]}).value : score.duration().value;
  };
  const std::size_t first = first_shown(bars), count = std::min(bars.size(), kMostBars);
  const double begin = seconds(first), end = std::max(begin + 1, seconds(first + std::max<std::size_t>(count, 1)));
  const Scale x{begin, end, left, right};
  const PitchRange range = pitch_range(pitched);
  const Scale y{range.low - 0.5, range.high + 0.5, roll.bottom, roll.top};
  const Scale kit_y{-0.5, std::max(0.5, static_cast<double>(drums.size()) - 0.5), kit.bottom, kit.top};

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

  if (has_roll) draw_pitch_rows(canvas, roll, y, range);
  if (!drums.empty()) draw_drum_rows(canvas, kit, kit_y, drums);
  for (const std::size_t b : order)
    canvas.fill({x(seconds(b)), panels.top, std::min(x(seconds(b + 1)), right), panels.bottom}, kHeavyBar);
  draw_bars(canvas, panels, x, score, time);
  for (std::size_t i = first; i < first + count; ++i) {
    const double from = x(seconds(i)) + 1, to = std::min(x(seconds(i + 1)), right) - 1;
    const double weight = std::isfinite(bars[i]) ? bars[i] / greatest_bar : 0;
    const double middle = strip.bottom, length = std::abs(weight) * (strip.height() - 16);
    canvas.fill({from, middle - length, std::max(from + 1, to), middle}, weight_color(weight));
    if (std::find(order.begin(), order.end(), i) != order.end())
      canvas.text((from + to) / 2, middle - length - 4, std::to_string(looked_at.first + i + 1), kSmall, Align::center,
                  kInk, true);
  }
  canvas.line(strip.left, strip.bottom, strip.right, strip.bottom, kFaint);
  canvas.text(strip.left - 8, strip.bottom - 4, "bar sums", kSmall, Align::right, kFaint);

  cairo_save(canvas.cairo());
  cairo_rectangle(canvas.cairo(), panels.left, panels.top, panels.width(), panels.height());
  cairo_clip(canvas.cairo());
  // The heaviest last, lest others cover them.
  std::vector<NoteWeight> drawn(notes.begin(), notes.end());
  std::stable_sort(drawn.begin(), drawn.end(),
                   [](const NoteWeight& a, const NoteWeight& b) { return std::abs(a.weight) < std::abs(b.weight); });
  for (const NoteWeight& item : drawn) {
    EUTERPE_ASSERT(item.track < score.tracks.size() && item.note < score.tracks[item.track].notes.size());
    const Track& track = score.tracks[item.track];
    const Note& note = track.notes[item.note];
    const double from = x(time.seconds_at(Ticks{note.start}).value);
    const double to = std::max(from + 2.5, x(time.seconds_at(Ticks{note.end()}).value) - 0.7);
    if (to < left || from > right) continue;
    const Scale& rows = is_drums(track) ? kit_y : y;
    const auto row = is_drums(track) ? std::lower_bound(drums.begin(), drums.end(), note.pitch) - drums.begin()
                                     : std::ptrdiff_t{note.pitch};
    const double middle = rows(static_cast<double>(row)), half = std::max(1.5, std::abs(rows(1) - rows(0)) * 0.44);
    // Strokes last no time: what the file gives them is drawn at least as wide as can be seen.
    canvas.fill({from, middle - half, is_drums(track) ? std::max(to, from + 5) : to, middle + half},
                weight_color(item.weight / greatest));
  }
  cairo_restore(canvas.cairo());
  if (notes.empty())
    canvas.text((left + right) / 2, (panels.top + panels.bottom) / 2, "no notes", kTitle, Align::center, kFaint);
  if (has_roll) canvas.frame(roll);
  if (!drums.empty()) canvas.frame(kit);
  canvas.x_axis(panels, x, round_ticks(begin, end, static_cast<int>(canvas.width() / 110)), "time (s)", false);
  draw_weight_bar(canvas, {right + 26, panels.top + 4, right + 40, panels.bottom}, greatest);
  draw_explanation_foot(canvas, text, kLeft, canvas.width() - 20, canvas.height() - foot - 2);
  canvas.finish();
}

}  // namespace euterpe
