#include "signal/tempogram.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/frame_fft.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

EUTERPE_HOT void multiply(const float* a, const float* b, float* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = a[i] * b[i];
}

/// z = |z|², interleaved.
EUTERPE_HOT void square_magnitude(float* z, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    z[2 * i] = z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1];
    z[2 * i + 1] = 0;
  }
}

EUTERPE_HOT void scale(float* x, float a, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] *= a;
}

EUTERPE_HOT void add(const float* x, double* sum, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) sum[i] += static_cast<double>(x[i]);
}

EUTERPE_HOT void add_rotated(const float* c, const float* s, double a, double b, double* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += a * static_cast<double>(c[i]) - b * static_cast<double>(s[i]);
}

/// Leaves the strongest bin (or those that the reference's float logarithm cannot tell from it) and zeroes the others.
/// Returns what the reference divides the frame by. It means to take the strongest bin's modulus, but orders complex
/// numbers by their real parts: a bin of negative real part yields to the zeros around it, and is divided by next to
/// nothing. Such frames outweigh all others, and the pulse is what they make it.
double keep_strongest(std::span<std::complex<float>> spectrum) {
  float strongest = 0;
  for (const auto z : spectrum) strongest = std::max(strongest, std::norm(z));
  const auto level = [](std::complex<float> z) { return std::log1p(1e6f * std::abs(z)); };
  constexpr float kNear = 0.999f;  // below this share of the power, the logarithms differ for sure
  float peak = 0;
  for (const auto z : spectrum) {
    if (std::norm(z) >= kNear * strongest) peak = std::max(peak, level(z));
  }
  std::complex<float> greatest{};
  for (auto& z : spectrum) {
    if (std::norm(z) < kNear * strongest || level(z) < peak) z = {};
    if (z.real() > greatest.real() || (z.real() == greatest.real() && z.imag() > greatest.imag())) greatest = z;
  }
  return std::sqrt(static_cast<double>(std::numeric_limits<float>::min())) + static_cast<double>(std::abs(greatest));
}

/// `margin` values that rise in a line from 0 before the envelope, as many that fall after it (numpy's linear_ramp).
std::vector<float> ramp_padded(std::span<const float> envelope, std::size_t margin) {
  std::vector<float> padded(envelope.size() + 2 * margin);
  std::ranges::copy(envelope, padded.begin() + static_cast<std::ptrdiff_t>(margin));
  for (std::size_t k = 0; k < margin; ++k) {
    const double part = static_cast<double>(k) / static_cast<double>(margin);
    padded[k] = static_cast<float>(part * static_cast<double>(envelope.front()));
    padded[padded.size() - 1 - k] = static_cast<float>(part * static_cast<double>(envelope.back()));
  }
  return padded;
}

/// Autocorrelation of a frame in which little stands, pair by pair; false if there is too much. That is faster, and
/// leaves an exact 0 where nothing correlates: the tempo's score takes the logarithm of 10⁶ times the mean, in which
/// the rounding errors of a transform would decide.
bool correlate_sparse(std::span<const float> frame, std::span<float> r) {
  constexpr std::size_t kFew = 48;
  std::array<std::size_t, kFew> at{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    if (frame[i] == 0) continue;
    if (count == kFew) return false;
    at[count++] = i;
  }
  std::ranges::fill(r, 0.0f);
  for (std::size_t j = 0; j < count; ++j) {
    for (std::size_t i = 0; i <= j; ++i) r[at[j] - at[i]] += frame[at[i]] * frame[at[j]];
  }
  return true;
}

/// visit(frame, r): r[0 … win_length) stands until the next call.
template <class Visit>
void for_each_autocorrelation(std::span<const float> envelope, std::size_t win_length, Visit&& visit) {
  EUTERPE_ASSERT(win_length >= 2 && win_length <= 32768);
  if (envelope.empty()) return;
  const std::vector<float> padded = ramp_padded(envelope, win_length / 2);
  const std::vector<float> window = hann_window(static_cast<int>(win_length));
  // Zeros after the frame keep the circular correlation from wrapping into the lags that are read.
  const std::size_t n_fft = std::bit_ceil(std::max<std::size_t>(32, 2 * win_length - 1));
  RealFft fft(static_cast<int>(n_fft));
  std::vector<float> frame(n_fft, 0.0f), r(n_fft);
  std::vector<std::complex<float>> spectrum(n_fft / 2 + 1);
  for (std::size_t t = 0; t < envelope.size(); ++t) {
    multiply(padded.data() + t, window.data(), frame.data(), win_length);
    if (!correlate_sparse(std::span(frame).first(win_length), r)) {
      fft.forward(frame.data(), spectrum.data());
      square_magnitude(reinterpret_cast<float*>(spectrum.data()), spectrum.size());
      fft.inverse(spectrum.data(), r.data());
    }
    // No factor is negative, so no lag exceeds lag 0, nor is one negative but by rounding.
    const float greatest = r[0];
    if (greatest >= std::numeric_limits<float>::min()) scale(r.data(), 1 / greatest, win_length);
    visit(t, r.data());
  }
}

}  // namespace

Matrix tempogram(std::span<const float> envelope, double hop_seconds, int win_length) {
  const auto lags = static_cast<std::size_t>(win_length);
  Matrix result(lags, envelope.size(), hop_seconds);
  // Frames come one by one but the matrix is row-major by lag: they are gathered in tiles of one cache line a row.
  constexpr std::size_t kTile = 16;
  std::vector<float> tile(kTile * lags);
  for_each_autocorrelation(envelope, lags, [&](std::size_t t, const float* r) {
    std::copy_n(r, lags, tile.begin() + static_cast<std::ptrdiff_t>((t % kTile) * lags));
    if (t % kTile != kTile - 1 && t + 1 != result.frames) return;
    const std::size_t first = t - t % kTile, count = t % kTile + 1;
    for (std::size_t lag = 0; lag < lags; ++lag) {
      float* row = result.data.data() + lag * result.frames + first;
      for (std::size_t i = 0; i < count; ++i) row[i] = tile[i * lags + lag];
    }
  });
  return result;
}

double tempogram_tempo(std::span<const float> envelope, int sample_rate, int hop_length, const TempoOptions& options) {
  EUTERPE_ASSERT(sample_rate > 0 && hop_length > 0 && options.start_bpm > 0 && options.prior_octaves > 0);
  const double frames_per_minute = 60.0 * sample_rate / hop_length;
  const auto lags = static_cast<std::size_t>(std::max(2.0, std::floor(options.window * sample_rate / hop_length)));
  std::vector<double> sum(lags, 0.0);
  for_each_autocorrelation(envelope, lags, [&](std::size_t, const float* r) { add(r, sum.data(), lags); });

  double best_bpm = options.start_bpm, best_score = -std::numeric_limits<double>::infinity();
  for (std::size_t lag = 1; lag < lags; ++lag) {
    const double bpm = frames_per_minute / static_cast<double>(lag);
    if (bpm >= options.max_bpm) continue;
    const double mean = std::max(0.0, sum[lag] / static_cast<double>(std::max<std::size_t>(1, envelope.size())));
    const double octaves = std::log2(bpm / options.start_bpm) / options.prior_octaves;
    const double score = std::log1p(1e6 * mean) - 0.5 * octaves * octaves;
    if (score > best_score) {
      best_score = score;
      best_bpm = bpm;
    }
  }
  return best_bpm;
}

std::vector<float> predominant_local_pulse(std::span<const float> envelope, int sample_rate, int hop_length,
                                           const PulseOptions& options) {
  EUTERPE_ASSERT(sample_rate > 0 && hop_length > 0 && options.win_length >= 2 && options.win_length % 2 == 0 &&
                 options.min_bpm < options.max_bpm);
  const auto win = static_cast<std::size_t>(options.win_length), half = win / 2, frames = envelope.size();
  const double bpm_per_bin = 60.0 * sample_rate / hop_length / static_cast<double>(win);

  // The few bins between the tempo limits, as windowed waves.
  std::vector<double> window(win);  // periodic Hann
  for (std::size_t m = 0; m < win; ++m) {
    window[m] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(m) / static_cast<double>(win));
  }
  std::vector<std::size_t> bins;
  std::vector<float> cosines, sines;  // [bins × win]
  for (std::size_t k = 0; k <= half; ++k) {
    const double bpm = bpm_per_bin * static_cast<double>(k);
    if (bpm < options.min_bpm || bpm > options.max_bpm) continue;
    bins.push_back(k);
    for (std::size_t m = 0; m < win; ++m) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(k * m % win) / static_cast<double>(win);
      cosines.push_back(static_cast<float>(window[m] * std::cos(angle)));
      sines.push_back(static_cast<float>(window[m] * std::sin(angle)));
    }
  }
  std::vector<float> pulse(frames, 0.0f);
  if (bins.empty()) return pulse;

  constexpr std::size_t kLanes = FrameFft::kLanes;
  FrameFft fft(options.win_length, window);
  std::vector<lanes::Row> re(half + 1), im(half + 1);
  std::vector<float> padded(frames + win + kLanes, 0.0f);
  std::ranges::copy(envelope, padded.begin() + static_cast<std::ptrdiff_t>(half));
  std::vector<double> sum(frames + win, 0.0);
  std::vector<std::complex<float>> spectrum(bins.size());
  for (std::size_t t = 0; t <= frames; ++t) {
    const std::size_t lane = t % kLanes;
    if (lane == 0) fft.forward(padded.data() + t, 1, re[0].value, im[0].value);
    for (std::size_t b = 0; b < bins.size(); ++b) spectrum[b] = {re[bins[b]].value[lane], im[bins[b]].value[lane]};
    const double divisor = keep_strongest(spectrum);
    for (std::size_t b = 0; b < bins.size(); ++b) {
      if (spectrum[b] == std::complex<float>{}) continue;
      const double weight = (bins[b] == 0 || bins[b] == half ? 1.0 : 2.0) / static_cast<double>(win) / divisor;
      add_rotated(cosines.data() + b * win, sines.data() + b * win, weight * static_cast<double>(spectrum[b].real()),
                  weight * static_cast<double>(spectrum[b].imag()), sum.data() + t, win);
    }
  }

  // Overlapping windows are divided out: sample s lies in the frames s … s + win that exist, at win − 1 … 0 of them.
  std::vector<double> squares(win + 1, 0.0);  // running sum of the squared window
  for (std::size_t m = 0; m < win; ++m) {
    squares[m + 1] = squares[m] + window[m] * window[m];
  }
  double greatest = 0;
  for (std::size_t s = 0; s < frames; ++s) {
    const std::size_t at = s + half;  // in `sum`
    const std::size_t first = at > frames ? at - frames : 0, last = std::min(win, at + 1);
    double& value = sum[at];
    value = std::max(0.0, value / (squares[last] - squares[first]));
    greatest = std::max(greatest, value);
  }
  if (greatest <= 0) return pulse;
  for (std::size_t s = 0; s < frames; ++s) pulse[s] = static_cast<float>(sum[s + half] / greatest);
  return pulse;
}

}  // namespace euterpe
