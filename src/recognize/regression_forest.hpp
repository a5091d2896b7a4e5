#pragma once
/// Extremely randomized trees that foretell several numbers at once.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nn/safetensors.hpp"

namespace euterpe {

struct RegressionForestOptions {
  int trees = 300;
  int min_leaf = 3;     ///< examples a leaf holds at least
  double tried = 0.15;  ///< share of the inputs tried at a node, one random cut each; 0 … 1
  std::uint64_t seed = 0;
};

/// Geurts et al. 2006: every tree sees all examples; of some inputs, each cut at random, the one is taken that leaves
/// least variance, over all outputs, each in units of its own deviation. The leaves' means, averaged over the trees.
/// Thread-safe to ask.
class RegressionForest {
 public:
  RegressionForest() = default;
  /// The same seed gives the same forest, whatever the number of threads.
  /// \param inputs values an example, 1 … 2048
  /// \param x [n × inputs], finite; n ≥ 1
  /// \param targets [n × outputs], finite
  static RegressionForest fit(std::size_t inputs, std::span<const float> x, std::span<const float> targets,
                              const RegressionForestOptions& options);

  bool empty() const { return roots_.empty(); }
  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_; }
  std::vector<float> operator()(std::span<const float> x) const;  ///< [outputs]

  /// Tensors PREFIX.sizes, .feature (f16), .cut and .leaf (bf16), .right; cuts and leaves are rounded when the forest
  /// is made, so that a saved one answers as the fresh one does. `from` gives an empty forest where the file has none;
  /// Error{bad_input} naming the tensor that is missing, misshapen or leads nowhere.
  void put(Safetensors& file, const std::string& prefix) const;
  static RegressionForest from(const Safetensors& file, const std::string& prefix);

 private:
  struct Node {
    int feature = -1;       ///< −1: a leaf
    float cut = 0;          ///< x[feature] ≤ cut goes to the next node, others to `right`
    std::size_t right = 0;  ///< counted from the tree's root; of a leaf: its row of leaves_
  };
  struct Grower;

  std::size_t inputs_ = 0, outputs_ = 0;
  std::vector<std::size_t> roots_;  ///< node of each tree's root
  std::vector<Node> nodes_;
  std::vector<float> leaves_;  ///< [leaves × outputs]
};

}  // namespace euterpe
