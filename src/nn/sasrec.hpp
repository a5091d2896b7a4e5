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

inline constexpr const char* kContentMap = "content_map";  ///< of the weights: from content to item vectors

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
  /// Overwrites scores [items] for one history. Thread-safe.
  void score(std::span<const int> history, std::span<float> scores) const;
  /// Numbers of content by which it places an item that nobody has heard yet, 0 = it has not learned to.
  int content_width() const;
  /// Vectors of items by their content alone, [items × d_model]. \param content [items × content_width()]
  std::vector<float> by_content(std::span<const float> content) const;
  /// How much each item of a history speaks for the item with this vector [d_model]: the gradient of its score along
  /// the item's vector as it is read (gradient × input; Shrikumar et al. 2016). [history.size()], 0 for items that do
  /// not count. Thread-safe.
  std::vector<float> attributions(std::span<const int> history, std::span<const float> vector) const;

 private:
  struct Network;
  struct Sequences;
  Sequences sequences(std::span<const std::span<const int>> histories) const;
  TransformerOptions options_;
  std::shared_ptr<Network> network_;
};

}  // namespace euterpe
