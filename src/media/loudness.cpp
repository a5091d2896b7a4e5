#include "media/loudness.hpp"

#include <ebur128.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kBlock = 8192;  // frames interleaved at a time
constexpr double kHeadroom = -1;      // dBTP that normalize_loudness leaves (EBU R 128, s1)

struct Free {
  void operator()(ebur128_state* state) const { ebur128_destroy(&state); }
};

}  // namespace

Loudness measure_loudness(const AudioBuffer& audio) {
  constexpr double kSilence = -std::numeric_limits<double>::infinity();
  Loudness result{kSilence, 0, kSilence};
  const std::size_t frames = audio.frames();
  if (frames == 0) return result;
  const auto channels = static_cast<std::size_t>(audio.channels);
  const std::unique_ptr<ebur128_state, Free> state(
      ebur128_init(static_cast<unsigned>(channels), static_cast<unsigned long>(audio.sample_rate),
                   EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK));
  if (!state) {
    throw Error(Category::unsupported, "measure_loudness",
                std::to_string(audio.channels) + " channels at " + std::to_string(audio.sample_rate) + " Hz");
  }
  // BS.1770 counts a mono programme as one channel of a pair played by both loudspeakers only if told so; the common
  // practice, and ours, is to leave it one channel.
  std::vector<float> block(kBlock * channels);
  for (std::size_t begin = 0; begin < frames; begin += kBlock) {
    const std::size_t n = std::min(kBlock, frames - begin);
    for (std::size_t c = 0; c < channels; ++c) {
      const auto samples = audio.channel(static_cast<int>(c)).subspan(begin, n);
      for (std::size_t i = 0; i < n; ++i) block[i * channels + c] = samples[i];
    }
    ebur128_add_frames_float(state.get(), block.data(), n);
  }
  ebur128_loudness_global(state.get(), &result.integrated);
  ebur128_loudness_range(state.get(), &result.range);
  double peak = 0;
  for (unsigned c = 0; c < channels; ++c) {
    double value = 0;
    if (ebur128_true_peak(state.get(), c, &value) == EBUR128_SUCCESS) peak = std::max(peak, value);
  }
  if (peak > 0) result.true_peak = 20 * std::log10(peak);
  if (!std::isfinite(result.range)) result.range = 0;
  return result;
}

void normalize_loudness(AudioBuffer& audio, double target) {
  const Loudness now = measure_loudness(audio);
  if (!std::isfinite(now.integrated) || !std::isfinite(now.true_peak)) return;
  const double gain = std::min(target - now.integrated, kHeadroom - now.true_peak);
  const auto factor = static_cast<float>(std::pow(10.0, gain / 20));
  for (float& sample : audio.samples) sample *= factor;
}

}  // namespace euterpe
