#include "nn/dense_gan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "nn/small_product.hpp"

namespace euterpe {
namespace {

[[noreturn]] void broken(const std::string& tensor, const std::string& what) {
  throw Error(Category::bad_input, "load_dense_gan", "tensor " + tensor + " " + what,
              "The weights are damaged or belong to another network; train or install the model again.");
}

/// Pictures side by side in the product: as many for one as for a hundred, so that all add up in one order.
constexpr std::size_t kBlock = 16;

}  // namespace

std::vector<std::uint8_t> DenseGenerator::pictures(std::span<const float> noise) const {
  EUTERPE_ASSERT(noise.size() % kDenseNoise == 0 && !layers.empty());
  const std::size_t count = noise.size() / kDenseNoise, pixels = height * width;
  std::vector<std::uint8_t> out(count * pixels);
  for (std::size_t first = 0; first < count; first += kBlock) {
    const std::size_t here = std::min(kBlock, count - first);
    std::vector<float> x(kDenseNoise * kBlock), y;  // [features × kBlock]
    for (std::size_t i = 0; i < here; ++i)
      for (std::size_t k = 0; k < kDenseNoise; ++k) x[k * kBlock + i] = noise[(first + i) * kDenseNoise + k];
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const Mlp::Layer& layer = layers[l];
      y.resize(layer.outputs * kBlock);
      for (std::size_t o = 0; o < layer.outputs; ++o)
        std::fill_n(y.begin() + static_cast<std::ptrdiff_t>(o * kBlock), kBlock, layer.bias[o]);
      const auto block = static_cast<std::int64_t>(kBlock), inputs = static_cast<std::int64_t>(layer.inputs);
      small_product({layer.weight.data(), inputs, 1}, x.data(), block, y.data(), block,
                    static_cast<std::int64_t>(layer.outputs), inputs, block, true);
      if (l + 1 < layers.size())
        for (float& v : y) v = v < 0 ? v * kDenseLeak : v;
      x.swap(y);
    }
    for (std::size_t i = 0; i < here; ++i)
      for (std::size_t p = 0; p < pixels; ++p)
        out[(first + i) * pixels + p] =
            static_cast<std::uint8_t>(std::lround(127.5F * (std::tanh(x[p * kBlock + i]) + 1)));
  }
  return out;
}

DenseGenerator DenseGenerator::from(const Safetensors& file, std::size_t height, std::size_t width) {
  constexpr std::array<std::int64_t, 2> kAnyMatrix{-1, -1};
  DenseGenerator out{height, width, {}};
  std::size_t inputs = kDenseNoise;
  for (std::size_t l = 0; l <= kDenseGeneratorWidths.size(); ++l) {
    const std::string name = fmt::format("layer.{}.", l);
    Mlp::Layer layer;
    layer.weight = file.finite(name + "weight", kAnyMatrix);
    const auto& shape = file.at(name + "weight").shape;
    const bool last = l == kDenseGeneratorWidths.size();
    const std::size_t outputs = last ? height * width : static_cast<std::size_t>(kDenseGeneratorWidths[l]);
    if (static_cast<std::size_t>(shape[0]) != outputs || static_cast<std::size_t>(shape[1]) != inputs)
      broken(name + "weight", fmt::format("is [{} × {}] instead of [{} × {}]", shape[0], shape[1], outputs, inputs));
    layer.inputs = inputs;
    layer.outputs = outputs;
    const std::array<std::int64_t, 1> rows{shape[0]};
    layer.bias = file.finite(name + "bias", rows);
    inputs = outputs;
    out.layers.push_back(std::move(layer));
  }
  return out;
}

}  // namespace euterpe
