#include "signal/chord_model.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/pitch_energy.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kBands = 12 * kRegisters;

/// Weight of each pitch in each register: triangles that overlap so that every pitch counts once in sum.
std::array<std::array<float, kPitchEnergyCount>, kRegisters> register_weights() {
  constexpr double kFirst = 10, kStep = 14;  // B♭1, C3, D4, E5, F♯6
  std::array<std::array<float, kPitchEnergyCount>, kRegisters> weights{};
  for (int p = 0; p < kPitchEnergyCount; ++p) {
    const double place = std::clamp((p - kFirst) / kStep, 0.0, static_cast<double>(kRegisters - 1));
    for (std::size_t r = 0; r < kRegisters; ++r) {
      const double distance = std::abs(place - static_cast<double>(r));
      weights[r][static_cast<std::size_t>(p)] = static_cast<float>(std::max(0.0, 1 - distance));
    }
  }
  return weights;
}

/// Level that a frame is heard against: of the frames within five seconds, never far below the whole recording's.
std::vector<float> surrounding_level(const Matrix& energy) {
  constexpr double kSeconds = 5, kHeadroom = 1.3, kFloor = 0.03;
  const std::size_t frames = energy.frames, reach = static_cast<std::size_t>(kSeconds / energy.hop);
  std::vector<double> sums(frames + 1, 0.0);
  for (std::size_t t = 0; t < frames; ++t) {
    float loudest = 0;
    for (std::size_t p = 0; p < energy.bins; ++p) loudest = std::max(loudest, energy.at(p, t));
    sums[t + 1] = sums[t] + static_cast<double>(loudest) * static_cast<double>(loudest);
  }
  const double floor = kFloor * std::sqrt(sums.back() / static_cast<double>(frames));
  std::vector<float> level(frames);
  for (std::size_t t = 0; t < frames; ++t) {
    const std::size_t first = t - std::min(t, reach), last = std::min(frames, t + reach + 1);
    const double local = kHeadroom * std::sqrt((sums[last] - sums[first]) / static_cast<double>(last - first));
    level[t] = static_cast<float>(std::max({local, floor, 1e-9}));
  }
  return level;
}

EUTERPE_HOT void accumulate(const float* inputs, const float* weights, float* hidden) {
  constexpr std::size_t kHidden = ChordNetwork::kHidden;
  float sum[kHidden];
  for (std::size_t j = 0; j < kHidden; ++j) sum[j] = hidden[j];
  for (std::size_t i = 0; i < 12; ++i) {
    for (std::size_t j = 0; j < kHidden; ++j) sum[j] += inputs[i] * weights[i * kHidden + j];
  }
  for (std::size_t j = 0; j < kHidden; ++j) hidden[j] = sum[j];
}

}  // namespace

std::vector<float> chord_inputs(const Matrix& energy) {
  EUTERPE_ASSERT(energy.bins == kPitchEnergyCount && energy.frames > 0);
  constexpr float kCompression = 200;
  static const auto weights = register_weights();
  const std::vector<float> level = surrounding_level(energy);

  // Running sums of the five chromas, for means over any stretch of frames.
  std::vector<double> sums((energy.frames + 1) * kBands, 0.0);
  for (std::size_t t = 0; t < energy.frames; ++t) {
    double* now = sums.data() + (t + 1) * kBands;
    std::copy_n(now - kBands, kBands, now);
    for (std::size_t p = 0; p < energy.bins; ++p) {
      const float heard = std::log1p(kCompression * energy.at(p, t) / level[t]);
      for (std::size_t r = 0; r < kRegisters; ++r) now[12 * r + p % 12] += static_cast<double>(weights[r][p] * heard);
    }
  }
  struct Stretch {
    std::ptrdiff_t from, to;  // frames relative to this one
  };
  constexpr std::array<Stretch, 3> kStretches = {{{-2, 3}, {-10, -2}, {3, 11}}};  // 0.23 s, and 0.37 s to either side
  std::vector<float> inputs(energy.frames * kChordInputs);
  const auto frames = static_cast<std::ptrdiff_t>(energy.frames);
  for (std::ptrdiff_t t = 0; t < frames; ++t) {
    float* out = inputs.data() + static_cast<std::size_t>(t) * kChordInputs;
    for (const auto& [from, to] : kStretches) {
      const auto first = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(t + from, 0, frames));
      const auto last = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(t + to, 0, frames));
      const double count = std::max(1.0, static_cast<double>(last) - static_cast<double>(first));
      for (std::size_t b = 0; b < kBands; ++b) {
        *out++ = static_cast<float>((sums[last * kBands + b] - sums[first * kBands + b]) / count);
      }
    }
  }
  return inputs;
}

void chord_scores(const ChordNetwork& network, const float* inputs, float* scores, float* hidden) {
  constexpr std::size_t kHidden = ChordNetwork::kHidden, kQualities = ChordNetwork::kQualities;
  std::array<float, 24 * kChordGroups> twice;  // every chroma written twice, so that a rotation is a slice
  float none = network.none_bias;
  for (std::size_t g = 0; g < kChordGroups; ++g) {
    const float* chroma = inputs + 12 * g;
    std::copy_n(chroma, 12, twice.data() + 24 * g);
    std::copy_n(chroma, 12, twice.data() + 24 * g + 12);
    float sum = 0, largest = chroma[0];
    for (std::size_t i = 0; i < 12; ++i) sum += chroma[i], largest = std::max(largest, chroma[i]);
    none += network.none[g] * sum / 12 + network.none[kChordGroups + g] * largest;
  }
  for (std::size_t root = 0; root < 12; ++root) {
    std::array<float, kHidden> layer = network.hidden_bias;
    for (std::size_t g = 0; g < kChordGroups; ++g) {
      accumulate(twice.data() + 24 * g + root, network.hidden.data() + 12 * g * kHidden, layer.data());
    }
    float* out = scores + root * kQualities;
    std::ranges::copy(network.output_bias, out);
    for (std::size_t j = 0; j < kHidden; ++j) {
      layer[j] = std::max(layer[j], 0.0f);
      for (std::size_t q = 0; q < kQualities; ++q) out[q] += layer[j] * network.output[j * kQualities + q];
    }
    if (hidden) std::ranges::copy(layer, hidden + root * kHidden);
  }
  scores[kHeardChords - 1] = none;
}

std::vector<float> chord_probabilities(const Matrix& energy) {
  const std::vector<float> inputs = chord_inputs(energy);
  std::vector<float> result(energy.frames * kHeardChords);
  for (std::size_t t = 0; t < energy.frames; ++t) {
    float* scores = result.data() + t * kHeardChords;
    chord_scores(kChordNetwork, inputs.data() + t * kChordInputs, scores);
    const float largest = *std::max_element(scores, scores + kHeardChords);
    float sum = 0;
    for (std::size_t i = 0; i < kHeardChords; ++i) sum += scores[i] = std::exp(scores[i] - largest);
    for (std::size_t i = 0; i < kHeardChords; ++i) scores[i] /= sum;
  }
  return result;
}

}  // namespace euterpe
