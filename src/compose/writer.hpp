#pragma once
/// One sequence being written: what the model would say, within what the grammar and the user allow.
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "compose/sampler.hpp"
#include "nn/decoder.hpp"
#include "score/music_place.hpp"
#include "score/remi_chords.hpp"
#include "score/remi_controls.hpp"
#include "score/remi_grammar.hpp"
#include "score/remi_passages.hpp"

namespace euterpe {

/// A trained Transformer and the tokens that it knows: its number i is knows()[i].
class ComposerNetwork {
 public:
  /// Error{bad_input} if the weights do not fit the vocabulary.
  ComposerNetwork(const TransformerOptions& options, const Safetensors& weights, std::vector<Token> known);
  const std::shared_ptr<const TransformerWeights>& weights() const { return weights_; }
  std::span<const Token> known() const { return known_; }
  bool knows(Token token) const { return number_[token] >= 0; }
  bool knows(TokenKind kind) const { return knows(RemiVocabulary::first(kind)); }
  int number(Token token) const { return number_[token]; }

 private:
  std::shared_ptr<const TransformerWeights> weights_;
  std::vector<Token> known_;
  std::vector<int> number_;  ///< of each Token, −1 = not known
};

/// What is given and what is asked. Bars are sequences of tokens that begin with Bar.
struct WritingPlan {
  RemiControls controls;
  std::vector<Token> parts;                ///< Part and Program tokens; empty: the model chooses
  std::vector<std::vector<Token>> before;  ///< bars that stand before what is to be written
  std::vector<std::vector<Token>> after;   ///< not empty: a gap is filled, and these stand behind it
  std::vector<std::vector<Token>> melody;  ///< not empty: bars of part 0 that are accompanied, as many as `bars`
  int bars = 16;                           ///< to write
  std::vector<int> meters;                 ///< of the bars to write, the last holds on; empty: the model chooses one
  std::vector<BarChords> chords;           ///< of the bars to write, again from the first; empty: the model's
  bool draw_tempo = true;                  ///< the model says a tempo where none is asked
  SamplingOptions sampling;
};

/// Takes `penalty` from the logit of the token with which `now`, an unfinished bar of four tokens or more, would go on
/// saying what a bar of `earlier` said, once for each such bar. \param logits [RemiVocabulary::size()]
void discourage_repetition(std::span<float> logits, std::span<const std::vector<Token>> earlier,
                           const std::vector<Token>& now, double penalty);

class Writer {
 public:
  Writer(const ComposerNetwork& network, const WritingPlan& plan);

  /// Writes to the end. Error{usage} where the context is too short for the header. Interruptible.
  void write(Random& random);

  /// The whole sequence, what was given included; decode_remi() takes it.
  const std::vector<Token>& tokens() const { return tokens_; }
  /// The bars that were written.
  const std::vector<std::vector<Token>>& written() const { return written_; }
  std::vector<Token> header() const;  ///< Bos, controls and parts
  double nats_per_token() const { return drawn_ > 0 ? nats_ / static_cast<double>(drawn_) : 0; }

 private:
  /// A decoder that reads everything, or all but what was asked.
  struct Reader {
    Decoder decoder;
    bool asked;  ///< reads controls and chords
    std::span<const float> logits;
  };
  struct MelodyNote {
    int position;
    std::vector<Token> tokens;  ///< Pitch and Durations
  };

  void write_header(Random& random);
  void open_body();
  void step(Random& random);
  Token draw(Random& random);
  void draw_control(TokenKind kind, Random& random);
  void force(Token token);
  void restrict_to_wishes();
  void restrict_to_melody();
  void hear_bar_lines();
  void mix_logits();
  void push(Token token);
  void plan_bar();
  void read(Token token);
  void read_again();
  std::vector<Token> context_tokens() const;
  std::int64_t gap_in(std::span<const Token> context) const;
  int planned_meter(int bar) const;
  int bars_left() const { return section_bars_ - grammar_.bars(); }
  void forbid(TokenKind kind);
  void only(TokenKind kind, int value);

  const ComposerNetwork& network_;
  const WritingPlan& plan_;
  Sampler sampler_;
  std::vector<Reader> readers_;
  RemiGrammar grammar_;
  MusicPlaces places_;    ///< of what the decoders have read
  int section_bars_ = 0;  ///< Bar tokens that the running section of the grammar will have in the end
  int held_ = 0;          ///< grid steps that the Duration tokens in a row have said so far
  bool body_ = false;     ///< bars are being written
  std::deque<Token> forced_;
  std::vector<MelodyNote> melody_;  ///< of the running bar, what is still to come
  std::vector<Token> controls_, parts_, tokens_;
  std::vector<std::vector<Token>> written_;
  std::vector<std::uint8_t> allowed_;
  std::vector<float> logits_;
  double nats_ = 0;
  std::size_t drawn_ = 0;
};

}  // namespace euterpe
