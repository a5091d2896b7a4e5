#include "signal/chroma.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "base/hot.hpp"
#include "signal/median.hpp"
#include "signal/stft_strips.hpp"

namespace euterpe {
namespace {

/// Octaves above A0 (27.5 Hz), as librosa.hz_to_octs.
double octaves(double hz, double tuning) { return std::log2(hz / (440.0 * std::exp2(tuning / 12) / 16)); }

struct SpectralPeak {
  float hz, magnitude;
};

EUTERPE_HOT void raise_to(const float* x, float* most, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) most[i] = x[i] > most[i] ? x[i] : most[i];
}

/// Where `here` rises above the threshold and above the bins beside it, of which those below the threshold count as 0.
EUTERPE_HOT void mark_peaks(const float* before, const float* here, const float* after, const float* threshold,
                            std::uint8_t* marks, std::size_t n) {
  for (std::size_t t = 0; t < n; ++t) {
    const float x = here[t], limit = threshold[t];
    const float low = before[t] > limit ? before[t] : 0, high = after[t] > limit ? after[t] : 0;
    marks[t] = static_cast<std::uint8_t>((x > limit) & (x > low) & (x >= high));
  }
}

/// librosa.piptrack: local maxima above a tenth of their frame's greatest value, refined by a parabola.
std::vector<SpectralPeak> spectral_peaks(const Matrix& spectrum, int sample_rate) {
  constexpr double kLowest = 150, kHighest = 4000;
  constexpr float kThreshold = 0.1f;
  const double hz_per_bin = sample_rate / (2.0 * static_cast<double>(spectrum.bins - 1));
  const std::size_t frames = spectrum.frames;
  std::vector<float> reference(frames, 0.0f);
  for (std::size_t b = 0; b < spectrum.bins; ++b) raise_to(spectrum.row(b).data(), reference.data(), frames);
  for (float& r : reference) r *= kThreshold;

  std::vector<SpectralPeak> peaks;
  constexpr std::size_t kWord = sizeof(std::uint64_t);  // peaks are rare: eight frames are passed over at once
  std::vector<std::uint8_t> marks(frames + kWord, 0);
  for (std::size_t b = 1; b + 1 < spectrum.bins; ++b) {
    const double hz = static_cast<double>(b) * hz_per_bin;
    if (hz < kLowest || hz >= std::min(kHighest, sample_rate / 2.0)) continue;
    const float* before = spectrum.row(b - 1).data();
    const float* here = spectrum.row(b).data();
    const float* after = spectrum.row(b + 1).data();
    mark_peaks(before, here, after, reference.data(), marks.data(), frames);
    for (std::size_t word = 0; word < frames; word += kWord) {
      std::uint64_t any = 0;
      std::memcpy(&any, marks.data() + word, kWord);
      if (any == 0) continue;
      for (std::size_t t = word; t < word + kWord; ++t) {
        if (marks[t] == 0) continue;
        const float x = here[t], curve = after[t] + before[t] - 2 * x, slope = (after[t] - before[t]) / 2;
        const float shift = std::abs(slope) >= std::abs(curve) ? 0 : -slope / curve;
        peaks.push_back({static_cast<float>((static_cast<double>(b) + static_cast<double>(shift)) * hz_per_bin),
                         x + 0.5f * slope * shift});
      }
    }
  }
  return peaks;
}

constexpr std::size_t kClassCount = 12;

/// The classes' sums, each frame then divided by its greatest.
EUTERPE_HOT void weigh(const float* power, const float* weights, std::size_t bins, float* chroma) {
  const auto* rows = reinterpret_cast<const lanes::Frames*>(power);
  lanes::Frames sums[kClassCount] = {}, most = {};
  for (std::size_t k = 0; k < bins; ++k) {
    for (std::size_t c = 0; c < kClassCount; ++c) sums[c] += rows[k] * weights[k * kClassCount + c];
  }
  for (const lanes::Frames& sum : sums) most = sum > most ? sum : most;
  most = most < std::numeric_limits<float>::min() ? lanes::Frames{} + 1.0f : most;
  auto* out = reinterpret_cast<lanes::Frames*>(chroma);
  for (std::size_t c = 0; c < kClassCount; ++c) out[c] = sums[c] / most;
}

}  // namespace

double estimate_tuning(const Matrix& spectrum, int sample_rate, int bins_per_octave) {
  const std::vector<SpectralPeak> peaks = spectral_peaks(spectrum, sample_rate);
  if (peaks.empty()) return 0;
  std::vector<float> magnitudes;
  magnitudes.reserve(peaks.size());
  for (const SpectralPeak& peak : peaks) magnitudes.push_back(peak.magnitude);
  const float threshold = median(magnitudes);

  // In float as librosa has it: a tone in tune lies on the edge between two classes, where rounding decides.
  constexpr int kClasses = 100;
  const auto edge = [](int i) { return i * (1.0 / kClasses) - 0.5; };
  std::array<int, kClasses> counts{};
  for (const SpectralPeak& peak : peaks) {
    if (peak.magnitude < threshold) continue;
    const float octave = static_cast<float>(std::log2(static_cast<double>(peak.hz / 27.5f)));  // above A0
    const float steps = static_cast<float>(bins_per_octave) * octave;
    float residual = steps - std::floor(steps);
    if (residual >= 0.5f) residual -= 1;
    const auto value = static_cast<double>(residual);
    int k = std::clamp(static_cast<int>((value + 0.5) * kClasses), 0, kClasses - 1);
    if (value < edge(k) && k > 0) --k;
    if (k + 1 < kClasses && value >= edge(k + 1)) ++k;
    ++counts[static_cast<std::size_t>(k)];
  }
  return edge(static_cast<int>(std::ranges::max_element(counts) - counts.begin()));
}

Matrix chroma_filterbank(int sample_rate, int n_fft, double tuning) {
  constexpr double kCenterOctave = 5, kOctaveWidth = 2;
  const auto bins = static_cast<std::size_t>(n_fft);
  std::vector<double> position(bins + 1);  // in semitones above A0
  for (std::size_t k = 1; k < bins; ++k) {
    position[k] = 12 * octaves(static_cast<double>(k) * sample_rate / n_fft, tuning);
  }
  position[0] = position[1] - 18;
  position[bins] = position[bins - 1] + 1;
  Matrix filters(12, bins / 2 + 1, 0);
  for (std::size_t k = 0; k < filters.frames; ++k) {
    const double width = std::max(position[k + 1] - position[k], 1.0);
    std::array<double, 12> weights;
    double norm = 0;
    for (std::size_t c = 0; c < 12; ++c) {
      double distance = position[k] - static_cast<double>(c) + 6;
      distance -= 12 * std::floor(distance / 12);
      weights[c] = std::exp(-0.5 * std::pow(2 * (distance - 6) / width, 2));
      norm += weights[c] * weights[c];
    }
    norm = std::sqrt(norm);
    const double stress = std::exp(-0.5 * std::pow((position[k] / 12 - kCenterOctave) / kOctaveWidth, 2));
    // Positions count from A; the result begins at C, three semitones higher.
    for (std::size_t c = 0; c < 12; ++c) filters.at((c + 9) % 12, k) = static_cast<float>(weights[c] / norm * stress);
  }
  return filters;
}

ChromaFilters::ChromaFilters(int sample_rate, int n_fft, double tuning) {
  const Matrix filters = chroma_filterbank(sample_rate, n_fft, tuning);
  weights_.resize(filters.data.size());
  for (std::size_t k = 0; k < filters.frames; ++k) {
    for (std::size_t c = 0; c < kClassCount; ++c) weights_[k * kClassCount + c] = filters.at(c, k);
  }
}

void ChromaFilters::apply(const float* power, float* chroma) const {
  weigh(power, weights_.data(), weights_.size() / kClassCount, chroma);
}

Matrix chroma(const Matrix& power, int sample_rate, double tuning) {
  const ChromaFilters filters(sample_rate, static_cast<int>(power.bins - 1) * 2, tuning);
  Matrix result(kClassCount, power.frames, power.hop);
  std::array<lanes::Row, kClassCount> strip;
  for_each_tile(power, [&](std::size_t first, std::size_t count, const float* tile) {
    filters.apply(tile, strip.front().value);
    put_strip(strip.front().value, first, count, result);
  });
  return result;
}

}  // namespace euterpe
