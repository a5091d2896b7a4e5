#pragma once
/// The decoder Transformer: its shape, shared by training (libtorch) and by the torch-free decoder.
///
/// softmax(Q Kᵀ / √d_k) V with several heads and residual connections (Vaswani et al. 2017), causal; pre-norm with
/// RMSNorm (Zhang and Sennrich 2019), rotary positions (Su et al. 2021), SwiGLU (Shazeer 2020), input and output
/// embeddings tied.
#include <nlohmann/json.hpp>

namespace euterpe {

struct TransformerOptions {
  int vocabulary = 0;
  int d_model = 256;  ///< width, a multiple of heads
  int layers = 4;
  int heads = 4;         ///< d_model / heads is even (rotary pairs)
  int ff = 512;          ///< inner width of SwiGLU
  int context = 768;     ///< tokens that attention can see
  bool musical = false;  ///< rotary positions by musical time and pitch beside the index (nn/rotary.hpp)
  double dropout = 0.1;  ///< on both residual branches and the embedding while training; 0 = off
};

/// How a training step is computed. No part of the model: any of these goes on from weights made with another.
struct TransformerCompute {
  bool bf16 = false;        ///< matrix products in bf16; weights, their gradients and the optimizer stay float32
  bool checkpoint = false;  ///< keeps only what stands between blocks and computes the inside again: time for memory
};

/// Error{bad_input} naming the option that is missing or out of range.
TransformerOptions transformer_options(const nlohmann::json& options);
nlohmann::json to_json(const TransformerOptions& options);
std::int64_t parameter_count(const TransformerOptions& options);

inline constexpr double kRopeBase = 10000.0;
inline constexpr double kNormEpsilon = 1e-5;

}  // namespace euterpe
