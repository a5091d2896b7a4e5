#pragma once
/// Lowering of the sample rate by a whole factor.
#include <span>
#include <vector>

namespace euterpe {

/// Every `factor`-th sample after a linear-phase low-pass of 20 · factor + 1 taps, cut off (−6 dB) at the new half
/// rate: a sinc under Kaiser's window with β = 5, which is scipy.signal.resample_poly(x, 1, factor) and librosa's
/// res_type="polyphase". Output m stands where input m · factor stood; beyond its edges the input is silence.
/// Result: ⌈size / factor⌉ samples. factor ≥ 1 (1 copies).
std::vector<float> decimate(std::span<const float> samples, int factor);

}  // namespace euterpe
