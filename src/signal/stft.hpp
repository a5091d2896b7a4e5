#pragma once
/// Short-time Fourier transform with librosa's parameters and definitions.
#include <complex>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "signal/matrix.hpp"

namespace euterpe {

/// Real FFT of a fixed power-of-two length; not thread-safe, one object a thread.
class RealFft {
 public:
  explicit RealFft(int n);  ///< n: power of two, 32 … 65536
  ~RealFft();
  RealFft(RealFft&&) noexcept;
  int size() const;
  /// in: n samples; out: n/2 + 1 bins.
  void forward(const float* in, std::complex<float>* out);
  /// in: n/2 + 1 bins; out: n samples, scaled so that inverse(forward(x)) = x.
  void inverse(const std::complex<float>* in, float* out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct StftOptions {
  int n_fft = 2048;
  int hop_length = 512;
  int win_length = 0;  ///< 0 = n_fft; shorter windows are centered in the frame
  bool center = true;  ///< frames centered on t · hop, the edges zero-padded (librosa's pad_mode="constant")
};

/// Frames that `samples` samples give: 1 + samples / hop (center), else 1 + (samples − n_fft) / hop, 0 if too short.
std::size_t stft_frames(std::size_t samples, const StftOptions& options = {});

/// |STFT|² with a periodic Hann window: [n_fft/2 + 1 × frames], frames = 1 + samples / hop (center) as librosa has it.
Matrix power_spectrogram(std::span<const float> samples, int sample_rate, const StftOptions& options = {});

/// The same, one frame after the other, for readers that need each spectrum once and no matrix of all:
/// visit(frame, power) with power = n_fft/2 + 1 values that stand until the next call.
void for_each_power_frame(std::span<const float> samples, const StftOptions& options,
                          const std::function<void(std::size_t frame, std::span<const float> power)>& visit);

/// Periodic Hann window of `length` samples, 0.5 − 0.5 cos(2πn / length).
std::vector<float> hann_window(int length);

}  // namespace euterpe
