#pragma once
/// Key from a pitch-class profile.
#include <array>
#include <string>

#include "score/score.hpp"

namespace euterpe {

struct KeyEstimate {
  int tonic = 0;           ///< pitch class, 0 = C
  bool minor = false;
  double confidence = 0;   ///< 0–1: lead of the best key's correlation over the next best's, squashed
  std::string name() const;  ///< "C# minor", "Eb major" (usual spelling)
};

/// With at most six signs: six sharps rather than six flats.
KeySignature key_signature(const KeyEstimate& key);

/// Krumhansl–Schmuckler (Krumhansl 1990): the key whose profile correlates best. All-zero input gives confidence 0.
/// estimate_global_key() (score/harmony.hpp) is right more often; this one stays what shipped weights have learned from.
KeyEstimate estimate_key(const std::array<double, 12>& pitch_class_weights);

/// Seconds of sounding per pitch class, drums left out.
std::array<double, 12> pitch_class_durations(const Score& score);

}  // namespace euterpe
