#include "signal/audio_harmony.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "score/chord_decoding.hpp"
#include "score/harmony.hpp"
#include "signal/beat_tracking.hpp"
#include "signal/chord_model.hpp"
#include "signal/pitch_energy.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kTriads = 25;  ///< as majmin_class() counts, "no chord" last

/// Frames 46 ms apart look at the same third of a second: what they say counts as one opinion of this share each.
constexpr float kFrameShare = 0.1f;
/// Nats for a change of chord where the beats are not known; where they are: between beats, on a beat, on a downbeat.
/// Tuned on POP909's validation songs, with caution: a beat may be misplaced.
constexpr float kChangeCost = 3.5f, kOffBeatCost = 5, kBeatCost = 3, kDownbeatCost = 2.5f;
/// A suspended or diminished chord replaces a triad only if it is as probable as this: a triad is right more often.
constexpr float kCertain = 0.7f;
/// Mean over the frames of the likeliest chord's probability below which no chords are heard at all: speech and noise
/// lie between 0.04 and 0.12, of Emotify's 260 recordings fourteen below 0.12, twelve of them electronic.
constexpr float kAnyChords = 0.12f;
/// What a second of a chord says of the key, in shares of log P(chord | key), and nats for a modulation.
constexpr float kKeyNatsPerSecond = 0.1f, kModulationCost = 6;

/// Probability of each triad and of no chord, [25], of a frame: sevenths count to the triad they are built on.
std::array<float, kTriads> triads(const float* probabilities) {
  std::array<float, kTriads> result{};
  for (std::size_t root = 0; root < 12; ++root) {
    for (std::size_t q = 0; q < kHeardQualities.size(); ++q) {
      const int triad = majmin_class({static_cast<int>(root), kHeardQualities[q], 0});
      if (triad >= 0) result[static_cast<std::size_t>(triad)] += probabilities[root * kHeardQualities.size() + q];
    }
  }
  result[kTriads - 1] = probabilities[kHeardChords - 1];
  return result;
}

/// The same chord with the quality that the frames [first, last) speak for.
Chord refine(const Chord& triad, const std::vector<float>& probabilities, std::size_t first, std::size_t last) {
  if (triad.root < 0 || first >= last) return triad;
  constexpr std::size_t kCount = kHeardQualities.size();
  std::array<float, kCount> mean{};
  for (std::size_t t = first; t < last; ++t) {
    const float* frame = probabilities.data() + t * kHeardChords + static_cast<std::size_t>(triad.root) * kCount;
    for (std::size_t q = 0; q < kCount; ++q) mean[q] += frame[q] / static_cast<float>(last - first);
  }
  Chord best = triad;
  float most = 0;
  for (std::size_t q = 0; q < kCount; ++q) {
    const Chord candidate{triad.root, kHeardQualities[q], 0};
    const int named = majmin_class(candidate);
    if (named == majmin_class(triad) ? mean[q] > most : named < 0 && mean[q] > std::max(kCertain, most)) {
      best = candidate;
      most = mean[q];
    }
  }
  return best;
}

/// Semitones above the root of the tone that lies in the bass nearly all the time; else the root itself.
int bass_above_root(const Chord& chord, const Matrix& energy, std::size_t first, std::size_t last) {
  constexpr std::size_t kReach = 40;                     // up to E4
  constexpr float kStrong = 0.3f, kNearlyAlways = 0.8f;  // of a frame's loudest pitch; of the frames with a bass
  constexpr std::size_t kLinger = 2;                     // frames in which the chord before still sounds
  std::array<float, 12> counts{};
  float all = 0;
  for (std::size_t t = first + kLinger; t < last; ++t) {
    float loudest = 0;
    for (std::size_t p = 0; p < energy.bins; ++p) loudest = std::max(loudest, energy.at(p, t));
    std::size_t lowest = 0;
    while (lowest < kReach && energy.at(lowest, t) <= kStrong * loudest) ++lowest;
    if (lowest == kReach) continue;
    ++counts[(lowest + 12 - static_cast<std::size_t>(chord.root)) % 12];
    ++all;
  }
  const auto most = std::ranges::max_element(counts);
  const auto tone = static_cast<int>(most - counts.begin());
  return *most > kNearlyAlways * all && (chord_intervals(chord.quality) >> tone & 1) != 0 ? tone : 0;
}

std::vector<ChordSegment> decode(const std::vector<float>& probabilities, const Matrix& energy,
                                 std::span<const Beat> beats, double end) {
  const std::size_t frames = energy.frames;
  const double hop = energy.hop;
  ChordEvidence evidence;
  evidence.states = chord_states({ChordQuality::major, ChordQuality::minor});
  evidence.log_likelihood.reserve(frames * evidence.states.size());
  for (std::size_t t = 0; t < frames; ++t) {
    evidence.times.push_back(t == 0 ? 0 : std::min(end, (static_cast<double>(t) - 0.5) * hop));
    const auto frame = triads(probabilities.data() + t * kHeardChords);
    for (const Chord& state : evidence.states) {
      const float p = frame[static_cast<std::size_t>(majmin_class(state))];
      evidence.log_likelihood.push_back(kFrameShare * std::log(p + 1e-6f));
    }
  }
  evidence.times.push_back(end);
  evidence.change_cost.assign(frames, beats.empty() ? kChangeCost : kOffBeatCost);
  for (const Beat& beat : beats) {
    const auto t = static_cast<std::size_t>(std::max(0.0, std::ceil(beat.time / hop)));
    if (t == 0 || t >= frames || beat.time >= end) continue;
    evidence.times[t] = beat.time;  // between the middles of its neighbors
    evidence.change_cost[t] = beat.position == 1 ? kDownbeatCost : kBeatCost;
  }
  std::vector<ChordSegment> chords = decode_chords(evidence);
  for (ChordSegment& segment : chords) {
    const auto unit_at = [&](double seconds) {
      return static_cast<std::size_t>(std::ranges::lower_bound(evidence.times, seconds) - evidence.times.begin());
    };
    const std::size_t first = unit_at(segment.start), last = unit_at(segment.end);
    segment.chord = refine(segment.chord, probabilities, first, last);
    if (segment.chord.root >= 0) segment.chord.bass = bass_above_root(segment.chord, energy, first, last);
  }
  return chords;
}

/// Keys by the chords that they are made of, in the decoder's own terms: a state is the key's tonic triad.
ChordEvidence key_evidence(const std::vector<ChordSegment>& chords) {
  ChordEvidence evidence;
  for (const Chord& state : chord_states({ChordQuality::major, ChordQuality::minor})) {
    if (state.root >= 0) evidence.states.push_back(state);
  }
  evidence.times.push_back(chords.front().start);
  for (const ChordSegment& segment : chords) {
    evidence.times.push_back(segment.end);
    const int triad = majmin_class(segment.chord);
    const auto seconds = static_cast<float>(segment.end - segment.start);
    for (const Chord& key : evidence.states) {
      float nats = 0;  // no chord, or one that is no triad, says nothing
      if (triad >= 0 && triad < 24) {
        const int degree = (triad - key.root + 12) % 12 + triad / 12 * 12;
        nats = kChordsOfKey[key.quality == ChordQuality::minor][static_cast<std::size_t>(degree)];
      }
      evidence.log_likelihood.push_back(kKeyNatsPerSecond * seconds * nats);
    }
  }
  evidence.change_cost.assign(chords.size(), kModulationCost);
  return evidence;
}

std::vector<KeySegment> keys_of(const std::vector<ChordSegment>& chords) {
  std::vector<KeySegment> keys;
  if (std::ranges::none_of(chords, [](const ChordSegment& c) { return c.chord.root >= 0; })) return keys;
  for (const ChordSegment& segment : decode_chords(key_evidence(chords))) {
    keys.push_back({segment.start, segment.end, segment.chord.root, segment.chord.quality == ChordQuality::minor,
                    segment.confidence});
  }
  return keys;
}

bool hears_chords(const std::vector<float>& probabilities) {
  double likeliest = 0, frames = 0;
  for (auto frame = probabilities.begin(); frame != probabilities.end(); frame += kHeardChords, ++frames)
    likeliest += *std::max_element(frame, frame + kHeardChords - 1);
  return likeliest >= kAnyChords * frames;
}

std::vector<ChordSegment> chords_of(std::span<const float> mono, std::span<const Beat> beats) {
  if (mono.empty()) return {};
  const double end = static_cast<double>(mono.size()) / kPitchEnergyRate;
  const Matrix energy = pitch_energy(mono);
  const std::vector<float> probabilities = chord_probabilities(energy);
  if (!hears_chords(probabilities)) return {{0, end, Chord{}, 1}};
  return decode(probabilities, energy, beats, end);
}

std::vector<ChordSegment> chords_of(std::span<const float> mono) { return chords_of(mono, track_beats(mono).beats); }

}  // namespace

AudioHarmony estimate_harmony(std::span<const float> mono22050, std::span<const Beat> beats) {
  AudioHarmony harmony;
  harmony.chords = chords_of(mono22050, beats);
  harmony.keys = keys_of(harmony.chords);
  harmony.key = longest_key(harmony.keys);
  return harmony;
}

AudioHarmony estimate_harmony(std::span<const float> mono22050) {
  return estimate_harmony(mono22050, track_beats(mono22050).beats);
}

std::vector<ChordSegment> estimate_chords(std::span<const float> mono22050) { return chords_of(mono22050); }
std::vector<KeySegment> estimate_keys(std::span<const float> mono22050) { return keys_of(chords_of(mono22050)); }
KeyEstimate estimate_global_key(std::span<const float> mono22050) { return longest_key(estimate_keys(mono22050)); }

}  // namespace euterpe
