#pragma once
/// The note encoder in libtorch: a Transformer that looks both ways over a window of notes. Parameter names are those
/// of the shipped safetensors.
///
/// Blocks are those of the decoder (nn/transformer_module.hpp) without the causal mask; rotary pairs (Su et al. 2021)
/// turn by index, by time and by pitch, so that attention sees intervals whatever the key.
#include <torch/torch.h>

#include <span>
#include <vector>

#include "nn/note_sequence.hpp"
#include "nn/safetensors.hpp"
#include "nn/transformer_module.hpp"

namespace euterpe {

/// Windows side by side, the shorter ones filled up.
struct NoteBatch {
  torch::Tensor classes;       ///< int64 [batch × notes × kNoteAttributes]
  torch::Tensor cosine, sine;  ///< [batch × 1 × notes × head/2]
  torch::Tensor mask;          ///< [batch × 1 × 1 × notes]: 0, −inf where filled up
  torch::Tensor present;       ///< [batch × notes × 1]: 1, 0 where filled up
};
/// \param windows none empty, each of at most options.context notes
NoteBatch note_batch(std::span<const NoteTokens* const> windows, const TransformerOptions& options);

struct NoteEncoderModuleImpl : torch::nn::Module {
  explicit NoteEncoderModuleImpl(const TransformerOptions& options);
  /// Sum of the attributes' vectors, [batch × notes × d_model].
  torch::Tensor embed(const NoteBatch& batch) const;
  /// Blocks `from` … `to` − 1 on the residual stream x; \param random null switches dropout off.
  torch::Tensor run(torch::Tensor x, const NoteBatch& batch, int from, int to, Random* random) const;
  /// Normed residual stream × embeddings: logits over the joint vocabulary, [rows × kNoteVocabulary].
  torch::Tensor predict(const torch::Tensor& x) const;
  TransformerOptions options;
  torch::Tensor embedding, final_norm;
  std::vector<TransformerBlock> blocks;
};
TORCH_MODULE(NoteEncoderModule);

torch::Tensor note_norm(const torch::Tensor& x, const torch::Tensor& weight);  ///< RMSNorm over the last axis
/// Mean over the notes that are there: [batch × notes × d] → [batch × d].
torch::Tensor mean_over_notes(const torch::Tensor& x, const NoteBatch& batch);

/// Parameters from / to safetensors (bf16 for matrices). Error{bad_input} naming what is missing or misshapen.
void load_parameters(torch::nn::Module& module, const Safetensors& file, const std::string& prefix = "");
void put_parameters(const torch::nn::Module& module, Safetensors& file, const std::string& prefix = "");

}  // namespace euterpe
