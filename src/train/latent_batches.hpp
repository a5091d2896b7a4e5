#pragma once
/// What the prior over latents reads in training: the latents of pieces and what could have been asked of their bars.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "nn/latent_prior.hpp"
#include "nn/vae.hpp"
#include "train/grid_corpus.hpp"

namespace euterpe {

struct LatentBatch {
  std::vector<LatentWish> wishes;  ///< all that can be said of the bars
  std::vector<float> z;            ///< [pieces × bars × latent], bars of the longest; zeros where a piece has ended
  std::vector<const GridBar*> music;  ///< [pieces × bars]: what the latents are of, null where a piece has ended
  std::int64_t bars = 0;              ///< that are there, in all
};

class LatentBatches {
 public:
  /// \param corpus must outlive it
  LatentBatches(const GridCorpus& corpus, const std::string& split, const Vae& codec);
  bool empty() const { return styles_.empty(); }
  /// Crops of at most `bars` bars; styles by the fourth root of their bars, pieces by length; z drawn from q.
  LatentBatch draw(Random& random, int pieces, int bars) const;
  /// Mean and standard deviation of each dimension, styles weighted as drawn.
  std::pair<std::vector<float>, std::vector<float>> spread() const;
  const std::string& hash() const { return hash_; }  ///< SHA-256 of all latents

 private:
  struct Item {
    int style;
    const GridPiece* piece;
    LatentWish wish;
    BarLatents latents;
  };
  struct StyleItems {
    std::vector<std::size_t> items;
    std::vector<double> weights;
    double bars = 0;
  };
  std::vector<Item> items_;
  std::map<int, StyleItems> styles_;
  std::vector<double> weights_;
  int latent_ = 0;
  std::string hash_;
};

/// Leaves out most of what is asked, differently for each piece, so that the prior learns to do without any of it.
void forget_wishes(std::vector<LatentWish>& wishes, Random& random);

}  // namespace euterpe
