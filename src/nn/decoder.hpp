#pragma once
/// Runs a trained Transformer with key-value caches, without libtorch, without a graph and without allocation per
/// token.
///
/// A step is bound by the bytes of the weights. They lie in the order in which they are read (nn/panels.hpp), a team of
/// threads divides the rows of each matrix (nn/thread_team.hpp), and all sequences of a batch share each weight read.
/// Results do not depend on the number of threads, nor a sequence's on the others in its batch.
#include <memory>
#include <span>
#include <vector>

#include "nn/transformer_weights.hpp"
#include "score/music_place.hpp"

namespace euterpe {

/// Several sequences written side by side: variants of a piece, or the asked and the unasked side of guidance.
class BatchDecoder {
 public:
  BatchDecoder(std::shared_ptr<const TransformerWeights> weights, int sequences);
  BatchDecoder(BatchDecoder&&) noexcept;
  BatchDecoder& operator=(BatchDecoder&&) noexcept;
  ~BatchDecoder();

  /// Appends tokens[s] to each sequence s; where it is kRests, the sequence stays as it is.
  /// \param places of the tokens in the music, for a network that attends by them; none: all at its beginning
  /// Throws Error{usage}, and appends nothing, where a sequence's context is full.
  void step(std::span<const int> tokens, std::span<const MusicPlace> places = {});
  static constexpr int kRests = -1;

  /// Appends many tokens to one sequence, several times faster than step by step.
  /// Throws Error{usage}, and appends nothing, where they do not fit the context.
  void prefill(int sequence, std::span<const int> tokens, std::span<const MusicPlace> places = {});

  /// [vocabulary] of the token after the last that was appended; valid until the sequence's next step or fork.
  std::span<const float> logits(int sequence) const;
  /// Makes sequence `to` what `from` is: a prompt is read once for all its variants.
  void fork(int from, int to);
  /// Forgets all but the first `length` tokens of a sequence; its logits stay until the next step.
  void rewind(int sequence, int length);

  int sequences() const;
  int length(int sequence) const;
  int context() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One sequence.
class Decoder {
 public:
  explicit Decoder(std::shared_ptr<const TransformerWeights> weights) : batch_(std::move(weights), 1) {}

  /// Appends one token and returns the logits [vocabulary] of the next, valid until the next call.
  /// Throws Error{usage} when the context is full: rewind() and feed a shorter history.
  std::span<const float> step(int token, MusicPlace place = {}) {
    batch_.step({&token, 1}, {&place, 1});
    return batch_.logits(0);
  }
  /// Appends many tokens at once and returns the logits after the last.
  std::span<const float> prefill(std::span<const int> tokens, std::span<const MusicPlace> places = {}) {
    batch_.prefill(0, tokens, places);
    return batch_.logits(0);
  }
  /// Forgets all but the first `length` tokens.
  void rewind(int length) { batch_.rewind(0, length); }
  int length() const { return batch_.length(0); }
  int context() const { return batch_.context(); }

 private:
  BatchDecoder batch_;
};

}  // namespace euterpe
