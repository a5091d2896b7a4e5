#include "nn/decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/error.hpp"
#include "base/hot.hpp"

namespace euterpe {
namespace {

float widen(std::uint16_t bf16) { return std::bit_cast<float>(std::uint32_t{bf16} << 16); }

// Sixteen running sums let the compiler keep one full vector register a row without reordering rules being relaxed.
constexpr int kLanes = 16;

/// out[r] (+)= Σ w[r, c] · x[c]; columns is a multiple of kLanes.
EUTERPE_HOT void multiply(const std::uint16_t* w, const float* x, float* out, int rows, int columns, bool add) {
  for (int r = 0; r < rows; ++r, w += columns) {
    float sums[kLanes] = {};
    for (int c = 0; c < columns; c += kLanes)
      for (int k = 0; k < kLanes; ++k) sums[k] += std::bit_cast<float>(std::uint32_t{w[c + k]} << 16) * x[c + k];
    float sum = 0;
    for (float s : sums) sum += s;
    out[r] = add ? out[r] + sum : sum;
  }
}

EUTERPE_HOT void attend(const float* q, const float* keys, const float* values, float* scores, float* out, int length,
                        int head) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(head));
  float largest = -INFINITY;
  for (int t = 0; t < length; ++t) {
    const float* k = keys + static_cast<std::size_t>(t) * static_cast<std::size_t>(head);
    float sums[8] = {};
    int i = 0;
    for (; i + 8 <= head; i += 8)
      for (int j = 0; j < 8; ++j) sums[j] += q[i + j] * k[i + j];
    float dot = 0;
    for (float s : sums) dot += s;
    for (; i < head; ++i) dot += q[i] * k[i];
    scores[t] = dot * scale;
    largest = std::max(largest, scores[t]);
  }
  float total = 0;
  for (int t = 0; t < length; ++t) total += scores[t] = std::exp(scores[t] - largest);
  std::fill(out, out + head, 0.0f);
  for (int t = 0; t < length; ++t) {
    const float weight = scores[t] / total;
    const float* v = values + static_cast<std::size_t>(t) * static_cast<std::size_t>(head);
    for (int i = 0; i < head; ++i) out[i] += weight * v[i];
  }
}

void rms_norm(const std::vector<float>& x, const std::vector<float>& weight, std::vector<float>& out) {
  double square = 0;
  for (float v : x) square += double{v} * v;
  const float scale = static_cast<float>(1.0 / std::sqrt(square / static_cast<double>(x.size()) + kNormEpsilon));
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = x[i] * scale * weight[i];
}

}  // namespace

TransformerWeights::TransformerWeights(const TransformerOptions& options, const Safetensors& file) : options_(options) {
  const int d = options.d_model, ff = options.ff;
  if (d % kLanes != 0 || ff % kLanes != 0)
    throw Error(Category::unsupported, "decoder",
                fmt::format("d_model {} and ff {} must be multiples of {}", d, ff, kLanes));
  auto linear = [&](const std::string& name, int rows, int columns) {
    const std::array<std::int64_t, 2> shape{rows, columns};
    const std::vector<float> values = file.finite(name, shape);
    Linear out{rows, columns, std::vector<std::uint16_t>(values.size())};
    std::transform(values.begin(), values.end(), out.bf16.begin(), float_to_bf16);
    return out;
  };
  auto vector = [&](const std::string& name) { return file.finite(name, std::array<std::int64_t, 1>{d}); };
  embedding_ = linear("embedding", options.vocabulary, d);
  final_norm_ = vector("final_norm");
  for (int i = 0; i < options.layers; ++i) {
    const std::string p = fmt::format("block{}.", i);
    blocks_.push_back({vector(p + "attention_norm"), vector(p + "ff_norm"), linear(p + "qkv", 3 * d, d),
                       linear(p + "attention_out", d, d), linear(p + "ff_in", 2 * ff, d), linear(p + "ff_out", d, ff)});
  }
}

Decoder::Decoder(std::shared_ptr<const TransformerWeights> weights) : weights_(std::move(weights)) {
  const TransformerOptions& o = weights_->options();
  const auto size = [](auto... n) { return (static_cast<std::size_t>(n) * ...); };
  keys_.resize(size(o.layers, o.context, o.d_model));
  values_.resize(keys_.size());
  const int half = o.d_model / o.heads / 2;
  cosine_.resize(size(o.context, half));
  sine_.resize(cosine_.size());
  for (int t = 0; t < o.context; ++t)
    for (int i = 0; i < half; ++i) {
      const double angle = t * std::pow(kRopeBase, -static_cast<double>(i) / half);
      cosine_[size(t, half) + static_cast<std::size_t>(i)] = static_cast<float>(std::cos(angle));
      sine_[size(t, half) + static_cast<std::size_t>(i)] = static_cast<float>(std::sin(angle));
    }
  x_.resize(size(o.d_model));
  normed_.resize(size(o.d_model));
  qkv_.resize(size(3, o.d_model));
  mixed_.resize(size(o.d_model));
  gates_.resize(size(2, o.ff));
  scores_.resize(size(o.context));
  logits_.resize(size(o.vocabulary));
}

void Decoder::rewind(int length) {
  EUTERPE_ASSERT(length >= 0 && length <= length_);
  length_ = length;
}

std::span<const float> Decoder::step(int token) {
  const TransformerOptions& o = weights_->options();
  if (length_ >= o.context)
    throw Error(Category::usage, "decode", fmt::format("the context of {} tokens is full", o.context));
  EUTERPE_ASSERT(token >= 0 && token < o.vocabulary);
  const int d = o.d_model, head = d / o.heads, half = head / 2, position = length_++;
  auto apply = [](const TransformerWeights::Linear& w, const std::vector<float>& in, std::vector<float>& out,
                  bool add) { multiply(w.bf16.data(), in.data(), out.data(), w.rows, w.columns, add); };
  const std::uint16_t* row =
      weights_->embedding_.bf16.data() + static_cast<std::size_t>(token) * static_cast<std::size_t>(d);
  const float scale = std::sqrt(static_cast<float>(d));
  for (int i = 0; i < d; ++i) x_[static_cast<std::size_t>(i)] = widen(row[i]) * scale;
  const float* cosine = cosine_.data() + static_cast<std::size_t>(position) * static_cast<std::size_t>(half);
  const float* sine = sine_.data() + static_cast<std::size_t>(position) * static_cast<std::size_t>(half);
  for (std::size_t layer = 0; layer < weights_->blocks_.size(); ++layer) {
    const TransformerWeights::Block& block = weights_->blocks_[layer];
    rms_norm(x_, block.attention_norm, normed_);
    apply(block.qkv, normed_, qkv_, false);
    for (int h = 0; h < o.heads; ++h) {
      float* q = qkv_.data() + h * head;
      float* k = q + d;
      const float* v = k + d;
      for (float* vec : {q, k})
        for (int i = 0; i < half; ++i) {
          const float a = vec[i], b = vec[i + half];
          vec[i] = a * cosine[i] - b * sine[i];
          vec[i + half] = b * cosine[i] + a * sine[i];
        }
      const std::size_t base = (layer * static_cast<std::size_t>(o.heads) + static_cast<std::size_t>(h)) *
                               static_cast<std::size_t>(o.context) * static_cast<std::size_t>(head);
      const std::size_t slot = base + static_cast<std::size_t>(position) * static_cast<std::size_t>(head);
      std::copy(k, k + head, keys_.begin() + static_cast<std::ptrdiff_t>(slot));
      std::copy(v, v + head, values_.begin() + static_cast<std::ptrdiff_t>(slot));
      attend(q, keys_.data() + base, values_.data() + base, scores_.data(), mixed_.data() + h * head, length_, head);
    }
    apply(block.attention_out, mixed_, x_, true);
    rms_norm(x_, block.ff_norm, normed_);
    apply(block.ff_in, normed_, gates_, false);
    for (int i = 0; i < o.ff; ++i) {
      float& gate = gates_[static_cast<std::size_t>(i)];
      gate = gate / (1.0f + std::exp(-gate)) * gates_[static_cast<std::size_t>(i + o.ff)];
    }
    multiply(block.ff_out.bf16.data(), gates_.data(), x_.data(), d, o.ff, true);
  }
  rms_norm(x_, weights_->final_norm_, normed_);
  apply(weights_->embedding_, normed_, logits_, false);
  return logits_;
}

}  // namespace euterpe
