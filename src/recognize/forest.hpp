#pragma once
/// Forests of decision trees over descriptor vectors: the baseline that other models are held against, and members of
/// ensembles.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nn/safetensors.hpp"

namespace euterpe {

struct ForestOptions {
  int trees = 300;
  int min_leaf = 1;          ///< examples a leaf holds at least
  bool random_cuts = false;  ///< extremely randomized trees (Geurts et al. 2006): one random cut a descriptor tried,
                             ///< every tree sees all examples; else bootstrap and best cuts (Breiman 2001)
  bool balance = false;      ///< weights examples by the inverse of their class's number
  int tried = 0;             ///< descriptors tried at a node; 0 = √ of their number
  std::uint64_t seed = 0;
};

/// Labeled descriptor vectors of equal length, borrowed.
struct ForestExamples {
  std::span<const std::vector<float>> rows;  ///< finite
  std::span<const int> labels;               ///< [rows], 0 … classes − 1
  int classes = 2;
};

/// Classification trees split by Gini impurity, their leaves' shares of the classes averaged. Thread-safe to ask.
class Forest {
 public:
  Forest() = default;
  /// The same seed gives the same forest whatever the number of threads.
  static Forest fit(const ForestExamples& examples, const ForestOptions& options);

  std::vector<double> probabilities(std::span<const float> x) const;  ///< [classes], sum 1
  std::size_t inputs() const { return inputs_; }
  int classes() const { return classes_; }

  /// Tensors PREFIX.sizes, .feature, .cut (bf16), .right, .leaf; cuts are rounded to bf16 and leaves to 1/255 when the
  /// forest is made, so that a saved one answers as the fresh one does.
  void put(Safetensors& file, const std::string& prefix) const;
  /// Error{bad_input} naming the tensor that is missing or misshapen. \param inputs how many descriptors there are
  static Forest from(const Safetensors& file, const std::string& prefix, std::size_t inputs);

 private:
  struct Node {
    std::int32_t feature = -1;  ///< −1: a leaf
    float cut = 0;              ///< x[feature] ≤ cut goes to the next node, others to `right`
    std::int32_t right = 0;     ///< of a leaf: its row of leaves_
  };
  struct Tree;
  void append(const Tree& tree);
  const std::uint8_t* leaf_of(std::size_t tree, std::span<const float> x) const;

  std::size_t inputs_ = 0;
  int classes_ = 0;
  std::vector<std::int32_t> roots_;  ///< node of each tree's root
  std::vector<Node> nodes_;
  std::vector<std::uint8_t> leaves_;  ///< row-major [leaves × classes], shares in 255ths
};

}  // namespace euterpe
