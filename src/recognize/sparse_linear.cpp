#include "recognize/sparse_linear.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

constexpr double kTolerance = 1e-3;  // largest projected gradient of a pass at which the descent ends

float rounded(double value) { return bf16_to_float(float_to_bf16(static_cast<float>(value))); }

/// One class against the rest. Returns [dimensions + 1] weights, the last one that of a constant 1.
std::vector<double> one_against_rest(std::span<const SparseVector> examples, std::span<const int> labels, int positive,
                                     std::uint32_t dimensions, const SparseLinearOptions& options) {
  const std::size_t n = examples.size();
  const auto positives = static_cast<double>(std::count(labels.begin(), labels.end(), positive));
  std::vector<double> w(dimensions + 1, 0.0), alpha(n, 0.0), diagonal(n), square(n);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = 0; i < n; ++i) {
    double cost = options.cost;
    if (options.balance)
      cost *= 0.5 * static_cast<double>(n) /
              std::max(1.0, labels[i] == positive ? positives : static_cast<double>(n) - positives);
    diagonal[i] = 0.5 / cost;
    square[i] = 1.0 + diagonal[i];
    for (const float v : examples[i].value) square[i] += static_cast<double>(v) * v;
  }
  Random random = Random::stream(options.seed, static_cast<std::uint64_t>(positive));
  for (int pass = 0; pass < options.iterations; ++pass) {
    random.shuffle(order);
    double largest = 0;
    for (const std::size_t i : order) {
      const double y = labels[i] == positive ? 1.0 : -1.0;
      double dot = w[dimensions];
      for (std::size_t k = 0; k < examples[i].index.size(); ++k) dot += w[examples[i].index[k]] * examples[i].value[k];
      const double gradient = y * dot - 1.0 + diagonal[i] * alpha[i];
      const double projected = alpha[i] == 0 ? std::min(gradient, 0.0) : gradient;
      largest = std::max(largest, std::abs(projected));
      if (projected == 0) continue;
      const double before = alpha[i];
      alpha[i] = std::max(0.0, before - gradient / square[i]);
      const double step = (alpha[i] - before) * y;
      for (std::size_t k = 0; k < examples[i].index.size(); ++k) w[examples[i].index[k]] += step * examples[i].value[k];
      w[dimensions] += step;
    }
    if (largest < kTolerance) break;
  }
  return w;
}

}  // namespace

SparseVector SparseLinear::weighted(const SparseVector& counts) const {
  SparseVector x;
  double squares = 0;
  for (std::size_t k = 0; k < counts.index.size(); ++k) {
    const float rarity = counts.index[k] < rarity_.size() ? rarity_[counts.index[k]] : 0.0f;
    if (rarity == 0 || !(counts.value[k] > 0)) continue;
    x.index.push_back(counts.index[k]);
    x.value.push_back(rarity * (1.0f + std::log(std::max(1.0f, counts.value[k]))));
    squares += static_cast<double>(x.value.back()) * x.value.back();
  }
  const auto scale = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0.0);
  for (float& v : x.value) v *= scale;
  return x;
}

SparseLinear SparseLinear::fit(std::span<const SparseVector> counts, std::span<const int> labels, int classes,
                               std::uint32_t dimensions, const SparseLinearOptions& options) {
  EUTERPE_ASSERT(!counts.empty() && counts.size() == labels.size() && classes > 1 && options.cost > 0);
  SparseLinear model;
  std::vector<int> documents(dimensions, 0);
  for (const SparseVector& v : counts)
    for (const std::uint32_t i : v.index) ++documents[i];
  model.rarity_.resize(dimensions);
  for (std::uint32_t i = 0; i < dimensions; ++i)
    model.rarity_[i] = documents[i] < 2
                           ? 0.0f
                           : rounded(std::log((1.0 + static_cast<double>(counts.size())) / (1.0 + documents[i])) + 1.0);
  std::vector<SparseVector> examples(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) examples[i] = model.weighted(counts[i]);

  const auto k = static_cast<std::size_t>(classes);
  model.weight_.assign(static_cast<std::size_t>(dimensions) * k, 0.0f);
  model.bias_.assign(k, 0.0f);
  parallel_for(k, [&](std::size_t c) {
    const auto w = one_against_rest(examples, labels, static_cast<int>(c), dimensions, options);
    for (std::uint32_t i = 0; i < dimensions; ++i) model.weight_[static_cast<std::size_t>(i) * k + c] = rounded(w[i]);
    model.bias_[c] = static_cast<float>(w[dimensions]);
  });
  return model;
}

std::vector<float> SparseLinear::margins(const SparseVector& counts) const {
  const SparseVector x = weighted(counts);
  std::vector<float> margins = bias_;
  for (std::size_t i = 0; i < x.index.size(); ++i) {
    const float* row = weight_.data() + static_cast<std::size_t>(x.index[i]) * margins.size();
    for (std::size_t c = 0; c < margins.size(); ++c) margins[c] += x.value[i] * row[c];
  }
  return margins;
}

void SparseLinear::put(Safetensors& file, const std::string& prefix) const {
  const auto n = static_cast<std::int64_t>(rarity_.size()), k = static_cast<std::int64_t>(bias_.size());
  file.put(prefix + ".rarity", {n}, rarity_, DType::bf16);
  file.put(prefix + ".weight", {n, k}, weight_, DType::bf16);
  file.put(prefix + ".bias", {k}, bias_);
}

SparseLinear SparseLinear::from(const Safetensors& file, const std::string& prefix) {
  SparseLinear model;
  const std::int64_t any[] = {-1};
  model.rarity_ = file.floats(prefix + ".rarity", any);
  model.bias_ = file.floats(prefix + ".bias", any);
  const std::int64_t shape[] = {static_cast<std::int64_t>(model.rarity_.size()),
                                static_cast<std::int64_t>(model.bias_.size())};
  model.weight_ = file.floats(prefix + ".weight", shape);
  for (const auto* values : {&model.rarity_, &model.bias_, &model.weight_})
    for (const float v : *values)
      if (!std::isfinite(v))
        throw Error(Category::bad_input, "read a linear model", prefix + ": a value is not finite",
                    "Fetch or train the model again.");
  return model;
}

}  // namespace euterpe
