#pragma once
/// Whether the bar lines at which a gap was filled can be told from those that were always there.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "score/descriptors.hpp"

namespace euterpe {

/// A bar line with the gap on one side of it.
struct SeamPlace {
  int line = 0;       ///< sixteenths
  int bar = 16;       ///< length of the bars around it, sixteenths
  bool entry = true;  ///< the gap begins here; else it ends here
};

/// What a listener could notice within a bar on either side: steps of the highest and the lowest line over the bar
/// line, what is held, struck and left out there, common tones, notes foreign to the other side's scale; how each of
/// the two bars sounds (density, polyphony, lengths, register, steps, offbeats, dissonance …), how they differ, and
/// what they repeat of each other in rhythm, harmony and melody. Bars are named from the gap's side, inside and
/// outside. Does not change with transposition where both bars have notes; one where none begins counts as being at
/// middle C, so that how far the other is from there says how high it is. Finite, in the order of seam_feature_names().
/// \param notes by (onset, pitch)
std::vector<float> seam_features(std::span<const GridNote> notes, const SeamPlace& at);
const std::vector<std::string>& seam_feature_names();

/// Features of the same bar lines in two versions of the music.
struct SeamPair {
  std::vector<float> real, other;
  std::string group;  ///< the piece: what is tested has not been learned from, nor another seam of its piece
  bool entry = true;
};

struct SeamTest {
  double accuracy = 0.5;           ///< both classes are equally frequent
  double error = 0;                ///< standard error of it, with pieces as what is independent
  double entry = 0.5, exit = 0.5;  ///< accuracy where the gap begins, and where it ends
};

/// The mean vote of a forest of extremely randomized trees, a random forest and a Gaussian kernel machine, by ten folds
/// of pieces (fewer where there are fewer than ten). A tie counts as half. At least two groups.
SeamTest tell_seams(std::span<const SeamPair> pairs, std::uint64_t seed);

}  // namespace euterpe
