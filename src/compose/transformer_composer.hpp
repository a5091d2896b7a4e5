#pragma once
/// Composes with a Transformer over REMI tokens (score/tokenizer.hpp).
#include <memory>

#include "compose/composing_model.hpp"
#include "compose/usual_sampling.hpp"
#include "compose/writer.hpp"
#include "nn/model.hpp"

namespace euterpe {

class TransformerComposer : public ComposingModel {
 public:
  /// Error{bad_input} if its weights do not fit its card or its card names no style.
  explicit TransformerComposer(const Model& model);
  const std::vector<std::string>& styles() const override { return styles_; }
  const std::vector<std::string>& varieties() const override { return varieties_; }
  /// As far as its weights know the tokens for it.
  std::vector<Wish> learned() const override {
    return {Wish::go_on, Wish::accompany, Wish::fill, Wish::chords, Wish::emotion, Wish::density, Wish::height};
  }
  Composition compose(const ComposeOptions& options, const StyleWish& style) const override;
  std::vector<Composition> compose_variants(const ComposeOptions& options, const StyleWish& style,
                                            std::span<const std::uint64_t> seeds) const override;

 private:
  WritingPlan plan(const ComposeOptions& options, const StyleWish& style) const;

  std::string name_;
  bool emotions_ = false;  ///< it has learned them
  UsualSampling sampling_;
  std::vector<std::string> styles_, varieties_;
  std::shared_ptr<const ComposerNetwork> network_;
};

}  // namespace euterpe
