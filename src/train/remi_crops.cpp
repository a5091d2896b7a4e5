#include "train/remi_crops.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

constexpr double kStartCrops = 0.15;  // begin at the piece's beginning
constexpr double kEndCrops = 0.15;    // end at the piece's end: beginnings and endings are what listeners notice
constexpr double kGapCrops = 0.15, kMelodyCrops = 0.15;
constexpr double kDropAll = 0.1, kDropChords = 0.25;
constexpr std::size_t kLongestGap = 16;  // bars
/// What is read less often is told to be unlikely far more often than it is said, and its row of the embedding comes to
/// point where Pad's does: in the composer cosines of 0.9 at 30 readings, 0.4 at 120, 0.3 at 200.
constexpr std::int64_t kFewestReadings = 150;
/// Tokens that a crop may have beside the header and the bars of its piece: Bos, two marks, Eos, the three controls
/// that are measured on it, and the Left tokens that count a gap's own bars.
constexpr std::size_t kControlRoom = 1 + 2 + 1 + 3 + kLeftBars;

/// How often each control is left out: one that users seldom give is mostly absent, so that the model writes well
/// without it.
double drop_rate(TokenKind kind) {
  switch (kind) {
    case TokenKind::style:
    case TokenKind::emotion:
      return 0.05;
    case TokenKind::key:
    case TokenKind::meter:
    case TokenKind::tempo:
      return 0.2;
    default:
      return 0.4;
  }
}

bool plays(std::span<const Token> bar, bool melody) {
  for (const Token t : bar)
    if (V::kind(t) == TokenKind::part && (V::value(t) == 0) == melody) return true;
  return false;
}

void append(std::vector<Token>& to, const std::vector<Token>& from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

void drop_controls(std::vector<Token>& tokens, Random& random) {
  const bool all = random.uniform() < kDropAll, chords = random.uniform() < kDropChords;
  std::array<bool, static_cast<std::size_t>(TokenKind::duration) + 1> drop{};
  for (auto k = static_cast<std::size_t>(kFirstControl); k <= static_cast<std::size_t>(kLastControl); ++k)
    drop[k] = random.uniform() < drop_rate(static_cast<TokenKind>(k)) || all;
  drop[static_cast<std::size_t>(TokenKind::chord)] = chords || all;
  bool header = true;
  std::erase_if(tokens, [&](Token t) {
    const TokenKind kind = V::kind(t);
    header = header && kind < TokenKind::part;
    // Within the piece a Tempo says that it changes.
    return drop[static_cast<std::size_t>(kind)] && (header || kind == TokenKind::chord);
  });
}

RemiCrops::RemiCrops(const Shard& shard, const std::string& split, int context,
                     const std::map<std::string, double>& shares)
    : context_(static_cast<std::size_t>(context)) {
  for (const ShardPiece& p : shard.pieces) {
    if (p.split != split) continue;
    Prepared item{cut_at_bars(p.tokens), {}, false};
    const auto& bars = item.passage.bars;
    if (bars.empty()) continue;
    std::size_t total = 0;
    bool melody = false, others = false;
    for (const auto& bar : bars) {
      item.end.push_back(total += bar.size());
      melody = melody || plays(bar, true);
      others = others || plays(bar, false);
    }
    item.accompanied = melody && others;
    auto& style = styles_[p.style];
    // By bars, not by tokens: else what is dense would be heard more often than it is played.
    style.weights.push_back(static_cast<double>(bars.size()));
    style.tokens += static_cast<double>(total);
    style.pieces.push_back(std::move(item));
  }
  for (const auto& [name, share] : shares)
    if (!styles_.contains(name) || !(share > 0))
      throw Error(Category::usage, "train_transformer",
                  fmt::format("a share of {} for the style \"{}\": the shard has {}", share, name,
                              fmt::join(this->styles(), ", ")),
                  "shares are positive, as in folk=2,pop=3");
  if (!shares.empty()) std::erase_if(styles_, [&](const auto& style) { return !shares.contains(style.first); });
  for (const auto& [name, style] : styles_)
    style_weights_.push_back(shares.empty() ? std::sqrt(style.tokens) : shares.at(name));
}

std::vector<std::string> RemiCrops::styles() const {
  std::vector<std::string> out;
  for (const auto& [name, s] : styles_) out.push_back(name);
  return out;
}

std::size_t RemiCrops::room(const Prepared& p) const {
  const std::size_t taken = p.passage.header.size() + kControlRoom;
  return context_ + 1 - std::min(context_ + 1, taken);
}

std::vector<Token> RemiCrops::in_time(const Prepared& p, Random& random) const {
  const auto& bars = p.passage.bars;
  const std::size_t total = p.end.back();
  auto rest = [&](std::size_t bar) { return total - (bar > 0 ? p.end[bar - 1] : 0); };
  // The last bar from which the rest of the piece still fills the sequence.
  std::size_t latest = 0;
  while (latest + 1 < bars.size() && rest(latest + 1) >= room(p)) ++latest;
  const double choice = random.uniform();
  std::size_t bar = 0;
  if (choice < kEndCrops)
    bar = std::min(latest + (rest(latest) > room(p) ? 1 : 0), bars.size() - 1);
  else if (choice > kEndCrops + kStartCrops)
    bar = random.below(latest + 1);
  std::vector<Token> out;
  if (bar == 0) out.push_back(V::token(TokenKind::bos));
  append(out, p.passage.header);
  for (; bar < bars.size() && out.size() <= context_ + kControlRoom; ++bar) append(out, bars[bar]);
  if (bar == bars.size()) out.push_back(V::token(TokenKind::eos));
  return out;
}

std::vector<Token> RemiCrops::with_gap(const Prepared& p, Random& random) const {
  const auto& bars = p.passage.bars;
  // Whole bars that fit, from a bar drawn so that the piece's end is met as often as any other place.
  std::size_t from = random.below(bars.size()), to = from, size = 0;
  while (to < bars.size() && size + bars[to].size() <= room(p)) size += bars[to++].size();
  while (from > 0 && to == bars.size() && size + bars[from - 1].size() <= room(p)) size += bars[--from].size();
  if (to < from + 2) return in_time(p, random);
  const std::size_t length = 1 + random.below(std::min(kLongestGap, (to - from) - 1));
  const std::size_t first = from + random.below(to - from - length), last = first + length;
  const std::span all(bars);
  std::vector<std::vector<Token>> middle(bars.begin() + static_cast<std::ptrdiff_t>(first),
                                         bars.begin() + static_cast<std::ptrdiff_t>(last));
  count_bars_left(middle);
  auto out = ask_for_middle(p.passage.header, all.subspan(from, first - from), all.subspan(last, to - last));
  for (const auto& bar : middle) append(out, bar);
  out.push_back(V::token(TokenKind::eos));
  return out;
}

std::vector<Token> RemiCrops::melody_first(const Prepared& p, Random& random) const {
  const auto& bars = p.passage.bars;
  const std::size_t from = random.below(bars.size());
  std::size_t to = from, size = 0;
  while (to < bars.size()) {
    const std::size_t more = bars[to].size() + melody_of_bar(bars[to]).size();
    if (size + more > room(p)) break;
    size += more;
    ++to;
  }
  if (to == from) return in_time(p, random);
  const auto crop = std::span(bars).subspan(from, to - from);
  auto out = ask_for_accompaniment(p.passage.header, crop);
  for (const auto& bar : crop) append(out, bar);
  if (to == bars.size()) out.push_back(V::token(TokenKind::eos));
  return out;
}

std::vector<std::vector<Token>> RemiCrops::batch(Random& random, int size) const {
  std::vector<std::vector<Token>> out;
  for (int i = 0; i < size; ++i) out.push_back(draw(random));
  return out;
}

std::vector<Token> RemiCrops::draw(Random& random, const std::string* style_name) const {
  auto it = styles_.begin();
  if (style_name)
    it = styles_.find(*style_name);
  else
    std::advance(it, static_cast<std::ptrdiff_t>(random.weighted(style_weights_)));
  const Prepared& p = it->second.pieces[random.weighted(it->second.weights)];
  const double choice = random.uniform();
  std::vector<Token> out;
  if (choice < kGapCrops)
    out = with_gap(p, random);
  else if (choice < kGapCrops + kMelodyCrops && p.accompanied)
    out = melody_first(p, random);
  else
    out = in_time(p, random);
  transpose_remi(out, static_cast<int>(random.below(12)) - 6);
  RemiControls controls = read_controls(out);
  measure_controls(in_order_of_time(out), controls);
  const bool bos = V::kind(out.front()) == TokenKind::bos;
  const auto parts = std::find_if(out.begin(), out.end(), [](Token t) { return V::kind(t) == TokenKind::part; });
  std::vector<Token> whole;
  if (bos) whole.push_back(out.front());
  append(whole, controls.tokens());
  whole.insert(whole.end(), parts, out.end());
  drop_controls(whole, random);
  whole.resize(context_ + 1, V::token(TokenKind::pad));
  return whole;
}

std::vector<bool> tokens_met(const RemiCrops& crops, std::uint64_t seed, std::int64_t steps, int batch) {
  std::vector<std::int64_t> readings(static_cast<std::size_t>(V::size()));
  for (std::int64_t step = 0; step < steps; ++step) {
    Random random = Random::stream(seed, static_cast<std::uint64_t>(step));
    for (const auto& crop : crops.batch(random, batch))
      for (const Token t : crop) ++readings[t];
  }
  std::vector<bool> met;
  for (const std::int64_t n : readings) met.push_back(n >= kFewestReadings);
  return met;
}

}  // namespace euterpe
