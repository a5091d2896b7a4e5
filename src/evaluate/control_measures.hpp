#pragma once
/// How what was asked of a composer is found again in what it wrote.
#include <span>
#include <vector>

#include "score/annotation.hpp"
#include "score/remi_chords.hpp"
#include "score/score.hpp"

namespace euterpe {

/// Spearman's rank correlation: Pearson's of the ranks, equal values sharing the mean of theirs; 0 where one of the two
/// does not vary. Both of equal length.
double spearman(std::span<const double> a, std::span<const double> b);

/// Where the chords of a lead sheet stand in a score, bar for bar, again from the first when they run out.
/// \param chords at least one bar, each with one chord or two
std::vector<ChordSegment> chords_in_time(const Score& score, std::span<const BarChords> chords);

/// Share of the sounding time of all pitched notes that is spent on tones of the chord that holds there; 0 where
/// nothing sounds. It knows no chord recognizer. \param chords in order of time
double chord_tone_share(const Score& score, std::span<const ChordSegment> chords);

inline constexpr double kTempoTolerance = 0.05;  ///< share by which a tempo may be off and still be the one asked for

/// Whether a tempo that was heard is the asked one within kTempoTolerance, in beats of the meter or at half or twice
/// that level.
struct TempoFound {
  bool same = false, any_level = false;
};
/// \param heard beats a minute, \param quarters a minute that were asked for
TempoFound compare_tempo(double heard, double quarters, const TimeSignature& meter);

}  // namespace euterpe
