#pragma once
/// What both networks of the GAN are made of: matrices, convolutions over time as products, binary neurons, spectral
/// norms.
#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/random_tensor_module.hpp"

namespace euterpe {

/// Divides by the root of the mean square over the last dimension (Karras et al. 2018, section 4.2, with ε 1e-6).
torch::Tensor pixel_norm(const torch::Tensor& x);

/// A binary neuron (Dong and Yang 2018; Bengio et al. 2013): 1 where sigmoid(logits) is above the threshold, a gradient
/// as if it were sigmoid(slope · logits).
/// \param thresholds of the shape of `logits`, in [0, 1); undefined = ½ everywhere, the deterministic neuron
torch::Tensor binary_neurons(const torch::Tensor& logits, double slope, const torch::Tensor& thresholds = {});
/// One of the last dimension is 1, all others 0: the largest, or with noise a draw (Gumbel's trick); a gradient as if
/// it were softmax(slope · logits).
torch::Tensor one_of_many(const torch::Tensor& logits, double slope, const torch::Tensor& thresholds = {});

/// Neighbors in time side by side: [n, t, c] → [n, t, 3 c], at distance `dilation`, zeros beyond the ends. A product
/// with a matrix [out, 3 c] is then a convolution of width 3.
torch::Tensor three_in_time(const torch::Tensor& x, std::int64_t dilation);

/// A weight whose largest singular value may be held at 1 by power iteration (Miyato et al. 2018, algorithm 1).
class SpectralWeight {
 public:
  SpectralWeight() = default;
  /// \param weight [out, …], a parameter \param u [out], kept from step to step \param held whether it is normed
  SpectralWeight(torch::Tensor weight, torch::Tensor u, bool held);
  /// To be called before a step's uses. \param iterate one more power iteration, by which `u` changes
  void refresh(bool iterate);
  const torch::Tensor& now() const { return now_; }  ///< the weight, divided by its norm if it is held

 private:
  torch::Tensor weight_, u_, now_;
  bool held_ = false;
};

/// A module whose layers are matrices [out, in] (or kernels [out, …]) with a bias, spectrally normed or not.
class SpectralModule : public torch::nn::Module {
 public:
  void refresh(bool iterate);
  /// Every parameter as it acts: weights divided by their norms where they are held.
  std::vector<std::pair<std::string, torch::Tensor>> acting_parameters() const;
  struct Layer {
    SpectralWeight* weight = nullptr;
    torch::Tensor bias;
    /// x [… , in] → [… , out]
    torch::Tensor operator()(const torch::Tensor& x) const;
  };

 protected:
  explicit SpectralModule(bool held) : held_(held) {}
  Layer layer(const std::string& name, std::vector<std::int64_t> shape);

 private:
  bool held_;
  std::vector<std::unique_ptr<SpectralWeight>> weights_;
  std::vector<std::string> names_;  ///< of the layers, in the order of weights_
};

/// SpectralModule::layer() for parts of a module.
using MakeLayer = std::function<SpectralModule::Layer(const std::string&, std::vector<std::int64_t>)>;

/// The end of a discriminator: a logit of each phrase, with what was asked projected onto what is seen (Miyato and
/// Koyama 2018), and one of each two phrases of a piece, whether they belong together.
class PairJudge {
 public:
  /// \param seen width of what is judged \param condition of what was asked
  PairJudge(const MakeLayer& layer, std::int64_t seen, std::int64_t pair_width, std::int64_t condition);
  /// \param seen [2 m, seen], 2 i and 2 i + 1 of one piece \param condition [2 m, condition]
  /// \return [3 m]: each phrase, then each pair
  torch::Tensor operator()(const torch::Tensor& seen, const torch::Tensor& condition) const;

 private:
  SpectralModule::Layer out_, project_, pair_, pair_out_;
};

/// How much the samples of a batch differ from others of their group: the standard deviation of each feature, their
/// mean as one more column (Karras et al. 2018, section 3, with the groups of a conditional network).
/// \param x [n, f] \param groups [n, g] of 0 and 1, one 1 a row \return [n, f + 1]
torch::Tensor with_minibatch_deviation(const torch::Tensor& x, const torch::Tensor& groups);

}  // namespace euterpe
