#include "nn/key_value_cache.hpp"

#include <algorithm>

#include "base/hot.hpp"
#include "nn/row_functions.hpp"

namespace euterpe {
namespace {

int panels_of(int rows) { return (rows + kPanelRows - 1) / kPanelRows; }

std::size_t words(int panels, int pairs) {
  return static_cast<std::size_t>(panels) * static_cast<std::size_t>(pairs) * kPanelRows;
}

/// A row of a panel.
EUTERPE_HOT void put_pairs(const float* key, int pairs, std::uint32_t* to) {
  for (int p = 0; p < pairs; ++p) to[p * kPanelRows] = round_to_bf16(key[2 * p]) | round_to_bf16(key[2 * p + 1]) << 16;
}

/// One half of every word of a pair of columns.
EUTERPE_HOT void put_halves(const float* value, int n, int shift, std::uint32_t* to) {
  const std::uint32_t others = shift == 0 ? 0xffff0000u : 0xffffu;
  for (int i = 0; i < n; ++i) to[i] = (to[i] & others) | round_to_bf16(value[i]) << shift;
}

}  // namespace

KeyValueCache::KeyValueCache(int layers, int heads, int head, int context)
    : heads_(heads),
      pairs_(head / 2),
      head_panels_(panels_of(head)),
      matrices_(layers * heads),
      padded_context_(panels_of(context) * kPanelRows),
      key_stride_(words(panels_of(context), pairs_)),
      value_stride_(words(head_panels_, padded_context_ / 2)),
      keys_(static_cast<std::size_t>(matrices_) * key_stride_),
      values_(static_cast<std::size_t>(matrices_) * value_stride_) {}

std::size_t KeyValueCache::place(int layer, int head, std::size_t each) const {
  return static_cast<std::size_t>(layer * heads_ + head) * each;
}

void KeyValueCache::put(int layer, int head, int position, const float* key, const float* value) {
  put_pairs(
      key, pairs_,
      keys_.data() + place(layer, head, key_stride_) + words(position / kPanelRows, pairs_) + position % kPanelRows);
  std::uint32_t* v = values_.data() + place(layer, head, value_stride_) + words(1, position / 2);
  for (int i = 0; i < 2 * pairs_; i += kPanelRows, v += words(1, padded_context_ / 2))
    put_halves(value + i, std::min(kPanelRows, 2 * pairs_ - i), position % 2 == 0 ? 0 : 16, v);
}

Bf16Panels KeyValueCache::keys(int layer, int head, int length) const {
  return {keys_.data() + place(layer, head, key_stride_), panels_of(length), pairs_, static_cast<std::size_t>(pairs_)};
}

Bf16Panels KeyValueCache::values(int layer, int head, int length) const {
  return {values_.data() + place(layer, head, value_stride_), head_panels_, (length + 1) / 2,
          static_cast<std::size_t>(padded_context_ / 2)};
}

void KeyValueCache::copy_from(const KeyValueCache& other) {
  length_ = other.length_;
  const std::size_t key_words = words(panels_of(length_), pairs_), value_words = words(1, (length_ + 1) / 2);
  for (std::size_t m = 0; m < static_cast<std::size_t>(matrices_); ++m) {
    std::copy_n(other.keys_.data() + m * key_stride_, key_words, keys_.data() + m * key_stride_);
    for (int p = 0; p < head_panels_; ++p) {
      const std::size_t panel = m * value_stride_ + words(p, padded_context_ / 2);
      std::copy_n(other.values_.data() + panel, value_words, values_.data() + panel);
    }
  }
}

}  // namespace euterpe
