#pragma once
/// Composes with the GAN on piano rolls: phrases of four bars, joined as the pieces that it learned from join theirs.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compose/composing_model.hpp"
#include "nn/gan.hpp"
#include "nn/model.hpp"

namespace euterpe {

/// What a piece is set in, as a training piece was.
struct PieceFrame {
  int meter = 0;  ///< number in grid_meters()
  bool minor = false;
  int moved = 0;       ///< semitones from its key to C major or A minor
  double tempo = 120;  ///< quarter notes a minute
  std::string form;    ///< capital: a new phrase or one that comes back as it was; small: one that comes back varied
};

/// `phrases` letters that begin as `form` does; what it lacks comes back from its beginning, varied.
std::string form_of_length(const std::string& form, std::size_t phrases);

/// How the pieces of a style are drawn, in "sampling" of a card: {STYLE: {temperature, candidates}}; what does not
/// stand there is as here.
struct PhraseDrawing {
  double temperature = 1;  ///< the noise's standard deviation (the truncation trick, Brock et al. 2019), 0 … 10
  int candidates = 1;      ///< drawings of each phrase, of which the one goes on that the discriminator likes best
};

class GanComposer : public ComposingModel {
 public:
  /// Error{bad_input} if its weights do not fit its card.
  explicit GanComposer(const Model& model);
  const std::vector<std::string>& styles() const override { return generator_.options().styles; }
  const std::vector<std::string>& varieties() const override { return varieties_; }
  std::vector<Wish> learned() const override { return {Wish::density, Wish::height}; }
  /// Phrases of a piece share noise, one that comes back has the same, one that comes back varied the same but for its
  /// last two bars; the temperature is the noise's standard deviation.
  /// Error{usage} for a meter that it does not know, and for top-k and the like, of which it has no idea.
  Composition compose(const ComposeOptions& options, const StyleWish& style) const override;

 private:
  PieceFrame draw_frame(const ComposeOptions& options, int style, Random& random) const;
  /// The roll of each phrase, those that come back too. \param form of the piece
  std::vector<std::vector<float>> draw_phrases(const std::string& form, const std::vector<PhraseWish>& wishes,
                                               const PhraseDrawing& how, std::uint64_t seed) const;
  BarGrid draw_piece(const PieceFrame& frame, int style, const ComposeOptions& options, std::uint64_t seed) const;

  std::vector<std::string> varieties_;
  PhraseGenerator generator_;
  std::optional<PhraseJudge> judge_;
  std::vector<PhraseDrawing> drawings_;          ///< of each style
  std::vector<std::vector<PieceFrame>> frames_;  ///< of each style, at least one
};

}  // namespace euterpe
