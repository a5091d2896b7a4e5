#pragma once
/// Draws a sheet of pictures with a dense GAN and, where its pictures are of music, strings them together to a piece.
#include <optional>

#include "compose/composing_model.hpp"
#include "nn/dense_gan.hpp"
#include "nn/model.hpp"

namespace euterpe {

class DenseGanComposer : public ComposingModel {
 public:
  /// Error{bad_input} if its weights do not fit its card.
  explicit DenseGanComposer(const Model& model);
  const std::vector<std::string>& styles() const override { return styles_; }
  const std::vector<std::string>& varieties() const override { return varieties_; }
  std::vector<Wish> learned() const override { return {}; }
  /// A sheet of 100 samples, and of a model of music a piece: of a handful of patches for every bar the one is taken
  /// that goes on best from the patch before, which shows three quarters of the same bar. Error{usage} for a key or a
  /// tempo where the pictures are not of music, another meter than 4/4, or a temperature and the like, of which it has
  /// no idea.
  Composition compose(const ComposeOptions& options, const StyleWish& style) const override;

 private:
  struct Music {
    int lowest;
    double tempo;
  };
  Score piece(const Music& music, const ComposeOptions& options, std::uint64_t seed) const;

  std::vector<std::string> styles_, varieties_;
  DenseGenerator generator_;
  std::optional<Music> music_;  ///< how patches are read; nothing: pictures that say no notes
};

}  // namespace euterpe
