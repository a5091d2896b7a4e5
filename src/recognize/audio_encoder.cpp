#include "recognize/audio_encoder.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "signal/mel.hpp"

namespace euterpe {
namespace {

std::size_t chunk_size(const CnnOptions& o) {
  return static_cast<std::size_t>(o.bands) * static_cast<std::size_t>(o.frames);
}

}  // namespace

Matrix log_mel(const AudioBuffer& audio, const CnnOptions& options) {
  EUTERPE_ASSERT(audio.channels == 1 && audio.sample_rate == kEncoderRate && !audio.samples.empty());
  const std::size_t needed = (static_cast<std::size_t>(options.frames) - 1) * kEncoderHop;
  std::vector<float> samples(std::max(audio.samples.size(), needed));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const float s = audio.samples[i % audio.samples.size()];
    samples[i] = std::isfinite(s) ? std::clamp(s, -16.0f, 16.0f) : 0.0f;
  }
  MelOptions mel;
  mel.n_mels = options.bands;
  return power_to_db(mel_spectrogram(samples, kEncoderRate, {2048, kEncoderHop}, mel), 1.0, kNoFloor);
}

std::vector<std::size_t> chunk_starts(std::size_t frames, const CnnOptions& options) {
  const auto length = static_cast<std::size_t>(options.frames);
  EUTERPE_ASSERT(frames >= length);
  const std::size_t count = (frames + length / 2) / length, room = frames - length;
  std::vector<std::size_t> starts{0};
  for (std::size_t i = 1; i < count; ++i) starts.push_back(i * room / (count - 1));
  return starts;
}

void cut_chunk(const Matrix& mel, std::size_t start, const CnnOptions& options, std::span<float> out) {
  const auto frames = static_cast<std::size_t>(options.frames);
  EUTERPE_ASSERT(mel.bins == static_cast<std::size_t>(options.bands) && start + frames <= mel.frames);
  EUTERPE_ASSERT(out.size() == chunk_size(options));
  for (std::size_t b = 0; b < mel.bins; ++b) std::copy_n(mel.row(b).data() + start, frames, out.data() + b * frames);
  normalize_chunk(out);
}

AudioEncoder::AudioEncoder(Model model, std::shared_ptr<const Cnn> cnn)
    : model_(std::move(model)), cnn_(std::move(cnn)) {}

AudioEncoder AudioEncoder::load(std::string_view name) { return from(find_model(name)); }

AudioEncoder AudioEncoder::from(const Model& model, const std::string& prefix) {
  const auto options = model.card.find("options");
  if (options == model.card.end() || !options->is_object() || !options->contains("cnn"))
    throw Error(Category::bad_input, "load_audio_encoder", model.folder.string() + ": holds no convolutional network");
  return {model, std::make_shared<const Cnn>(cnn_options(options->at("cnn")), model.weights(), prefix)};
}

double AudioEncoder::chunk_seconds() const {
  return static_cast<double>(cnn_->options().frames) * kEncoderHop / kEncoderRate;
}

std::vector<float> AudioEncoder::embed(const AudioBuffer& audio) const {
  const CnnOptions& options = cnn_->options();
  const Matrix mel = log_mel(audio, options);
  const auto starts = chunk_starts(mel.frames, options);
  std::vector<float> chunks(starts.size() * chunk_size(options));
  for (std::size_t i = 0; i < starts.size(); ++i)
    cut_chunk(mel, starts[i], options, std::span(chunks).subspan(i * chunk_size(options), chunk_size(options)));
  return cnn_->embed(chunks);
}

}  // namespace euterpe
