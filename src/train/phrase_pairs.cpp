#include "train/phrase_pairs.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kFewestNotes = 4;  // of a phrase
constexpr int kTries = 8;                // for a second phrase that is not the first one again
constexpr double kSame = 0.95, kVaried = 0.5;
constexpr std::size_t kFrames = 96;  // of a style

std::span<const GridBar> phrase_at(const BarGrid& grid, int bar) {
  return std::span(grid.bars).subspan(static_cast<std::size_t>(bar), kPhraseBars);
}

bool is_phrase(std::span<const GridBar> bars) {
  std::size_t notes = 0;
  for (const GridBar& bar : bars) {
    if (bar.meter != bars.front().meter) return false;
    notes += bar.notes.size();
  }
  return notes >= kFewestNotes;
}

/// 2 |a ∩ b| / (|a| + |b|) of the onsets.
double alike(const std::vector<float>& a, const std::vector<float>& b) {
  constexpr std::size_t kPlane = std::size_t{kPhraseSteps} * kRollPitches;
  double common = 0, all = 0;
  for (const int channel : {kMelodyOnset, kAccompanimentOnset})
    for (std::size_t i = 0; i < kPlane; ++i) {
      const std::size_t k = static_cast<std::size_t>(channel) * kPlane + i;
      common += static_cast<double>(a[k] * b[k]);
      all += static_cast<double>(a[k] + b[k]);
    }
  return all > 0 ? 2 * common / all : 1;
}

}  // namespace

PhrasePairs::PhrasePairs(const GridCorpus& corpus, const std::string& split)
    : styles_(corpus.styles.size()), weights_(corpus.styles.size()) {
  for (const GridPiece& piece : corpus.pieces) {
    if (piece.split != split) continue;
    Place place{&piece, {}};
    for (int bar = 0; bar + kPhraseBars <= static_cast<int>(piece.grid.bars.size()); ++bar)
      if (is_phrase(phrase_at(piece.grid, bar))) place.bars.push_back(bar);
    if (place.bars.empty()) continue;
    const auto style = static_cast<std::size_t>(corpus.style(piece.style));
    weights_[style].push_back(static_cast<double>(place.bars.size()));
    styles_[style].push_back(std::move(place));
  }
  for (std::size_t s = 0; s < styles_.size(); ++s)
    if (!styles_[s].empty()) drawn_.push_back(static_cast<int>(s));
}

bool PhrasePairs::empty() const { return drawn_.empty(); }

/// Half of the time where a phrase of the piece's own begins, if it counts in fours from its first bar.
int PhrasePairs::draw_bar(Random& random, const Place& place) const {
  const bool own = random.uniform() < 0.5;
  int bar = place.bars[random.below(place.bars.size())];
  for (int i = 0; own && bar % kPhraseBars != 0 && i < kTries; ++i) bar = place.bars[random.below(place.bars.size())];
  return bar;
}

PhraseDraw PhrasePairs::draw(Random& random, int pairs, int style) const {
  EUTERPE_ASSERT(!empty());
  PhraseDraw out;
  for (int i = 0; i < pairs; ++i) {
    const auto s = static_cast<std::size_t>(style >= 0 ? style : drawn_[random.below(drawn_.size())]);
    EUTERPE_ASSERT(!styles_[s].empty());
    const Place& place = styles_[s][random.weighted(weights_[s])];
    const BarGrid& grid = place.piece->grid;
    const int first = draw_bar(random, place);
    const std::vector<float> one = phrase_roll(phrase_at(grid, first));
    int second = first;
    std::vector<float> other = one;
    const auto meter_at = [&](int bar) { return grid.bars[static_cast<std::size_t>(bar)].meter; };
    for (int t = 0; t < kTries; ++t) {
      const int bar = draw_bar(random, place);
      if (meter_at(bar) != meter_at(first) || bar == first) continue;
      std::vector<float> roll = phrase_roll(phrase_at(grid, bar));
      if (roll == one) continue;
      second = bar;
      other = std::move(roll);
      if (std::abs(second - first) >= kPhraseBars) break;
    }
    for (const auto& [bar, roll] : {std::pair{first, &one}, {second, &other}}) {
      out.rolls.insert(out.rolls.end(), roll->begin(), roll->end());
      out.wishes.push_back({.style = static_cast<int>(s),
                            .meter = meter_at(bar),
                            .minor = grid.minor,
                            .begins = bar == 0,
                            .ends = bar + kPhraseBars == static_cast<int>(grid.bars.size())});
    }
  }
  return out;
}

std::string phrase_form(const BarGrid& grid) {
  std::vector<std::vector<float>> firsts;
  std::string form;
  for (int bar = 0; bar + kPhraseBars <= static_cast<int>(grid.bars.size()) && form.size() < kLongestForm;
       bar += kPhraseBars) {
    const auto bars = phrase_at(grid, bar);
    if (!is_phrase(bars)) continue;
    std::vector<float> roll = phrase_roll(bars);
    double best = 0;
    std::size_t like = 0;
    for (std::size_t i = 0; i < firsts.size(); ++i)
      if (const double a = alike(firsts[i], roll); a > best) best = a, like = i;
    if (best < kVaried) {
      like = firsts.size();
      firsts.push_back(std::move(roll));
    }
    form += static_cast<char>((best < kVaried || best >= kSame ? 'A' : 'a') + static_cast<int>(like));
  }
  return form;
}

nlohmann::json piece_frames(const GridCorpus& corpus) {
  nlohmann::json out = nlohmann::json::object();
  Random random(0x6672616d);
  for (const std::string& style : corpus.styles) {
    std::vector<const GridPiece*> pieces;
    for (const GridPiece& piece : corpus.pieces)
      if (piece.style == style && piece.split == "train" && !phrase_form(piece.grid).empty()) pieces.push_back(&piece);
    random.shuffle(pieces);
    if (pieces.size() > kFrames) pieces.resize(kFrames);
    out[style] = nlohmann::json::array();
    for (const GridPiece* piece : pieces) {
      const BarGrid& grid = piece->grid;
      out[style].push_back({grid.bars[grid.bars.size() / 2].meter, grid.minor ? 1 : 0, grid.moved,
                            static_cast<int>(std::lround(grid.tempo)), phrase_form(grid)});
    }
  }
  return out;
}

}  // namespace euterpe
