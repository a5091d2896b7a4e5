#pragma once
/// Writes new music with a trained network: freely, on from a piece, into a gap of it, around a melody, as a variation
/// of a piece, in another style, or between two pieces.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/gray_png.hpp"
#include "base/progress.hpp"
#include "compose/sampler.hpp"
#include "compose/wishes.hpp"
#include "nn/model.hpp"
#include "score/key.hpp"
#include "score/remi_chords.hpp"
#include "score/remi_vocabulary.hpp"
#include "score/score.hpp"

namespace euterpe {

class ComposingModel;

inline constexpr double kChordsKept = 0.8;  ///< share of the half bars that must have the chord that was asked for

/// What is not asked for the model chooses. At most one of prompt, melody, gap_in, vary, transfer and the two to blend
/// is given, and its key, tempo and meter hold. Which of all this a model has learned: compose/learned_wishes.hpp.
struct ComposeOptions {
  std::string style;  ///< one of Composer::styles(), with a variety if wanted: "folk/jig"; empty = the model's first
  int bars = 16;  ///< bars to write (beyond the prompt's), 1 … 512; of a prompt and of what is written freely alone
  std::uint64_t seed = 0;
  SamplingWishes sampling;
  std::optional<KeyEstimate> key;    ///< the piece is moved to it if need be
  std::optional<double> tempo;       ///< quarter notes a minute, 30 … 240
  std::optional<std::string> meter;  ///< "3/4"; one meter throughout
  std::optional<int> emotion;        ///< Russell's quadrant, 0 … 3
  std::optional<double> density;     ///< notes a bar, 0.5 … 200
  std::optional<double> height;      ///< mean MIDI pitch, 0 … 127
  std::optional<double> polyphony;   ///< mean number of notes that sound together where any does, 1 … 16
  std::vector<BarChords> chords;     ///< of the bars to write, again from the first when they run out
  const Score* prompt = nullptr;     ///< continue this score
  const Score* melody = nullptr;     ///< accompany the melody of this score
  const Score* gap_in = nullptr;     ///< write the bars `gap` of this score anew
  BarRange gap;
  const Score* vary = nullptr;      ///< say this score otherwise
  double amount = 0.3;              ///< of a variation, 0 … 1: 0 = the score as the network says it, 1 = a new piece
  const Score* transfer = nullptr;  ///< say this score in `style`, which must be named; its melody keeps its shape
  const Score* blend_from = nullptr;  ///< a piece that lies between this one …
  const Score* blend_to = nullptr;    ///< … and this one, whose bars have the same meters; both or neither
  double share = 0.5;            ///< of the way between them, 0 … 1: 0 and 1 = they themselves as the network says
  Progress* progress = nullptr;  ///< told of every bar that is written, of all attempts
};

struct Composition {
  Score score;    ///< what was asked for; with a prompt or a gap the rest of that score as it is, with a melody the
                  ///< melody's own notes; a note that rings on ends where its pitch begins again
  Score written;  ///< what was composed alone, on the grid: without the prompt, the melody, the rest of a
                  ///< piece; its first bar is the first that was written
  std::optional<GrayImage> sheet;  ///< samples side by side, of a network that draws pictures; `score` is empty where
                                   ///< they say no notes
  std::vector<Token> tokens;       ///< the sequence as a Transformer wrote it, what was given included
  double nats_per_token = 0;       ///< mean negative log-likelihood of what was drawn
  int attempts = 1;           ///< a piece with fewer than two notes a bar, in the other mode than asked, with other
                              ///< chords than asked, or of another density, register or polyphony than was said ahead
                              ///< is written anew
  SamplingOptions sampling;   ///< how it was drawn
  nlohmann::json provenance;  ///< {model, model_hash, seed, style, options, data, licences, commercial, …}
};

/// Any model that composes, whatever its network: what the card says is opened.
class Composer {
 public:
  /// Error{bad_input} if the model composes nothing or its weights do not fit its card.
  explicit Composer(const Model& model);
  const std::vector<std::string>& styles() const;
  /// Kinds of its styles that it has learned: "folk/jig", "drums/funk".
  const std::vector<std::string>& varieties() const;
  const Model& model() const { return model_; }
  /// The same options give the same piece on every machine of one instruction set. Thread-safe.
  /// Error{usage} for an unknown style, key, meter or a length out of range, or for a wish that this model has not
  /// learned; Error{unsupported | bad_input} for a score that tokens cannot say.
  Composition compose(const ComposeOptions& options) const;
  /// Variants: what compose() gives with each of the seeds, in less time than one after the other.
  std::vector<Composition> compose_variants(const ComposeOptions& options, std::span<const std::uint64_t> seeds) const;

 private:
  void say_where_from(Composition& piece, const ComposeOptions& options, const StyleWish& style,
                      std::uint64_t seed) const;

  Model model_;
  std::shared_ptr<const ComposingModel> network_;
};

}  // namespace euterpe
