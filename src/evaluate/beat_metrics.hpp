#pragma once
/// How well estimated beats agree with reference beats, as mir_eval 0.7 counts it (Raffel et al. 2014).
#include <vector>

namespace euterpe {

/// Beats before this are left out by mir_eval's default, in the reference and in the estimate.
constexpr double kBeatTrim = 5;  ///< seconds

std::vector<double> trim_beats(std::vector<double> beats, double from = kBeatTrim);

/// 2 P R / (P + R) of the greatest number of pairs within ± window, each beat in one pair at most; 0 if either is
/// empty. Times ascend.
double beat_f_measure(const std::vector<double>& reference, const std::vector<double>& estimate, double window = 0.07);

/// Share of beats that keep phase and period within 17.5 % of the reference interval (Hainsworth 2004; Klapuri, Eronen
/// and Astola 2006), continuity not required: at the annotated metrical level, and at the best of the annotated, the
/// off-beat, twice and half the tempo. 0 for fewer than two beats.
struct BeatContinuity {
  double cmlt = 0, amlt = 0;
};
BeatContinuity beat_continuity(const std::vector<double>& reference, const std::vector<double>& estimate);

}  // namespace euterpe
