#include "corpus/media_effects.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "base/error.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

constexpr int kFrame = 2048, kHop = 512;
constexpr int kBins = kFrame / 2 + 1;
using Bins = std::vector<std::complex<float>>;

/// Windowed frame of `x` centered on `center`, silence beyond its edges.
void frame_at(std::span<const float> x, std::ptrdiff_t center, std::span<const float> window, std::span<float> out) {
  for (std::ptrdiff_t i = 0; i < kFrame; ++i) {
    const std::ptrdiff_t at = center - kFrame / 2 + i;
    const bool inside = at >= 0 && at < static_cast<std::ptrdiff_t>(x.size());
    out[static_cast<std::size_t>(i)] =
        inside ? x[static_cast<std::size_t>(at)] * window[static_cast<std::size_t>(i)] : 0.F;
  }
}

/// Every bin belongs to the spectral peak nearest to it and turns with that, so that the partials of one tone keep
/// together.
std::vector<int> peaks_of(const Bins& spectrum) {
  std::vector<float> power(kBins);
  for (int k = 0; k < kBins; ++k) power[static_cast<std::size_t>(k)] = std::norm(spectrum[static_cast<std::size_t>(k)]);
  std::vector<int> peaks;
  for (int k = 0; k < kBins; ++k) {
    bool greatest = power[static_cast<std::size_t>(k)] > 0;
    for (int d = -2; d <= 2 && greatest; ++d)
      if (d != 0 && k + d >= 0 && k + d < kBins)
        greatest = power[static_cast<std::size_t>(k)] >= power[static_cast<std::size_t>(k + d)];
    if (greatest) peaks.push_back(k);
  }
  return peaks;
}

}  // namespace

std::vector<float> time_stretch(std::span<const float> mono, double factor) {
  EUTERPE_ASSERT(factor >= 0.25 && factor <= 4);
  const auto length = static_cast<std::size_t>(std::llround(static_cast<double>(mono.size()) * factor));
  const std::vector<float> window = hann_window(kFrame);
  RealFft fft(kFrame);
  std::vector<float> frame(kFrame), out(length + 2 * kFrame, 0.F), weight(out.size(), 0.F);
  Bins now(kBins), before(kBins), made(kBins), made_before;
  for (std::size_t at = 0; at < length + kFrame / 2; at += kHop) {
    const auto heard = static_cast<std::ptrdiff_t>(std::llround(static_cast<double>(at) / factor));
    frame_at(mono, heard, window, frame);
    fft.forward(frame.data(), now.data());
    made = now;
    if (!made_before.empty()) {
      // The frame one hop earlier in the recording tells how far each phase moves in one hop, without unwrapping.
      frame_at(mono, heard - kHop, window, frame);
      fft.forward(frame.data(), before.data());
      const std::vector<int> peaks = peaks_of(now);
      for (std::size_t p = 0; p < peaks.size(); ++p) {
        const auto k = static_cast<std::size_t>(peaks[p]);
        const std::complex<float> turn = made_before[k] * std::conj(before[k]);
        const float size = std::abs(turn);
        if (size <= 0) continue;
        const int from = p == 0 ? 0 : (peaks[p - 1] + peaks[p]) / 2 + 1;
        const int to = p + 1 == peaks.size() ? kBins - 1 : (peaks[p] + peaks[p + 1]) / 2;
        for (int b = from; b <= to; ++b) made[static_cast<std::size_t>(b)] *= turn / size;
      }
    }
    made_before = made;
    fft.inverse(made.data(), frame.data());
    // Output sample t stands at t + kFrame / 2, so that the first frame's first half has room.
    for (std::size_t i = 0; i < kFrame; ++i) {
      out[at + i] += frame[i] * window[i];
      weight[at + i] += window[i] * window[i];
    }
  }
  std::vector<float> result(length);
  for (std::size_t i = 0; i < length; ++i) result[i] = out[i + kFrame / 2] / std::max(weight[i + kFrame / 2], 1e-3F);
  return result;
}

std::vector<float> change_speed(std::span<const float> mono, double speed) {
  EUTERPE_ASSERT(speed >= 0.25 && speed <= 4);
  constexpr int kCrossings = 16, kSteps = 512;
  static const std::vector<float> table = [] {
    std::vector<float> values(kCrossings * kSteps + 2, 0.F);
    for (int i = 0; i <= kCrossings * kSteps; ++i) {
      const double x = std::numbers::pi * i / kSteps;
      const double window = 0.5 + 0.5 * std::cos(x / kCrossings);
      values[static_cast<std::size_t>(i)] = static_cast<float>(i == 0 ? 1 : std::sin(x) / x * window);
    }
    return values;
  }();
  // Faster than the recording, the band narrows and the filter widens by as much.
  const double scale = std::min(1.0, 1 / speed), reach = kCrossings / scale;
  std::vector<float> out(static_cast<std::size_t>(std::llround(static_cast<double>(mono.size()) / speed)));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double at = static_cast<double>(i) * speed;
    const auto first = static_cast<std::ptrdiff_t>(std::ceil(std::max(0.0, at - reach)));
    const auto last =
        std::min(static_cast<std::ptrdiff_t>(std::floor(at + reach)), static_cast<std::ptrdiff_t>(mono.size()) - 1);
    double sum = 0;
    for (std::ptrdiff_t j = first; j <= last; ++j) {
      const double place = std::abs(static_cast<double>(j) - at) * scale * kSteps;
      const auto cell = static_cast<std::size_t>(place);
      const double between = place - static_cast<double>(cell);
      sum += mono[static_cast<std::size_t>(j)] * (table[cell] + between * (table[cell + 1] - table[cell]));
    }
    out[i] = static_cast<float>(sum * scale);
  }
  return out;
}

std::vector<float> pitch_shift(std::span<const float> mono, double cents) {
  EUTERPE_ASSERT(std::abs(cents) <= 2400);
  const double ratio = std::exp2(cents / 1200);
  std::vector<float> out = change_speed(time_stretch(mono, ratio), ratio);
  out.resize(mono.size(), 0.F);
  return out;
}

void equalize(std::span<float> mono, int sample_rate, FilterShape shape, double hertz, double gain_db, double quality) {
  EUTERPE_ASSERT(hertz > 0 && 2 * hertz < sample_rate && quality > 0);
  const double a = std::pow(10, gain_db / 40), w = 2 * std::numbers::pi * hertz / sample_rate;
  const double cosine = std::cos(w), alpha = std::sin(w) / (2 * quality), root = 2 * std::sqrt(a) * alpha;
  double b0, b1, b2, a0, a1, a2;
  if (shape == FilterShape::peak) {
    b0 = 1 + alpha * a;
    b1 = a1 = -2 * cosine;
    b2 = 1 - alpha * a;
    a0 = 1 + alpha / a;
    a2 = 1 - alpha / a;
  } else {
    const double side = shape == FilterShape::low_shelf ? 1 : -1;  // the two shelves mirror each other in the cosine
    b0 = a * ((a + 1) - side * (a - 1) * cosine + root);
    b1 = 2 * side * a * ((a - 1) - side * (a + 1) * cosine);
    b2 = a * ((a + 1) - side * (a - 1) * cosine - root);
    a0 = (a + 1) + side * (a - 1) * cosine + root;
    a1 = -2 * side * ((a - 1) + side * (a + 1) * cosine);
    a2 = (a + 1) + side * (a - 1) * cosine - root;
  }
  double s1 = 0, s2 = 0;
  for (float& v : mono) {
    const double in = v, out = (b0 * in + s1) / a0;
    s1 = b1 * in - a1 * out + s2;
    s2 = b2 * in - a2 * out;
    v = static_cast<float>(out);
  }
}

std::vector<float> convolve(std::span<const float> x, std::span<const float> response) {
  constexpr int kSize = 65536;
  response = response.first(std::min<std::size_t>(response.size(), kSize / 2));
  if (response.empty()) return std::vector<float>(x.size(), 0.F);
  const std::size_t block = kSize - response.size() + 1;
  RealFft fft(kSize);
  std::vector<float> time(kSize, 0.F), out(x.size() + kSize, 0.F);
  Bins filter(kSize / 2 + 1), spectrum(kSize / 2 + 1);
  std::copy(response.begin(), response.end(), time.begin());
  fft.forward(time.data(), filter.data());
  for (std::size_t at = 0; at < x.size(); at += block) {
    const auto piece = x.subspan(at, std::min(block, x.size() - at));
    std::fill(std::copy(piece.begin(), piece.end(), time.begin()), time.end(), 0.F);
    fft.forward(time.data(), spectrum.data());
    for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] *= filter[i];
    fft.inverse(spectrum.data(), time.data());
    for (std::size_t i = 0; i < time.size(); ++i) out[at + i] += time[i];
  }
  out.resize(x.size());
  return out;
}

}  // namespace euterpe
