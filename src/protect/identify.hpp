#pragma once
/// Which track of the index is heard in a recording, and where.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "protect/landmark_index.hpp"

namespace euterpe {

/// A match counts from this score on: decimal digits by which chance is ruled out, beyond what the size of the index
/// lets chance try. How it was chosen stands in docs/protect.md.
inline constexpr double kIdentifyThreshold = 6.0;
inline constexpr double kIdentifyMinSeconds = 1.0;  ///< shorter queries hold too little to tell anything

struct IdentifyOptions {
  std::size_t top = 5;  ///< candidates returned, at most, one a track
  double stretch =
      12;  ///< seconds that are judged together; a longer query is judged in stretches that overlap by half
};

struct Match {
  std::size_t track = 0;      ///< ordinal in the index
  std::string id;             ///< the track's id
  double offset = 0;          ///< seconds: where in the track the query's `begin` stands; may be negative by a little
  double begin = 0, end = 0;  ///< seconds of the query that were judged
  int compared = 0;           ///< peaks of the track in that stretch
  int matched = 0;            ///< of them found in the query, within one frame and one bin
  double expected = 0;        ///< as many would be by chance
  double score = 0;           ///< −log10 of the chance that any place of the index matches so well
  double contrast = 0;        ///< score above the best other track's (≥ 0 for the first)
};

/// Candidates, best first, accepted or not: compare `score` with kIdentifyThreshold. Empty if nothing stands out at all
/// (silence, an empty index) or the query is shorter than kIdentifyMinSeconds.
///
/// Landmarks of the query vote for differences of time (Wang 2003); the differences with the most votes (± 1 frame) are
/// verified: all peaks of the track's constellation there are looked for in the query's, and their number is compared
/// with what chance gives (Chernoff bound of the binomial tail; the rate of chance follows the query's own chords and
/// beats, and how far peaks depend on each other is measured at places where the track does not belong). A pair needs
/// two peaks that survive, the verification one, so a match is certain well before the votes alone would say so. \param
/// mono at kLandmarkRate, full scale ±1. Thread-safe.
std::vector<Match> identify(const LandmarkIndex& index, std::span<const float> mono,
                            const IdentifyOptions& options = {});

}  // namespace euterpe
