#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/yin_difference.hpp"

namespace euterpe {
namespace {

using Lanes = double __attribute__((vector_size(64)));
constexpr std::size_t kLags = 48;  ///< at once: six sums of eight stay in registers

/// out[lag] = Σ y[j] · y[j + lag] over j < n, for lag < lags, a multiple of kLags; y has n + lags values.
EUTERPE_HOT void autocorrelate(const double* y, std::size_t n, std::size_t lags, double* out) {
  for (std::size_t lag = 0; lag < lags; lag += kLags) {
    Lanes sum[6] = {};
    for (std::size_t j = 0; j < n; ++j) {
#pragma GCC unroll 6
      for (std::size_t k = 0; k < 6; ++k) {
        Lanes v;
        std::memcpy(&v, y + j + lag + 8 * k, sizeof v);
        sum[k] += y[j] * v;
      }
    }
    std::memcpy(out + lag, sum, sizeof sum);
  }
}

YinOptions checked(YinOptions o, int sample_rate) {
  const auto require = [](bool ok, const std::string& detail, const char* hint) {
    if (!ok) throw Error(Category::usage, "yin", detail, hint);
  };
  require(sample_rate > 0, fmt::format("the sample rate is {}", sample_rate), "give it in Hz");
  require(o.frame_length >= 4 && o.frame_length <= 32768, fmt::format("frame_length is {}", o.frame_length),
          "give 4 to 32768 samples");
  if (o.win_length == 0) o.win_length = o.frame_length / 2;
  if (o.hop_length == 0) o.hop_length = o.frame_length / 4;
  require(o.win_length > 0 && o.win_length < o.frame_length, fmt::format("win_length is {}", o.win_length),
          "give less than frame_length");
  require(o.hop_length > 0, fmt::format("hop_length is {}", o.hop_length), "give 1 or more");
  require(o.fmin > 0 && o.fmin < o.fmax && o.fmax <= sample_rate / 2.0,
          fmt::format("fmin is {} and fmax {} Hz at {} samples a second", o.fmin, o.fmax, sample_rate),
          "they must rise from above 0 to at most half the sample rate");
  require(o.frame_length - o.win_length - 1 > std::floor(sample_rate / o.fmax),
          fmt::format("a frame of {} samples has no room for a period of {} Hz", o.frame_length, o.fmax),
          "raise frame_length or fmax");
  return o;
}

}  // namespace

struct YinDifference::Impl {
  std::span<const float> samples;
  YinOptions options;
  int sample_rate = 0;
  std::size_t frames = 0, frame = 0;
  std::size_t window = 0, hop = 0;
  std::size_t min_period = 0, max_period = 0;
  /// A window is a row of blocks as long as the hop, where they fit: then all but one were summed for the frame before.
  std::size_t blocks = 1, block_length = 0, lags = 0;
  std::vector<double> sums;  ///< [blocks × lags], the autocorrelation of the block that begins at frame k in k % blocks
  std::vector<double> block;    ///< [block_length + lags] samples
  std::vector<float> energies;  ///< [window + max_period + 1] squared samples of the frame, added up
  std::vector<double> difference;

  /// The sample at `i` − frame_length / 2 (center), 0 beyond the ends.
  float sample(std::size_t i) const {
    const std::size_t lead = options.center ? static_cast<std::size_t>(options.frame_length) / 2 : 0;
    if (i < lead || i - lead >= samples.size() || !std::isfinite(samples[i - lead])) return 0;
    return samples[i - lead];
  }

  void sum_block(std::size_t begin, double* out) {
    for (std::size_t i = 0; i < block_length + max_period; ++i) block[i] = sample(begin + i);
    autocorrelate(block.data(), block_length, lags, out);
  }
};

YinDifference::YinDifference(std::span<const float> samples, int sample_rate, const YinOptions& options)
    : impl_(std::make_unique<Impl>()) {
  Impl& s = *impl_;
  s.samples = samples;
  s.options = checked(options, sample_rate);
  s.sample_rate = sample_rate;
  s.window = static_cast<std::size_t>(s.options.win_length);
  s.hop = static_cast<std::size_t>(s.options.hop_length);
  const auto length = static_cast<std::size_t>(s.options.frame_length);
  const std::size_t padded = samples.size() + (s.options.center ? length / 2 * 2 : 0);
  if (padded >= length) s.frames = 1 + (padded - length) / s.hop;
  s.min_period = static_cast<std::size_t>(sample_rate / s.options.fmax);
  // Compared as numbers, for fmin may be so small that its period is beyond every integer.
  s.max_period = static_cast<std::size_t>(
      std::min(std::ceil(sample_rate / s.options.fmin), static_cast<double>(length - s.window - 1)));
  if (s.window % s.hop == 0) s.blocks = s.window / s.hop;
  s.block_length = s.window / s.blocks;
  s.lags = (s.max_period / kLags + 1) * kLags;
  s.sums.resize(s.blocks * s.lags);
  s.block.resize(s.block_length + s.lags);
  s.energies.resize(s.window + s.max_period + 1);
  s.difference.resize(s.max_period - s.min_period + 1);
}
YinDifference::~YinDifference() = default;

std::size_t YinDifference::frames() const { return impl_->frames; }
double YinDifference::hop_seconds() const { return static_cast<double>(impl_->hop) / impl_->sample_rate; }
int YinDifference::min_period() const { return static_cast<int>(impl_->min_period); }

std::span<const double> YinDifference::next() {
  Impl& s = *impl_;
  EUTERPE_ASSERT(s.frame < s.frames);
  const std::size_t begin = s.frame * s.hop;
  for (std::size_t k = s.frame == 0 ? 0 : s.blocks - 1; k < s.blocks; ++k)
    s.sum_block(begin + 1 + k * s.block_length, &s.sums[(s.frame + k) % s.blocks * s.lags]);
  ++s.frame;

  float energy = 0;
  for (std::size_t i = 0; i < s.energies.size(); ++i) {
    const float x = s.sample(begin + i);
    s.energies[i] = energy += x * x;
  }
  // What is this small is rounding, and silence must be exactly 0.
  constexpr float kNothing = 1e-6f;
  const auto energy_at = [&](std::size_t lag) {
    const float e = s.energies[lag + s.window] - s.energies[lag];
    return std::abs(e) < kNothing ? 0.0f : e;
  };
  const float energy_here = energy_at(0);
  double sum = 0;
  for (std::size_t lag = 1; lag <= s.max_period; ++lag) {
    double product = 0;
    for (std::size_t k = 0; k < s.blocks; ++k) product += s.sums[k * s.lags + lag];
    if (std::abs(product) < 1e-6) product = 0;
    const double d = static_cast<double>(energy_here + energy_at(lag)) - 2 * product;
    sum += d;
    if (lag >= s.min_period)
      s.difference[lag - s.min_period] = d / (sum / static_cast<double>(lag) + std::numeric_limits<double>::min());
  }
  return s.difference;
}

double parabolic_shift(std::span<const double> d, std::size_t i) {
  if (i == 0 || i + 1 == d.size()) return 0;
  const double a = d[i + 1] + d[i - 1] - 2 * d[i], b = (d[i + 1] - d[i - 1]) / 2;
  return std::abs(b) >= std::abs(a) ? 0 : -b / a;
}

std::vector<float> yin(std::span<const float> samples, int sample_rate, const YinOptions& options) {
  YinDifference difference(samples, sample_rate, options);
  std::vector<float> f0(difference.frames());
  for (float& hz : f0) {
    const std::span<const double> d = difference.next();
    std::size_t period = 0;
    while (period < d.size() && !(d[period] < options.trough_threshold && is_trough(d, period))) ++period;
    if (period == d.size()) period = static_cast<std::size_t>(std::ranges::min_element(d) - d.begin());
    hz = static_cast<float>(sample_rate /
                            (difference.min_period() + static_cast<double>(period) + parabolic_shift(d, period)));
  }
  return f0;
}

}  // namespace euterpe
