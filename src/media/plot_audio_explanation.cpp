#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "media/explanation_parts.hpp"
#include "media/panels.hpp"

namespace euterpe {
namespace {

constexpr double kRange = 70;  // dB below the maximum that the gray covers
constexpr double kLeft = 80, kSide = 64, kRight = 96, kTop = 40, kGap = 6, kAxis = 46;

/// Paper where it is quiet, so that little ink covers the map.
Color gray(double t) { return oklch(0.99 - 0.62 * t * t, 0, 0); }

double greatest_of(std::span<const double> values) {
  double greatest = 0;
  for (const double v : values) greatest = std::max(greatest, std::isfinite(v) ? std::abs(v) : 0);
  return greatest > 0 ? greatest : 1;
}

/// Bars from a base line, upwards (or rightwards): red for the answer, blue against it.
void draw_sums(Canvas& canvas, const Box& box, std::span<const double> sums, std::span<const double> at, bool upright) {
  const double greatest = greatest_of(sums);
  const double middle = upright ? box.bottom : box.left, size = upright ? box.height() : box.width();
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double length = std::isfinite(sums[i]) ? std::abs(sums[i]) / greatest * size : 0;
    const Color color = weight_color(sums[i] / greatest);
    const double from = std::min(at[i], at[i + 1]) + 0.5, to = std::max(at[i], at[i + 1]) - 0.5;
    if (upright)
      canvas.fill({from, middle - length, to, middle}, color);
    else
      canvas.fill({middle, from, middle + length, to}, color);
  }
  if (upright)
    canvas.line(box.left, box.bottom, box.right, box.bottom, kFaint);
  else
    canvas.line(box.left, box.top, box.left, box.bottom, kFaint);
}

}  // namespace

void plot_audio_explanation(const std::filesystem::path& path, const MelView& mel_db, const SaliencyView& saliency,
                            const ExplanationText& text, double begin, PictureSize size) {
  EUTERPE_ASSERT(mel_db.data.size() == mel_db.bins * mel_db.frames && mel_db.frames > 0 && mel_db.hop > 0);
  const std::size_t bands = saliency.edges.size() - 1, segments = saliency.segments;
  EUTERPE_ASSERT(bands > 0 && segments > 0 && saliency.seconds > 0);
  EUTERPE_ASSERT(saliency.weights.size() == bands * segments);
  const double seconds = static_cast<double>(segments) * saliency.seconds;

  Canvas canvas(path, size);
  const double right = canvas.width() - kRight - kSide;
  const double head =
      draw_explanation_head(canvas, text,
                            {{"speaks for " + text.label + ": without it the log odds fall", veil_color(1)},
                             {"against it: they rise", veil_color(-1)},
                             {"the cells that weigh most", kSalientLine, true},
                             {"loud", gray(0.8)}},
                            kLeft, canvas.width() - 16);
  const double foot = explanation_foot(text, canvas.height() * 0.3);
  const Box map{kLeft, head + kTop + kGap, right, canvas.height() - kAxis - foot};
  const Scale x{begin, begin + seconds, map.left, map.right};
  const Scale y{mel_of(mel_db.fmin, mel_db.htk), mel_of(mel_db.fmax, mel_db.htk), map.bottom, map.top};

  double top = -std::numeric_limits<double>::infinity();
  for (const float v : mel_db.data) top = std::max<double>(top, std::isfinite(v) ? v : top);
  if (!std::isfinite(top)) top = 0;
  draw_heat_map(canvas, map, {mel_db.data, mel_db.bins, mel_db.frames, mel_db.hop, top - kRange, top, false, gray},
                seconds);

  std::vector<double> column(segments + 1), row(bands + 1), over_time(segments, 0.0), over_bands(bands, 0.0);
  for (std::size_t s = 0; s <= segments; ++s) column[s] = x(begin + static_cast<double>(s) * saliency.seconds);
  for (std::size_t b = 0; b <= bands; ++b)
    row[b] = std::clamp(y(mel_of(saliency.edges[b], mel_db.htk)), map.top, map.bottom);
  const double greatest = greatest_of(saliency.weights);
  for (std::size_t b = 0; b < bands; ++b) {
    for (std::size_t s = 0; s < segments; ++s) {
      const double weight = saliency.weights[b * segments + s] / greatest;
      canvas.fill({column[s], row[b + 1], column[s + 1], row[b]}, veil_color(weight));
      over_time[s] += saliency.weights[b * segments + s];
      over_bands[b] += saliency.weights[b * segments + s];
    }
  }
  // The salient cells' common outline: edges between one that is and one that is not.
  std::vector<char> chosen(bands * segments, 0);
  for (const std::size_t i : saliency.salient) chosen[i] = 1;
  const Color line = kSalientLine;
  const auto is = [&](std::size_t b, std::size_t s) { return b < bands && s < segments && chosen[b * segments + s]; };
  for (std::size_t b = 0; b < bands; ++b) {
    for (std::size_t s = 0; s < segments; ++s) {
      if (!is(b, s)) continue;
      if (!is(b + 1, s)) canvas.line(column[s], row[b + 1], column[s + 1], row[b + 1], line, 1.5);
      if (b == 0 || !is(b - 1, s)) canvas.line(column[s], row[b], column[s + 1], row[b], line, 1.5);
      if (!is(b, s + 1)) canvas.line(column[s + 1], row[b + 1], column[s + 1], row[b], line, 1.5);
      if (s == 0 || !is(b, s - 1)) canvas.line(column[s], row[b + 1], column[s], row[b], line, 1.5);
    }
  }
  canvas.frame(map);
  draw_sums(canvas, {map.left, map.top - kGap - kTop, map.right, map.top - kGap}, over_time, column, true);
  draw_sums(canvas, {map.right + kGap, map.top, map.right + kSide, map.bottom}, over_bands, row, false);

  canvas.y_axis(map, y, mel_ticks(mel_db.fmin, mel_db.fmax, mel_db.htk), "frequency (Hz)", false);
  canvas.x_axis(map, x, round_ticks(begin, begin + seconds, static_cast<int>(canvas.width() / 110)), "time (s)", false);
  canvas.text(map.left - 8, map.top - kGap - 4, "sums", kSmall, Align::right, kFaint);
  canvas.text(map.right + kSide, map.bottom + 18, "sums", kSmall, Align::right, kFaint);
  const double bar = map.right + kSide + 22;
  draw_weight_bar(canvas, {bar, map.top + 4, bar + 14, map.bottom}, greatest, veil_color);
  draw_explanation_foot(canvas, text, kLeft, canvas.width() - 20, canvas.height() - foot - 2);
  canvas.finish();
}

}  // namespace euterpe
