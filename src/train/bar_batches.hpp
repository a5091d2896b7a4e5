#pragma once
/// What the autoencoder of bars reads in training: bars of all pieces, of similar length together.
#include <string>
#include <vector>

#include "base/random.hpp"
#include "train/grid_corpus.hpp"

namespace euterpe {

/// Styles are drawn by the square root of their notes, bars of a style evenly; some bars are moved to another key, so
/// that one whose key was heard wrongly, or that modulates, is known too.
class BarBatches {
 public:
  BarBatches(const GridCorpus& corpus, const std::string& split);
  /// About `notes` notes. \param random that of run_training()
  std::vector<GridBar> draw(Random& random, int notes) const;
  /// So many bars of each style, evenly spread over its pieces, as they are.
  static std::vector<GridBar> spread(const GridCorpus& corpus, const std::string& split, const std::string& style,
                                     std::size_t bars);

 private:
  struct Group {  ///< bars of about as many notes
    std::vector<const GridBar*> bars;
    std::vector<double> weights;  ///< summed up, of the bars
    double notes = 0;             ///< mean
  };
  std::vector<Group> groups_;
  std::vector<double> weights_;  ///< of the groups
};

}  // namespace euterpe
