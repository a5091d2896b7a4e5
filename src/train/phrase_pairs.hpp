#pragma once
/// Phrases of four bars, two of one piece at a time: what the GAN's discriminator calls real.
#include <string>
#include <vector>

#include "base/random.hpp"
#include "nn/gan.hpp"
#include "train/grid_corpus.hpp"

namespace euterpe {

struct PhraseDraw {
  std::vector<float> rolls;        ///< kPhraseValues a phrase, 2 i and 2 i + 1 of one piece
  std::vector<PhraseWish> wishes;  ///< what each of them is
};

class PhrasePairs {
 public:
  /// \param corpus outlives it
  PhrasePairs(const GridCorpus& corpus, const std::string& split);
  bool empty() const;
  bool has(int style) const { return !styles_[static_cast<std::size_t>(style)].empty(); }
  /// \param style number in corpus.styles; −1 = every pair's drawn, all alike often, of those that have a phrase
  PhraseDraw draw(Random& random, int pairs, int style = -1) const;

 private:
  struct Place {
    const GridPiece* piece;
    std::vector<int> bars;  ///< at which a phrase may begin
  };
  int draw_bar(Random& random, const Place& place) const;

  std::vector<std::vector<Place>> styles_;
  std::vector<std::vector<double>> weights_;  ///< phrases of each place
  std::vector<int> drawn_;                    ///< styles that have a phrase
};

/// How the phrases of a piece repeat: a capital for each new one and for one that comes back as it was, a small letter
/// for one that comes back varied: "ABaB". At most kLongestForm phrases from the beginning.
std::string phrase_form(const BarGrid& grid);
inline constexpr std::size_t kLongestForm = 16;

/// What compose draws a piece's frame from, for the card: {STYLE: [[meter, minor, moved, tempo, form] …]}, a sample of
/// the training pieces of each style that is the same for the same corpus.
nlohmann::json piece_frames(const GridCorpus& corpus);

}  // namespace euterpe
