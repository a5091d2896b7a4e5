#include "compose/transformer_composer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "compose/infill.hpp"
#include "compose/splice.hpp"
#include "compose/write_together.hpp"
#include "score/harmony.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

constexpr int kMaxAttempts = 8;
constexpr int kMostBarsInAll = 512;   // of all attempts: what is long is not written eight times
constexpr int kShortestContext = 64;  // holds any header (45 tokens) and some music
constexpr std::size_t kFewestNotesPerBar = 2;
constexpr std::size_t kSideBySide = 16;  // pieces, each with a cache of its own
constexpr const char* kOtherModel = "the shipped composer has; `euterpe models` lists what there is";
constexpr int kOffPlan = 1;  // classes of density, register and polyphony in all

/// A model that was told a key often settles a fifth away. If the piece sounds in the mode that was asked for, it is
/// moved to the tonic by the shortest way. \return false if it sounds in the other mode or cannot be moved
bool move_to_key(std::vector<Token>& tokens, const KeyEstimate& wish) {
  const KeyEstimate heard = estimate_global_key(decode_remi(tokens));
  if (heard.minor != wish.minor) return false;
  const int up = ((wish.tonic - heard.tonic) % 12 + 12) % 12;
  if (up != 0 && !transpose_remi(tokens, up <= 6 ? up : up - 12)) return false;
  for (Token& token : tokens)
    if (V::kind(token) == TokenKind::key) token = V::token(TokenKind::key, key_value(wish));
  return true;
}

/// Share of the half bars of `score` in [from, to) whose chord, major or minor, is the one asked for.
double chord_agreement(const Score& score, const std::vector<BarChords>& asked, std::size_t from, std::size_t to) {
  const auto heard = bar_chords(score);
  double same = 0, all = 0;
  for (std::size_t bar = from; bar < std::min(to, heard.size()); ++bar)
    for (std::size_t half = 0; half < 2; ++half) {
      const BarChords& wish = asked[(bar - from) % asked.size()];
      const int want = majmin_class(wish[std::min(half, wish.size() - 1)]);
      if (want < 0) continue;
      ++all;
      same += want == majmin_class(heard[bar][std::min(half, heard[bar].size() - 1)]);
    }
  return all > 0 ? same / all : 1;
}

RemiOptions encoding(const Score& score, const StyleWish& style, bool chords) {
  RemiOptions remi;
  remi.style = style.style;
  remi.variety = style.variety;
  remi.velocities = false;
  remi.chords = chords;
  if (!score.merged_notes().empty()) remi.key = estimate_global_key(score);
  return remi;
}

std::vector<int> meters_of(std::span<const std::vector<Token>> bars) {
  std::vector<int> out;
  for (const auto& bar : bars) out.push_back(V::value(bar.front()));
  return out;
}

/// The bars that were written, without the melody that was given in them.
Score written_alone(const Writer& writer, bool melody) {
  std::vector<Token> tokens = writer.header();
  for (const auto& bar : writer.written()) tokens.insert(tokens.end(), bar.begin(), bar.end());
  Score score = decode_remi(tokens);
  if (melody) score.tracks.erase(score.tracks.begin());
  return score;
}

/// A piece being made, and how well it keeps to what was asked.
struct Attempt {
  Score score, written;
  std::vector<Token> tokens;
  double nats_per_token = 0, chords = 1;
  bool full = false, in_key = true;
  int off_plan = 0;  ///< classes of density, register and polyphony between what was said ahead and what came
  int number = 0;    ///< attempts until now
  bool good() const { return full && in_key && chords >= kChordsKept && off_plan <= kOffPlan; }
  auto rank() const { return std::tuple(full, in_key, std::min(chords, kChordsKept), -off_plan, chords); }
};

/// The sequence says ahead how dense, how high and how full it will be: by how much it misses that, in classes.
int off_plan(std::span<const Token> tokens) {
  const RemiControls said = read_controls(tokens.subspan(1));
  RemiControls came;
  measure_controls(tokens, came);
  int off = 0;
  for (const TokenKind kind : {TokenKind::density, TokenKind::height, TokenKind::polyphony})
    if (const auto wish = said.get(kind), is = came.get(kind); wish && is) off += std::abs(*wish - *is);
  return off;
}

/// What has been written, with what was given. \param wishes of which `melody` is the melody alone
Attempt attempt(const Writer& writer, const WritingPlan& plan, const ComposeOptions& wishes) {
  const bool given = wishes.prompt || wishes.melody || wishes.gap_in;
  const Score* kept = wishes.prompt ? wishes.prompt : wishes.gap_in;
  Attempt now;
  now.tokens = writer.tokens();
  now.nats_per_token = writer.nats_per_token();
  now.in_key = given || !wishes.key || move_to_key(now.tokens, *wishes.key);
  now.score = decode_remi(now.tokens);
  if (!kept) now.off_plan = off_plan(in_order_of_time(now.tokens));
  // Tokens know tempo in steps of three per cent; the wish is exact.
  if (wishes.tempo) now.score.tempos = {{0, static_cast<std::uint32_t>(std::lround(60e6 / *wishes.tempo))}};
  if (!given && now.score.tempos.empty()) now.score.tempos = {{0, 500000}};
  now.written = given ? written_alone(writer, wishes.melody != nullptr) : now.score;
  now.full = wishes.gap_in || now.written.note_count() >= kFewestNotesPerBar * static_cast<std::size_t>(plan.bars);
  const std::size_t before = plan.before.size();
  if (kept)
    now.score = splice(*kept, now.score, static_cast<int>(before),
                       plan.after.empty() ? std::nullopt : std::optional(plan.bars));
  if (wishes.melody) now.score = with_melody(*wishes.melody, now.score);
  if (!wishes.chords.empty())
    now.chords = chord_agreement(now.score, wishes.chords, before, before + static_cast<std::size_t>(plan.bars));
  return now;
}

/// One piece a seed. Of several fills of a gap the likeliest good one is taken; anything else that is not good yet is
/// written anew, all of it together.
std::vector<Attempt> best_attempts(const ComposerNetwork& network, const WritingPlan& plan,
                                   const ComposeOptions& wishes, std::span<const std::uint64_t> seeds) {
  std::vector<Attempt> best(seeds.size());
  if (!plan.after.empty()) {
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      for (const Writer& fill : fill_gap(network, plan, seeds[i], wishes.progress)) {
        Attempt now = attempt(fill, plan, wishes);
        if (best[i].number == 0 || now.rank() > best[i].rank()) best[i] = std::move(now);
        best[i].number = 1;
        if (best[i].good()) break;
      }
    }
    return best;
  }
  std::vector<std::size_t> left(seeds.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  const int attempts = std::clamp(kMostBarsInAll / plan.bars, 1, kMaxAttempts);
  for (int number = 1; number <= attempts && !left.empty(); ++number) {
    std::vector<Writer> writers;
    std::vector<Random> randoms;
    for (const std::size_t i : left) {
      writers.emplace_back(network, plan);
      randoms.push_back(Random::stream(seeds[i], static_cast<std::uint64_t>(number)));
    }
    write_together(writers, randoms, wishes.progress);
    std::vector<std::size_t> again;
    for (std::size_t w = 0; w < left.size(); ++w) {
      Attempt now = attempt(writers[w], plan, wishes);
      if (!now.good()) again.push_back(left[w]);
      Attempt& mine = best[left[w]];
      if (number == 1 || now.rank() > mine.rank()) mine = std::move(now);
      mine.number = number;
    }
    left = std::move(again);
  }
  return best;
}

}  // namespace

TransformerComposer::TransformerComposer(const Model& model)
    : name_(model.name), emotions_(model.card.value("emotions", false)), sampling_(model.card) {
  const auto& card = model.card;
  std::vector<Token> known = tokens_of_vocabulary(card.value("tokenizer", ""));
  if (known.empty())
    throw Error(Category::bad_input, "compose",
                fmt::format("{}: unknown tokenizer \"{}\"", model.name, card.value("tokenizer", "")));
  const TransformerOptions options = transformer_options(card.value("options", nlohmann::json::object()));
  if (options.context < kShortestContext)
    throw Error(Category::bad_input, "compose",
                fmt::format("{} sees {} tokens, {} are the least", model.name, options.context, kShortestContext));
  styles_ = card.value("styles", std::vector<std::string>{"none"});
  std::erase_if(styles_, [](const std::string& s) { return !remi_style(s); });
  if (styles_.empty()) throw Error(Category::bad_input, "compose", model.name + ": its card names no known style");
  for (const std::string& v : card.value("varieties", std::vector<std::string>{}))
    if (remi_variety(v.substr(0, v.find('/')), v.substr(v.find('/') + 1))) varieties_.push_back(v);
  network_ = std::make_shared<ComposerNetwork>(options, model.weights(), std::move(known),
                                               card.value("unmet", std::vector<int>{}));
}

WritingPlan TransformerComposer::plan(const ComposeOptions& o, const StyleWish& style) const {
  WritingPlan plan;
  // What suits a style was chosen on whole pieces; in a gap, where both sides speak, it is worse than what is usual.
  plan.sampling = sampling_.with(o.sampling, o.gap_in ? "" : style.style, o.emotion.has_value());
  plan.chords = o.chords;
  plan.bars = o.bars;
  RemiControls& controls = plan.controls;
  require_wish(style.style != "drums" || (!o.key && o.chords.empty() && !o.height),
               "drums have no key, no chords and no register",
               "drums for a piece that has are added to it: --style pop --chords \"C | G\" --drums rock");
  // Chords are heard in what is given only where the model reads them.
  const bool chords = network_->knows(TokenKind::chord);
  if (const Score* given = o.prompt ? o.prompt : o.gap_in) {
    const auto tokens = encode_remi(*given, encoding(*given, style, chords));
    const RemiPassage passage = cut_at_bars(tokens);
    controls = read_controls(std::span(tokens).subspan(1));
    for (const Token t : passage.header)
      if (!is_control(V::kind(t))) plan.parts.push_back(t);
    plan.before = passage.bars;
    if (o.gap_in) {
      const int total = static_cast<int>(passage.bars.size());
      require_wish(
          o.gap.first >= 1 && o.gap.count >= 1 && o.gap.first + o.gap.count - 1 <= total && o.gap.count < total,
          fmt::format("bars {} to {} cannot be filled in a piece of {} bars", o.gap.first,
                      o.gap.first + o.gap.count - 1, total),
          "bars count from 1, and at least one must stay");
      require_wish(o.gap.count <= kMostBarsComposed,
                   fmt::format("{} bars to fill, {} are the most", o.gap.count, kMostBarsComposed));
      plan.bars = o.gap.count;
      const auto first = passage.bars.begin() + (o.gap.first - 1), last = first + o.gap.count;
      plan.before.assign(passage.bars.begin(), first);
      plan.after.assign(last, passage.bars.end());
      plan.meters = meters_of(std::span(passage.bars).subspan(plan.before.size(), static_cast<std::size_t>(plan.bars)));
      require_wish(plan.after.empty() || network_->knows(TokenKind::mark), name_ + " has not learned to fill gaps",
                   kOtherModel);
    } else {
      plan.meters = {V::value(passage.bars.back().front())};
      for (auto& bar : plan.before) std::erase_if(bar, [](Token t) { return V::kind(t) == TokenKind::left; });
    }
    // What is in the gap does not matter: it is to be written anew.
    std::vector<Token> stays = passage.header;
    for (const auto* bars : {&plan.before, &plan.after})
      for (const auto& bar : *bars) stays.insert(stays.end(), bar.begin(), bar.end());
    measure_controls(stays, controls);
    plan.draw_tempo = false;
  } else if (o.melody) {
    require_wish(network_->knows(TokenKind::mark), name_ + " has not learned to accompany", kOtherModel);
    const auto tokens = encode_remi(*o.melody, encoding(*o.melody, style, false));
    const RemiPassage passage = cut_at_bars(tokens);
    require_wish(passage.bars.size() <= kMostBarsComposed,
                 fmt::format("the melody has {} bars, {} are the most that are accompanied", passage.bars.size(),
                             kMostBarsComposed));
    controls = read_controls(std::span(tokens).subspan(1));
    for (const auto& bar : passage.bars) plan.melody.push_back(melody_of_bar(bar));
    plan.bars = static_cast<int>(passage.bars.size());
    plan.meters = meters_of(passage.bars);
  } else {
    controls.set(TokenKind::style, *remi_style(style.style));
    if (!style.variety.empty()) controls.set(TokenKind::variety, *remi_variety(style.style, style.variety));
    if (o.key) controls.set(TokenKind::key, key_value(*o.key));
    if (o.tempo) controls.set(TokenKind::tempo, tempo_step(*o.tempo));
    if (o.meter) {
      plan.meters = {*remi_meter(*o.meter)};
      controls.set(TokenKind::meter, plan.meters.front());
    }
  }
  require_wish(!o.emotion || emotions_, name_ + " has not learned emotions",
               "--model composer-emotion has (its weights are non-commercial)");
  const auto ask = [&](bool asked, TokenKind kind, const char* what, auto value) {
    if (!asked) return;
    require_wish(network_->knows(kind), fmt::format("{} has not learned {}", name_, what), kOtherModel);
    controls.set(kind, value());
  };
  ask(o.emotion.has_value(), TokenKind::emotion, "emotions", [&] { return *o.emotion; });
  ask(o.density.has_value(), TokenKind::density, "density", [&] { return density_class(*o.density); });
  ask(o.height.has_value(), TokenKind::height, "registers", [&] { return height_class(*o.height); });
  require_wish(plan.chords.empty() || chords, name_ + " has not learned chords", kOtherModel);
  return plan;
}

Composition TransformerComposer::compose(const ComposeOptions& options, const StyleWish& style) const {
  return std::move(compose_variants(options, style, {&options.seed, 1}).front());
}

std::vector<Composition> TransformerComposer::compose_variants(const ComposeOptions& options, const StyleWish& style,
                                                               std::span<const std::uint64_t> seeds) const {
  ComposeOptions wishes = options;
  Score melody;
  if (options.melody) {
    melody = melody_of(*options.melody);
    wishes.melody = &melody;
  }
  const WritingPlan plan = this->plan(wishes, style);
  std::vector<Composition> out;
  for (; !seeds.empty(); seeds = seeds.subspan(std::min(seeds.size(), kSideBySide))) {
    const auto now = seeds.first(std::min(seeds.size(), kSideBySide));
    for (Attempt& best : best_attempts(*network_, plan, wishes, now)) {
      Composition& piece = out.emplace_back();
      piece.score = std::move(best.score);
      piece.written = std::move(best.written);
      piece.tokens = std::move(best.tokens);
      piece.nats_per_token = best.nats_per_token;
      piece.attempts = best.number;
      piece.sampling = plan.sampling;
      piece.provenance = {{"bars", plan.bars}, {"off_plan", best.off_plan}};
      if (options.key) piece.provenance["in_key"] = best.in_key;
      if (!options.chords.empty()) piece.provenance["chords_kept"] = best.chords;
    }
  }
  return out;
}

}  // namespace euterpe
