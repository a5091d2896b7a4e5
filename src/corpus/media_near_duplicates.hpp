#pragma once
/// The same recording under two names: re-encoded, cut, louder or softer. Landmarks propose pairs without comparing all
/// with all, aligned waveforms decide, so that two recordings of one piece are no duplicates.
#include <filesystem>
#include <span>
#include <vector>

#include "signal/landmarks.hpp"

namespace euterpe {

struct DuplicateOptions {
  double shortest = 2;       ///< seconds that two files must share
  double correlation = 0.7;  ///< of the aligned waveforms, the median over windows of 1 s; 0 takes every proposal
  int votes = 12;            ///< pairs of peaks at one offset that make a proposal; fewer propose more and cost more
};

/// Two files that share a stretch of one recording.
struct DuplicatePair {
  std::size_t a = 0, b = 0;  ///< indices, a < b
  double offset = 0;         ///< seconds: what sounds at t in b sounds at t + offset in a
  double overlap = 0;        ///< seconds they share
  int votes = 0;             ///< pairs of peaks that agree on the offset
  double correlation = 0;    ///< median over windows of 1 s of |cross-correlation| / energy at one lag, 0–1
  double jitter = 0;         ///< seconds: median distance of the windows' own best lags from that of all
  double gain_db = 0;        ///< level of b over a where they overlap
  bool inverted = false;     ///< b's polarity is a's turned round
};

/// Pairs that agree in enough landmarks, best offset each. Costs a sorted list of 4 MB an hour of music, 770 MB at most
/// (beyond 180 hours a share of the landmarks is looked at, and short excerpts of long sets may be missed), and for
/// each recording as many look-ups as it has landmarks; hashes that very many recordings share are passed over.
/// Correlation and what follows it are not filled in. \param prints constellations by kTrackPeaks, as the catalog keeps
/// them
std::vector<DuplicatePair> propose_duplicates(std::span<const Constellation> prints,
                                              const DuplicateOptions& options = {});

/// Fills in what the waveforms say: up to 24 s from the overlap of both files are decoded and compared.
/// Throws as decode() does.
void verify_duplicate(DuplicatePair& pair, const std::filesystem::path& a, const std::filesystem::path& b);

/// Proposes, verifies and keeps the pairs at least as correlated as asked for, by (a, b). A pair whose file cannot be
/// read any more is reported and dropped.
std::vector<DuplicatePair> find_near_duplicates(std::span<const std::filesystem::path> files,
                                                std::span<const Constellation> prints,
                                                const DuplicateOptions& options = {});

/// Family of each of `n` items: the least index among all that pairs link it with, directly or through others.
std::vector<std::size_t> duplicate_families(std::size_t n, std::span<const DuplicatePair> pairs);

}  // namespace euterpe
