#pragma once
/// Which chord sounds in a frame: a small network that looks at the music from each of the twelve roots in turn.
#include <array>
#include <cstddef>
#include <vector>

#include "score/chord.hpp"
#include "signal/matrix.hpp"

namespace euterpe {

/// What the network tells apart for every root; diminished stands for half-diminished and diminished sevenths too.
inline constexpr std::array kHeardQualities = {ChordQuality::major,  ChordQuality::minor,     ChordQuality::dominant7,
                                               ChordQuality::major7, ChordQuality::minor7,    ChordQuality::sus2,
                                               ChordQuality::sus4,   ChordQuality::diminished};
inline constexpr std::size_t kHeardChords = 12 * kHeardQualities.size() + 1;  ///< the last is "no chord"

/// A frame as the network sees it: kChordGroups chromas (five registers, each now, just before and just after).
inline constexpr std::size_t kRegisters = 5, kChordGroups = 3 * kRegisters, kChordInputs = 12 * kChordGroups;

/// For each root the inputs, rotated so that they begin at the root, pass one hidden layer (ReLU) to one score a
/// quality; all roots share the weights. "No chord" is scored by the mean and the maximum of each chroma. The chords'
/// probabilities are the softmax of all scores.
struct ChordNetwork {
  static constexpr std::size_t kHidden = 16, kQualities = kHeardQualities.size();
  std::array<float, kChordInputs * kHidden> hidden;  ///< [inputs × hidden]
  std::array<float, kHidden> hidden_bias;
  std::array<float, kHidden * kQualities> output;  ///< [hidden × qualities]
  std::array<float, kQualities> output_bias;
  std::array<float, 2 * kChordGroups> none;  ///< of the means, then of the maxima
  float none_bias;
};

/// Learned by tools/learn_harmony.cpp.
extern const ChordNetwork kChordNetwork;
/// log P(chord | key) by share of time, learned likewise: [major, minor key][major chords on the tonic, a semitone
/// above …, then minor chords].
extern const std::array<std::array<float, 24>, 2> kChordsOfKey;

/// [frames × kChordInputs], row-major, group by group. `energy`: pitch_energy(), at any level: magnitudes are seen in
/// relation to what is heard within five seconds, logarithmically.
std::vector<float> chord_inputs(const Matrix& energy);

/// Scores of one frame before the softmax, in order of root, then quality, "no chord" last. `hidden`, if given, gets
/// the [12 × kHidden] values of the hidden layer.
void chord_scores(const ChordNetwork& network, const float* inputs, float* scores, float* hidden = nullptr);

/// [frames × kHeardChords], row-major.
std::vector<float> chord_probabilities(const Matrix& energy);

}  // namespace euterpe
