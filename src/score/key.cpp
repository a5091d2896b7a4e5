#include "score/key.hpp"

#include <algorithm>
#include <cmath>

#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

using Profile = std::array<double, 12>;

// Probe-tone ratings of Krumhansl and Kessler (1982), as in Krumhansl, Cognitive Foundations of Musical Pitch (1990).
constexpr Profile kMajor = {6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88};
constexpr Profile kMinor = {6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17};

/// A lead of 0.1 in correlation is what an unambiguous tonal piece shows; it maps to a confidence of 0.76.
constexpr double kClearLead = 0.1;

Profile centered(Profile p) {
  double mean = 0;
  for (const double v : p) mean += v / 12;
  for (double& v : p) v -= mean;
  return p;
}

double norm(const Profile& p) {
  double sum = 0;
  for (const double v : p) sum += v * v;
  return std::sqrt(sum);
}

}  // namespace

std::string KeyEstimate::name() const {
  static constexpr const char* kMajorNames[12] = {"C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"};
  static constexpr const char* kMinorNames[12] = {"C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"};
  const auto pc = static_cast<std::size_t>(((tonic % 12) + 12) % 12);
  return std::string(minor ? kMinorNames[pc] : kMajorNames[pc]) + (minor ? " minor" : " major");
}

KeySignature key_signature(const KeyEstimate& key) {
  const int fifths = 7 * (key.tonic + (key.minor ? 3 : 0)) % 12;  // along the circle from C, from A for minor
  return {0, static_cast<std::int8_t>(fifths > 6 ? fifths - 12 : fifths), key.minor};
}

KeyEstimate estimate_key(const std::array<double, 12>& pitch_class_weights) {
  Profile weights{};
  double largest = 0;
  for (std::size_t i = 0; i < 12; ++i) {
    weights[i] = std::isfinite(pitch_class_weights[i]) ? pitch_class_weights[i] : 0;
    largest = std::max(largest, std::abs(weights[i]));
  }
  weights = centered(weights);
  const double length = norm(weights);
  if (largest == 0 || length <= 1e-9 * largest) return {};  // silence, or every pitch class alike: no key is nearer

  KeyEstimate best;
  double first = -2, second = -2;
  for (const bool minor : {false, true}) {
    const Profile profile = centered(minor ? kMinor : kMajor);
    const double scale = length * norm(profile);
    for (std::size_t tonic = 0; tonic < 12; ++tonic) {
      double correlation = 0;
      for (std::size_t i = 0; i < 12; ++i) correlation += profile[i] * weights[(tonic + i) % 12];
      correlation /= scale;
      if (correlation > first) {
        second = first;
        first = correlation;
        best.tonic = static_cast<int>(tonic);
        best.minor = minor;
      } else {
        second = std::max(second, correlation);
      }
    }
  }
  best.confidence = std::tanh((first - second) / kClearLead);
  return best;
}

std::array<double, 12> pitch_class_durations(const Score& score) {
  std::array<double, 12> seconds{};
  const TempoMap tempo(score);
  for (const Track& track : score.tracks) {
    if (track.drums) continue;
    for (const Note& note : track.notes) {
      seconds[note.pitch % 12] += tempo.seconds_at(Ticks(note.end())).value - tempo.seconds_at(Ticks(note.start)).value;
    }
  }
  return seconds;
}

}  // namespace euterpe
