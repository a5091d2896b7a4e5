#pragma once
/// Composes with the autoencoder of bars and its prior (nn/vae.hpp, nn/latent_prior.hpp): freely in a style, as a
/// variation of a piece, between two pieces, or from one style into another.
#include <memory>
#include <string>
#include <vector>

#include "compose/composing_model.hpp"
#include "nn/latent_prior.hpp"
#include "nn/model.hpp"
#include "nn/style_habits.hpp"
#include "nn/vae.hpp"

namespace euterpe {

/// How the pieces of a style are drawn, in "sampling" of a card: {STYLE: {temperature, min_p, flow_temperature,
/// guidance, candidates, until}}; what does not stand there is as here.
struct StyleDrawing {
  double temperature = 1;  ///< of the decoder, 0 … 10; 0 = the likeliest
  double min_p = 0;  ///< of the decoder, 0 … 1: what is less likely than this share of the likeliest is left out
  double flow_temperature = 1;  ///< of the prior's noise, 0 … 10
  double guidance = 1;          ///< 0 … 100
  int candidates = 1;           ///< drawings of each bar, 1 … 256
  double until = 1;             ///< where the prior's flow ends and the decoder takes over, 0 … 1
};

class VaeComposer : public ComposingModel {
 public:
  /// Error{bad_input} if its weights do not fit its card, or its card lacks the habits of a style or draws it as cannot
  /// be.
  explicit VaeComposer(const Model& model);
  const std::vector<std::string>& styles() const override { return styles_; }
  const std::vector<std::string>& varieties() const override { return varieties_; }
  std::vector<Wish> learned() const override {
    return {Wish::vary, Wish::transfer, Wish::blend, Wish::density, Wish::height, Wish::polyphony};
  }
  Composition compose(const ComposeOptions& options, const StyleWish& style) const override;
  std::vector<Composition> compose_variants(const ComposeOptions& options, const StyleWish& style,
                                            std::span<const std::uint64_t> seeds) const override;

  const Vae& codec() const { return *codec_; }
  const StyleHabits& habits(const std::string& style) const;

 private:
  struct Draft;
  struct Written;
  Draft plan(const ComposeOptions& options, const StyleWish& style, std::uint64_t seed) const;
  int style_number(const std::string& style) const;
  /// Adds the drawing of a bar that comes nearest to what is asked of it and of which the decoder is surest.
  /// \return its latents
  std::vector<float> write_bar(const Draft& draft, const DrawnLatents& drawn, const StyleHabits& usual,
                               Written& piece) const;
  /// Adds the bars of a piece between two others: of several drawings those whose density, polyphony and register lie
  /// where theirs do between the bars of both.
  void write_between(const Draft& draft, const StyleHabits& usual, Written& piece) const;

  std::string name_;
  std::vector<std::string> styles_, varieties_;
  std::vector<StyleHabits> habits_;     ///< in the order of styles_
  std::vector<StyleDrawing> drawings_;  ///< of the card, in the order of styles_
  std::shared_ptr<const Vae> codec_;
  std::shared_ptr<const LatentPrior> prior_;
};

}  // namespace euterpe
