#pragma once
/// Composes chorales with the model of four voices (compose/chorale.hpp).
#include <memory>

#include "compose/composing_model.hpp"
#include "nn/keyed_model.hpp"
#include "nn/model.hpp"

namespace euterpe {

/// What is asked that a model of four voices has not learned, in words; empty if it can do it all. It has no idea of
/// chords, density, register, emotion, guidance or repetition; it writes in 4/4, goes on in pieces of four voices on a
/// grid of sixteenths, and takes a melody that a soprano could sing in some octave.
std::string beyond_chorales(const ComposeOptions& options);

class ChoraleComposer : public ComposingModel {
 public:
  /// Error{bad_input | newer_version} if its weights do not fit its card.
  explicit ChoraleComposer(const Model& model);
  const std::vector<std::string>& styles() const override { return styles_; }
  const std::vector<std::string>& varieties() const override { return varieties_; }
  std::vector<Wish> learned() const override { return {Wish::go_on, Wish::accompany, Wish::fill}; }
  /// Error{usage} for what is beyond_chorales().
  Composition compose(const ComposeOptions& options, const StyleWish& style) const override;

 private:
  std::vector<std::string> styles_{"chorale"}, varieties_;
  KeyedModel model_;
};

}  // namespace euterpe
