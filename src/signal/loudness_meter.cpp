#include "signal/loudness_meter.hpp"

#include <ebur128.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace euterpe {

struct LoudnessMeter::Impl {
  ~Impl() { ebur128_destroy(&state); }
  int channels = 0;
  ebur128_state* state = nullptr;
  std::vector<float> interleaved;
};

LoudnessMeter::LoudnessMeter(int sample_rate, int channels) {
  auto* state = ebur128_init(static_cast<unsigned>(channels), static_cast<unsigned long>(sample_rate),
                             EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK | EBUR128_MODE_HISTOGRAM);
  if (!state) {
    throw Error(Category::unsupported, "measure_loudness",
                std::to_string(channels) + " channels at " + std::to_string(sample_rate) + " Hz");
  }
  impl_ = std::make_unique<Impl>();
  impl_->channels = channels;
  impl_->state = state;
}
LoudnessMeter::~LoudnessMeter() = default;
LoudnessMeter::LoudnessMeter(LoudnessMeter&&) noexcept = default;

void LoudnessMeter::push(const AudioBuffer& block) {
  EUTERPE_ASSERT(block.channels == impl_->channels);
  const std::size_t frames = block.frames(), channels = static_cast<std::size_t>(block.channels);
  if (channels == 1) {
    ebur128_add_frames_float(impl_->state, block.samples.data(), frames);
    return;
  }
  impl_->interleaved.resize(block.samples.size());
  for (std::size_t c = 0; c < channels; ++c) {
    const auto samples = block.channel(static_cast<int>(c));
    for (std::size_t i = 0; i < frames; ++i) impl_->interleaved[i * channels + c] = samples[i];
  }
  ebur128_add_frames_float(impl_->state, impl_->interleaved.data(), frames);
}

Loudness LoudnessMeter::result() const {
  constexpr double kSilence = -std::numeric_limits<double>::infinity();
  Loudness loudness{kSilence, 0, kSilence};
  ebur128_loudness_global(impl_->state, &loudness.integrated);
  ebur128_loudness_range(impl_->state, &loudness.range);
  if (!std::isfinite(loudness.range)) loudness.range = 0;
  double peak = 0;
  for (int c = 0; c < impl_->channels; ++c) {
    double value = 0;
    if (ebur128_true_peak(impl_->state, static_cast<unsigned>(c), &value) == EBUR128_SUCCESS)
      peak = std::max(peak, value);
  }
  if (peak > 0) loudness.true_peak = 20 * std::log10(peak);
  return loudness;
}

}  // namespace euterpe
