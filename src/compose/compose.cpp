#include "compose/compose.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string_view>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "compose/chorale_composer.hpp"
#include "compose/composing_model.hpp"
#include "compose/dense_gan_composer.hpp"
#include "compose/gan_composer.hpp"
#include "compose/learned_wishes.hpp"
#include "compose/transformer_composer.hpp"
#include "compose/vae_composer.hpp"
#include "score/remi_controls.hpp"
#include "score/tokenizers.hpp"

namespace euterpe {
namespace {

std::string known_meters() {
  std::vector<std::string> out;
  for (const MeterChoice& m : remi_meters()) out.push_back(fmt::format("{}/{}", m.numerator, m.denominator));
  return fmt::format("{}", fmt::join(out, " "));
}

void check_wishes(const ComposeOptions& o) {
  require_wish(o.bars >= 1 && o.bars <= kMostBarsComposed,
               fmt::format("{} bars asked for, 1 to {} can be written", o.bars, kMostBarsComposed));
  require_wish(!o.tempo || (*o.tempo >= 30 && *o.tempo <= 240),
               fmt::format("tempo {} is outside 30 to 240 quarter notes a minute", o.tempo.value_or(0)));
  require_wish(!o.meter || remi_meter(*o.meter), fmt::format("unknown meter \"{}\"", o.meter.value_or("")),
               "known are " + known_meters());
  require_wish(!o.density || (*o.density >= 0.5 && *o.density <= 200),
               fmt::format("density {} is outside 0.5 to 200 notes a bar", o.density.value_or(0)));
  require_wish(!o.height || (*o.height >= 0 && *o.height <= 127),
               fmt::format("register {} is no MIDI pitch", o.height.value_or(0)));
  require_wish(!o.emotion || (*o.emotion >= 0 && *o.emotion < kEmotions), "there are four quadrants of emotion");
  require_wish(!o.polyphony || (*o.polyphony >= 1 && *o.polyphony <= 16),
               fmt::format("polyphony {} is outside 1 to 16 notes that sound together", o.polyphony.value_or(0)));
  require_wish(o.amount >= 0 && o.amount <= 1, fmt::format("amount {} of a variation is outside 0 to 1", o.amount));
  require_wish(o.share >= 0 && o.share <= 1, fmt::format("share {} of the way is outside 0 to 1", o.share));
  require_wish(!o.blend_from == !o.blend_to, "two pieces are needed to go from one to the other");
  require_wish(!o.transfer || !o.style.empty(), "the style into which the piece is transferred is not named",
               "name it with --style");
  const int given = (o.prompt != nullptr) + (o.melody != nullptr) + (o.gap_in != nullptr) + (o.vary != nullptr) +
                    (o.transfer != nullptr) + (o.blend_from != nullptr);
  require_wish(given <= 1,
               "a piece to continue, to fill, to vary, to transfer, two to blend and a melody do not go together",
               "give one of them");
  require_wish(given == 0 || (!o.key && !o.tempo && !o.meter),
               "key, tempo and meter do not go with a piece that is given", "the piece keeps its own");
}

std::string chord_names(const std::vector<BarChords>& chords) {
  std::vector<std::string> bars;
  for (const BarChords& bar : chords) {
    std::vector<std::string> names;
    for (const Chord& c : bar) names.push_back(c.name());
    bars.push_back(fmt::format("{}", fmt::join(names, " ")));
  }
  return fmt::format("{}", fmt::join(bars, " | "));
}

std::string said(const nlohmann::json& card, const char* key) {
  const auto value = card.find(key);
  return value != card.end() && value->is_string() ? value->get<std::string>() : "";
}

using Opened = std::shared_ptr<const ComposingModel>;

template <class Network>
Opened open_as(const Model& model) {
  return std::make_shared<Network>(model);
}

/// A kind of network that composes; one more is one file and one row.
struct NetworkRow {
  std::string_view network;    ///< as a card says it
  std::string_view tokenizer;  ///< today's name of the tokens that it writes; empty: none
  Opened (*open)(const Model&);
};
constexpr std::array kNetworks{
    NetworkRow{"transformer", kRemiTokens, open_as<TransformerComposer>},
    NetworkRow{"context-mixing", kVoiceTokens, open_as<ChoraleComposer>},
    NetworkRow{"gan", "", open_as<GanComposer>},
    NetworkRow{"dense-gan", "", open_as<DenseGanComposer>},
    NetworkRow{"vae", "", open_as<VaeComposer>},
};

Opened open_model(const Model& model) {
  const std::string task = said(model.card, "task"), network = said(model.card, "network"),
                    tokenizer = said(model.card, "tokenizer");
  const Tokenizer* tokens = known_tokenizer(tokenizer);
  const std::string_view writes = tokens ? tokens->name : tokenizer;  // an older name of it may stand in the card
  for (const NetworkRow& row : kNetworks)
    if (task == "compose" && network == row.network && writes == row.tokenizer) return row.open(model);
  throw Error(Category::bad_input, "compose",
              fmt::format("{} does not compose (its card says task \"{}\", network \"{}\", tokenizer \"{}\")",
                          model.name, task, network, tokenizer));
}

}  // namespace

Composer::Composer(const Model& model) : model_(model), network_(open_model(model)) {}

const std::vector<std::string>& Composer::styles() const { return network_->styles(); }
const std::vector<std::string>& Composer::varieties() const { return network_->varieties(); }

std::vector<Composition> ComposingModel::compose_variants(const ComposeOptions& options, const StyleWish& style,
                                                          std::span<const std::uint64_t> seeds) const {
  std::vector<Composition> out(seeds.size());
  parallel_for(seeds.size(), [&](std::size_t i) {
    ComposeOptions mine = options;
    mine.seed = seeds[i];
    out[i] = compose(mine, style);
  });
  return out;
}

Composition Composer::compose(const ComposeOptions& options) const {
  check_wishes(options);
  require_learned(options, network_->learned(), model_.name);
  const StyleWish style = parse_style(options.style, styles(), varieties());
  Composition out = network_->compose(options, style);
  say_where_from(out, options, style, options.seed);
  return out;
}

std::vector<Composition> Composer::compose_variants(const ComposeOptions& options,
                                                    std::span<const std::uint64_t> seeds) const {
  check_wishes(options);
  require_learned(options, network_->learned(), model_.name);
  const StyleWish style = parse_style(options.style, styles(), varieties());
  std::vector<Composition> out = network_->compose_variants(options, style, seeds);
  for (std::size_t i = 0; i < seeds.size(); ++i) say_where_from(out[i], options, style, seeds[i]);
  return out;
}

void Composer::say_where_from(Composition& out, const ComposeOptions& options, const StyleWish& style,
                              std::uint64_t seed) const {
  auto licences = nlohmann::json::array();
  for (const auto& source : model_.card.value("data", nlohmann::json::array()))
    licences.push_back({{"name", source.value("name", "")}, {"licence", source.value("licence", "")}});
  auto& p = out.provenance;
  p.update({{"model", model_.name},
            {"model_hash", model_.hash},
            {"style", style.style},
            {"seed", seed},
            {"temperature", out.sampling.temperature},
            {"top_k", out.sampling.top_k},
            {"top_p", out.sampling.top_p},
            {"min_p", out.sampling.min_p},
            {"guidance", out.sampling.guidance},
            {"repetition_penalty", out.sampling.repetition_penalty},
            {"learned_from", licences},
            {"commercial", model_.card.value("commercial", false)},
            {"nats_per_token", out.nats_per_token},
            {"attempts", out.attempts}});
  if (!style.variety.empty()) p["variety"] = style.variety;
  if (options.key) p["key"] = options.key->name();
  if (options.tempo) p["tempo"] = *options.tempo;
  if (options.meter) p["meter"] = *options.meter;
  if (options.emotion) p["emotion"] = fmt::format("Q{}", *options.emotion + 1);
  if (options.density) p["density"] = *options.density;
  if (options.height) p["register"] = *options.height;
  if (options.polyphony) p["polyphony"] = *options.polyphony;
  if (options.vary) p["amount"] = options.amount;
  if (options.blend_from) p["share"] = options.share;
  if (!options.chords.empty()) p["chords"] = chord_names(options.chords);
  if (options.gap_in) p["filled"] = fmt::format("{}-{}", options.gap.first, options.gap.first + options.gap.count - 1);
}

}  // namespace euterpe
