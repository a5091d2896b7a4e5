#pragma once
/// Generator and discriminator of the GAN on piano rolls (nn/gan.hpp), each in a 1-D and a 2-D kind.
#include <torch/torch.h>

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "nn/gan.hpp"
#include "nn/gan_layers_module.hpp"

namespace euterpe {

/// What a batch of phrases is asked to be.
struct PhraseBatch {
  torch::Tensor condition;  ///< [n, options.condition()]
  torch::Tensor filled;     ///< [n, 1, steps, 1]: 1 where the meter has a sixteenth
  torch::Tensor before;     ///< [n, steps] the step before each, 0 where there is none
  torch::Tensor goes_on;    ///< [n, 1, steps, 1]: 1 where there is one
  torch::Tensor meter;      ///< [n]
};
PhraseBatch phrase_batch(std::span<const PhraseWish> wishes, const GanOptions& options,
                         torch::Device device = torch::kCPU);

/// Raw outputs of a generator, before its neurons.
struct RollLogits {
  torch::Tensor melody;         ///< [n, steps, pitches + 1], the last a rest: one of them sounds
  torch::Tensor melody_struck;  ///< [n, steps, 1]: 1-D, whether anything begins, and else what was before goes on; 2-D,
                                ///< whether a note that is the same as before begins anew
  torch::Tensor voices;         ///< 1-D: [n, steps, voices, pitches + 1] of the accompaniment, each as the melody
  torch::Tensor sounds;         ///< 2-D: [n, steps, pitches], each pitch for itself
  torch::Tensor struck;         ///< [n, steps, voices or pitches]
};

struct NeuronOptions {
  double slope = 1;          ///< of the gradient's sigmoid; annealed upwards by some (Chung et al. 2017)
  Random* random = nullptr;  ///< of stochastic neurons; none = deterministic ones
};
/// \return [n, channels, steps, pitches] of 0 and 1: consistent by construction, for onsets stand only where a note
/// sounds, and wherever sound begins
torch::Tensor roll_of(const RollLogits& logits, const PhraseBatch& asked, const NeuronOptions& how);

class GeneratorModule : public SpectralModule {
 public:
  /// \param noise [n, options.noise()]
  virtual RollLogits logits(const torch::Tensor& noise, const PhraseBatch& asked) = 0;

 protected:
  GeneratorModule() : SpectralModule(false) {}
};
std::shared_ptr<GeneratorModule> make_generator(const GanOptions& options);

struct DiscriminatorOptions {
  int width = 96;                   ///< channels, 8 … 512
  bool spectral = true;             ///< all weights spectrally normed
  bool minibatch_deviation = true;  ///< it sees how much a batch differs
};

class DiscriminatorModule : public SpectralModule {
 public:
  /// \param rolls [2 m, channels, steps, pitches] where 2 i and 2 i + 1 are phrases of one piece
  /// \return [3 m] logits: of each phrase, then of each pair
  torch::Tensor forward(const torch::Tensor& rolls, const PhraseBatch& asked);

 protected:
  DiscriminatorModule(const GanOptions& gan, const DiscriminatorOptions& options, std::int64_t seen);
  /// [n, seen]
  virtual torch::Tensor features(const torch::Tensor& rolls) = 0;

 private:
  DiscriminatorOptions options_;
  std::int64_t styles_;
  Layer join_;
  std::optional<PairJudge> judge_;
};
std::shared_ptr<DiscriminatorModule> make_discriminator(const GanOptions& gan, const DiscriminatorOptions& options);

/// What a musician would count: [n, f] from rolls, differentiable. Density of each channel in each bar; pitch classes
/// and octaves of each part; onsets by place in the bar; notes longer than a sixteenth; time in which anything sounds;
/// intervals that sound together; how much each two bars have in common.
torch::Tensor roll_statistics(const torch::Tensor& rolls);
inline constexpr std::int64_t kRollStatistics =
    4 * kPhraseBars + 2 * 12 + 2 * 6 + 2 * kMostGridSteps + 2 + 2 + 6 + 6 * 4;  ///< width of roll_statistics()

}  // namespace euterpe
