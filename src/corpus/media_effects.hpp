#pragma once
/// What can be done to the sound of a recording. All take mono, full scale ±1, and give finite samples for finite ones.
#include <span>
#include <vector>

namespace euterpe {

/// Time stretched by `factor` (2 = twice as long), pitch kept: phase vocoder with phases locked to the spectral peaks
/// (Laroche and Dolson 1999, identity phase locking), windows of 2,048 samples. factor 0.25–4; the result has
/// round(n · factor) samples.
std::vector<float> time_stretch(std::span<const float> mono, double factor);

/// Played `speed` times as fast, pitch and length alike, band-limited: windowed sinc of 16 zero crossings to either
/// side (Smith 1984). speed 0.25–4; the result has round(n / speed) samples.
std::vector<float> change_speed(std::span<const float> mono, double speed);

/// Moved by `cents` (±2,400), length kept: stretched, then played faster by as much.
std::vector<float> pitch_shift(std::span<const float> mono, double cents);

enum class FilterShape { low_shelf, peak, high_shelf };
/// Second-order equalizer in place (Bristow-Johnson, Audio EQ Cookbook). 0 < hertz < sample_rate / 2; quality > 0, 0.7
/// for shelves without a bump.
void equalize(std::span<float> mono, int sample_rate, FilterShape shape, double hertz, double gain_db, double quality);

/// x ∗ h, the first x.size() samples of it; overlap-add. The response counts up to 32,768 samples.
std::vector<float> convolve(std::span<const float> x, std::span<const float> response);

}  // namespace euterpe
