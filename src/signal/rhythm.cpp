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

std::vector<float> onset_strength(const Matrix& mel_db, std::size_t lead) {
  std::vector<float> envelope(mel_db.frames, 0.0f);
  if (mel_db.frames <= lead || lead == 0) return envelope;
  const std::size_t n = mel_db.frames - lead;  // the rise into frame t + 1 is heard at t + lead
  std::vector<float> sum(n, 0.0f);
  for (std::size_t m = 0; m < mel_db.bins; ++m) {
    const float* row = mel_db.row(m).data();
    for (std::size_t t = 0; t < n; ++t) sum[t] += std::max(0.0f, row[t + 1] - row[t]);
  }
  for (std::size_t t = 0; t < n; ++t) envelope[t + lead] = sum[t] / static_cast<float>(mel_db.bins);
  return envelope;
}

std::vector<std::size_t> onset_frames(std::span<const float> envelope, double hop_seconds) {
  constexpr double kPeakRadius = 0.03, kMeanRadius = 0.1, kRise = 0.3;
  std::vector<std::size_t> onsets;
  if (envelope.empty()) return onsets;
  double mean = 0, square = 0;
  for (const float v : envelope) {
    mean += static_cast<double>(v);
    square += static_cast<double>(v) * static_cast<double>(v);
  }
  const auto n = static_cast<double>(envelope.size());
  mean /= n;
  const double rise = kRise * std::sqrt(std::max(0.0, square / n - mean * mean));
  if (rise <= 0) return onsets;
  const auto near = std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(kPeakRadius / hop_seconds)));
  const auto wide = std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(kMeanRadius / hop_seconds)));
  for (std::size_t t = 0; t < envelope.size(); ++t) {
    const auto around = [&](std::size_t radius) {
      const std::size_t first = t > radius ? t - radius : 0;
      return envelope.subspan(first, std::min(envelope.size(), t + radius + 1) - first);
    };
    if (envelope[t] < std::ranges::max(around(near))) continue;
    const auto window = around(wide);
    double local = 0;
    for (const float v : window) local += static_cast<double>(v);
    if (static_cast<double>(envelope[t]) < local / static_cast<double>(window.size()) + rise) continue;
    if (onsets.empty() || t - onsets.back() > near) onsets.push_back(t);
  }
  return onsets;
}

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
