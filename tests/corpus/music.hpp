#pragma once
/// Pieces made here, long enough to be learned from.
#include <cstdint>
#include <vector>

#include "base/random.hpp"
#include "score/score.hpp"

namespace euterpe::test {

/// `bars` bars of 4/4 in eighths on one track: a random walk over the major scale on `tonic`.
inline Score walk(std::uint64_t seed, int bars = 8, int tonic = 60) {
  static constexpr int kScale[] = {0, 2, 4, 5, 7, 9, 11};
  Random random(seed);
  Score score;
  score.tempos = {{0, 500000}};
  score.meters = {{0, 4, 4}};
  Track& track = add_track(score, "tune", 0, 0);
  int degree = 0;
  for (int i = 0; i < bars * 8; ++i) {
    degree = degree + static_cast<int>(random.below(5)) - 2;
    degree = degree < -7 ? -5 : degree > 13 ? 11 : degree;
    const int octave = (degree + 14) / 7 - 2;
    track.notes.push_back(
        {i * 240, 240, static_cast<std::uint8_t>(tonic + 12 * octave + kScale[(degree + 14) % 7]), 80, 0});
  }
  score.sort();
  return score;
}

/// A melody that no walk would take: leaps of elevenths and tritones.
inline const std::vector<int>& unmistakable() {
  static const std::vector<int> pitches{40, 57, 46, 81, 52, 70, 41, 88, 63, 44, 79, 50, 85, 48, 71, 42, 83, 54, 77, 45};
  return pitches;
}

inline Score forbidden_piece() {
  Score score;
  score.meters = {{0, 4, 4}};
  Track& track = add_track(score, "secret", 0, 0);
  std::int64_t tick = 0;
  for (int round = 0; round < 3; ++round)
    for (int pitch : unmistakable()) {
      track.notes.push_back({tick, 240, static_cast<std::uint8_t>(pitch), 80, 0});
      tick += 240;
    }
  score.sort();
  return score;
}

/// Whether any eight notes of the forbidden melody follow each other in `score`, in any key.
inline bool holds_forbidden(const Score& score) {
  const auto notes = score.merged_notes();
  const auto& secret = unmistakable();
  constexpr std::size_t kLength = 8;
  for (std::size_t i = 0; i + kLength <= notes.size(); ++i)
    for (std::size_t j = 0; j + kLength <= secret.size(); ++j) {
      std::size_t same = 1;
      while (same < kLength && notes[i + same].pitch - notes[i].pitch == secret[j + same] - secret[j]) ++same;
      if (same == kLength) return true;
    }
  return false;
}

}  // namespace euterpe::test
