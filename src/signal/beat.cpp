#include "signal/beat.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/tempogram.hpp"

namespace euterpe {
namespace {

EUTERPE_HOT void add_scaled(const double* x, double a, double* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

EUTERPE_HOT void add(const double* a, const double* b, double* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = a[i] + b[i];
}

/// x * kernel, as long as x; the kernel's length is odd and its middle stands at the sample.
std::vector<double> convolve_same(std::span<const double> x, std::span<const double> kernel) {
  const std::size_t radius = kernel.size() / 2;
  std::vector<double> full(x.size() + 2 * radius, 0.0);
  for (std::size_t k = 0; k < kernel.size(); ++k) add_scaled(x.data(), kernel[k], full.data() + k, x.size());
  return {full.begin() + static_cast<std::ptrdiff_t>(radius), full.end() - static_cast<std::ptrdiff_t>(radius)};
}

/// The envelope in units of its standard deviation, smoothed by a Gaussian of 1/32 period.
std::vector<double> local_score(std::span<const float> envelope, std::size_t period) {
  const auto n = static_cast<double>(envelope.size());
  double mean = 0, squares = 0;
  for (const float v : envelope) mean += static_cast<double>(v) / n;
  for (const float v : envelope) squares += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
  const double deviation = n > 1 ? std::sqrt(squares / (n - 1)) : 0;
  std::vector<double> scaled(envelope.begin(), envelope.end());
  if (deviation > 0) {
    for (double& v : scaled) v /= deviation;
  }
  std::vector<double> kernel(2 * period + 1);
  for (std::size_t k = 0; k < kernel.size(); ++k) {
    const double x = (static_cast<double>(k) - static_cast<double>(period)) * 32 / static_cast<double>(period);
    kernel[k] = std::exp(-0.5 * x * x);
  }
  return convolve_same(scaled, kernel);
}

constexpr std::ptrdiff_t kNoBeat = -1;

struct Paths {
  std::vector<double> score;              ///< of the best sequence of beats that ends at each frame
  std::vector<std::ptrdiff_t> back_link;  ///< the beat before, negative where the sequence begins
};

Paths best_paths(std::span<const double> local, std::size_t period, double tightness) {
  const auto beat = static_cast<double>(period);
  // A beat follows the one before it after half to two periods.
  const auto nearest = static_cast<std::size_t>(std::nearbyint(beat / 2)), farthest = 2 * period;
  std::vector<double> cost(farthest - nearest + 1);  // from the farthest to the nearest
  for (std::size_t k = 0; k < cost.size(); ++k) {
    const double octaves = std::log(static_cast<double>(farthest - k) / beat);
    cost[k] = -tightness * octaves * octaves;
  }
  // Frames before the first one have score 0, so that no window has to be cut.
  std::vector<double> score(farthest + local.size(), 0.0), candidates(cost.size());
  Paths paths;
  paths.back_link.assign(local.size(), kNoBeat);
  const double silence = local.empty() ? 0 : 0.01 * std::ranges::max(local);
  bool begun = false;
  for (std::size_t i = 0; i < local.size(); ++i) {
    add(score.data() + i, cost.data(), candidates.data(), cost.size());
    const auto best = static_cast<std::size_t>(std::ranges::max_element(candidates) - candidates.begin());
    score[farthest + i] = local[i] + candidates[best];
    if (!begun && local[i] < silence) continue;
    begun = true;
    paths.back_link[i] = static_cast<std::ptrdiff_t>(i + best) - static_cast<std::ptrdiff_t>(farthest);
  }
  paths.score.assign(score.begin() + static_cast<std::ptrdiff_t>(farthest), score.end());
  return paths;
}

/// The last peak of the score that reaches half of the peaks' median, kNoBeat if there is no peak.
std::ptrdiff_t last_beat(std::span<const double> score) {
  std::vector<std::size_t> peaks;
  for (std::size_t i = 1; i < score.size(); ++i) {
    if (score[i] > score[i - 1] && (i + 1 == score.size() || score[i] >= score[i + 1])) peaks.push_back(i);
  }
  if (peaks.empty()) return kNoBeat;
  std::vector<double> heights;
  for (const std::size_t i : peaks) heights.push_back(score[i]);
  std::ranges::sort(heights);
  const double median = 0.5 * (heights[(heights.size() - 1) / 2] + heights[heights.size() / 2]);
  const auto found = std::find_if(peaks.rbegin(), peaks.rend(), [&](std::size_t i) { return 2 * score[i] > median; });
  return found == peaks.rend() ? kNoBeat : static_cast<std::ptrdiff_t>(*found);
}

/// From the first to before the last of the beats that stand out among their neighbors.
std::vector<std::size_t> trimmed(const std::vector<std::size_t>& beats, std::span<const double> local, bool trim) {
  std::vector<double> at_beats;
  for (const std::size_t b : beats) at_beats.push_back(local[b]);
  const std::vector<double> smooth = convolve_same(at_beats, std::vector<double>{0, 0.5, 1, 0.5, 0});
  double squares = 0;
  for (const double v : smooth) squares += v * v / static_cast<double>(smooth.size());
  const double threshold = trim ? 0.5 * std::sqrt(squares) : 0;
  const auto supported = [&](double v) { return v > threshold; };
  const auto first = std::find_if(smooth.begin(), smooth.end(), supported);
  if (first == smooth.end()) return {};
  const auto last = std::find_if(smooth.rbegin(), smooth.rend(), supported).base() - 1;
  return {beats.begin() + (first - smooth.begin()), beats.begin() + (last - smooth.begin())};
}

}  // namespace

BeatFrames beat_track(std::span<const float> envelope, int sample_rate, int hop_length,
                      const BeatTrackOptions& options) {
  EUTERPE_ASSERT(sample_rate > 0 && hop_length > 0 && options.tightness > 0 && options.bpm >= 0);
  BeatFrames result;
  if (std::ranges::all_of(envelope, [](float v) { return v == 0; })) return result;
  if (!std::ranges::all_of(envelope, [](float v) { return std::isfinite(v); })) return result;
  TempoOptions tempo;
  tempo.start_bpm = options.start_bpm;
  result.bpm = options.bpm > 0 ? options.bpm : tempogram_tempo(envelope, sample_rate, hop_length, tempo);
  const double frames_per_minute = 60.0 * sample_rate / hop_length;
  const auto period = static_cast<std::size_t>(std::max(1.0, std::nearbyint(frames_per_minute / result.bpm)));

  const std::vector<double> local = local_score(envelope, period);
  const Paths paths = best_paths(local, period, options.tightness);
  std::vector<std::size_t> beats;
  for (std::ptrdiff_t at = last_beat(paths.score); at >= 0; at = paths.back_link[static_cast<std::size_t>(at)]) {
    beats.push_back(static_cast<std::size_t>(at));
  }
  std::ranges::reverse(beats);
  result.frames = trimmed(beats, local, options.trim);
  return result;
}

}  // namespace euterpe
