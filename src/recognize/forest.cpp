#include "recognize/forest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"

namespace euterpe {

/// Grown depth first: a node's left child stands right behind it.
struct Forest::Tree {
  std::vector<Node> nodes;
  std::vector<std::uint8_t> leaves;
};

namespace {

float rounded(double value) { return bf16_to_float(float_to_bf16(static_cast<float>(value))); }

/// Σ w_k²/W of one side: the larger the sum over both sides, the lower the Gini impurity.
double purity(const std::vector<double>& weights, double total) {
  double squares = 0;
  for (const double w : weights) squares += w * w;
  return total > 0 ? squares / total : 0;
}

struct Cut {
  int feature = -1;
  float at = 0;
  double gain = -1;
};

/// Grows one tree over `order`, a list of example numbers that is partitioned in place.
class Grower {
 public:
  Grower(const ForestExamples& examples, const ForestOptions& options, std::vector<double> weights, Random random)
      : examples_(examples), options_(options), weights_(std::move(weights)), random_(random) {
    const std::size_t inputs = examples.rows.front().size();
    features_.resize(inputs);
    std::iota(features_.begin(), features_.end(), 0);
    tried_ = options.tried > 0 ? std::min<std::size_t>(static_cast<std::size_t>(options.tried), inputs)
                               : static_cast<std::size_t>(std::max(1.0, std::round(std::sqrt(inputs))));
  }

  /// The best of the cuts tried for the examples [begin, end); feature −1 where none divides them.
  Cut best_cut(std::vector<int>& order, std::size_t begin, std::size_t end) {
    Cut best;
    std::size_t tried = 0;
    // Descriptors that do not vary here say nothing and do not count as tried.
    for (std::size_t f = 0; f < features_.size() && tried < tried_; ++f) {
      std::swap(features_[f], features_[f + random_.below(features_.size() - f)]);
      const int feature = features_[f];
      const auto value = [&](std::size_t i) {
        return examples_.rows[static_cast<std::size_t>(order[i])][static_cast<std::size_t>(feature)];
      };
      float low = std::numeric_limits<float>::max(), high = std::numeric_limits<float>::lowest();
      for (std::size_t i = begin; i < end; ++i) {
        low = std::min(low, value(i));
        high = std::max(high, value(i));
      }
      if (!(low < high)) continue;
      ++tried;
      const Cut cut = options_.random_cuts ? random_cut(order, begin, end, feature, low, high)
                                           : exact_cut(order, begin, end, feature);
      if (cut.gain > best.gain) best = cut;
    }
    return best;
  }

  std::vector<double> class_weights(const std::vector<int>& order, std::size_t begin, std::size_t end) const {
    std::vector<double> sums(static_cast<std::size_t>(examples_.classes), 0.0);
    for (std::size_t i = begin; i < end; ++i) sums[label(order[i])] += weights_[static_cast<std::size_t>(order[i])];
    return sums;
  }

 private:
  std::size_t label(int example) const {
    return static_cast<std::size_t>(examples_.labels[static_cast<std::size_t>(example)]);
  }

  Cut judged(const std::vector<double>& left, const std::vector<double>& all, int feature, float at) const {
    double left_total = 0, right_total = 0, right_squares = 0;
    for (std::size_t k = 0; k < all.size(); ++k) {
      const double right = all[k] - left[k];
      left_total += left[k];
      right_total += right;
      right_squares += right * right;
    }
    if (left_total <= 0 || right_total <= 0) return {};
    return {feature, at, purity(left, left_total) + right_squares / right_total};
  }

  Cut random_cut(const std::vector<int>& order, std::size_t begin, std::size_t end, int feature, float low,
                 float high) {
    const float at = rounded(random_.uniform(low, high));
    std::vector<double> left(static_cast<std::size_t>(examples_.classes), 0.0);
    std::size_t count = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const auto example = static_cast<std::size_t>(order[i]);
      if (examples_.rows[example][static_cast<std::size_t>(feature)] > at) continue;
      left[label(order[i])] += weights_[example];
      ++count;
    }
    const auto least = static_cast<std::size_t>(options_.min_leaf);
    if (count < least || end - begin - count < least) return {};
    return judged(left, class_weights(order, begin, end), feature, at);
  }

  Cut exact_cut(const std::vector<int>& order, std::size_t begin, std::size_t end, int feature) {
    sorted_.clear();
    for (std::size_t i = begin; i < end; ++i)
      sorted_.emplace_back(examples_.rows[static_cast<std::size_t>(order[i])][static_cast<std::size_t>(feature)],
                           order[i]);
    std::sort(sorted_.begin(), sorted_.end());
    const std::vector<double> all = class_weights(order, begin, end);
    std::vector<double> left(all.size(), 0.0);
    Cut best;
    const auto least = static_cast<std::size_t>(options_.min_leaf);
    for (std::size_t i = 0; i + 1 < sorted_.size(); ++i) {
      left[label(sorted_[i].second)] += weights_[static_cast<std::size_t>(sorted_[i].second)];
      if (i + 1 < least || sorted_.size() - i - 1 < least) continue;
      const float at = rounded(0.5 * (sorted_[i].first + sorted_[i + 1].first));
      // Rounded, the cut must still stand between the two.
      if (!(sorted_[i].first <= at && at < sorted_[i + 1].first)) continue;
      const Cut cut = judged(left, all, feature, at);
      if (cut.gain > best.gain) best = cut;
    }
    return best;
  }

  const ForestExamples& examples_;
  const ForestOptions& options_;
  std::vector<double> weights_;
  Random random_;
  std::vector<int> features_;
  std::size_t tried_ = 1;
  std::vector<std::pair<float, int>> sorted_;
};

}  // namespace

Forest Forest::fit(const ForestExamples& examples, const ForestOptions& options) {
  EUTERPE_ASSERT(!examples.rows.empty() && examples.rows.size() == examples.labels.size());
  EUTERPE_ASSERT(examples.classes > 0 && options.trees > 0);
  const std::size_t n = examples.rows.size(), classes = static_cast<std::size_t>(examples.classes);
  std::vector<double> class_weight(classes, 1.0);
  if (options.balance) {
    std::vector<double> counts(classes, 0.0);
    for (const int label : examples.labels) ++counts[static_cast<std::size_t>(label)];
    for (std::size_t k = 0; k < classes; ++k)
      class_weight[k] = counts[k] > 0 ? static_cast<double>(n) / (static_cast<double>(classes) * counts[k]) : 0;
  }

  std::vector<Tree> trees(static_cast<std::size_t>(options.trees));
  parallel_for(trees.size(), [&](std::size_t t) {
    Random random = Random::stream(options.seed, t);
    std::vector<double> weights(n, options.random_cuts ? 1.0 : 0.0);
    if (!options.random_cuts)
      for (std::size_t i = 0; i < n; ++i) weights[random.below(n)] += 1.0;
    Tree& tree = trees[t];
    std::vector<int> order;
    for (std::size_t i = 0; i < n; ++i) {
      if (weights[i] > 0) order.push_back(static_cast<int>(i));
      weights[i] *= class_weight[static_cast<std::size_t>(examples.labels[i])];
    }
    Grower grower(examples, options, std::move(weights), random);
    struct Open {
      std::size_t begin, end;
      std::int32_t parent;  // whose right child this is; −1: the node before it is the parent
    };
    std::vector<Open> open{{0, order.size(), -1}};
    while (!open.empty()) {
      const Open range = open.back();
      open.pop_back();
      const auto self = static_cast<std::int32_t>(tree.nodes.size());
      if (range.parent >= 0) tree.nodes[static_cast<std::size_t>(range.parent)].right = self;
      const std::vector<double> sums = grower.class_weights(order, range.begin, range.end);
      const double total = std::accumulate(sums.begin(), sums.end(), 0.0);
      const bool pure = *std::max_element(sums.begin(), sums.end()) >= total;
      Cut cut;
      if (!pure && range.end - range.begin >= 2 * static_cast<std::size_t>(options.min_leaf))
        cut = grower.best_cut(order, range.begin, range.end);
      if (cut.feature < 0) {
        tree.nodes.push_back({-1, 0.0f, static_cast<std::int32_t>(tree.leaves.size() / classes)});
        for (const double sum : sums)
          tree.leaves.push_back(static_cast<std::uint8_t>(std::lround(total > 0 ? 255.0 * sum / total : 0.0)));
        continue;
      }
      tree.nodes.push_back({cut.feature, cut.at, 0});
      const auto middle = std::partition(
          order.begin() + static_cast<std::ptrdiff_t>(range.begin),
          order.begin() + static_cast<std::ptrdiff_t>(range.end), [&](int i) {
            return examples.rows[static_cast<std::size_t>(i)][static_cast<std::size_t>(cut.feature)] <= cut.at;
          });
      const auto at = static_cast<std::size_t>(middle - order.begin());
      open.push_back({at, range.end, self});
      open.push_back({range.begin, at, -1});
    }
  });

  Forest forest;
  forest.inputs_ = examples.rows.front().size();
  forest.classes_ = examples.classes;
  for (const Tree& tree : trees) forest.append(tree);
  return forest;
}

void Forest::append(const Tree& tree) {
  const auto base = static_cast<std::int32_t>(nodes_.size());
  const auto leaf_base = static_cast<std::int32_t>(leaves_.size() / static_cast<std::size_t>(classes_));
  roots_.push_back(base);
  for (Node node : tree.nodes) {
    node.right += node.feature < 0 ? leaf_base : base;
    nodes_.push_back(node);
  }
  leaves_.insert(leaves_.end(), tree.leaves.begin(), tree.leaves.end());
}

const std::uint8_t* Forest::leaf_of(std::size_t tree, std::span<const float> x) const {
  auto at = static_cast<std::size_t>(roots_[tree]);
  while (nodes_[at].feature >= 0)
    at = x[static_cast<std::size_t>(nodes_[at].feature)] <= nodes_[at].cut ? at + 1
                                                                           : static_cast<std::size_t>(nodes_[at].right);
  return leaves_.data() + static_cast<std::size_t>(nodes_[at].right) * static_cast<std::size_t>(classes_);
}

std::vector<double> Forest::probabilities(std::span<const float> x) const {
  EUTERPE_ASSERT(x.size() == inputs_ && !roots_.empty());
  std::vector<double> p(static_cast<std::size_t>(classes_), 0.0);
  double sum = 0;
  for (std::size_t t = 0; t < roots_.size(); ++t) {
    const std::uint8_t* leaf = leaf_of(t, x);
    for (std::size_t k = 0; k < p.size(); ++k) {
      p[k] += leaf[k];
      sum += leaf[k];
    }
  }
  for (double& v : p) v = sum > 0 ? v / sum : 1.0 / static_cast<double>(p.size());
  return p;
}

namespace {

template <class T>
Tensor raw(DType dtype, std::vector<std::int64_t> shape, const std::vector<T>& values) {
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.shape = std::move(shape);
  tensor.bytes.reserve(values.size() * sizeof(T));
  for (const T value : values)
    for (std::size_t b = 0; b < sizeof(T); ++b)
      tensor.bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * b)));
  return tensor;
}

/// Little-endian integers of `size` bytes; Error{bad_input} if the tensor is of another type or shape.
std::vector<std::uint32_t> integers(const Safetensors& file, const std::string& name, DType dtype,
                                    std::size_t dimensions) {
  const Tensor& tensor = file.at(name);
  if (tensor.dtype != dtype || tensor.shape.size() != dimensions)
    throw Error(Category::bad_input, "read a forest", name + ": another type or shape than a forest has");
  const std::size_t size = size_of(dtype);
  std::vector<std::uint32_t> values(tensor.bytes.size() / size, 0);
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t b = 0; b < size; ++b)
      values[i] |= static_cast<std::uint32_t>(tensor.bytes[i * size + b]) << (8 * b);
  return values;
}

constexpr std::uint16_t kLeaf = 0xFFFF;

}  // namespace

void Forest::put(Safetensors& file, const std::string& prefix) const {
  std::vector<std::uint16_t> feature, right;
  std::vector<float> cut;
  std::vector<std::int32_t> sizes;
  for (std::size_t t = 0; t < roots_.size(); ++t) {
    const auto begin = static_cast<std::size_t>(roots_[t]);
    const auto end = t + 1 < roots_.size() ? static_cast<std::size_t>(roots_[t + 1]) : nodes_.size();
    sizes.push_back(static_cast<std::int32_t>(end - begin));
    for (std::size_t i = begin; i < end; ++i) {
      const bool leaf = nodes_[i].feature < 0;
      // Leaves stand in the order in which they are met, so their rows need not be written.
      const std::int32_t step = leaf ? 0 : nodes_[i].right - static_cast<std::int32_t>(i);
      EUTERPE_ASSERT(step < 0x10000 && nodes_[i].feature < kLeaf);
      feature.push_back(leaf ? kLeaf : static_cast<std::uint16_t>(nodes_[i].feature));
      right.push_back(static_cast<std::uint16_t>(step));
      cut.push_back(nodes_[i].cut);
    }
  }
  const auto n = static_cast<std::int64_t>(feature.size());
  file.tensors[prefix + ".sizes"] = raw(DType::i32, {static_cast<std::int64_t>(sizes.size())}, sizes);
  file.tensors[prefix + ".feature"] = raw(DType::u16, {n}, feature);
  file.tensors[prefix + ".right"] = raw(DType::u16, {n}, right);
  file.put(prefix + ".cut", {n}, cut, DType::bf16);
  file.tensors[prefix + ".leaf"] =
      raw(DType::u8, {static_cast<std::int64_t>(leaves_.size()) / classes_, classes_}, leaves_);
}

Forest Forest::from(const Safetensors& file, const std::string& prefix, std::size_t inputs) {
  const auto sizes = integers(file, prefix + ".sizes", DType::i32, 1);
  const auto feature = integers(file, prefix + ".feature", DType::u16, 1);
  const auto right = integers(file, prefix + ".right", DType::u16, 1);
  const std::int64_t shape[] = {static_cast<std::int64_t>(feature.size())};
  const std::vector<float> cut = file.floats(prefix + ".cut", shape);
  const auto leaf = integers(file, prefix + ".leaf", DType::u8, 2);
  Forest forest;
  forest.inputs_ = inputs;
  const std::int64_t classes = file.at(prefix + ".leaf").shape[1];
  const auto broken = [&](const std::string& why) {
    return Error(Category::bad_input, "read a forest", prefix + ": " + why, "Fetch or train the model again.");
  };
  if (sizes.empty() || right.size() != feature.size() || classes < 1)
    throw broken("no trees, or lists of unequal length");
  forest.classes_ = static_cast<int>(classes);
  forest.leaves_.assign(leaf.begin(), leaf.end());
  std::size_t begin = 0, leaves = 0;
  for (const std::uint32_t size : sizes) {
    if (size == 0 || size > feature.size() - begin) throw broken("a tree is larger than all trees together");
    forest.roots_.push_back(static_cast<std::int32_t>(begin));
    for (std::size_t i = begin; i < begin + size; ++i) {
      const bool is_leaf = feature[i] == kLeaf;
      // Both children stand behind their parent and inside the tree, so every walk ends at a leaf.
      if (!is_leaf && (feature[i] >= inputs || right[i] < 2 || i + right[i] >= begin + size))
        throw broken("a node points outside its tree or asks a descriptor that is not there");
      forest.nodes_.push_back({is_leaf ? -1 : static_cast<std::int32_t>(feature[i]), cut[i],
                               static_cast<std::int32_t>(is_leaf ? leaves++ : i + right[i])});
    }
    begin += size;
  }
  if (begin != feature.size() || leaves * static_cast<std::size_t>(classes) != leaf.size())
    throw broken("its trees and leaves do not add up");
  return forest;
}

}  // namespace euterpe
