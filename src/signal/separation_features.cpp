#include "signal/separation_features.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "signal/hpss.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kMelBands = 128, kShareBands = 16, kPowerBands = 8, kLevelBands = 24;
static_assert(2 * kShareBands + kPowerBands + 5 * kLevelBands == kSeparationFeatures);

/// Mean of neighboring rows: `count` bands of nearly equal width.
Matrix in_bands(const Matrix& rows, std::size_t count) {
  Matrix bands(count, rows.frames, rows.hop);
  for (std::size_t b = 0; b < count; ++b) {
    const std::size_t begin = b * rows.bins / count, end = (b + 1) * rows.bins / count;
    auto band = bands.row(b);
    for (std::size_t r = begin; r < end; ++r) {
      const auto row = rows.row(r);
      for (std::size_t t = 0; t < rows.frames; ++t) band[t] += row[t] / static_cast<float>(end - begin);
    }
  }
  return bands;
}

double mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v);
  return sum / static_cast<double>(values.size());
}

double deviation_of(std::span<const float> values) {
  const double mean = mean_of(values);
  double squares = 0;
  for (const float v : values) squares += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

double decibels(double power) { return 10 * std::log10(power); }

/// The value below which a share of `values` lies; `values` is put out of order.
double percentile(std::vector<float>& values, double share) {
  const auto at = static_cast<std::ptrdiff_t>(std::lround(share * static_cast<double>(values.size() - 1)));
  std::ranges::nth_element(values, values.begin() + at);
  return static_cast<double>(values[static_cast<std::size_t>(at)]);
}

template <std::size_t N>
void add_levels(std::vector<float>& features, const Matrix& power, double floor, double reference,
                const std::array<double, N>& shares) {
  const Matrix bands = in_bands(power, kLevelBands);
  for (const double share : shares)
    for (std::size_t b = 0; b < kLevelBands; ++b) {
      std::vector<float> row(bands.row(b).begin(), bands.row(b).end());
      features.push_back(
          static_cast<float>(decibels(std::max(percentile(row, share), floor / 100)) - reference));  // of a part
    }
}

}  // namespace

std::vector<float> separation_features(const Matrix& mel_power) {
  EUTERPE_ASSERT(mel_power.bins == kMelBands);
  if (mel_power.frames == 0) return std::vector<float>(kSeparationFeatures, 0.0f);
  const double loudest = static_cast<double>(*std::ranges::max_element(mel_power.data));
  const double floor = std::max(1e-8 * loudest, 1e-10);
  Matrix power = mel_power, magnitude = mel_power;
  for (float& v : power.data) v = std::max(v, static_cast<float>(floor));
  for (std::size_t i = 0; i < power.data.size(); ++i) magnitude.data[i] = std::sqrt(power.data[i]);

  const HarmonicPercussive parts = hpss(magnitude);  // soft masks: parts are shares of the magnitude
  Matrix share = power, harmonic = power, percussive = power;
  for (std::size_t i = 0; i < power.data.size(); ++i) {
    share.data[i] = parts.harmonic.data[i] / magnitude.data[i];
    harmonic.data[i] = parts.harmonic.data[i] * magnitude.data[i];
    percussive.data[i] = parts.percussive.data[i] * magnitude.data[i];
  }
  std::vector<float> features;
  const Matrix shares = in_bands(share, kShareBands);
  for (std::size_t b = 0; b < kShareBands; ++b) features.push_back(static_cast<float>(mean_of(shares.row(b))));
  for (std::size_t b = 0; b < kShareBands; ++b) features.push_back(static_cast<float>(deviation_of(shares.row(b))));
  const Matrix rings = in_bands(harmonic, kPowerBands), all = in_bands(power, kPowerBands);
  for (std::size_t b = 0; b < kPowerBands; ++b)
    features.push_back(static_cast<float>(mean_of(rings.row(b)) / mean_of(all.row(b))));

  std::vector<float> frame_levels(power.frames, 0.0f);
  for (std::size_t m = 0; m < power.bins; ++m)
    for (std::size_t t = 0; t < power.frames; ++t)
      frame_levels[t] +=
          static_cast<float>(decibels(static_cast<double>(power.at(m, t)))) / static_cast<float>(power.bins);
  const double reference = percentile(frame_levels, 0.5);
  add_levels(features, percussive, floor, reference, std::array{0.5, 0.95});
  add_levels(features, harmonic, floor, reference, std::array{0.1, 0.5, 0.95});
  for (float& v : features)
    if (!std::isfinite(v)) v = 0;
  return features;
}

}  // namespace euterpe
