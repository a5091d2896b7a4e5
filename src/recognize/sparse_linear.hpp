#pragma once
/// Linear classifier over counts of many things of which each example has few: n-grams.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nn/safetensors.hpp"
#include "score/note_ngrams.hpp"

namespace euterpe {

struct SparseLinearOptions {
  double cost = 1.0;     ///< C of the support vector machine, > 0: how much an error costs beside large weights
  int iterations = 60;   ///< passes over the examples at most
  bool balance = false;  ///< errors cost by the inverse of their class's number
  std::uint64_t seed = 0;
};

/// Counts → 1 + ln count, times the inverse document frequency ln((1 + n)/(1 + df)) + 1, things met in one example only
/// left out, each example scaled to length 1 (Salton and Buckley 1988) → one linear support vector machine a class
/// against the rest, squared hinge loss, by dual coordinate descent (Hsieh et al. 2008, algorithm 1).
class SparseLinear {
 public:
  SparseLinear() = default;
  /// \param counts [n] counts > 0, indices below `dimensions`; \param labels [n], 0 … classes − 1
  static SparseLinear fit(std::span<const SparseVector> counts, std::span<const int> labels, int classes,
                          std::uint32_t dimensions, const SparseLinearOptions& options = {});

  /// [classes]: distance from each class's border. What has no known thing lies where the biases put it.
  std::vector<float> margins(const SparseVector& counts) const;
  std::uint32_t dimensions() const { return static_cast<std::uint32_t>(rarity_.size()); }
  int classes() const { return static_cast<int>(bias_.size()); }

  /// Tensors PREFIX.rarity, .weight (bf16), .bias.
  void put(Safetensors& file, const std::string& prefix) const;
  /// Error{bad_input} naming the tensor that is missing, misshapen or not finite.
  static SparseLinear from(const Safetensors& file, const std::string& prefix);

 private:
  SparseVector weighted(const SparseVector& counts) const;
  std::vector<float> rarity_;  ///< [dimensions], 0 = left out
  std::vector<float> weight_;  ///< row-major [dimensions × classes]: an example asks few rows
  std::vector<float> bias_;    ///< [classes]
};

}  // namespace euterpe
