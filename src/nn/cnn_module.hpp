#pragma once
/// The convolutional network for training, in libtorch. Parameter names are those of the shipped safetensors.
#include <torch/torch.h>

#include <string>

#include "nn/cnn.hpp"

namespace euterpe {

/// Where batch normalization takes its mean and variance from.
enum class Statistics {
  batch,    ///< the batch at hand: training from scratch
  measure,  ///< the batch at hand, which also enters the stored mean: population statistics are measured over many
            ///< batches with the final weights (Wu and Johnson 2021, "precise BN"), so that neither averaged weights
            ///< nor a resumed run meets statistics of other weights
  fixed     ///< what is stored: inference and fine-tuning
};

/// Convolution without bias, then batch normalization; `fixed` folds it into the convolution.
struct ConvolutionImpl : torch::nn::Module {
  ConvolutionImpl(int inputs, int outputs, int size, int stride);
  torch::Tensor forward(const torch::Tensor& x, Statistics statistics);
  /// weight and bias of the convolution that equals both.
  std::pair<torch::Tensor, torch::Tensor> folded() const;

  int stride, padding;
  torch::Tensor weight, gain, bias;  // parameters
  torch::Tensor mean, variance;      // buffers
  std::int64_t measured = 0;         // batches in them since reset
};
TORCH_MODULE(Convolution);

struct CnnModuleImpl : torch::nn::Module {
  explicit CnnModuleImpl(const CnnOptions& options);
  /// \param x float32 [batch × bands × frames]; \return [batch × embedding]
  torch::Tensor forward(const torch::Tensor& x, Statistics statistics);
  /// Outputs of all stages, then the embedding.
  std::vector<torch::Tensor> stages(const torch::Tensor& x, Statistics statistics);
  /// Begins the measuring of statistics anew.
  void forget_statistics();

  /// Weights with normalization folded in: PREFIX NAME.weight, NAME.bias; matrices as bf16.
  void put(Safetensors& file, const std::string& prefix = "");
  /// The reverse of put(): statistics such that `fixed` is what was stored.
  void load(const Safetensors& file, const std::string& prefix = "");

  CnnOptions options;
  Convolution stem{nullptr};
  struct Block {
    Convolution first, second, skip;  // skip is null where the shape stays
  };
  std::vector<Block> blocks;
  torch::Tensor embedding_weight, embedding_bias;

 private:
  /// Every convolution with its name.
  std::vector<std::pair<std::string, Convolution>> convolutions();
};
TORCH_MODULE(CnnModule);

}  // namespace euterpe
