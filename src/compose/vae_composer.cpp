#include "compose/vae_composer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "compose/blend.hpp"
#include "compose/card_drawing.hpp"
#include "compose/heard_wishes.hpp"
#include "nn/declared_size.hpp"
#include "score/skyline.hpp"

namespace euterpe {
namespace {

constexpr double kMostGuidance = 100;
constexpr double kAskedGuidance = 2;       // how much more a melody, density, register or polyphony counts
constexpr int kAskedCandidates = 16;       // drawings of a bar, of which the one that comes nearest to it goes on
constexpr double kUsualWeight = 0.3;       // of what is as usual, beside what is asked
constexpr double kMelodyWeight = 8;        // of what a bar lacks of the melody, beside steps of its other traits
constexpr int kBetweenCandidates = 16;     // drawings of a bar between two others
constexpr double kBetweenTemperature = 1;  // of all of them but the first, which is the likeliest
constexpr double kStrangeWeight = 4;       // of what neither of those has, beside steps of its traits
constexpr double kLeastMeterShare = 0.02;  // of a style's pieces: rarer meters are not its own

StyleDrawing read_drawing(const CardDrawing& card) {
  StyleDrawing out;
  card.read("temperature", out.temperature, 0, kHighestTemperature);
  card.read("min_p", out.min_p, 0, 1);
  card.read("flow_temperature", out.flow_temperature, 0, kHighestTemperature);
  card.read("guidance", out.guidance, 0, kMostGuidance);
  card.read("candidates", out.candidates, 1, kMostCandidates);
  card.read("until", out.until, 0, 1);
  return out;
}

/// The point at `share` of the arc from a to b, its length between theirs: a straight line would pass through points
/// shorter than any that the decoder knows (White 2016).
void go_along_arc(std::span<const float> a, std::span<const float> b, double share, float* out) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    ab += static_cast<double>(a[k]) * b[k];
    aa += static_cast<double>(a[k]) * a[k];
    bb += static_cast<double>(b[k]) * b[k];
  }
  const double cosine = aa > 0 && bb > 0 ? std::clamp(ab / std::sqrt(aa * bb), -1.0, 1.0) : 1;
  const double angle = std::acos(cosine);
  double wa = 1 - share, wb = share;
  constexpr double kStraight = 1e-3;
  if (angle > kStraight && angle < 3.14159265 - kStraight) {
    wa = std::sin((1 - share) * angle) / std::sin(angle);
    wb = std::sin(share * angle) / std::sin(angle);
  }
  for (std::size_t k = 0; k < a.size(); ++k)
    out[k] = static_cast<float>(wa * static_cast<double>(a[k]) + wb * static_cast<double>(b[k]));
}

void require_bars(std::size_t bars) {
  require_wish(bars <= kMostBarsComposed,
               fmt::format("the piece has {} bars, {} are the most", bars, kMostBarsComposed));
}

/// Nothing sounds on behind the last bar line.
void end_with_last_bar(BarGrid& grid) {
  int left = 0;
  for (auto bar = grid.bars.rbegin(); bar != grid.bars.rend() && left < kLongestGridNote; ++bar) {
    left += grid_meters()[static_cast<std::size_t>(bar->meter)].steps;
    for (BarNote& n : bar->notes) n.length = std::min(n.length, left - n.onset);
  }
}

using TraitGoals = std::array<std::optional<double>, kBarTraits>;

/// How far a bar is from its goals: steps between classes of the style, by weight.
double missed(const GridBar& bar, const TraitGoals& goals, const std::array<double, kBarTraits>& weights,
              const StyleHabits& usual) {
  double out = 0;
  const auto traits = bar_traits(bar);
  for (std::size_t t = 0; t < kBarTraits; ++t) {
    if (!goals[t]) continue;
    const double step = usual.middles[t][1] - usual.middles[t][0];
    if (!(step > 0)) continue;  // in this style every bar is alike in it
    out += weights[t] * (traits ? std::abs((*traits)[t] - *goals[t]) / step : static_cast<double>(kBarClasses));
  }
  return out;
}

/// What a bar between two others would be like; nothing where one of them is empty.
TraitGoals goals_between(const GridBar& from, const GridBar& to, double share) {
  TraitGoals out;
  const auto a = bar_traits(from), b = bar_traits(to);
  if (!a || !b) return out;
  for (std::size_t t = 0; t < kBarTraits; ++t) out[t] = (*a)[t] + share * ((*b)[t] - (*a)[t]);
  return out;
}

/// Share of a bar's notes that are strange to two others: of a pitch class that neither has, or beyond the range of
/// both.
double strange(const GridBar& bar, const GridBar& from, const GridBar& to) {
  std::array<bool, 12> classes{};
  int low = 127, high = 0;
  for (const GridBar* end : {&from, &to})
    for (const BarNote& n : end->notes) {
      classes[static_cast<std::size_t>(n.pitch % 12)] = true;
      low = std::min(low, n.pitch), high = std::max(high, n.pitch);
    }
  const auto strays = std::count_if(bar.notes.begin(), bar.notes.end(), [&](const BarNote& n) {
    return !classes[static_cast<std::size_t>(n.pitch % 12)] || n.pitch < low || n.pitch > high;
  });
  return static_cast<double>(strays) / std::max(1.0, static_cast<double>(bar.notes.size()));
}

/// How unsure the decoder is of what it says: latents that no bar has are said haltingly.
double halting(double nats, const GridBar& bar) { return nats / (static_cast<double>(bar.notes.size()) + 1); }

}  // namespace

/// What is known of a piece before its latents are: an empty grid and what is asked of the prior.
struct VaeComposer::Draft {
  BarGrid grid;                    ///< bars without notes
  std::optional<LatentWish> wish;  ///< none: the latents are there already
  std::vector<float> z;            ///< where it is no wish
  BarGrid from, to;                ///< between which those lie
  double share = 0;
  std::vector<TraitGoals> goals;         ///< of each bar, where it is one
  std::vector<Chroma> melody;            ///< of a transfer's source, two of each bar
  std::array<bool, kBarTraits> usual{};  ///< nobody asked for it, but bars are as those of some piece of the style
  BarDrawing decoder;
  LatentDrawing drawing;
};

struct VaeComposer::Written {
  std::vector<GridBar> bars;
  double nats = 0;  ///< that the decoder gave them
  Random random;
};

VaeComposer::VaeComposer(const Model& model) try : name_(model.name) {
  styles_ = model.card.value("styles", std::vector<std::string>{});
  if (styles_.empty()) throw Error(Category::bad_input, "compose", model.name + ": its card names no style");
  const nlohmann::json habits = model.card.value("habits", nlohmann::json::object());
  for (const std::string& style : styles_) habits_.push_back(read_style_habits(habits.value(style, nlohmann::json())));
  const nlohmann::json sampling = model.card.value("sampling", nlohmann::json::object());
  for (const std::string& style : styles_) drawings_.push_back(read_drawing(CardDrawing(model.name, style, sampling)));
  const nlohmann::json options = model.card.value("options", nlohmann::json::object());
  const VaeOptions codec = vae_options(options.value("codec", nlohmann::json()));
  const LatentPriorOptions prior = latent_prior_options(options.value("prior", nlohmann::json()));
  if (prior.styles != static_cast<int>(styles_.size()) || prior.latent != codec.latent)
    throw Error(Category::bad_input, "compose",
                fmt::format("{}: its prior has {} styles and {} latents, its card {} and its codec {}", model.name,
                            prior.styles, prior.latent, styles_.size(), codec.latent));
  if (codec.told != 0 && codec.told != told_values(prior))
    throw Error(Category::bad_input, "compose",
                fmt::format("{}: its decoder is told {} numbers, its prior says {}", model.name, codec.told,
                            told_values(prior)));
  for (std::size_t s = 0; s < styles_.size(); ++s)
    if (drawings_[s].until < 1 && codec.told == 0)
      throw Error(Category::bad_input, "compose",
                  fmt::format("{}: how its card draws {}: until {}, but its decoder has not learned to finish",
                              model.name, styles_[s], drawings_[s].until));
  const Safetensors weights = model.weights();
  check_declared_size(weights, parameter_count(codec) + parameter_count(prior), "load_vae");
  codec_ = std::make_shared<Vae>(codec, weights);
  prior_ = std::make_shared<LatentPrior>(prior, weights);
} catch (const nlohmann::json::exception& e) {
  throw Error(Category::bad_input, "compose", model.name + ": its card is damaged: " + e.what(),
              "train or install the model again");
}

int VaeComposer::style_number(const std::string& style) const {
  const auto at = std::find(styles_.begin(), styles_.end(), style);
  EUTERPE_ASSERT(at != styles_.end());
  return static_cast<int>(at - styles_.begin());
}

const StyleHabits& VaeComposer::habits(const std::string& style) const {
  return habits_[static_cast<std::size_t>(style_number(style))];
}

VaeComposer::Draft VaeComposer::plan(const ComposeOptions& o, const StyleWish& style, std::uint64_t seed) const {
  const StyleHabits& usual = habits(style.style);
  const StyleDrawing& drawn = drawings_[static_cast<std::size_t>(style_number(style.style))];
  Draft out;
  const bool asked = o.transfer || o.density || o.polyphony || o.height;
  out.drawing.guidance =
      o.sampling.guidance.value_or(std::max(asked ? kAskedGuidance : 1.0, o.vary ? 1.0 : drawn.guidance));
  out.drawing.candidates = asked ? kAskedCandidates : o.vary ? 1 : drawn.candidates;
  LatentWish wish;
  wish.style = style_number(style.style);
  wish.seed = seed;
  Random random = Random::stream(seed, 0x76616531);
  if (o.blend_from) {
    BarGrid a = bar_grid(*o.blend_from), b = bar_grid(*o.blend_to);
    const std::size_t bars = std::min(a.bars.size(), b.bars.size());
    require_bars(bars);
    a = grid_bars(a, 0, bars);
    b = grid_bars(b, 0, bars);
    require_same_meters(a, b);
    const BarLatents from = codec_->encode(a.bars), to = codec_->encode(b.bars);
    out.z.resize(from.mean.size());
    for (std::size_t i = 0; i < bars; ++i)
      go_along_arc(from.bar(i), to.bar(i), o.share, out.z.data() + i * static_cast<std::size_t>(from.dimensions));
    out.grid = a;
    out.drawing.candidates = o.share > 0 && o.share < 1 ? kBetweenCandidates : 1;
    out.grid.minor = o.share < 0.5 ? a.minor : b.minor;
    // Not the short way round the circle: its end may lie an octave from the second piece.
    out.grid.moved = a.moved + static_cast<int>(std::lround(o.share * (b.moved - a.moved)));
    out.grid.tempo = a.tempo * std::pow(b.tempo / a.tempo, o.share);
    out.from = std::move(a);
    out.to = std::move(b);
    out.share = o.share;
  } else if (o.vary || o.transfer) {
    const BarGrid given = bar_grid(o.vary ? *o.vary : *o.transfer);
    require_bars(given.bars.size());
    out.grid = given;
    wish.minor = given.minor;
    if (o.vary) {
      wish.near = codec_->encode(given.bars).mean;
      wish.amount = o.amount;
    } else {
      out.melody = half_bar_chroma(given);
    }
    if (const auto strange = std::find_if(
            given.bars.begin(), given.bars.end(),
            [&](const GridBar& bar) { return usual.meters[static_cast<std::size_t>(bar.meter)] < kLeastMeterShare; });
        o.vary && strange != given.bars.end()) {
      const GridMeter& m = grid_meters()[static_cast<std::size_t>(strange->meter)];
      spdlog::warn("next to no {} that {} learned from is in {}/{}: bars in it may hardly come back", style.style,
                   name_, m.numerator, m.denominator);
    }
    const auto melody = melody_shapes(given);
    for (std::size_t i = 0; i < given.bars.size(); ++i) {
      BarWish bar;
      bar.meter = given.bars[i].meter;
      if (o.transfer) {
        // A meter that the style does not have becomes its own, half bar for half bar.
        if (usual.meters[static_cast<std::size_t>(bar.meter)] < kLeastMeterShare)
          bar.meter =
              static_cast<int>(std::max_element(usual.meters.begin(), usual.meters.end()) - usual.meters.begin());
        bar.melody = melody[i];
      }
      out.grid.bars[i].meter = bar.meter;
      wish.bars.push_back(bar);
    }
  } else {
    BarWish bar;
    if (o.meter) {
      const auto meter = grid_meter(*o.meter);
      require_wish(meter.has_value(), fmt::format("{} has not learned the meter {}", name_, *o.meter),
                   "it knows 4/4 3/4 6/8 2/4");
      bar.meter = *meter;
      if (usual.meters[static_cast<std::size_t>(bar.meter)] < kLeastMeterShare)
        spdlog::warn("next to no {} that {} learned from is in {}", style.style, name_, *o.meter);
    } else {
      bar.meter = usual.draw_meter(random);
    }
    out.grid.minor = o.key ? o.key->minor : usual.draw_minor(random);
    out.grid.moved = o.key ? moved_home(*o.key) : usual.draw_moved(random);
    out.grid.tempo = o.tempo.value_or(usual.draw_tempo(random));
    wish.minor = out.grid.minor;
    wish.bars.assign(static_cast<std::size_t>(o.bars), bar);
    out.grid.bars.assign(wish.bars.size(), {bar.meter, {}});
    out.decoder = {o.sampling.temperature.value_or(drawn.temperature), drawn.min_p};
    out.drawing.temperature = drawn.flow_temperature;
    out.drawing.until = drawn.until;
  }
  if (!o.blend_from) {
    std::array<std::optional<double>, kBarTraits> wanted{o.density, o.polyphony, o.height};
    // What is not asked goes as in some piece of the style: left to the prior, all would be of middling density.
    std::vector<std::array<int, kBarTraits>> contour;
    if (!o.vary && !o.transfer) contour = usual.draw_contour(wish.bars.size(), random);
    for (std::size_t t = 0; t < kBarTraits; ++t) out.usual[t] = !wanted[t] && !contour.empty();
    for (std::size_t i = 0; i < wish.bars.size(); ++i) {
      BarWish& bar = wish.bars[i];
      bar.first = i == 0;
      bar.left = static_cast<int>(wish.bars.size() - 1 - i);
      const double steps = grid_meters()[static_cast<std::size_t>(bar.meter)].steps;
      TraitGoals goals;
      for (std::size_t t = 0; t < kBarTraits; ++t) {
        const auto trait = static_cast<BarTrait>(t);
        if (out.usual[t]) {
          bar.traits[t] = contour[i][t];
          goals[t] = usual.middles[t][static_cast<std::size_t>(contour[i][t])];
        }
        if (!wanted[t]) continue;
        const double value = t == kBarDensity  ? *wanted[t] * 16 / steps
                             : t == kBarHeight ? *wanted[t] + out.grid.moved
                                               : *wanted[t];
        bar.traits[t] = usual.bar_class(trait, value);
        goals[t] = value;
      }
      out.goals.push_back(goals);
    }
    out.wish = std::move(wish);
  }
  return out;
}

std::vector<float> VaeComposer::write_bar(const Draft& draft, const DrawnLatents& drawn, const StyleHabits& usual,
                                          Written& piece) const {
  check_interrupt();
  const auto candidates = static_cast<std::size_t>(draft.drawing.candidates);
  const std::vector<int> meters(candidates, draft.grid.bars[drawn.bar].meter);
  std::vector<float> told;
  if (draft.drawing.until < 1)
    for (std::size_t c = 0; c < candidates; ++c) told.insert(told.end(), drawn.told.begin(), drawn.told.end());
  std::vector<GridBar> bars = codec_->decode(drawn.z, meters, draft.decoder, piece.random, told);
  const std::vector<double> nats = codec_->nats(bars, drawn.z, told);
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  std::array<double, kBarTraits> weights{};
  for (std::size_t t = 0; t < kBarTraits; ++t) weights[t] = draft.usual[t] ? kUsualWeight : 1;
  // A note reaches two bars, in 2/4 four; what stands before them is heard no more.
  constexpr std::size_t kReach = 6;
  BarGrid heard;
  if (!draft.melody.empty()) {
    const std::size_t from = piece.bars.size() - std::min(piece.bars.size(), kReach);
    heard.bars.assign(piece.bars.begin() + static_cast<std::ptrdiff_t>(from), piece.bars.end());
    heard.bars.emplace_back();
  }
  for (std::size_t c = 0; c < candidates; ++c) {
    double misfit = halting(nats[c], bars[c]) + missed(bars[c], draft.goals[drawn.bar], weights, usual);
    if (!draft.melody.empty()) {
      heard.bars.back() = bars[c];
      const auto halves = half_bar_chroma(heard);
      misfit += kMelodyWeight *
                (1 - melody_similarity(std::span(draft.melody).subspan(2 * drawn.bar, 2), std::span(halves).last(2)));
    }
    if (misfit < least) least = misfit, best = c;
  }
  piece.nats += nats[best];
  piece.bars.push_back(std::move(bars[best]));
  return codec_->encode(std::span(piece.bars).last(1)).mean;
}

void VaeComposer::write_between(const Draft& draft, const StyleHabits& usual, Written& piece) const {
  const auto candidates = static_cast<std::size_t>(draft.drawing.candidates);
  const std::size_t width = draft.z.size() / draft.grid.bars.size();
  for (std::size_t i = 0; i < draft.grid.bars.size(); ++i) {
    check_interrupt();
    const std::vector<int> meters(candidates, draft.grid.bars[i].meter);
    std::vector<float> z;
    for (std::size_t c = 0; c < candidates; ++c)
      z.insert(z.end(), draft.z.begin() + static_cast<std::ptrdiff_t>(i * width),
               draft.z.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
    std::vector<GridBar> bars = codec_->decode(std::span(z).first(width), std::span(meters).first(1), {}, piece.random);
    if (candidates > 1)
      for (GridBar& bar : codec_->decode(std::span(z).subspan(width), std::span(meters).subspan(1),
                                         {.temperature = kBetweenTemperature}, piece.random))
        bars.push_back(std::move(bar));
    const std::vector<double> nats = codec_->nats(bars, z);
    const GridBar &from = draft.from.bars[i], &to = draft.to.bars[i];
    const TraitGoals goals = goals_between(from, to, draft.share);
    std::size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < candidates; ++c) {
      const double misfit = halting(nats[c], bars[c]) + missed(bars[c], goals, {1, 1, 1}, usual) +
                            kStrangeWeight * strange(bars[c], from, to);
      if (misfit < least) least = misfit, best = c;
    }
    piece.nats += nats[best];
    piece.bars.push_back(std::move(bars[best]));
  }
}

Composition VaeComposer::compose(const ComposeOptions& options, const StyleWish& style) const {
  const std::uint64_t seed = options.seed;
  return compose_variants(options, style, {&seed, 1}).front();
}

std::vector<Composition> VaeComposer::compose_variants(const ComposeOptions& options, const StyleWish& style,
                                                       std::span<const std::uint64_t> seeds) const {
  const SamplingWishes& s = options.sampling;
  require_wish(!s.top_p && s.top_k == 0 && s.min_p == 0 && s.repetition_penalty == 0,
               fmt::format("{} draws bars, not tokens: it has no top-k, top-p, min-p or repetition penalty", name_),
               "--temperature and --guidance it knows");
  require_wish(!s.temperature || (*s.temperature >= 0 && *s.temperature <= kHighestTemperature),
               fmt::format("temperature {} is outside 0 to {}", s.temperature.value_or(0), kHighestTemperature));
  require_wish(!s.guidance || (*s.guidance >= 0 && *s.guidance <= kMostGuidance),
               fmt::format("guidance {} is outside 0 to {}", s.guidance.value_or(0), kMostGuidance));
  const char* way = options.blend_from ? "between two pieces" : options.vary ? "varying" : "transferring";
  const bool given = options.blend_from || options.vary || options.transfer;
  require_wish(!given || !s.temperature, fmt::format("a temperature says nothing of {}", way),
               options.vary ? "--amount says how far to go" : "leave it out");
  require_wish(!options.blend_from || !(s.guidance || options.density || options.polyphony || options.height),
               "between two pieces density, polyphony and register lie where theirs do, and nothing guides",
               "leave it out");
  std::vector<Composition> out(seeds.size());
  std::vector<Draft> drafts;
  std::vector<LatentWish> wishes;
  for (const std::uint64_t seed : seeds) {
    drafts.push_back(plan(options, style, seed));
    if (drafts.back().wish) wishes.push_back(*drafts.back().wish);
  }
  std::vector<Written> written;
  for (const std::uint64_t seed : seeds) written.push_back({{}, 0, Random::stream(seed, 0x76616532)});
  if (!wishes.empty())
    prior_->draw(wishes, drafts.front().drawing, [&](const DrawnLatents& drawn) {
      auto latents = write_bar(drafts[drawn.wish], drawn, habits(style.style), written[drawn.wish]);
      if (options.progress) options.progress->advance();
      return latents;
    });
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    const Draft& draft = drafts[i];
    BarGrid grid = draft.grid;
    if (options.blend_from) write_between(draft, habits(style.style), written[i]);
    grid.bars = std::move(written[i].bars);
    end_with_last_bar(grid);
    if (options.transfer) out[i].provenance["melody_kept"] = melody_similarity(draft.melody, half_bar_chroma(grid));
    std::size_t notes = 0;
    for (const GridBar& bar : grid.bars) notes += bar.notes.size();
    out[i].nats_per_token = notes > 0 ? written[i].nats / static_cast<double>(notes) : 0;
    out[i].score = grid_score(grid);
    out[i].written = out[i].score;
    if (given && notes == 0)
      throw Error(
          Category::bad_input, "compose", fmt::format("{}: {} left no note", name_, way),
          "another --amount or --seed may; notes far below or above those that it has learned from do not come back");
    out[i].sampling = {.temperature = draft.decoder.temperature, .top_p = 1, .min_p = draft.decoder.min_p};
    if (!options.blend_from) out[i].sampling.guidance = draft.drawing.guidance;
    if (options.blend_from && draft.drawing.candidates > 1) out[i].sampling.temperature = kBetweenTemperature;
    out[i].provenance["bars"] = grid.bars.size();
    out[i].provenance["candidates"] = draft.drawing.candidates;
    if (!given) {
      out[i].provenance["flow_temperature"] = draft.drawing.temperature;
      out[i].provenance["until"] = draft.drawing.until;
      if (options.key) out[i].provenance["in_key"] = heard_in(out[i].score, *options.key);
    }
    if (options.density || options.height || options.polyphony)
      out[i].provenance["off_plan"] = static_cast<int>(classes_missed(out[i].score, grid.bars.size(), options));
    if (options.progress && options.blend_from) options.progress->advance(grid.bars.size());
  }
  return out;
}

}  // namespace euterpe
