#include "signal/rhythm.hpp"

#include <algorithm>
#include <cmath>

#include "signal/kernels.hpp"

namespace euterpe {
namespace {

constexpr double kSlowest = 40, kFastest = 240;  // bpm
constexpr double kPriorCenter = 120, kPriorOctaves = 0.9;
constexpr double kNoPulse = 0.04;  // autocorrelation at the beat below which noise cannot be told from rhythm

/// Linear interpolation between whole lags.
double value_at(std::span<const float> r, double lag) {
  const auto below = static_cast<std::size_t>(lag);
  if (below + 1 >= r.size()) return 0;
  const double part = lag - static_cast<double>(below);
  return (1 - part) * static_cast<double>(r[below]) + part * static_cast<double>(r[below + 1]);
}

/// Where the parabola through r around `lag` has its top.
double refine(std::span<const float> r, double lag) {
  auto peak = static_cast<std::size_t>(std::lround(lag));
  if (peak + 2 < r.size() && r[peak + 1] > r[peak]) ++peak;
  if (peak >= 2 && r[peak - 1] > r[peak]) --peak;
  if (peak == 0 || peak + 1 >= r.size()) return lag;
  const double a = static_cast<double>(r[peak - 1]), b = static_cast<double>(r[peak]),
               c = static_cast<double>(r[peak + 1]);
  const double curve = a - 2 * b + c;
  if (b < a || b < c || curve >= 0) return lag;
  return static_cast<double>(peak) + 0.5 * (a - c) / curve;
}

}  // namespace

std::vector<float> onset_autocorrelation(std::span<const float> envelope, std::size_t max_lag) {
  std::vector<float> r(max_lag + 1, 0.0f);
  if (envelope.empty()) return r;
  double mean = 0;
  for (const float v : envelope) mean += static_cast<double>(v);
  mean /= static_cast<double>(envelope.size());
  std::vector<float> centered(envelope.begin(), envelope.end());
  for (float& v : centered) v -= static_cast<float>(mean);
  const double energy =
      kernels::sum_of_squares(centered.data(), centered.size()) / static_cast<double>(centered.size());
  if (energy <= 1e-12) return r;
  for (std::size_t lag = 0; lag <= max_lag && lag < centered.size(); ++lag) {
    const double sum = kernels::dot(centered.data(), centered.data() + lag, centered.size() - lag);
    // Unbiased where at least half of the signal overlaps; damped beyond, where few products make a chance peak.
    const double overlap = static_cast<double>(std::max(centered.size() - lag, centered.size() / 2));
    r[lag] = static_cast<float>(sum / overlap / energy);
  }
  return r;
}

TempoEstimate estimate_tempo(std::span<const float> envelope, double hop_seconds) {
  constexpr int kMultiples = 4;
  const auto max_lag = static_cast<std::size_t>(std::ceil(kMultiples * 60 / kSlowest / hop_seconds)) + 2;
  const std::vector<float> r = onset_autocorrelation(envelope, max_lag);
  TempoEstimate best;
  double best_score = 0, best_lag = 0;
  constexpr double kStep = 1.005;
  for (double bpm = kSlowest; bpm <= kFastest; bpm *= kStep) {
    const double lag = 60 / bpm / hop_seconds;
    double support = 0, weight = 0;
    for (int k = 1; k <= kMultiples; ++k) {
      const double w = 1.0 / k;
      support += w * value_at(r, k * lag);
      weight += w;
    }
    support /= weight;
    const double octaves = std::log2(bpm / kPriorCenter) / kPriorOctaves;
    const double score = support * std::exp(-0.5 * octaves * octaves);
    if (score > best_score) {
      best_score = score;
      best_lag = lag;
    }
  }
  if (best_lag <= 0) return best;
  const double height = value_at(r, refine(r, best_lag));
  if (height < kNoPulse) return best;
  // The fourth multiple of the beat measures its length four times as finely.
  const double coarse = refine(r, best_lag), fine = refine(r, kMultiples * coarse) / kMultiples;
  const double lag = std::abs(fine - coarse) < 0.04 * coarse ? fine : coarse;
  best.bpm = 60 / (lag * hop_seconds);
  best.confidence = std::clamp(height, 0.0, 1.0);
  return best;
}

}  // namespace euterpe
