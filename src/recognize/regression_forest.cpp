#include "recognize/regression_forest.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

float rounded(float v) { return bf16_to_float(float_to_bf16(v)); }

[[noreturn]] void broken(const std::string& tensor, const char* what) {
  throw Error(Category::bad_input, "load_regression_forest", "tensor " + tensor + " " + what,
              "The weights are damaged or belong to another model; train or install the model again.");
}

}  // namespace

/// One tree, grown depth first.
struct RegressionForest::Grower {
  std::size_t inputs, outputs;
  std::span<const float> x;
  const std::vector<float>& scaled;  // targets in units of their deviations
  std::span<const float> targets;
  const RegressionForestOptions& options;
  Random random;
  std::vector<Node> nodes{};
  std::vector<float> leaves{};

  /// Σ over the outputs of (sum over the rows)² / rows: the greater over both sides, the less variance is left.
  double explained(std::span<const std::size_t> rows) const {
    double total = 0;
    for (std::size_t o = 0; o < outputs; ++o) {
      double sum = 0;
      for (const std::size_t row : rows) sum += static_cast<double>(scaled[row * outputs + o]);
      total += sum * sum;
    }
    return total / static_cast<double>(rows.size());
  }

  std::span<std::size_t>::iterator divide(std::span<std::size_t> rows, std::size_t feature, float cut) const {
    return std::partition(rows.begin(), rows.end(), [&](std::size_t row) { return x[row * inputs + feature] <= cut; });
  }

  void leaf(std::span<const std::size_t> rows) {
    nodes.push_back({-1, 0, leaves.size() / outputs});
    for (std::size_t o = 0; o < outputs; ++o) {
      double sum = 0;
      for (const std::size_t row : rows) sum += static_cast<double>(targets[row * outputs + o]);
      leaves.push_back(rounded(static_cast<float>(sum / static_cast<double>(rows.size()))));
    }
  }

  void grow(std::span<std::size_t> rows) {
    const auto least = static_cast<std::size_t>(options.min_leaf);
    if (rows.size() < 2 * least) return leaf(rows);
    const auto tries = static_cast<std::size_t>(std::max(1.0, options.tried * static_cast<double>(inputs)));
    double best = -1;
    std::size_t feature = 0;
    float cut = 0;
    for (std::size_t t = 0; t < tries; ++t) {
      const auto f = static_cast<std::size_t>(random.below(inputs));
      float low = x[rows[0] * inputs + f], high = low;
      for (const std::size_t row : rows) {
        low = std::min(low, x[row * inputs + f]);
        high = std::max(high, x[row * inputs + f]);
      }
      if (!(low < high)) continue;
      const float at = rounded(static_cast<float>(random.uniform(static_cast<double>(low), static_cast<double>(high))));
      const auto middle = static_cast<std::size_t>(divide(rows, f, at) - rows.begin());
      if (middle < least || rows.size() - middle < least) continue;
      const double value = explained(rows.first(middle)) + explained(rows.subspan(middle));
      if (value > best) best = value, feature = f, cut = at;
    }
    if (best < 0) return leaf(rows);
    const auto middle = static_cast<std::size_t>(divide(rows, feature, cut) - rows.begin());
    const std::size_t self = nodes.size();
    nodes.push_back({static_cast<int>(feature), cut, 0});
    grow(rows.first(middle));
    nodes[self].right = nodes.size();
    grow(rows.subspan(middle));
  }
};

RegressionForest RegressionForest::fit(std::size_t inputs, std::span<const float> x, std::span<const float> targets,
                                       const RegressionForestOptions& options) {
  EUTERPE_ASSERT(inputs > 0 && inputs <= 2048 && !x.empty() && x.size() % inputs == 0);
  EUTERPE_ASSERT(options.trees > 0 && options.min_leaf > 0);
  const std::size_t n = x.size() / inputs, outputs = targets.size() / n;
  EUTERPE_ASSERT(outputs > 0 && targets.size() == n * outputs);
  std::vector<float> scaled(targets.begin(), targets.end());
  for (std::size_t o = 0; o < outputs; ++o) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(targets[i * outputs + o]);
    const double mean = sum / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) squares += std::pow(static_cast<double>(targets[i * outputs + o]) - mean, 2);
    const double deviation = std::max(1e-9, std::sqrt(squares / static_cast<double>(n)));
    for (std::size_t i = 0; i < n; ++i)
      scaled[i * outputs + o] = static_cast<float>((static_cast<double>(targets[i * outputs + o]) - mean) / deviation);
  }
  const auto count = static_cast<std::size_t>(options.trees);
  std::vector<std::vector<Node>> nodes(count);
  std::vector<std::vector<float>> leaves(count);
  parallel_for(count, [&](std::size_t tree) {
    Grower grower{inputs, outputs, x, scaled, targets, options, Random::stream(options.seed, tree)};
    std::vector<std::size_t> rows(n);
    std::iota(rows.begin(), rows.end(), 0);
    grower.grow(rows);
    nodes[tree] = std::move(grower.nodes);
    leaves[tree] = std::move(grower.leaves);
  });
  RegressionForest forest;
  forest.inputs_ = inputs;
  forest.outputs_ = outputs;
  for (std::size_t tree = 0; tree < count; ++tree) {
    forest.roots_.push_back(forest.nodes_.size());
    const std::size_t before = forest.leaves_.size() / outputs;
    for (Node node : nodes[tree]) {
      if (node.feature < 0) node.right += before;
      forest.nodes_.push_back(node);
    }
    forest.leaves_.insert(forest.leaves_.end(), leaves[tree].begin(), leaves[tree].end());
  }
  return forest;
}

std::vector<float> RegressionForest::operator()(std::span<const float> x) const {
  EUTERPE_ASSERT(x.size() == inputs_ && !empty());
  std::vector<double> sum(outputs_, 0.0);
  for (const std::size_t root : roots_) {
    std::size_t at = root;
    while (nodes_[at].feature >= 0)
      at = x[static_cast<std::size_t>(nodes_[at].feature)] <= nodes_[at].cut ? at + 1 : root + nodes_[at].right;
    for (std::size_t o = 0; o < outputs_; ++o) sum[o] += static_cast<double>(leaves_[nodes_[at].right * outputs_ + o]);
  }
  std::vector<float> mean;
  for (const double s : sum) mean.push_back(static_cast<float>(s / static_cast<double>(roots_.size())));
  return mean;
}

void RegressionForest::put(Safetensors& file, const std::string& prefix) const {
  const auto n = static_cast<std::int64_t>(nodes_.size());
  std::vector<float> feature, cut, right, roots(roots_.begin(), roots_.end());
  std::size_t leaf = 0;
  for (const Node& node : nodes_) {
    feature.push_back(static_cast<float>(node.feature));
    cut.push_back(node.cut);
    right.push_back(node.feature < 0 ? 0.0f : static_cast<float>(node.right));
    leaf += node.feature < 0;  // leaves stand in the order of their nodes
  }
  EUTERPE_ASSERT(leaf * outputs_ == leaves_.size());
  file.put(prefix + ".sizes", {2}, std::array{static_cast<float>(inputs_), static_cast<float>(outputs_)});
  file.put(prefix + ".root", {static_cast<std::int64_t>(roots.size())}, roots);
  file.put(prefix + ".feature", {n}, feature, DType::f16);
  file.put(prefix + ".cut", {n}, cut, DType::bf16);
  constexpr float kExactInHalf = 2048;  // greater whole numbers lose digits in f16
  file.put(prefix + ".right", {n}, right,
           *std::max_element(right.begin(), right.end()) <= kExactInHalf ? DType::f16 : DType::f32);
  file.put(prefix + ".leaf", {static_cast<std::int64_t>(leaf), static_cast<std::int64_t>(outputs_)}, leaves_,
           DType::bf16);
}

RegressionForest RegressionForest::from(const Safetensors& file, const std::string& prefix) {
  RegressionForest forest;
  if (!file.has(prefix + ".sizes")) return forest;
  constexpr std::array<std::int64_t, 1> kAnyLength{-1}, kTwo{2};
  const auto sizes = file.floats(prefix + ".sizes", kTwo);
  if (!(sizes[0] >= 1 && sizes[0] <= 2048 && sizes[1] >= 1 && sizes[1] <= 2048))
    broken(prefix + ".sizes", "is out of range");
  forest.inputs_ = static_cast<std::size_t>(sizes[0]);
  forest.outputs_ = static_cast<std::size_t>(sizes[1]);
  const auto feature = file.floats(prefix + ".feature", kAnyLength);
  const std::array<std::int64_t, 1> shape{static_cast<std::int64_t>(feature.size())};
  const auto cut = file.floats(prefix + ".cut", shape), right = file.floats(prefix + ".right", shape);
  forest.leaves_ =
      file.floats(prefix + ".leaf", std::array<std::int64_t, 2>{-1, static_cast<std::int64_t>(forest.outputs_)});
  if (!std::all_of(forest.leaves_.begin(), forest.leaves_.end(), [](float v) { return std::isfinite(v); }))
    broken(prefix + ".leaf", "holds a value that is no number");
  for (const float root : file.floats(prefix + ".root", kAnyLength)) {
    const std::size_t last = forest.roots_.empty() ? 0 : forest.roots_.back() + 1;
    if (!(root >= static_cast<float>(last) && root < static_cast<float>(feature.size())) ||
        (forest.roots_.empty() && root != 0))
      broken(prefix + ".root", "names a node that is not there");
    forest.roots_.push_back(static_cast<std::size_t>(root));
  }
  if (forest.roots_.empty()) broken(prefix + ".root", "names no tree");
  std::size_t leaf = 0, tree = 0;
  for (std::size_t i = 0; i < feature.size(); ++i) {
    if (tree + 1 < forest.roots_.size() && i == forest.roots_[tree + 1]) ++tree;
    const std::size_t end = tree + 1 < forest.roots_.size() ? forest.roots_[tree + 1] : feature.size();
    Node node;
    if (feature[i] < 0) {
      node.right = leaf++;
    } else {
      // Both ways lead forward within the tree, so that every path ends.
      if (!(feature[i] < sizes[0]) || !std::isfinite(cut[i])) broken(prefix + ".feature", "names no input");
      if (!(right[i] >= 0 && right[i] < static_cast<float>(feature.size())) || i + 1 >= end ||
          forest.roots_[tree] + static_cast<std::size_t>(right[i]) <= i ||
          forest.roots_[tree] + static_cast<std::size_t>(right[i]) >= end)
        broken(prefix + ".right", "leads out of its tree");
      node = {static_cast<int>(feature[i]), cut[i], static_cast<std::size_t>(right[i])};
    }
    forest.nodes_.push_back(node);
  }
  if (leaf * forest.outputs_ != forest.leaves_.size()) broken(prefix + ".leaf", "does not fit the trees");
  return forest;
}

}  // namespace euterpe
