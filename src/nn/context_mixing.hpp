#pragma once
/// A model of symbols by context mixing (Mahoney 2005, "Adaptive weighing of context models"): many counts of what
/// followed in contexts of different kind and length, each smoothed by its shorter ones, joined in the logarithmic
/// domain by weights that are learned. Counts of the piece's own past stand beside those of the training pieces.
///
/// A symbol is decided in two steps: whether it is the expected one (most voices hold their note), else which.
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nn/safetensors.hpp"

namespace euterpe {

inline constexpr int kContextOrders = 4;

/// Contexts from short to long; each order looks at its own features and at those of the orders before it.
struct ContextChain {
  const char* name;
  bool relative;  ///< answers are counted as intervals from the point's reference
  bool local;     ///< counts nothing but the piece's own past
  std::array<std::vector<int>, kContextOrders> features;
};

struct ContextShape {
  int symbols = 0;                                       ///< 0 … symbols − 1; 0 is no pitch (a rest, an end)
  int slots = 1;                                         ///< kinds of points that share no context (voices)
  int situations = 1, circumstances = 1, occasions = 1;  ///< numbers of the weight sets chosen by a point
  std::vector<ContextChain> repeats;                     ///< whether the symbol is the expected one
  std::vector<ContextChain> choices;                     ///< which it is, if not
  std::string fingerprint() const;                       ///< of all above: weights fit no other
};

/// Where a symbol is to be chosen.
struct ChoicePoint {
  std::span<const std::uint32_t> features;
  int slot = 0;
  int expected = -1;                                  ///< decided on first; −1 = none
  int reference = 0;                                  ///< a pitch symbol, or 0 = answers are not relative
  int lowest = 0, highest = 0;                        ///< pitches that can follow, inclusive; symbol 0 always can
  int situation = 0, circumstance = 0, occasion = 0;  ///< weight sets; occasion: of the bias towards the expected
};

/// What has been counted; contexts are known by a hash of 32 bits.
class ContextCounts {
 public:
  ContextCounts();
  void add_answer(std::uint32_t context, bool yes, int count);
  void add_symbol(std::uint32_t context, int symbol, int count);
  struct Answers {
    int no = 0, yes = 0;
  };
  Answers answers(std::uint32_t context) const;
  struct Follower {
    int symbol, count;
  };
  /// Whether compact() kept the context for the sake of each piece that has it: without one it would not be there.
  bool answers_at_least(std::uint32_t context) const;
  bool symbols_at_least(std::uint32_t context) const;
  /// Adds what followed in the context to `followers`, each symbol once.
  void collect(std::uint32_t context, std::vector<Follower>& followers) const;

  /// What is added from here on comes from another piece.
  void begin_piece() { ++piece_; }
  /// Keeps only contexts met in at least so many pieces, and counts in steps of a sixteenth of their size: what is left
  /// tells what pieces have in common, and no piece.
  void compact(int pieces);
  /// Contexts sorted by hash, their distances and counts in one to three bytes each; and back: Error{bad_input}.
  std::vector<std::uint8_t> encode_answers() const;
  std::vector<std::uint8_t> encode_symbols() const;
  void decode(std::span<const std::uint8_t> answers, std::span<const std::uint8_t> symbols);

 private:
  struct Pair {
    std::uint32_t context = 0, last_piece = 0, pieces = 0;
    std::int32_t no = 0, yes = 0;
  };
  struct List {
    std::uint32_t context = 0, last_piece = 0, pieces = 0;
    std::uint32_t first = 0;  ///< index into entries_ + 1
  };
  struct Entry {
    std::uint32_t next;
    std::int32_t count;
    std::int16_t symbol;
  };
  std::vector<Pair> pairs_;
  std::vector<List> lists_;
  std::vector<Entry> entries_;
  std::size_t pairs_used_ = 0, lists_used_ = 0;
  std::uint32_t piece_ = 1, least_ = 0;
};

class ContextMixing {
 public:
  explicit ContextMixing(ContextShape shape);  ///< no counts, equal weights

  const ContextShape& shape() const { return shape_; }
  /// Counts `symbol` at `point`: `lasting` for the chains that remember training pieces, `local` for the others.
  void count(const ChoicePoint& point, int symbol, int times, ContextCounts& counts, bool lasting, bool local) const;
  /// What was chosen in the piece itself, whose past tells more than other pieces do.
  void remember(const ChoicePoint& point, int symbol, ContextCounts& piece) const;
  /// Takes a choice of a piece that was learned out of the model's memory, by adding the opposite to `piece`: one
  /// count, or the whole context where it would not be there without the piece.
  void forget(const ChoicePoint& point, int symbol, ContextCounts& piece) const;
  /// Into the model's own memory.
  void learn(const ChoicePoint& point, int symbol) { count(point, symbol, 1, memory_, true, false); }
  ContextCounts& memory() { return memory_; }
  const ContextCounts& memory() const { return memory_; }
  /// Probabilities [symbols]. `piece` holds the piece's own past (and, in training, minus the piece itself).
  void distribution(const ChoicePoint& point, const ContextCounts& piece, std::span<float> out) const;
  /// −ln p(symbol) in nats.
  double nats(const ChoicePoint& point, int symbol, const ContextCounts& piece) const;
  /// The same, and moves the weights along its gradient.
  double train(const ChoicePoint& point, int symbol, const ContextCounts& piece, double rate);

  void save_weights(Safetensors& file) const;  ///< tensors "repeats.…" and "choices.…"
  void load_weights(const Safetensors& file);  ///< Error{bad_input} where a shape is another
  /// Sets how often each symbol occurs in a slot, on which the shortest contexts fall back. [slots × symbols], > 0.
  void set_prior(std::vector<float> prior) { prior_ = std::move(prior); }

 private:
  struct RepeatState;
  struct ChoiceState;
  double repeat_probability(const ChoicePoint&, const ContextCounts&, RepeatState&) const;
  void choice_probabilities(const ChoicePoint&, const ContextCounts&, ChoiceState&) const;
  float bounded(const ChoicePoint&, const ChoiceState&, int symbol) const;

  struct Weights {
    std::vector<float> situation, circumstance, confidence, bias;
  };
  ContextShape shape_;
  ContextCounts memory_;
  std::vector<float> prior_;
  Weights repeats_, choices_;
};

}  // namespace euterpe
