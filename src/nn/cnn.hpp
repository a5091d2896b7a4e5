#pragma once
/// A short-chunk residual network over log-mel spectrograms (Won et al. 2020, "Short-chunk CNN + Res"): its shape, and
/// the trained network as a function, without libtorch in sight.
///
/// Stem 5 × 5, stride 2; then one residual block of two 3 × 3 convolutions a stage (He et al. 2016), every stage after
/// the first at half the resolution; mean and maximum over what remains of time and frequency, side by side; a linear
/// layer gives the embedding. Batch normalization (Ioffe and Szegedy 2015) is folded into the convolutions here.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "nn/safetensors.hpp"

namespace euterpe {

struct CnnOptions {
  int bands = 128;                                ///< mel bands, ≥ 2^(stages)
  int frames = 128;                               ///< of a chunk, ≥ 2^(stages)
  std::vector<int> widths{16, 32, 64, 128, 192};  ///< channels of each stage, 1 to 6 stages
  int embedding = 192;                            ///< width of the embedding
};

/// Error{bad_input} naming the option that is missing or out of range.
CnnOptions cnn_options(const nlohmann::json& options);
nlohmann::json to_json(const CnnOptions& options);
std::int64_t parameter_count(const CnnOptions& options);
/// Multiply-accumulate operations of one chunk.
std::int64_t operation_count(const CnnOptions& options);

/// Brings one chunk of a mel spectrogram, in decibels, to what the network takes, in place: decibels over the mean
/// power of the chunk, cut 60 dB below and 30 dB above, in units of 20 dB. A louder copy is then the same; below −70 dB
/// a chunk is not brought up, for it is but silence.
void normalize_chunk(std::span<float> decibels);

/// A trained network; immutable and thread-safe. A chunk's result does not depend on the chunks beside it.
class Cnn {
 public:
  /// Reads the tensors prefix + "stem.weight" … Error{bad_input} naming the one that is missing, misshapen or not
  /// finite, and, before the network is allocated, where the options declare far more than the file holds.
  Cnn(const CnnOptions& options, const Safetensors& weights, const std::string& prefix = "");
  ~Cnn();
  Cnn(Cnn&&) noexcept;
  Cnn& operator=(Cnn&&) noexcept;

  const CnnOptions& options() const;
  /// \param chunks [n × bands × frames], each through normalize_chunk()
  /// \return [n × embedding]
  std::vector<float> embed(std::span<const float> chunks) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace euterpe
