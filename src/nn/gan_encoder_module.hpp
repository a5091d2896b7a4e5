#pragma once
/// The way back of the GAN's generator: from a phrase to the noise that would draw it, and how likely a generator's
/// outputs make a given phrase. Used in training alone (Larsen et al. 2016, "Autoencoding beyond pixels").
#include <torch/torch.h>

#include <optional>

#include "nn/gan_module.hpp"

namespace euterpe {

/// q(noise | phrase), a normal distribution with independent numbers.
struct NoisePosterior {
  torch::Tensor mean, log_variance;  ///< [n, options.noise()]; what phrases of a piece share is the same in both
};

class PhraseEncoder : public SpectralModule {
 public:
  explicit PhraseEncoder(const GanOptions& options);
  /// \param rolls [2 m, channels, steps, pitches] where 2 i and 2 i + 1 are phrases of one piece
  NoisePosterior forward(const torch::Tensor& rolls, const PhraseBatch& asked);

 private:
  GanOptions o_;
  Layer pitch_, octave_, near_, beat_, join_, bar_, of_bar_, of_beat_, phrase_, of_phrase_, of_piece_;
};

/// Tells what the encoder says of real phrases from codes that noise was mapped to: as music it is a game of small
/// vectors without neurons that round (after Makhzani et al. 2015, with a network where they have a fixed
/// distribution).
class CodeDiscriminator : public SpectralModule {
 public:
  /// \param width of its layers
  CodeDiscriminator(const GanOptions& options, int width);
  /// \param codes [2 m, options.noise()], 2 i and 2 i + 1 of one piece \return [3 m] logits: of each, then of each pair
  torch::Tensor forward(const torch::Tensor& codes, const PhraseBatch& asked);

 private:
  std::int64_t width_, styles_;
  Layer see_, deep_, join_;
  std::optional<PairJudge> judge_;
};

/// KL(q ‖ N(0, 1)) in nats a phrase, [n]; of what a piece shares each of its two phrases bears half.
torch::Tensor kl_of_noise(const NoisePosterior& q, const GanOptions& options);

/// −log p(roll | logits) in nats, [n]: every neuron a Bernoulli variable of its own, the melody one of its pitches or a
/// rest; onsets count where the roll leaves them open, that is where a note was held. Of
/// logits without voices: which of them sings a pitch of a roll it does not say.
torch::Tensor roll_nats(const RollLogits& logits, const torch::Tensor& rolls, const PhraseBatch& asked);

}  // namespace euterpe
