#pragma once
/// A multilayer perceptron for descriptor vectors, run without libtorch: small, the same on every machine, thread-safe.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/safetensors.hpp"

namespace euterpe {

/// Input → standardized, cut at ±kClip → Linear, GELU (exact, Hendrycks and Gimpel 2016) … → Linear → softmax(· / T).
struct Mlp {
  /// Beyond this many standard deviations a descriptor says only "unlike anything heard": a strange file must not be
  /// certain.
  static constexpr float kClip = 5.0f;

  struct Layer {
    std::size_t inputs = 0, outputs = 0;
    std::vector<float> weight;  ///< row-major [outputs × inputs], as torch::nn::Linear has it
    std::vector<float> bias;    ///< [outputs]
  };
  std::vector<float> mean, deviation;  ///< [inputs], of the training examples; deviation > 0
  std::vector<Layer> layers;           ///< at least one; the last gives the logits
  double temperature = 1.0;            ///< > 0; fitted on validation data (Guo et al. 2017)

  std::size_t inputs() const { return mean.size(); }
  std::size_t outputs() const { return layers.empty() ? 0 : layers.back().outputs; }

  /// x: [inputs]. Activations of the penultimate layer (the standardized input where there is one layer only).
  std::vector<float> hidden(std::span<const float> x) const;
  std::vector<float> logits(std::span<const float> x) const;          ///< [outputs], not divided by the temperature
  std::vector<double> probabilities(std::span<const float> x) const;  ///< [outputs], sum 1
};

/// Members trained apart, their probabilities averaged (Lakshminarayanan et al. 2017).
struct MlpEnsemble {
  std::vector<Mlp> members;  ///< equal inputs() and outputs()

  std::size_t inputs() const { return members.empty() ? 0 : members.front().inputs(); }
  std::size_t outputs() const { return members.empty() ? 0 : members.front().outputs(); }
  std::vector<double> probabilities(std::span<const float> x) const;

  /// Tensors member.M.mean, .deviation, .temperature, .layer.L.weight, .layer.L.bias; weights as bf16, the rest f32.
  void put(Safetensors& file) const;
  /// Error{bad_input} naming the tensor that is missing, misshapen or not finite.
  static MlpEnsemble from(const Safetensors& file);
};

/// softmax(logits / temperature), computed without overflow.
std::vector<double> softmax(std::span<const float> logits, double temperature = 1.0);

}  // namespace euterpe
