#pragma once
/// The safetensors format (huggingface/safetensors, format description), read and written with every bound checked.
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

enum class DType { f32, f16, bf16, i64, i32, u16, u8, i8 };
std::size_t size_of(DType dtype);

struct Tensor {
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;  ///< empty = scalar
  std::vector<std::uint8_t> bytes;  ///< row-major, little-endian, exactly size_of(dtype) · ∏shape long
  std::int64_t count() const;       ///< ∏shape
};

struct Safetensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;  ///< the header's "__metadata__"

  bool has(std::string_view name) const;
  const Tensor& at(std::string_view name) const;  ///< Error{bad_input} naming what is missing
  /// Values as float32, converted from f32, f16, bf16, or from i8 with a scale a row beside it; Error{bad_input} if the
  /// shape is another. An entry of −1 in `shape` accepts any length; an empty `shape` span accepts any shape.
  std::vector<float> floats(std::string_view name, std::span<const std::int64_t> shape = {}) const;
  /// The same for weights: Error{bad_input} naming the tensor also where a value is infinite or no number.
  std::vector<float> finite(std::string_view name, std::span<const std::int64_t> shape = {}) const;
  /// \param as i8: a matrix whose rows are rounded to 255 steps of their largest number, the size of a step in the
  /// tensor NAME.row_scale
  void put(std::string name, std::vector<std::int64_t> shape, std::span<const float> values, DType as = DType::f32);
};

/// Throws Error{bad_input} with the operation, the offset and a guess at the cause ("the header says 10 MB but the file
/// is 3 MB: incomplete download?"). Declared sizes are checked before anything is allocated.
Safetensors read_safetensors(std::span<const std::uint8_t> bytes);
Safetensors read_safetensors(const std::filesystem::path& path);
std::vector<std::uint8_t> write_safetensors(const Safetensors& file);
void write_safetensors(const std::filesystem::path& path, const Safetensors& file);

float bf16_to_float(std::uint16_t bits);
std::uint16_t float_to_bf16(float value);  ///< round to nearest, ties to even

}  // namespace euterpe
