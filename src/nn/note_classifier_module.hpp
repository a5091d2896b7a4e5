#pragma once
/// The fine-tuned encoder in libtorch.
#include <torch/torch.h>

#include <vector>

#include "nn/note_classifier.hpp"
#include "nn/note_encoder_module.hpp"

namespace euterpe {

/// Encoder, pooling (the mean over the notes and kQueries learned weightings of them side by side), linear heads.
struct NoteClassifierModuleImpl : torch::nn::Module {
  static constexpr int kQueries = 2;

  NoteClassifierModuleImpl(const TransformerOptions& options, const NoteClassifierShape& shape);
  /// First block that is trained.
  int first() const { return encoder->options.layers - shape.trained_layers; }
  int width() const { return (1 + kQueries) * encoder->options.d_model; }
  torch::Tensor pool(const torch::Tensor& x, const NoteBatch& batch) const;  ///< [batch × notes × d] → [batch × width]
  torch::Tensor head(std::size_t index, const torch::Tensor& pooled) const;  ///< [batch × outputs]
  /// Parameters that are the classifier's own, with their names in a file.
  std::vector<std::pair<std::string, torch::Tensor>> own_parameters() const;
  void put(Safetensors& file, const std::string& prefix) const;  ///< the same; matrices as bf16

  NoteClassifierShape shape;
  NoteEncoderModule encoder{nullptr};
  torch::Tensor query;                 ///< [kQueries × d]
  std::vector<torch::Tensor> weights;  ///< per head [outputs × width]
  std::vector<torch::Tensor> biases;   ///< per head [outputs]
};
TORCH_MODULE(NoteClassifierModule);

}  // namespace euterpe
