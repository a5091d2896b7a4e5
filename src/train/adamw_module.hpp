#pragma once
/// AdamW (Loshchilov and Hutter 2019) and the average of the weights, fused into one pass over one flat buffer.
#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

namespace euterpe {

struct AdamWStep {
  double rate = 1e-3;
  double weight_decay = 0;  ///< on matrices only
  double beta1 = 0.9, beta2 = 0.98;
  double clip = 0;          ///< global gradient norm; 0 = off
  double ema = 0;           ///< decay of the averaged weights; 0 = they are not kept up
  std::int64_t number = 1;  ///< 1 … : the corrections of both moments and of a young average depend on it
};

/// Takes the parameters over: from here on they and their gradients are views of flat buffers.
class AdamW {
 public:
  using Named = std::vector<std::pair<std::string, torch::Tensor>>;
  /// \param parameters float32 leaves on one device; matrices may stand anywhere among vectors
  explicit AdamW(const Named& parameters);

  /// ‖gradient‖; the same whatever the number of threads.
  double gradient_norm() const;
  /// One step on the gradients, which are zero afterwards. \param norm of the gradient, for clipping
  void step(const AdamWStep& how, double norm);

  torch::Tensor& gradient() { return gradient_; }  ///< flat
  torch::Tensor value, first, second, average;     ///< flat, in the order of `gradient`
  /// What a flat buffer holds under each name, as views in the parameters' shapes and order.
  Named views(const torch::Tensor& flat) const;

 private:
  struct Place {
    std::string name;
    std::vector<std::int64_t> shape;
    std::int64_t begin = 0, size = 0;
  };
  std::vector<Place> places_;
  std::int64_t matrices_ = 0;  ///< elements of matrices; they come first
  torch::Tensor gradient_;
};

}  // namespace euterpe
