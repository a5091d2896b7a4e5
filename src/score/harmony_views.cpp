#include "score/harmony_views.hpp"

#include <algorithm>
#include <cmath>

#include "score/chord.hpp"

namespace euterpe {
namespace {

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

/// Of the beats between two running sums; the constant keeps short passages unsure.
KeyViews views_between(const Tally& before, const Tally& after) {
  constexpr double kUnsure = 0.5;
  Tally sounding;
  std::array<double, kViews> total{};
  for (std::size_t v = 0; v < kViews; ++v)
    for (std::size_t pc = 0; pc < 12; ++pc) total[v] += sounding[v][pc] = std::max(0.0, after[v][pc] - before[v][pc]);
  const double chords = total[kMajorChords] + total[kMinorChords] + kUnsure;
  const auto share = [&](View view, std::size_t pc) { return sounding[view][pc] / (total[view] + kUnsure); };
  KeyViews out;
  for (std::size_t pc = 0; pc < 12; ++pc) {
    out[0][pc] = static_cast<float>(share(kAll, pc));
    out[1][pc] = static_cast<float>(std::sqrt(share(kAll, pc)));
    out[2][pc] = static_cast<float>(share(kBass, pc));
    out[3][pc] = static_cast<float>(share(kTop, pc));
    out[4][pc] = static_cast<float>(std::sqrt(sounding[kMajorChords][pc] / chords));
    out[5][pc] = static_cast<float>(std::sqrt(sounding[kMinorChords][pc] / chords));
  }
  return out;
}

}  // namespace

ChordViews chord_views(const BeatWeights& beat) {
  constexpr float kUnsure = 0.25F;
  const std::array<const PitchClassWeights*, kChordViews> views = {&beat.all, &beat.low, &beat.bass, &beat.top};
  ChordViews out{};
  for (std::size_t v = 0; v < kChordViews; ++v) {
    float sum = kUnsure;
    for (const float w : *views[v]) sum += w;
    for (std::size_t pc = 0; pc < 12; ++pc) {
      const float share = (*views[v])[pc] / sum;
      out[v][pc] = v < 2 ? std::sqrt(share) : share;
    }
  }
  return out;
}

std::vector<KeyViews> key_views(const BeatEvidence& evidence, const std::vector<ChordSegment>& chords) {
  const std::size_t beats = evidence.beats.size();
  const std::vector<Tally> sums = running_sums(evidence, chords);
  std::vector<KeyViews> views(beats);
  for (std::size_t t = 0; t < beats; ++t) {
    const std::size_t from = t - std::min(t, kKeyPassage / 2), to = std::min(t + kKeyPassage / 2, beats);
    views[t] = views_between(sums[from], sums[to]);
  }
  return views;
}

}  // namespace euterpe
