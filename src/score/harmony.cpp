#include "score/harmony.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "score/chord_decoding.hpp"
#include "score/chord_weights.hpp"

namespace euterpe {
namespace {

/// Nats for another chord on a beat; tuned on pop909's valid songs.
constexpr float kChangeCost = 2.5F;

/// Log probabilities of the states in the order of chord_states(): root, then quality, silence last.
void chord_log_probabilities(const BeatWeights& beat, float* out) {
  const ChordViews x = chord_views(beat);
  const std::size_t states = 12 * kChordWeights.size() + 1;
  for (std::size_t root = 0; root < 12; ++root) {
    for (std::size_t q = 0; q < kChordWeights.size(); ++q) {
      const ChordWeights& w = kChordWeights[q];
      float sum = w.bias;
      for (std::size_t v = 0; v < kChordViews; ++v)
        for (std::size_t i = 0; i < 12; ++i) sum += w.interval[v][i] * x[v][(root + i) % 12];
      out[root * kChordWeights.size() + q] = sum;
    }
  }
  float silence = kSilenceWeights.bias;
  for (std::size_t v = 0; v < kChordViews; ++v)
    for (std::size_t pc = 0; pc < 12; ++pc) silence += kSilenceWeights.view[v] * x[v][pc];
  out[states - 1] = silence;
  const float top = *std::max_element(out, out + states);
  double total = 0;
  for (std::size_t s = 0; s < states; ++s) total += std::exp(static_cast<double>(out[s] - top));
  const float shift = top + static_cast<float>(std::log(total));
  for (std::size_t s = 0; s < states; ++s) out[s] -= shift;
}

enum class Part {
  bass,   ///< the lowest line
  inner,  ///< all but the highest, where melodies pass by
};

/// How long each tone sounds in a part during beats [from, to), by semitones above the root.
std::array<float, 12> tones(const BeatEvidence& evidence, std::size_t from, std::size_t to, int root, Part part) {
  std::array<float, 12> out{};
  for (std::size_t t = from; t < to; ++t) {
    const BeatWeights& beat = evidence.beats[t];
    for (std::size_t i = 0; i < 12; ++i) {
      const std::size_t pc = (static_cast<std::size_t>(root) + i) % 12;
      out[i] += part == Part::bass ? beat.bass[pc] : std::max(0.0F, beat.all[pc] - beat.top[pc]);
    }
  }
  return out;
}

/// A seventh that sounds nearly as much as the triad's own tones belongs to the chord. Annotators name it less often
/// than it sounds, and so do the weights learned from them.
ChordQuality with_seventh(ChordQuality quality, const std::array<float, 12>& tones) {
  constexpr float kBelongs = 0.6F;  // of the triad's mean; tuned on pop909's valid songs
  if (quality != ChordQuality::major && quality != ChordQuality::minor) return quality;
  const bool minor = quality == ChordQuality::minor;
  const float enough = kBelongs / 3 * (tones[0] + tones[minor ? 3 : 4] + tones[7]);
  if (enough <= 0) return quality;
  if (tones[10] >= enough && tones[10] >= tones[11]) return minor ? ChordQuality::minor7 : ChordQuality::dominant7;
  return !minor && tones[11] >= enough ? ChordQuality::major7 : quality;
}

/// The tone of the chord that is longest in the bass, in semitones above the root; 0 if none is.
int sounding_bass(ChordQuality quality, const std::array<float, 12>& bass) {
  const auto longest = static_cast<int>(std::max_element(bass.begin(), bass.end()) - bass.begin());
  return (chord_intervals(quality) >> longest & 1) != 0 ? longest : 0;
}

/// Joins what a seventh or bass found later has made equal.
void append(std::vector<ChordSegment>& chords, const ChordSegment& next) {
  if (chords.empty() || chords.back().chord != next.chord) return chords.push_back(next);
  ChordSegment& last = chords.back();
  const double length = last.end - last.start, more = next.end - next.start;
  last.confidence = (last.confidence * length + next.confidence * more) / std::max(length + more, 1e-9);
  last.end = next.end;
}

}  // namespace

std::vector<ChordSegment> estimate_chords(const BeatEvidence& evidence) {
  if (evidence.beats.empty()) return {};
  ChordEvidence e;
  std::vector<ChordQuality> qualities;
  for (const ChordWeights& w : kChordWeights) qualities.push_back(w.quality);
  e.states = chord_states(qualities);
  e.times = evidence.times;
  e.change_cost.assign(evidence.beats.size(), kChangeCost);
  e.log_likelihood.resize(evidence.beats.size() * e.states.size());
  for (std::size_t t = 0; t < evidence.beats.size(); ++t)
    chord_log_probabilities(evidence.beats[t], &e.log_likelihood[t * e.states.size()]);
  std::vector<ChordSegment> chords;
  std::size_t from = 0;
  for (ChordSegment c : decode_chords(e)) {
    const auto to = static_cast<std::size_t>(std::lower_bound(evidence.times.begin(), evidence.times.end(), c.end) -
                                             evidence.times.begin());
    if (c.chord.root >= 0) {
      c.chord.quality = with_seventh(c.chord.quality, tones(evidence, from, to, c.chord.root, Part::inner));
      c.chord.bass = sounding_bass(c.chord.quality, tones(evidence, from, to, c.chord.root, Part::bass));
    }
    from = to;
    append(chords, c);
  }
  return chords;
}

std::vector<ChordSegment> estimate_chords(const Score& score) { return estimate_chords(beat_evidence(score)); }

}  // namespace euterpe
