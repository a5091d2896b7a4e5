#include <algorithm>
#include <array>
#include <cmath>

#include "score/chord_decoding.hpp"
#include "score/harmony.hpp"
#include "score/key_weights.hpp"

namespace euterpe {
namespace {

/// Passages of neighboring beats share their notes: together they count as two independent ones, not as 32.
constexpr float kIndependent = 2;
constexpr float kModulationCost = 12;  ///< nats; tuned on pop909's train songs by cross-validation

}  // namespace

std::vector<KeySegment> estimate_keys(const BeatEvidence& evidence, const std::vector<ChordSegment>& chords) {
  const std::size_t beats = evidence.beats.size();
  if (beats == 0) return {};
  // A key is decoded as its tonic triad: one decoder serves both.
  ChordEvidence e;
  for (int tonic = 0; tonic < 12; ++tonic)
    for (const ChordQuality mode : {ChordQuality::major, ChordQuality::minor}) e.states.push_back({tonic, mode, 0});
  const std::size_t states = e.states.size();
  e.times = evidence.times;
  e.change_cost.assign(beats, kModulationCost);
  e.log_likelihood.resize(beats * states);
  const auto silent = [](const BeatWeights& beat) {
    return std::ranges::all_of(beat.all, [](float w) { return w == 0; });
  };
  if (std::ranges::all_of(evidence.beats, silent)) return {};
  const std::vector<KeyViews> views = key_views(evidence, chords);
  for (std::size_t t = 0; t < beats; ++t) {
    const KeyViews& x = views[t];
    std::array<double, 24> score{};
    double sum = 0;
    for (std::size_t s = 0; s < states; ++s) {
      const KeyWeights& w = kKeyWeights[s % 2];
      score[s] = w.bias;
      for (std::size_t v = 0; v < kKeyViews; ++v)
        for (std::size_t i = 0; i < 12; ++i) score[s] += static_cast<double>(w.interval[v][i] * x[v][(s / 2 + i) % 12]);
    }
    const double top = *std::max_element(score.begin(), score.end());
    for (const double v : score) sum += std::exp(v - top);
    for (std::size_t s = 0; s < states; ++s)
      e.log_likelihood[t * states + s] =
          static_cast<float>(score[s] - top - std::log(sum)) * kIndependent / static_cast<float>(kKeyPassage);
  }
  std::vector<KeySegment> keys;
  for (const ChordSegment& s : decode_chords(e))
    keys.push_back({s.start, s.end, s.chord.root, s.chord.quality == ChordQuality::minor, s.confidence});
  return keys;
}

std::vector<KeySegment> estimate_keys(const Score& score) {
  const BeatEvidence evidence = beat_evidence(score);
  return estimate_keys(evidence, estimate_chords(evidence));
}

KeyEstimate longest_key(const std::vector<KeySegment>& keys) {
  std::array<double, 24> seconds{}, sure{};
  double total = 0;
  for (const KeySegment& k : keys) {
    const auto of = static_cast<std::size_t>(k.tonic + (k.minor ? 12 : 0));
    seconds[of] += k.end - k.start;
    sure[of] += (k.end - k.start) * k.confidence;
    total += k.end - k.start;
  }
  if (total <= 0) return {};
  const auto best = static_cast<std::size_t>(std::max_element(seconds.begin(), seconds.end()) - seconds.begin());
  return {static_cast<int>(best % 12), best >= 12, std::clamp(sure[best] / total, 0.0, 1.0)};
}

KeyEstimate estimate_global_key(const Score& score) { return longest_key(estimate_keys(score)); }

}  // namespace euterpe
