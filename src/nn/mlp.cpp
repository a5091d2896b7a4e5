#include "nn/mlp.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "base/hot.hpp"

namespace euterpe {
namespace {

/// y [rows] = W [rows × columns] · x + b
EUTERPE_HOT void affine(const float* w, const float* b, const float* x, std::size_t rows, std::size_t columns,
                        float* y) {
  for (std::size_t r = 0; r < rows; ++r) {
    // Sixteen partial sums let the compiler use its widest registers and give one order of addition to all of them.
    std::array<float, 16> part{};
    const float* row = w + r * columns;
    std::size_t c = 0;
    for (; c + 16 <= columns; c += 16)
      for (std::size_t k = 0; k < 16; ++k) part[k] += row[c + k] * x[c + k];
    float sum = b[r];
    for (float p : part) sum += p;
    for (; c < columns; ++c) sum += row[c] * x[c];
    y[r] = sum;
  }
}

float gelu(float x) { return 0.5f * x * (1.0f + std::erf(x * 0.70710678f)); }

std::vector<float> linear(const Mlp::Layer& layer, const std::vector<float>& x) {
  std::vector<float> y(layer.outputs);
  affine(layer.weight.data(), layer.bias.data(), x.data(), layer.outputs, layer.inputs, y.data());
  return y;
}

[[noreturn]] void broken(const std::string& tensor, const std::string& what) {
  throw Error(Category::bad_input, "load_mlp", "tensor " + tensor + " " + what,
              "The weights are damaged or belong to another network; train or install the model again.");
}

}  // namespace

std::vector<double> softmax(std::span<const float> logits, double temperature) {
  EUTERPE_ASSERT(!logits.empty() && temperature > 0);
  const double top = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  double sum = 0;
  for (float l : logits) sum += p.emplace_back(std::exp((l - top) / temperature));
  for (double& v : p) v /= sum;
  return p;
}

std::vector<float> Mlp::hidden(std::span<const float> x) const {
  EUTERPE_ASSERT(x.size() == inputs() && !layers.empty());
  std::vector<float> h(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float z = (x[i] - mean[i]) / deviation[i];
    h[i] = std::isfinite(z) ? std::clamp(z, -kClip, kClip) : 0.0f;
  }
  for (std::size_t l = 0; l + 1 < layers.size(); ++l) {
    h = linear(layers[l], h);
    for (float& v : h) v = gelu(v);
  }
  return h;
}

std::vector<float> Mlp::logits(std::span<const float> x) const { return linear(layers.back(), hidden(x)); }

std::vector<double> Mlp::probabilities(std::span<const float> x) const { return softmax(logits(x), temperature); }

std::vector<double> MlpEnsemble::probabilities(std::span<const float> x) const {
  EUTERPE_ASSERT(!members.empty());
  std::vector<double> mean(outputs(), 0.0);
  for (const Mlp& member : members) {
    const auto p = member.probabilities(x);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += p[i] / static_cast<double>(members.size());
  }
  return mean;
}

void MlpEnsemble::put(Safetensors& file) const {
  for (std::size_t m = 0; m < members.size(); ++m) {
    const Mlp& mlp = members[m];
    const std::string prefix = "member." + std::to_string(m) + ".";
    const auto inputs = static_cast<std::int64_t>(mlp.inputs());
    file.put(prefix + "mean", {inputs}, mlp.mean);
    file.put(prefix + "deviation", {inputs}, mlp.deviation);
    file.put(prefix + "temperature", {1}, std::array{static_cast<float>(mlp.temperature)});
    for (std::size_t l = 0; l < mlp.layers.size(); ++l) {
      const Mlp::Layer& layer = mlp.layers[l];
      const std::string name = prefix + "layer." + std::to_string(l) + ".";
      const auto rows = static_cast<std::int64_t>(layer.outputs), columns = static_cast<std::int64_t>(layer.inputs);
      file.put(name + "weight", {rows, columns}, layer.weight, DType::bf16);
      file.put(name + "bias", {rows}, layer.bias);
    }
  }
}

MlpEnsemble MlpEnsemble::from(const Safetensors& file) {
  constexpr std::array<std::int64_t, 1> kAnyLength{-1}, kOne{1};
  constexpr std::array<std::int64_t, 2> kAnyMatrix{-1, -1};
  MlpEnsemble ensemble;
  for (std::size_t m = 0; m == 0 || file.has("member." + std::to_string(m) + ".mean"); ++m) {
    const std::string prefix = "member." + std::to_string(m) + ".";
    Mlp mlp;
    mlp.mean = file.finite(prefix + "mean", kAnyLength);
    const std::array<std::int64_t, 1> inputs{static_cast<std::int64_t>(mlp.mean.size())};
    mlp.deviation = file.finite(prefix + "deviation", inputs);
    if (std::any_of(mlp.deviation.begin(), mlp.deviation.end(), [](float d) { return d <= 0; }))
      broken(prefix + "deviation", "holds a value that is not above 0");
    mlp.temperature = file.finite(prefix + "temperature", kOne).front();
    if (mlp.temperature <= 0) broken(prefix + "temperature", "is not above 0");
    std::size_t width = mlp.inputs();
    for (std::size_t l = 0; l == 0 || file.has(prefix + "layer." + std::to_string(l) + ".weight"); ++l) {
      const std::string name = prefix + "layer." + std::to_string(l) + ".";
      Mlp::Layer layer;
      layer.weight = file.finite(name + "weight", kAnyMatrix);
      const auto& shape = file.at(name + "weight").shape;
      if (shape[0] <= 0 || static_cast<std::size_t>(shape[1]) != width)
        broken(name + "weight", "is [" + std::to_string(shape[0]) + " × " + std::to_string(shape[1]) + "], but " +
                                    std::to_string(width) + " numbers come in");
      layer.outputs = static_cast<std::size_t>(shape[0]);
      layer.inputs = width;
      const std::array<std::int64_t, 1> rows{shape[0]};
      layer.bias = file.finite(name + "bias", rows);
      width = layer.outputs;
      mlp.layers.push_back(std::move(layer));
    }
    ensemble.members.push_back(std::move(mlp));
    if (ensemble.members[m].inputs() != ensemble.inputs() || ensemble.members[m].outputs() != ensemble.outputs())
      broken(prefix + "mean", "belongs to a member of another size than the first");
  }
  return ensemble;
}

}  // namespace euterpe
