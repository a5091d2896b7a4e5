#include <algorithm>
#include <array>
#include <cmath>

#include "score/chord_decoding.hpp"
#include "score/harmony.hpp"
#include "score/key_weights.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kPassage = 32;  ///< beats that a key is judged by
/// Passages of neighboring beats share their notes: together they count as two independent ones, not as 32.
constexpr float kIndependent = 2;
constexpr float kModulationCost = 12;  ///< nats; tuned on pop909's train songs by cross-validation

enum View { kAll, kBass, kTop, kMajorChords, kMinorChords, kViews };
using Tally = std::array<std::array<double, 12>, kViews>;

/// Sums of all beats before t, t = 0 … T.
std::vector<Tally> running_sums(const BeatEvidence& evidence, const std::vector<ChordSegment>& chords) {
  std::vector<Tally> sums{Tally{}};
  std::size_t at = 0;
  for (std::size_t t = 0; t < evidence.beats.size(); ++t) {
    Tally sum = sums.back();
    const BeatWeights& beat = evidence.beats[t];
    for (std::size_t pc = 0; pc < 12; ++pc) {
      sum[kAll][pc] += beat.all[pc];
      sum[kBass][pc] += beat.bass[pc];
      sum[kTop][pc] += beat.top[pc];
    }
    while (at < chords.size() && chords[at].end <= evidence.times[t]) ++at;
    if (at < chords.size()) {
      const int of = majmin_class(chords[at].chord);
      if (of >= 0 && of < 24) sum[of < 12 ? kMajorChords : kMinorChords][static_cast<std::size_t>(of % 12)] += 1;
    }
    sums.push_back(sum);
  }
  return sums;
}

using Features = std::array<std::array<double, 12>, kKeyViews>;

/// Of the beats between two running sums; the constant keeps short passages unsure.
Features features(const Tally& before, const Tally& after) {
  constexpr double kUnsure = 0.5;
  Tally sounding;
  std::array<double, kViews> total{};
  for (std::size_t v = 0; v < kViews; ++v)
    for (std::size_t pc = 0; pc < 12; ++pc) total[v] += sounding[v][pc] = std::max(0.0, after[v][pc] - before[v][pc]);
  const double chords = total[kMajorChords] + total[kMinorChords];
  Features out;
  for (std::size_t pc = 0; pc < 12; ++pc) {
    out[0][pc] = sounding[kAll][pc] / (total[kAll] + kUnsure);
    out[1][pc] = std::sqrt(out[0][pc]);
    out[2][pc] = sounding[kBass][pc] / (total[kBass] + kUnsure);
    out[3][pc] = sounding[kTop][pc] / (total[kTop] + kUnsure);
    out[4][pc] = std::sqrt(sounding[kMajorChords][pc] / (chords + kUnsure));
    out[5][pc] = std::sqrt(sounding[kMinorChords][pc] / (chords + kUnsure));
  }
  return out;
}

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
  const std::vector<Tally> sums = running_sums(evidence, chords);
  if (std::all_of(sums.back()[kAll].begin(), sums.back()[kAll].end(), [](double w) { return w == 0; })) return {};
  for (std::size_t t = 0; t < beats; ++t) {
    const std::size_t from = t - std::min(t, kPassage / 2), to = std::min(t + kPassage / 2, beats);
    const Features x = features(sums[from], sums[to]);
    std::array<double, 24> score{};
    double sum = 0;
    for (std::size_t s = 0; s < states; ++s) {
      const KeyWeights& w = kKeyWeights[s % 2];
      score[s] = w.bias;
      for (std::size_t v = 0; v < kKeyViews; ++v)
        for (std::size_t i = 0; i < 12; ++i) score[s] += w.interval[v][i] * x[v][(s / 2 + i) % 12];
    }
    const double top = *std::max_element(score.begin(), score.end());
    for (const double v : score) sum += std::exp(v - top);
    for (std::size_t s = 0; s < states; ++s)
      e.log_likelihood[t * states + s] =
          static_cast<float>(score[s] - top - std::log(sum)) * kIndependent / static_cast<float>(kPassage);
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
