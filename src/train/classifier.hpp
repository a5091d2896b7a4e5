#pragma once
/// Trains an ensemble of small perceptrons on descriptor vectors.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nn/mlp.hpp"

namespace euterpe {

/// Labeled descriptor vectors.
struct Examples {
  std::size_t features = 0;
  std::vector<float> x;             ///< row-major [n × features], finite
  std::vector<int> labels;          ///< [n], 0 … classes − 1
  std::vector<std::string> groups;  ///< [n], artist, song …: what must not stand on both sides of a split
  std::vector<int> items;           ///< [n], views of one item (windows of a clip) are judged by their mean probability

  std::size_t size() const { return labels.size(); }
  std::span<const float> row(std::size_t i) const { return {x.data() + i * features, features}; }
  void add(std::span<const float> values, int label, std::string group, int item);
  Examples subset(std::span<const std::size_t> rows) const;
};

struct ClassifierOptions {
  int classes = 2;
  std::vector<int> hidden{96, 32};  ///< widths of the hidden layers, the last one is the embedding
  double input_noise = 0.1;         ///< Gaussian noise on the standardized input, in standard deviations; 0 = none
  double dropout = 0.3;             ///< after each hidden layer; 0 = none
  double learning_rate = 2e-3;      ///< AdamW, cosine to 0 over `epochs`
  double weight_decay = 0.02;
  double label_smoothing = 0.05;  ///< 0 = none
  bool balance = true;            ///< weights classes by the inverse of their number
  int batch = 128;
  int epochs = 60;
  int patience = 10;  ///< epochs without a better validation loss before a member stops
  int members = 3;
  std::uint64_t seed = 0;
};

struct ClassifierReport {
  double valid_nll = 0;       ///< nats an example, ensemble, after calibration
  double valid_accuracy = 0;  ///< of the ensemble
  int epochs = 0;             ///< run, over all members
  double temperature = 1;
};

/// Fits `members` networks on `train`, stops each at its lowest loss on `valid`, then fits one temperature for the
/// ensemble on `valid`. The same seed on the same build gives the same weights, whatever the number of threads.
MlpEnsemble train_classifier(const Examples& train, const Examples& valid, const ClassifierOptions& options,
                             ClassifierReport* report = nullptr);

/// For sets too small to spare a validation split: `folds` folds disjoint by group; `members` networks for each learn
/// from the other folds and stop on it, all of them together are the ensemble, and the temperature is fitted on what
/// each fold's members say about the fold that they have not learned from. Uses every example.
MlpEnsemble train_classifier_by_group(const Examples& examples, const ClassifierOptions& options, int folds,
                                      ClassifierReport* report = nullptr);

/// Fold 0 … folds − 1 of each example: groups kept whole, folds nearly equal in each class (greedy, largest group
/// first, ties by seed). Error{bad_input} with fewer groups than folds.
std::vector<int> group_folds(const Examples& examples, int classes, int folds, std::uint64_t seed);

}  // namespace euterpe
