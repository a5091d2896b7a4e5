#include "nn/panels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "nn/safetensors.hpp"

namespace euterpe {
namespace {

constexpr long kLargestWeight = 127;

std::size_t panels_of(std::size_t rows) { return (rows + kPanelRows - 1) / kPanelRows; }

std::size_t weight_bytes(WeightFormat format) { return format == WeightFormat::bf16 ? 2 : 1; }

}  // namespace

std::size_t PanelMatrix::bytes(std::size_t rows, int columns, WeightFormat format) {
  // Rounded up to cache lines, so that what follows begins on one.
  const std::size_t n = panels_of(rows) * kPanelRows * static_cast<std::size_t>(columns) * weight_bytes(format);
  return (n + 63) / 64 * 64;
}

PanelMatrix::PanelMatrix(WeightFormat format, std::span<const float> values, std::span<const int> rows_of, int columns,
                         std::uint8_t* memory)
    : format_(format), panels_(static_cast<int>(panels_of(rows_of.size()))), columns_(columns), data_(memory) {
  EUTERPE_ASSERT(columns > 0 && columns % 2 == 0);
  const auto width = static_cast<std::size_t>(columns);
  if (format == WeightFormat::int8) scales_.resize(static_cast<std::size_t>(panels_) * kPanelRows);
  for (std::size_t i = 0; i < rows_of.size(); ++i) {
    if (rows_of[i] < 0) continue;  // the memory is zero
    const auto row = values.subspan(static_cast<std::size_t>(rows_of[i]) * width, width);
    float largest = 0;
    for (const float v : row) largest = std::max(largest, std::abs(v));
    const float scale = largest / static_cast<float>(kLargestWeight);
    if (format == WeightFormat::int8) scales_[i] = scale;
    const std::size_t panel = i / kPanelRows, lane = i % kPanelRows;
    for (std::size_t c = 0; c < width; ++c) {
      const std::size_t place = ((panel * (width / 2) + c / 2) * kPanelRows + lane) * 2 + c % 2;
      if (format == WeightFormat::bf16)
        reinterpret_cast<std::uint16_t*>(memory)[place] = float_to_bf16(row[c]);
      else
        reinterpret_cast<std::int8_t*>(memory)[place] =
            scale > 0
                ? static_cast<std::int8_t>(std::clamp(std::lround(row[c] / scale), -kLargestWeight, kLargestWeight))
                : std::int8_t{0};
    }
  }
}

Bf16Panels PanelMatrix::bf16(int first, int last) const {
  const auto pairs = static_cast<std::size_t>(columns_ / 2);
  return {reinterpret_cast<const std::uint32_t*>(data_) + static_cast<std::size_t>(first) * pairs * kPanelRows,
          last - first, columns_ / 2, pairs};
}

Int8Panels PanelMatrix::int8(int first, int last) const {
  const auto rows = static_cast<std::size_t>(first) * kPanelRows;
  return {reinterpret_cast<const std::int8_t*>(data_) + rows * static_cast<std::size_t>(columns_),
          scales_.data() + rows, last - first, columns_ / 2};
}

int input_limit(int columns) {
  return static_cast<int>(std::min(32767L, std::numeric_limits<std::int32_t>::max() / (kLargestWeight * columns)));
}

}  // namespace euterpe
