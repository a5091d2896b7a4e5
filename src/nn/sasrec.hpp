#pragma once
/// SASRec (Kang and McAuley 2018, "Self-Attentive Sequential Recommendation"): what a listener's history, read by
/// causal self-attention, points to next. It is the Transformer of nn/transformer.hpp with items for tokens: an item
/// has one vector, by which it is both read and named. Without libtorch.
#include <memory>
#include <span>
#include <vector>

#include "nn/safetensors.hpp"
#include "nn/transformer.hpp"

namespace euterpe {

/// One that has learned.
class SasRec {
 public:
  /// \param options `vocabulary` is the number of items, `context` how many of its latest items a history counts with
  /// Error{bad_input} if the weights do not fit.
  SasRec(const TransformerOptions& options, const Safetensors& weights);

  const TransformerOptions& options() const { return options_; }
  /// Where each history points, row-major [histories × d_model]: the score of an item is the product with its vector.
  /// An empty history points nowhere (zeros); items outside 0 … items − 1 are passed over. Thread-safe.
  std::vector<float> encode(std::span<const std::span<const int>> histories) const;
  /// [items × d_model]
  std::span<const float> item_vectors() const;

 private:
  struct Network;
  TransformerOptions options_;
  std::shared_ptr<Network> network_;
};

}  // namespace euterpe
