#pragma once
/// Tells what is unlike the training data of a recognizer: its answer is then "unknown".
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/mlp.hpp"
#include "nn/safetensors.hpp"
#include "train/classifier.hpp"

namespace euterpe {

struct UnknownOptions {
  double false_unknown = 0.025;  ///< share of known items of groups never seen that comes to 0.5 or more; 0 … 0.5
  int folds = 5;                 ///< by group, for that share; fewer where there are fewer groups
  std::uint64_t seed = 1;
  bool progress = false;  ///< shown on stderr
};

/// Two opinions, each on the scale of what it says of known items whose group it has not learned from, and added:
///  - a classifier of known against other, learned from examples of both (outlier exposure, Hendrycks et al. 2019);
///  - the distance from all that is known, for what resembles neither, at half the weight: Mahalanobis, the covariance
///    shrunk towards a multiple of unity (Ledoit and Wolf 2004), over standardized features cut at ±Mlp::kClip.
class UnknownDetector {
 public:
  UnknownDetector() = default;  ///< empty: calls nothing unknown

  /// \param known what the recognizer learned from. Groups are artists, works …; rows of one item are views of it and
  ///              stand together; labels are not looked at. Items with a label below 0 are learned from, but the share
  ///              of false alarms is not counted on them: variants, worn or cut short, of what comes whole.
  /// \param other what is none of it, with as many features; may be empty, the distance then decides alone.
  /// Error{bad_input} with fewer than two groups of known items.
  static UnknownDetector fit(const Examples& known, const Examples& other, const UnknownOptions& options = {});

  bool empty() const { return mean_.empty(); }
  std::size_t inputs() const { return mean_.size(); }

  /// 0 … 1, unknown from 0.5 on; 0 from an empty detector. x: one view, [inputs()].
  double unknown(std::span<const float> x) const;
  /// The same of an item by all its views, at least one: the mean of what is said of each, before it is put on 0 … 1.
  double unknown(std::span<const std::vector<float>> views) const;

  /// Tensors PREFIX.* and back. `from` gives an empty detector where the file has none; Error{bad_input} naming the
  /// tensor that is missing, misshapen or not finite.
  void put(Safetensors& file, const std::string& prefix = "unknown") const;
  static UnknownDetector from(const Safetensors& file, const std::string& prefix = "unknown");

 private:
  /// Where an opinion stands on known items of groups never seen: 0 at `typical` (their median), 1 at `limit`.
  struct Scale {
    double typical = 0, limit = 1;
    double operator()(double value) const { return (value - typical) / (limit - typical); }
  };
  struct Opinions {
    double distance = 0, classifier = 0;
  };

  void learn(const Examples& known, const Examples& other, std::uint64_t seed);
  Opinions opinions(std::span<const float> x) const;
  double evidence(const Opinions& item) const;

  std::vector<float> mean_, deviation_;  ///< [inputs]
  std::vector<float> whitening_;  ///< rows [1 … inputs] of the inverse of the covariance's lower Cholesky factor
  MlpEnsemble classifier_;        ///< known, other; without members where nothing other was there
  Scale distance_scale_, classifier_scale_, scale_;
};

}  // namespace euterpe
