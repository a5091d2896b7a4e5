#pragma once
/// One sequence being written: what the model would say, within what the grammar and the user allow.
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "compose/composer_network.hpp"
#include "compose/sampler.hpp"
#include "compose/writing_plan.hpp"
#include "score/music_place.hpp"
#include "score/remi_grammar.hpp"
#include "score/remi_passages.hpp"

namespace euterpe {

/// Takes `penalty` from the logit of the token with which `now`, an unfinished bar of four tokens or more, would go on
/// saying what a bar of `earlier` said, once for each such bar. \param logits [RemiVocabulary::size()]
void discourage_repetition(std::span<float> logits, std::span<const std::vector<Token>> earlier,
                           const std::vector<Token>& now, double penalty);

/// What a decoder has still to read of a piece before it can be asked how the piece goes on.
struct Reading {
  bool asked = true;        ///< it reads controls and chords
  bool in_time = false;     ///< it reads a gap in order of time, without what stands behind it
  std::vector<int> tokens;  ///< the network's numbers
  std::vector<MusicPlace> places;
  std::size_t read = 0;           ///< of these
  bool anew = false;              ///< the decoder first forgets what it has read
  int length = 0;                 ///< tokens that it will have read then
  MusicPlaces place;              ///< of what it reads next
  std::span<const float> logits;  ///< of what comes next, once all is read

  bool waits() const { return read < tokens.size(); }
};

/// Writes in turns, so that the decoders of many pieces can read side by side (compose/write_together.hpp).
class Writer {
 public:
  Writer(const ComposerNetwork& network, const WritingPlan& plan);

  /// Goes on up to where decoders must read what was said; all have read what there was. At first there is nothing.
  void turn(Random& random);
  bool finished() const {
    return !tokens_.empty() && RemiVocabulary::kind(tokens_.back()) == TokenKind::eos && beyond_.empty();
  }
  /// Of one decoder, or with guidance of two: one that reads everything and one that reads all but what was asked. In a
  /// gap as many again that read in order of time.
  std::span<Reading> readings() { return readings_; }
  const ComposerNetwork& network() const { return network_; }

  /// The whole sequence, what was given included; decode_remi() takes it.
  const std::vector<Token>& tokens() const { return tokens_; }
  /// The bars that were written.
  const std::vector<std::vector<Token>>& written() const { return written_; }
  std::vector<Token> header() const;  ///< Bos, controls and parts
  /// Mean −ln p of what was drawn of the music, as the model itself has it among what the grammar and the form allow.
  double nats_per_token() const { return drawn_ > 0 ? nats_ / static_cast<double>(drawn_) : 0; }
  /// Of a gap: how unlikely the first bars behind it are after what was written, read in order of time.
  double nats_beyond() const { return nats_beyond_; }

 private:
  struct MelodyNote {
    int position;
    std::vector<Token> tokens;  ///< Pitch and Durations
  };
  enum class Stage { controls, parts, body };

  bool step(Random& random);
  bool chooses(TokenKind kind) const;
  bool say_control(Random& random);
  void say_part(Random& random);
  void open_body();
  bool waits() const;
  Token draw(Random& random);
  void restrict_to_wishes();
  void restrict_to_melody();
  float bar_line() const;
  void hear_bar_lines();
  void mix(std::vector<float>& out, float guidance);
  void lean_on_wishes();
  void listen_beyond();
  bool hear_beyond();
  Reading& in_time();
  void push(Token token);
  void plan_bar();
  void read(Token token);
  void read_again(bool in_time);
  void read_anew(Reading& reading, const std::vector<Token>& all);
  void add(Reading& reading, Token token);
  std::size_t context() const { return static_cast<std::size_t>(network_.weights()->options().context); }
  bool reads(const Reading& reading, Token token, bool header) const;
  int bars_left() const { return section_bars_ - grammar_.bars(); }
  void forbid(TokenKind kind);
  void only(TokenKind kind, int value);

  const ComposerNetwork& network_;
  const WritingPlan& plan_;
  Sampler sampler_;
  std::vector<Reading> readings_;
  RemiGrammar grammar_;
  Stage stage_ = Stage::controls;
  int control_ = static_cast<int>(kFirstControl);  ///< the next to be said
  int section_bars_ = 0;  ///< Bar tokens that the running section of the grammar will have in the end
  int held_ = 0;          ///< grid steps that the Duration tokens in a row have said so far
  std::deque<Token> forced_;
  std::deque<Token> beyond_;  ///< behind a gap that is filled, what is still to be listened to
  double nats_beyond_ = 0;
  bool forgot_ = false;             ///< in order of time, the first bars that were written
  std::vector<MelodyNote> melody_;  ///< of the running bar, what is still to come
  std::vector<Token> controls_, parts_, tokens_;
  std::vector<std::vector<Token>> written_;
  std::vector<std::uint8_t> allowed_;
  std::vector<float> logits_, said_;
  std::vector<float> unbent_;  ///< logits as the model has them, without guidance and wishes
  double nats_ = 0;
  std::size_t drawn_ = 0;
};

}  // namespace euterpe
