#pragma once
/// The note encoder for use: windows of notes to vectors. Self-attention over notes (Vaswani et al. 2017), pretrained
/// by masked notes (Devlin et al. 2019); see train/note_encoder.hpp.
#include <memory>
#include <span>
#include <vector>

#include "nn/note_sequence.hpp"
#include "nn/safetensors.hpp"
#include "nn/transformer.hpp"

namespace euterpe {

struct NoteEncoderModuleImpl;

class NoteEncoder {
 public:
  /// Error{bad_input} naming the tensor that is missing or misshapen, and, before the network is allocated, where the
  /// options declare far more than the file holds.
  NoteEncoder(const TransformerOptions& options, const Safetensors& file);

  const TransformerOptions& options() const { return options_; }
  int width() const { return 2 * options_.d_model; }
  /// One vector a window: means over its notes after half of the blocks and after all of them. Thread-safe; the same
  /// whatever windows come together. \param windows none empty, each of at most options().context notes
  std::vector<std::vector<float>> embed(std::span<const NoteTokens> windows) const;
  const std::shared_ptr<const NoteEncoderModuleImpl>& network() const { return network_; }

 private:
  TransformerOptions options_;
  std::shared_ptr<const NoteEncoderModuleImpl> network_;
};

/// Indices of windows, put together so that those of one group are of similar length: what goes through the network at
/// once wastes little on filling up. \param notes about so many notes a group
std::vector<std::vector<std::size_t>> similar_lengths(std::span<const NoteTokens> windows, std::size_t notes);

}  // namespace euterpe
