#include "train/latent_batches.hpp"

#include <algorithm>
#include <cmath>

#include "base/files.hpp"
#include "nn/style_habits.hpp"

namespace euterpe {
namespace {

constexpr double kStyleBalance = 0.25;  // a style is drawn by this power of its bars
constexpr double kForgetAll = 0.08;     // nothing but the meter is said: what guidance compares with
constexpr double kForgetMelody = 0.55;  // of the pieces
constexpr double kForgetTrait = 0.6;    // each of the three
constexpr double kForgetPlace = 0.4;    // beginning and end of the piece
constexpr double kForgetMode = 0.1;

}  // namespace

LatentBatches::LatentBatches(const GridCorpus& corpus, const std::string& split, const Vae& codec)
    : latent_(codec.options().latent) {
  std::vector<StyleHabits> habits;
  for (const std::string& style : corpus.styles) habits.push_back(corpus_habits(corpus, style));
  std::string hashes;
  for (const GridPiece& piece : corpus.pieces) {
    if (piece.split != split) continue;
    Item item;
    item.style = corpus.style(piece.style);
    item.piece = &piece;
    item.wish.style = item.style;
    item.wish.minor = piece.grid.minor;
    item.latents = codec.encode(piece.grid.bars);
    const auto melody = melody_shapes(piece.grid);
    for (std::size_t b = 0; b < piece.grid.bars.size(); ++b) {
      BarWish bar;
      bar.meter = piece.grid.bars[b].meter;
      if (const auto traits = bar_traits(piece.grid.bars[b]))
        for (std::size_t t = 0; t < kBarTraits; ++t)
          bar.traits[t] =
              habits[static_cast<std::size_t>(item.style)].bar_class(static_cast<BarTrait>(t), (*traits)[t]);
      bar.left = static_cast<int>(piece.grid.bars.size() - 1 - b);
      bar.first = b == 0;
      bar.melody = melody[b];
      item.wish.bars.push_back(bar);
    }
    hashes += sha256(std::span(reinterpret_cast<const std::uint8_t*>(item.latents.mean.data()),
                               item.latents.mean.size() * sizeof(float)));
    StyleItems& style = styles_[item.style];
    style.items.push_back(items_.size());
    style.weights.push_back(static_cast<double>(piece.grid.bars.size()));
    style.bars += style.weights.back();
    items_.push_back(std::move(item));
  }
  hash_ = sha256(hashes);
  for (const auto& [style, of] : styles_) weights_.push_back(std::pow(of.bars, kStyleBalance));
}

LatentBatch LatentBatches::draw(Random& random, int pieces, int bars) const {
  struct Crop {
    const Item* item;
    std::size_t from, count;
  };
  const auto width = static_cast<std::size_t>(latent_);
  std::vector<Crop> crops;
  std::size_t longest = 0;  // batches are as wide as their longest piece
  for (int p = 0; p < pieces; ++p) {
    const StyleItems& style =
        std::next(styles_.begin(), static_cast<std::ptrdiff_t>(random.weighted(weights_)))->second;
    const Item& item = items_[style.items[random.weighted(style.weights)]];
    const std::size_t all = item.wish.bars.size(), count = std::min(all, static_cast<std::size_t>(bars));
    // Beginnings and ends as often as any other place, of which there are more.
    const std::size_t room = all - count + 1;
    const double where = random.uniform();
    crops.push_back({&item, where < 0.15 ? 0 : where < 0.3 ? room - 1 : random.below(room), count});
    longest = std::max(longest, count);
  }
  LatentBatch out;
  out.z.assign(crops.size() * longest * width, 0);
  out.music.assign(crops.size() * longest, nullptr);
  for (std::size_t p = 0; p < crops.size(); ++p) {
    const auto& [item, from, count] = crops[p];
    LatentWish wish = item->wish;
    wish.bars.assign(item->wish.bars.begin() + static_cast<std::ptrdiff_t>(from),
                     item->wish.bars.begin() + static_cast<std::ptrdiff_t>(from + count));
    for (std::size_t b = 0; b < count; ++b) {
      out.music[p * longest + b] = &item->piece->grid.bars[from + b];
      for (std::size_t k = 0; k < width; ++k) {
        const std::size_t at = (from + b) * width + k;
        out.z[(p * longest + b) * width + k] =
            item->latents.mean[at] +
            std::exp(0.5F * item->latents.log_variance[at]) * static_cast<float>(random.normal());
      }
    }
    out.bars += static_cast<std::int64_t>(count);
    out.wishes.push_back(std::move(wish));
  }
  return out;
}

std::pair<std::vector<float>, std::vector<float>> LatentBatches::spread() const {
  const auto width = static_cast<std::size_t>(latent_);
  std::vector<double> sum(width), square(width);
  double weight = 0;
  for (const Item& item : items_) {
    const double each = std::pow(styles_.at(item.style).bars, kStyleBalance - 1);
    for (std::size_t b = 0; b < item.latents.bars(); ++b) {
      weight += each;
      for (std::size_t k = 0; k < width; ++k) {
        const double m = item.latents.mean[b * width + k], v = std::exp(item.latents.log_variance[b * width + k]);
        sum[k] += each * m;
        square[k] += each * (m * m + v);
      }
    }
  }
  std::pair<std::vector<float>, std::vector<float>> out;
  for (std::size_t k = 0; k < width; ++k) {
    const double mean = sum[k] / weight;
    out.first.push_back(static_cast<float>(mean));
    out.second.push_back(static_cast<float>(std::sqrt(std::max(1e-6, square[k] / weight - mean * mean))));
  }
  return out;
}

void forget_wishes(std::vector<LatentWish>& wishes, Random& random) {
  for (LatentWish& wish : wishes) {
    const bool all = random.uniform() < kForgetAll, melody = random.uniform() < kForgetMelody,
               place = random.uniform() < kForgetPlace, mode = random.uniform() < kForgetMode;
    std::array<bool, kBarTraits> traits{};
    for (bool& t : traits) t = random.uniform() < kForgetTrait;
    if (all) wish.style = -1;
    if (mode || all) wish.minor.reset();
    for (BarWish& bar : wish.bars) {
      if (all || melody) bar.melody.reset();
      for (std::size_t t = 0; t < kBarTraits; ++t)
        if (all || traits[t]) bar.traits[t] = -1;
      if (all || place) bar.left = -1, bar.first = false;
    }
  }
}

}  // namespace euterpe
