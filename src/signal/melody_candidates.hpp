#pragma once
/// The pitches of a mix that may be its melody, and what is known of each; tools/learn_melody.cpp learns from the same.
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "signal/melody_salience.hpp"

namespace euterpe {

/// Recordings are listened to in pieces, each with context on both sides.
inline constexpr std::size_t kMelodyPiece = 1536, kMelodyContext = 256;  ///< frames
inline constexpr std::size_t kMelodyCandidates = 10;                     ///< a frame at most
inline constexpr std::size_t kMelodyFeatures = 33;
inline constexpr std::size_t kHeightFeature = 14;  ///< octaves above Bb4; the next is its square

/// What is known of the pitches in a stretch of audio; row t of each array is frame t.
struct MelodyStretch {
  std::size_t frames = 0;
  std::vector<float> peaks, salience;   ///< [frames × kPeakBins], [frames × kBins]
  std::vector<float> energy, greatest;  ///< log energy; greatest salience
  float level = 0, mean_energy = 0;     ///< means of these two over the stretch

  std::span<const float> peaks_at(std::size_t t) const {
    return {&peaks[t * MelodySalience::kPeakBins], MelodySalience::kPeakBins};
  }
  std::span<const float> salience_at(std::size_t t) const {
    return {&salience[t * MelodySalience::kBins], MelodySalience::kBins};
  }
  /// The log energy and the log of the greatest salience of a frame, over their means: what silence is told by.
  std::array<float, 2> loudness(std::size_t t) const;
};

/// Frames [begin, end) of the recording.
MelodyStretch melody_stretch(std::span<const float> mono22050, std::size_t begin, std::size_t end,
                             MelodySalience& salience);

struct MelodyCandidate {
  float pitch = 0;  ///< MIDI, fractional
  float salience = 0;
  std::array<float, kMelodyFeatures> features{};
};

/// The most salient pitches of frame t and what may tell which of them is the melody.
std::vector<MelodyCandidate> melody_candidates(const MelodyStretch& stretch, std::size_t t, const MelodySalience& grid);

}  // namespace euterpe
