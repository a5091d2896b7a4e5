#pragma once
/// A Gaussian kernel over descriptor vectors, run without libtorch: the learner of choice where examples are few.
#include <span>
#include <string>
#include <vector>

#include "nn/safetensors.hpp"

namespace euterpe {

/// f(x) = bias + Σ_i weight_i · k(x, support_i), with k(x, z) = Σ_p share_p exp(−γ ‖x_p − z_p‖² / width_p) over the
/// parts of the vector (descriptors, embedding …): each has the say that its share gives it, however wide it is.
/// Vectors are standardized and cut at ±kClip, so that a strange one comes out near the bias and not beyond all bounds.
struct KernelMachine {
  static constexpr float kClip = 3.0f;  ///< standard deviations

  std::vector<std::size_t> parts;      ///< widths, each > 0; together inputs()
  std::vector<float> share;            ///< [parts], of the kernel; > 0, together 1
  std::vector<float> mean, deviation;  ///< [inputs], of the examples; deviation > 0
  std::vector<float> support;          ///< [n × inputs], standardized and cut
  std::vector<float> weight;           ///< [n × outputs]
  std::vector<float> bias;             ///< [outputs]
  float gamma = 0.1f;                  ///< > 0

  std::size_t inputs() const { return mean.size(); }
  std::size_t outputs() const { return bias.size(); }
  std::size_t examples() const { return inputs() > 0 ? support.size() / inputs() : 0; }

  /// x: [inputs]; what is not finite counts as the mean.
  std::vector<float> standardized(std::span<const float> x) const;
  /// a, b: [inputs], standardized. 0 … 1.
  float kernel(std::span<const float> a, std::span<const float> b) const;
  std::vector<float> operator()(std::span<const float> x) const;  ///< [outputs]

  /// Tensors PREFIX.parts, .share, .mean, .deviation, .support (bf16), .weight, .bias, .gamma.
  void put(Safetensors& file, const std::string& prefix) const;
  /// Error{bad_input} naming the tensor that is missing, misshapen or not finite.
  static KernelMachine from(const Safetensors& file, const std::string& prefix);
};

}  // namespace euterpe
