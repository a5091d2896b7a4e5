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
  int n_fft = 2048;  ///< even
  int hop_length = 512;
  int win_length = 0;  ///< 0 = n_fft; shorter windows are centered in the frame
  bool center = true;  ///< frames centered on t · hop, the edges zero-padded (librosa's pad_mode="constant")
};

/// Frames that `samples` samples give: 1 + samples / hop (center), else 1 + (samples − n_fft) / hop, 0 if too short.
std::size_t stft_frames(std::size_t samples, const StftOptions& options = {});

/// Complex spectra of all frames, frame after frame as librosa keeps them in memory: bin b of frame t is
/// data[t * bins + b]; frame t is centered on t · hop seconds (center) or begins there.
struct Spectrum {
  std::size_t bins = 0, frames = 0;
  double hop = 0;  ///< seconds
  std::vector<std::complex<float>> data;

  std::complex<float>& at(std::size_t bin, std::size_t frame) { return data[frame * bins + bin]; }
  std::complex<float> at(std::size_t bin, std::size_t frame) const { return data[frame * bins + bin]; }
};

// Each of these throws Error{usage} for an n_fft that is odd or beyond 2^20, for a hop of 0 and for a window longer
// than the frame. The transform is calculated in double and rounded once, as NumPy does.

/// Complex STFT with a periodic Hann window (librosa.stft): [n_fft/2 + 1 × frames], frames = 1 + samples / hop
/// (center).
Spectrum stft(std::span<const float> samples, int sample_rate, const StftOptions& options = {});

/// The least-squares inverse (Griffin and Lim 1984, eq. 6; librosa.istft): frames are windowed again, added up and
/// divided by the sum of the squared windows. `options` as given to stft(). `length` samples come back, cut or padded
/// with zeros; 0: as many as the frames cover.
std::vector<float> istft(const Spectrum& spectrum, const StftOptions& options = {}, std::size_t length = 0);

/// |S|, [bins × frames].
Matrix magnitude(const Spectrum& spectrum);

/// |STFT|, without the complex values in between: [n_fft/2 + 1 × frames].
Matrix magnitude_spectrogram(std::span<const float> samples, int sample_rate, const StftOptions& options = {});

/// |STFT|², the exact square of the magnitude, so that √ gives that back: [n_fft/2 + 1 × frames].
Matrix power_spectrogram(std::span<const float> samples, int sample_rate, const StftOptions& options = {});

/// The same, one frame after the other, for readers that need each spectrum once and no matrix of all:
/// visit(frame, power) with power = n_fft/2 + 1 values that stand until the next call.
void for_each_power_frame(std::span<const float> samples, const StftOptions& options,
                          const std::function<void(std::size_t frame, std::span<const float> power)>& visit);

/// Periodic Hann window of `length` samples, 0.5 − 0.5 cos(2πn / length).
std::vector<float> hann_window(int length);

/// That window in the middle of a frame of n_fft samples, zeros beside it.
std::vector<double> stft_window(const StftOptions& options);

}  // namespace euterpe
