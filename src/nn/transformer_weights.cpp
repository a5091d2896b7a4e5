#include "nn/transformer_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "base/error.hpp"

namespace euterpe {
namespace {

std::vector<int> in_order(int rows) {
  std::vector<int> out(static_cast<std::size_t>(rows));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

std::vector<int> by_heads(int heads, int head, int padded) {
  std::vector<int> out;
  for (int h = 0; h < heads; ++h)
    for (int part = 0; part < 3; ++part)
      for (int i = 0; i < padded; ++i) out.push_back(i < head ? (part * heads + h) * head + i : -1);
  return out;
}

std::vector<int> gates_beside_ups(int ff) {
  std::vector<int> out;
  for (int first = 0; first < ff; first += kPanelRows)
    for (int part = 0; part < 2; ++part)
      for (int i = 0; i < kPanelRows; ++i) out.push_back(part * ff + first + i);
  return out;
}

}  // namespace

TransformerWeights::TransformerWeights(const TransformerOptions& options, const Safetensors& file, WeightFormat format)
    : options_(options), format_(format) {
  const int d = options.d_model, ff = options.ff;
  if (d % kPanelRows != 0 || ff % kPanelRows != 0)
    throw Error(Category::unsupported, "decoder",
                fmt::format("d_model {} and ff {} must be multiples of {}", d, ff, kPanelRows));
  const std::vector<int> qkv_rows = by_heads(options.heads, head(), padded_head()), ff_in_rows = gates_beside_ups(ff),
                         d_rows = in_order(d), vocabulary_rows = in_order(options.vocabulary);
  auto size = [&](const std::vector<int>& rows, int columns) {
    return PanelMatrix::bytes(rows.size(), columns, format);
  };

  // What the card declares is checked against the file before it is believed.
  auto read = [&](const std::string& name, int rows, int columns) {
    return file.finite(name, std::array<std::int64_t, 2>{rows, columns});
  };
  auto vector = [&](const std::string& name) { return file.finite(name, std::array<std::int64_t, 1>{d}); };
  const std::vector<float> embedding = read("embedding", options.vocabulary, d);
  embedding_.resize(embedding.size());
  std::transform(embedding.begin(), embedding.end(), embedding_.begin(), float_to_bf16);
  final_norm_ = vector("final_norm");
  for (int i = 0; i < options.layers; ++i) {
    Block& block = blocks_.emplace_back();
    block.attention_norm = vector(fmt::format("block{}.attention_norm", i));
    block.ff_norm = vector(fmt::format("block{}.ff_norm", i));
  }

  const std::size_t block_bytes = size(qkv_rows, d) + size(d_rows, d) + size(ff_in_rows, d) + size(d_rows, ff);
  memory_ =
      AlignedMemory<std::uint8_t>(static_cast<std::size_t>(options.layers) * block_bytes + size(vocabulary_rows, d));
  std::uint8_t* next = memory_.data();
  auto lay_out = [&](std::span<const float> values, const std::vector<int>& rows, int columns) {
    std::uint8_t* const here = next;
    next += size(rows, columns);
    return PanelMatrix(format, values, rows, columns, here);
  };
  for (int i = 0; i < options.layers; ++i) {
    Block& block = blocks_[static_cast<std::size_t>(i)];
    const std::string p = fmt::format("block{}.", i);
    block.qkv = lay_out(read(p + "qkv", 3 * d, d), qkv_rows, d);
    block.attention_out = lay_out(read(p + "attention_out", d, d), d_rows, d);
    block.ff_in = lay_out(read(p + "ff_in", 2 * ff, d), ff_in_rows, d);
    block.ff_out = lay_out(read(p + "ff_out", d, ff), d_rows, ff);
  }
  output_ = lay_out(embedding, vocabulary_rows, d);
}

std::span<const std::uint16_t> TransformerWeights::embedding(int token) const {
  const auto d = static_cast<std::size_t>(options_.d_model);
  return std::span(embedding_).subspan(static_cast<std::size_t>(token) * d, d);
}

}  // namespace euterpe
