#pragma once
/// Products of a matrix in panels (nn/panels.hpp) with a few vectors, for the instruction set of the running CPU.
///
/// A panel is sixteen rows; of each pair of columns (2c, 2c + 1) it holds sixteen times two neighboring weights, row
/// after row. One vector register then is a pair of columns of all rows of the panel: sums stay in their rows, nothing
/// is added across a register, and a pass over the matrix reads its bytes once in the order in which they lie.
#include <cstddef>
#include <cstdint>

namespace euterpe {

inline constexpr int kPanelRows = 16;

/// What the kernels write: out[token · stride + 16 · panel + row].
struct PanelOutput {
  float* values;
  std::size_t stride;
  bool add;  ///< to what stands there
};

/// bf16 weights. `stride` of panels in pairs of columns: a panel may be longer than the `pairs` that are multiplied.
struct Bf16Panels {
  const std::uint32_t* pairs_of_weights;  ///< low half: column 2c, high half: column 2c + 1
  int panels, pairs;
  std::size_t stride;
};

/// int8 weights: row r of all panels is scales[r] times what is stored.
struct Int8Panels {
  const std::int8_t* weights;
  const float* scales;
  int panels, pairs;
};

struct PanelKernels {
  const char* name;  ///< of the instruction set
  int tile;          ///< tokens in a tile
  /// Few tokens, bound by the bytes of the weights. The sums of a token do not depend on how many come with it.
  /// \param x row-major [tokens × x_stride]
  void (*stream_bf16)(const Bf16Panels&, const float* x, std::size_t x_stride, int tokens, PanelOutput out);
  /// \param x pairs of int16 [tokens × x_stride]; \param x_scales [tokens]
  void (*stream_int8)(const Int8Panels&, const std::int32_t* x, const float* x_scales, std::size_t x_stride, int tokens,
                      PanelOutput out);
  /// Many tokens, bound by arithmetic.
  /// \param x tiles [columns × tile] of `tile_stride` floats each; only `tokens` are written, the rest is padding
  void (*tiles_bf16)(const Bf16Panels&, const float* x, std::size_t tile_stride, int tokens, PanelOutput out);
  /// \param x tiles [pairs × tile]; \param x_scales [tokens]
  void (*tiles_int8)(const Int8Panels&, const std::int32_t* x, const float* x_scales, std::size_t tile_stride,
                     int tokens, PanelOutput out);
};

/// Those for this CPU.
const PanelKernels& panel_kernels();

}  // namespace euterpe
