#pragma once
/// How much of a recording rings and how much strikes, band by band: guitars and voices against drums.
#include <cstddef>
#include <vector>

#include "signal/matrix.hpp"

namespace euterpe {

inline constexpr std::size_t kSeparationFeatures = 160;

/// Harmonic–percussive separation (Fitzgerald 2010, hpss()) of a mel spectrogram, then in this order:
///  - the harmonic share of a cell's power in 16 bands: mean over time, then deviation;
///  - the harmonic share of all power in 8 bands;
///  - levels of 24 bands in dB over the median level of a frame: 50th and 95th percentile over time of the percussive
///    part, 10th, 50th and 95th of the harmonic part.
/// What is 80 dB below the loudest cell counts as silence, so a louder copy has the same numbers. Finite for every
/// input; all 0 without frames.
/// \param mel_power [128 × frames], ≥ 0
/// \return [kSeparationFeatures]
std::vector<float> separation_features(const Matrix& mel_power);

}  // namespace euterpe
