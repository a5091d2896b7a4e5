#pragma once
/// A weight matrix laid out once for the kernels of nn/panel_kernels.hpp, as bf16 or as int8 with one scale a row.
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "nn/panel_kernels.hpp"

namespace euterpe {

/// bf16: what training kept, exactly. int8: half the bytes, so up to twice the speed, and rows rounded to 255 steps.
enum class WeightFormat { bf16, int8 };

class PanelMatrix {
 public:
  PanelMatrix() = default;
  /// \param values row-major [? × columns], finite; \param rows_of the row of `values` that each row becomes, −1 =
  /// zeros; filled up with zeros to whole panels. \param columns even \param memory 64-byte aligned, at least
  /// bytes(rows_of.size(), columns, format) that outlive the matrix
  PanelMatrix(WeightFormat format, std::span<const float> values, std::span<const int> rows_of, int columns,
              std::uint8_t* memory);
  static std::size_t bytes(std::size_t rows, int columns, WeightFormat format);

  WeightFormat format() const { return format_; }
  int panels() const { return panels_; }
  int columns() const { return columns_; }
  Bf16Panels bf16(int first, int last) const;  ///< panels [first, last)
  Int8Panels int8(int first, int last) const;

 private:
  WeightFormat format_ = WeightFormat::bf16;
  int panels_ = 0, columns_ = 0;
  const std::uint8_t* data_ = nullptr;
  std::vector<float> scales_;  ///< int8: [panels × 16]
};

/// Largest |int16| of inputs with which no sum over `columns` products of int8 and int16 leaves int32.
int input_limit(int columns);

}  // namespace euterpe
