#pragma once
/// What a recording sounds like, chunk by chunk, as the trained convolutional network hears it.
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "media/audio_buffer.hpp"
#include "nn/cnn.hpp"
#include "nn/model.hpp"
#include "signal/matrix.hpp"

namespace euterpe {

inline constexpr int kEncoderRate = 22050;  ///< Hz
inline constexpr int kEncoderHop = 512;     ///< samples from one frame to the next

/// Log-mel frames of a recording, not yet brought to a level: decibels, [bands × frames], Slaney's filters over 2,048
/// samples. Samples that are not finite count as silence; audio shorter than a chunk goes round until it fills one.
/// \param audio mono at kEncoderRate, not empty
Matrix log_mel(const AudioBuffer& audio, const CnnOptions& options);

/// First frames of the chunks that a recording of so many frames is heard in: as many as fit, evenly spread from the
/// beginning to the end. frames ≥ options.frames
std::vector<std::size_t> chunk_starts(std::size_t frames, const CnnOptions& options);

/// One chunk as the network takes it, through normalize_chunk(). out: [bands × frames]
void cut_chunk(const Matrix& log_mel, std::size_t start, const CnnOptions& options, std::span<float> out);

class AudioEncoder {
 public:
  /// Error{not_found | bad_input} as find_model() and Cnn throw it.
  static AudioEncoder load(std::string_view name = "audio-encoder");
  /// The network of another model that holds one, under `prefix`: its card's options hold the shape under "cnn".
  static AudioEncoder from(const Model& model, const std::string& prefix = "");

  int width() const { return cnn_->options().embedding; }
  /// Seconds of a chunk.
  double chunk_seconds() const;
  const Model& model() const { return model_; }
  const Cnn& cnn() const { return *cnn_; }

  /// Embedding of each chunk, row-major [chunks × width()]: one for every ~3 s, evenly spread; thread-safe.
  /// \param audio mono at 22,050 Hz, any length ≥ 0.25 s (shorter gives an answer too, of little worth)
  std::vector<float> embed(const AudioBuffer& audio) const;

 private:
  AudioEncoder(Model model, std::shared_ptr<const Cnn> cnn);
  Model model_;
  std::shared_ptr<const Cnn> cnn_;
};

}  // namespace euterpe
