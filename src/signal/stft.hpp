#pragma once
/// Short-time Fourier transform with librosa's parameters and definitions.
#include <complex>
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
  int win_length = 0;    ///< 0 = n_fft; shorter windows are centered in the frame
  bool center = true;    ///< frames centered on t · hop, the edges zero-padded (librosa's pad_mode="constant")
};

/// |STFT|² with a periodic Hann window: [n_fft/2 + 1 × frames], frames = 1 + samples / hop (center) as librosa has it.
Matrix power_spectrogram(std::span<const float> samples, int sample_rate, const StftOptions& options = {});

}  // namespace euterpe
