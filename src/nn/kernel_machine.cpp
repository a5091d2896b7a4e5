#include "nn/kernel_machine.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/hot.hpp"

namespace euterpe {
namespace {

EUTERPE_HOT float squared_distance(const float* a, const float* b, std::size_t n) {
  // Sixteen partial sums let the compiler use its widest registers and give one order of addition to all of them.
  std::array<float, 16> part{};
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (std::size_t k = 0; k < 16; ++k) part[k] += (a[i + k] - b[i + k]) * (a[i + k] - b[i + k]);
  float sum = 0;
  for (; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  for (const float p : part) sum += p;
  return sum;
}

[[noreturn]] void broken(const std::string& tensor, const std::string& what) {
  throw Error(Category::bad_input, "load_kernel_machine", "tensor " + tensor + " " + what,
              "The weights are damaged or belong to another model; train or install the model again.");
}

}  // namespace

std::vector<float> KernelMachine::standardized(std::span<const float> x) const {
  EUTERPE_ASSERT(x.size() == inputs());
  std::vector<float> z(x.size());
  for (std::size_t i = 0; i < z.size(); ++i) {
    const float value = (x[i] - mean[i]) / deviation[i];
    z[i] = std::isfinite(value) ? std::clamp(value, -kClip, kClip) : 0.0f;
  }
  return z;
}

float KernelMachine::kernel(std::span<const float> a, std::span<const float> b) const {
  float sum = 0;
  std::size_t begin = 0;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const float distance = squared_distance(a.data() + begin, b.data() + begin, parts[p]);
    sum += share[p] * std::exp(-gamma * distance / static_cast<float>(parts[p]));
    begin += parts[p];
  }
  return sum;
}

std::vector<float> KernelMachine::operator()(std::span<const float> x) const {
  const std::vector<float> z = standardized(x);
  std::vector<float> y = bias;
  for (std::size_t i = 0; i < examples(); ++i) {
    const float k = kernel(z, std::span(support).subspan(i * inputs(), inputs()));
    for (std::size_t o = 0; o < y.size(); ++o) y[o] += k * weight[i * y.size() + o];
  }
  return y;
}

void KernelMachine::put(Safetensors& file, const std::string& prefix) const {
  const auto n = static_cast<std::int64_t>(examples()), d = static_cast<std::int64_t>(inputs()),
             o = static_cast<std::int64_t>(outputs());
  const std::vector<float> widths(parts.begin(), parts.end());
  file.put(prefix + ".parts", {static_cast<std::int64_t>(parts.size())}, widths);
  file.put(prefix + ".share", {static_cast<std::int64_t>(parts.size())}, share);
  file.put(prefix + ".mean", {d}, mean);
  file.put(prefix + ".deviation", {d}, deviation);
  file.put(prefix + ".support", {n, d}, support, DType::bf16);
  file.put(prefix + ".weight", {n, o}, weight);
  file.put(prefix + ".bias", {o}, bias);
  file.put(prefix + ".gamma", {1}, std::array{gamma});
}

KernelMachine KernelMachine::from(const Safetensors& file, const std::string& prefix) {
  constexpr std::array<std::int64_t, 1> kAnyLength{-1}, kOne{1};
  constexpr std::array<std::int64_t, 2> kAnyMatrix{-1, -1};
  KernelMachine machine;
  machine.mean = file.finite(prefix + ".mean", kAnyLength);
  const auto d = static_cast<std::int64_t>(machine.mean.size());
  machine.deviation = file.finite(prefix + ".deviation", std::array{d});
  if (std::any_of(machine.deviation.begin(), machine.deviation.end(), [](float v) { return v <= 0; }))
    broken(prefix + ".deviation", "holds a value that is not above 0");
  for (const float width : file.finite(prefix + ".parts", kAnyLength)) {
    if (!(width >= 1 && width <= static_cast<float>(d))) broken(prefix + ".parts", "holds no width of a part");
    machine.parts.push_back(static_cast<std::size_t>(width));
  }
  if (std::accumulate(machine.parts.begin(), machine.parts.end(), std::size_t{0}) != machine.mean.size())
    broken(prefix + ".parts", "does not cover the " + std::to_string(d) + " inputs");
  machine.share = file.finite(prefix + ".share", std::array{static_cast<std::int64_t>(machine.parts.size())});
  machine.bias = file.finite(prefix + ".bias", kAnyLength);
  machine.weight = file.finite(prefix + ".weight", kAnyMatrix);
  const auto& shape = file.at(prefix + ".weight").shape;
  if (shape[1] != static_cast<std::int64_t>(machine.bias.size()) || machine.bias.empty())
    broken(prefix + ".weight",
           "has " + std::to_string(shape[1]) + " columns for " + std::to_string(machine.bias.size()) + " outputs");
  machine.support = file.finite(prefix + ".support", std::array{shape[0], d});
  machine.gamma = file.finite(prefix + ".gamma", kOne).front();
  if (machine.gamma <= 0) broken(prefix + ".gamma", "is not above 0");
  return machine;
}

}  // namespace euterpe
