#include <torch/torch.h>

#include "nn/cnn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "nn/cnn_module.hpp"
#include "nn/declared_size.hpp"

namespace euterpe {
namespace {

constexpr std::int64_t kBatch = 16;    // chunks at a time: what fits a core's cache best
constexpr float kDown = 60, kUp = 30;  // dB around a chunk's mean power
constexpr float kUnit = 20;            // dB
constexpr double kQuiet = -70;         // dB of mel power

void check(bool ok, const char* option, const std::string& rule) {
  if (!ok) throw Error(Category::bad_input, "cnn_options", fmt::format("{} {}", option, rule));
}

/// Callers run many files at a time, each on its own thread; more threads below that would only be in each other's way.
/// (libtorch keeps this number for each calling thread.)
void one_thread() {
  static thread_local const bool once = [] {
    at::set_num_threads(1);
    return true;
  }();
  (void)once;
}

std::vector<float> values(const torch::Tensor& tensor) {
  const torch::Tensor t = tensor.detach().contiguous();
  return {t.data_ptr<float>(), t.data_ptr<float>() + t.numel()};
}

}  // namespace

CnnOptions cnn_options(const nlohmann::json& json) {
  CnnOptions o;
  auto integer = [](const nlohmann::json& value, const char* key, int low, int high) {
    check(value.is_number_integer(), key, "is missing or no whole number");
    const auto given = value.get<std::int64_t>();
    check(given >= low && given <= high, key, fmt::format("is {}, must be {} to {}", given, low, high));
    return static_cast<int>(given);
  };
  auto at = [&](const char* key) { return json.contains(key) ? json[key] : nlohmann::json(); };
  check(at("widths").is_array() && !at("widths").empty() && at("widths").size() <= 6, "widths",
        "must be a list of one to six numbers");
  o.widths.clear();
  for (const auto& width : at("widths")) o.widths.push_back(integer(width, "widths", 1, 2048));
  const int least = 1 << o.widths.size();
  o.bands = integer(at("bands"), "bands", least, 1024);
  o.frames = integer(at("frames"), "frames", least, 4096);
  o.embedding = integer(at("embedding"), "embedding", 1, 4096);
  return o;
}

nlohmann::json to_json(const CnnOptions& o) {
  return {{"bands", o.bands}, {"frames", o.frames}, {"widths", o.widths}, {"embedding", o.embedding}};
}

std::int64_t parameter_count(const CnnOptions& o) {
  std::int64_t n = 26 * o.widths.front(), in = o.widths.front();
  for (std::size_t i = 0; i < o.widths.size(); ++i) {
    const std::int64_t w = o.widths[i];
    n += 9 * in * w + 9 * w * w + 2 * w + (i > 0 ? in * w + w : 0);
    in = w;
  }
  return n + (2 * in + 1) * o.embedding;
}

std::int64_t operation_count(const CnnOptions& o) {
  std::int64_t bands = (o.bands + 1) / 2, frames = (o.frames + 1) / 2, in = o.widths.front();
  std::int64_t n = 25 * in * bands * frames;
  for (std::size_t i = 0; i < o.widths.size(); ++i) {
    const std::int64_t w = o.widths[i];
    if (i > 0) bands = (bands + 1) / 2, frames = (frames + 1) / 2;
    n += (9 * in * w + 9 * w * w + (i > 0 ? in * w : 0)) * bands * frames;
    in = w;
  }
  return n + 2 * in * o.embedding;
}

void normalize_chunk(std::span<float> decibels) {
  double power = 0;
  for (const float db : decibels)
    power += std::exp2(db * static_cast<float>(0.1 / std::numbers::log10e * std::numbers::log2e));
  const auto level =
      static_cast<float>(std::max(kQuiet, 10 * std::log10(power / static_cast<double>(decibels.size()))));
  for (float& db : decibels) db = (std::clamp(db - level, -kDown, kUp) + kDown / 2) / kUnit;
}

struct Cnn::Impl {
  Impl(const CnnOptions& o, const Safetensors& weights) : network(checked(o, weights)) {}
  static const CnnOptions& checked(const CnnOptions& o, const Safetensors& weights) {
    check_declared_size(weights, parameter_count(o), "load_cnn");
    return o;
  }
  mutable CnnModule network;  // forward() of a libtorch module is not const, though it changes nothing with `fixed`
};

Cnn::Cnn(const CnnOptions& options, const Safetensors& weights, const std::string& prefix)
    : impl_(std::make_unique<Impl>(options, weights)) {
  impl_->network->load(weights, prefix);
  for (auto& p : impl_->network->parameters()) p.set_requires_grad(false);
}
Cnn::~Cnn() = default;
Cnn::Cnn(Cnn&&) noexcept = default;
Cnn& Cnn::operator=(Cnn&&) noexcept = default;

const CnnOptions& Cnn::options() const { return impl_->network->options; }

std::vector<float> Cnn::embed(std::span<const float> chunks) const {
  const CnnOptions& o = options();
  const auto size = static_cast<std::size_t>(o.bands) * static_cast<std::size_t>(o.frames);
  EUTERPE_ASSERT(chunks.size() % size == 0);
  one_thread();
  torch::NoGradGuard guard;
  std::vector<float> out;
  const auto n = static_cast<std::int64_t>(chunks.size() / size);
  for (std::int64_t begin = 0; begin < n; begin += kBatch) {
    const std::int64_t count = std::min(kBatch, n - begin);
    // libtorch has no view of constant memory; nothing is written to it.
    auto* data = const_cast<float*>(chunks.data()) + static_cast<std::size_t>(begin) * size;
    const auto x = torch::from_blob(data, {count, o.bands, o.frames}, torch::kFloat32);
    const auto e = values(impl_->network->forward(x, Statistics::fixed));
    out.insert(out.end(), e.begin(), e.end());
  }
  return out;
}

}  // namespace euterpe
