#pragma once
/// EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data"), with what follows what as a second part.
#include <map>
#include <span>
#include <tuple>
#include <vector>

#include "recommend/item_weights.hpp"

namespace euterpe {

/// W = (B + transition · S) · diag(popularity^popularity_exponent).
struct EaseSettings {
  double lambda = 300;                ///< L2 regularization of B, > 0
  double popularity_exponent = -0.3;  ///< of a target's number of listeners: below 0 favours the less known; 0 = off
  double transition = 0;              ///< weight of S; 0 = EASE alone
  double transition_lambda = 30;      ///< L2 regularization of S, > 0
  double past = 1, future = 3;        ///< half-lives, in positions, of the items that S predicts from and predicts
  Recency recency;                    ///< of the history that asks
};

/// Dense fits hold up to four matrices of items² floats at once: 2.3 GB at this many items.
inline constexpr int kMostDenseItems = 12000;

/// Closed-form fits of one set of histories, of which the parts that a setting leaves as they were are kept for the
/// next fit.
///
/// B = argmin ‖X − XB‖² + λ‖B‖² with zero diagonal (Steck 2019, eq. 8), X binary [listeners × items].
/// S = argmin ‖Y − ZS‖² + λ‖S‖², zero diagonal imposed afterwards: for every position t of every history, row Z holds
/// the items before t and row Y those from t on, both fading with their distance from t (after the session-aware linear
/// models of Choi et al. 2021).
class EaseFitter {
 public:
  /// \param histories item numbers below `items`, oldest first; \param items at most kMostDenseItems, else
  /// Error{unsupported}
  EaseFitter(std::vector<History> histories, int items);

  ItemWeights fit(const EaseSettings& settings);
  /// As fit(), without keeping the parts.
  ItemWeights fit_once(const EaseSettings& settings);

 private:
  std::vector<float> similarity(double lambda) const;
  std::vector<float> transitions(double lambda, double past, double future) const;

  std::vector<History> histories_;
  int items_;
  std::vector<float> popularity_;
  std::map<double, std::vector<float>> similarity_;                               // at most one
  std::map<std::tuple<double, double, double>, std::vector<float>> transitions_;  // at most one
};

/// Cosine of listeners between items (Sarwar et al. 2001), damped by `shrinkage` listeners, the `neighbours` nearest of
/// each item kept. Memory grows with items · neighbours, not with items².
ItemWeights fit_item_knn(const std::vector<History>& histories, int items, int neighbours, double shrinkage);

/// Number of distinct listeners of each item, [items].
std::vector<float> count_listeners(const std::vector<History>& histories, int items);

}  // namespace euterpe
