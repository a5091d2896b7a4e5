#pragma once
/// What a composer reads in training: passages of the shard's pieces, cut, transposed and rearranged at random.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "corpus/shard.hpp"
#include "score/remi_controls.hpp"
#include "score/remi_passages.hpp"

namespace euterpe {

/// Styles are drawn as asked, else by the square root of their tokens (between evenly and by size: the large ones have
/// more to learn, the small ones would drown), pieces by length. Crops begin at bar lines. Most stand in order of time;
/// some have a gap that is filled last, some the melody first (score/remi_passages.hpp). Keys are transposed by −6 … +5
/// semitones. Density, height and polyphony are those of the crop. Every control is left out now and then, sometimes
/// all of them and the chords together: that is what guidance compares with (Ho and Salimans 2022).
class RemiCrops {
 public:
  /// \param context tokens that the model sees; crops are one longer, for the last has to be predicted
  /// \param shares how often a style is drawn beside the others; those that are not named are not drawn. Empty: by the
  /// square root of their tokens. Error{usage} for a style that the shard does not have.
  RemiCrops(const Shard& shard, const std::string& split, int context,
            const std::map<std::string, double>& shares = {});

  bool empty() const { return styles_.empty(); }
  std::vector<std::string> styles() const;

  /// What one step reads. \param random that of run_training()
  std::vector<std::vector<Token>> batch(Random& random, int size) const;

  /// context + 1 tokens, filled up with Pad. Mid-piece crops leave Bos out, so that only true beginnings look like one.
  /// \param style draws of this style alone
  std::vector<Token> draw(Random& random, const std::string* style = nullptr) const;

 private:
  struct Prepared {
    RemiPassage passage;
    std::vector<std::size_t> end;  ///< tokens of the bars up to and including each
    bool accompanied;              ///< part 0 and others play: it can be accompanied
  };
  struct Style {
    std::vector<Prepared> pieces;
    std::vector<double> weights;
    double tokens = 0;
  };
  std::vector<Token> in_time(const Prepared& piece, Random& random) const;
  std::vector<Token> with_gap(const Prepared& piece, Random& random) const;
  std::vector<Token> melody_first(const Prepared& piece, Random& random) const;
  std::size_t room(const Prepared& piece) const;

  std::size_t context_;
  std::vector<double> style_weights_;  ///< in the order of styles_
  std::map<std::string, Style> styles_;
};

/// Which tokens a run reads often enough to learn them. It draws the same crops anew, a thousand in a twentieth of a
/// second. \return [RemiVocabulary::size()]
std::vector<bool> tokens_met(const RemiCrops& crops, std::uint64_t seed, std::int64_t steps, int batch);

/// Leaves out controls, and chords, at random. \param tokens begin with the header
void drop_controls(std::vector<Token>& tokens, Random& random);

}  // namespace euterpe
