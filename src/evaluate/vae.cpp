/// The autoencoder of bars: what of held-out music comes back, how much its latents say, the ways between pieces, and
/// whether density and polyphony that are asked for come.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "compose/default_composer.hpp"
#include "compose/vae_composer.hpp"
#include "corpus/datasets.hpp"
#include "evaluate/control_measures.hpp"
#include "evaluate/drawn_in_turns.hpp"
#include "evaluate/score_heads.hpp"
#include "evaluate/task.hpp"
#include "evaluate/vae_measures.hpp"
#include "recognize/metrics.hpp"
#include "score/skyline.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kCodedBars = 4, kBlendBars = 8;
constexpr int kControlBars = 16, kSixteenths = 16;
constexpr std::size_t kDefaultWindows = 200;  // of a style
constexpr std::size_t kDefaultPairs = 20;     // of two styles
constexpr std::size_t kDefaultPieces = 8;     // of a class
constexpr std::size_t kFewestNotes = 8;       // of a window that is gone from or to
constexpr int kPoints = 7;
constexpr int kResamplings = 200;

struct HeldOutGrids {
  std::string style;
  std::vector<std::vector<BarGrid>> pieces;  ///< stretches of bars
  std::vector<std::string> ids;              ///< [pieces]
};

HeldOutGrids read_held_out(const Dataset& set, const std::filesystem::path& folder, const std::string& split) {
  HeldOutGrids out;
  out.style = set.style;
  for (const Piece& piece : set.read(folder)) {
    if (piece.split != split) continue;
    out.pieces.push_back(bar_grid_stretches(piece.score));
    out.ids.push_back(piece.id);
  }
  return out;
}

std::size_t note_count(const BarGrid& grid) {
  std::size_t notes = 0;
  for (const GridBar& bar : grid.bars) notes += bar.notes.size();
  return notes;
}

/// Windows of so many bars without overlap, one of each piece, then a second of each that has one …
DrawnWindows<BarGrid> draw_windows(const HeldOutGrids& held_out, std::size_t bars, std::size_t fewest_notes,
                                   bool one_meter, std::size_t count, Random& random) {
  std::vector<std::vector<BarGrid>> windows;
  for (const auto& stretches : held_out.pieces) {
    windows.emplace_back();
    for (const BarGrid& stretch : stretches)
      for (std::size_t first = 0; first + bars <= stretch.bars.size(); first += bars) {
        BarGrid window = grid_bars(stretch, first, bars);
        const bool same = std::all_of(window.bars.begin(), window.bars.end(),
                                      [&](const GridBar& bar) { return bar.meter == window.bars[0].meter; });
        if ((same || !one_meter) && note_count(window) >= fewest_notes) windows.back().push_back(std::move(window));
      }
  }
  return draw_in_turns(std::move(windows), count, random);
}

/// Its mean and the standard error with pieces as what is independent.
void put_mean(nlohmann::json& out, const std::string& name, const std::vector<double>& values,
              const std::vector<std::string>& groups) {
  out[name] = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  out[name + "_se"] = grouped_error(values, groups);
}

nlohmann::json measure_coding(const Vae& codec, const HeldOutGrids& held_out, std::size_t count, Random& random) {
  const auto windows = draw_windows(held_out, kCodedBars, 1, false, count, random);
  if (windows.items.empty())
    throw Error(Category::bad_input, "evaluate vae", held_out.style + ": too few held-out pieces");
  const std::size_t n = windows.items.size();
  std::vector<double> f(n), kl(n);
  std::vector<std::vector<float>> means(n);
  std::vector<std::string> groups;
  for (const std::size_t piece : windows.piece) groups.push_back(held_out.ids[piece]);
  Progress progress("coding of " + held_out.style, n, "windows");
  parallel_for(n, [&](std::size_t i) {
    check_interrupt();
    const BarGrid& real = windows.items[i];
    BarLatents z = codec.encode(real.bars);
    std::vector<int> meters;
    for (const GridBar& bar : real.bars) meters.push_back(bar.meter);
    Random none(0);  // nothing is drawn at temperature 0
    BarGrid back = real;
    back.bars = codec.decode(z.mean, meters, {}, none);
    f[i] = note_f(real, back);
    for (std::size_t bar = 0; bar < z.bars(); ++bar)
      for (const double nats : z.kl(bar)) kl[i] += nats / static_cast<double>(z.bars());
    means[i] = std::move(z.mean);
    progress.advance();
  });
  std::vector<float> all;
  for (const auto& of_window : means) all.insert(all.end(), of_window.begin(), of_window.end());
  nlohmann::json out{{"n", n}, {"pieces", std::set<std::string>(groups.begin(), groups.end()).size()}};
  put_mean(out, "reconstruction_f", f, groups);
  put_mean(out, "kl_nats_per_bar", kl, groups);
  out["active_dimensions"] = active_dimensions(all, codec.options().latent);
  out["dimensions"] = codec.options().latent;
  return out;
}

MusicStatistics statistics_of(const std::vector<GridNote>& notes, int end) {
  return score_statistics(grid_window(notes, 0, end), std::max(1, end / kSixteenths));
}

/// What ways between pieces start from and end in.
struct BlendStyle {
  std::string name;
  std::vector<BarGrid> windows;
  std::vector<std::size_t> piece;
  std::vector<Score> scores;
  StatisticRanges ranges;
};

BlendStyle blend_style(const HeldOutGrids& held_out, Random& random) {
  auto drawn = draw_windows(held_out, kBlendBars, kFewestNotes, true, kDefaultWindows, random);
  BlendStyle out{held_out.style, std::move(drawn.items), std::move(drawn.piece), {}, {}};
  std::vector<MusicStatistics> statistics;
  for (const BarGrid& window : out.windows) {
    out.scores.push_back(grid_score(window));
    const std::vector<int> bars = bar_lengths(window);
    statistics.push_back(statistics_of(grid_notes(window), std::accumulate(bars.begin(), bars.end(), 0)));
  }
  if (!statistics.empty()) out.ranges = statistic_ranges(statistics);
  return out;
}

struct BlendEnds {
  const BlendStyle *from, *to;
  std::size_t first, last;  ///< of their windows
};

/// Pairs of windows of one meter from different pieces.
std::vector<BlendEnds> draw_pairs(const BlendStyle& from, const BlendStyle& to, std::size_t count, Random& random) {
  constexpr std::size_t kDraws = 100;  // of a pair
  std::vector<BlendEnds> out;
  if (from.windows.empty() || to.windows.empty()) return out;
  for (std::size_t draw = 0; draw < kDraws * count && out.size() < count; ++draw) {
    const std::size_t a = random.below(from.windows.size()), b = random.below(to.windows.size());
    if (&from == &to && from.piece[a] == to.piece[b]) continue;
    if (from.windows[a].bars[0].meter == to.windows[b].bars[0].meter) out.push_back({&from, &to, a, b});
  }
  return out;
}

nlohmann::json measure_blends(const Composer& composer, const std::vector<HeldOutGrids>& held_out, std::size_t count,
                              std::uint64_t seed, Random& random) {
  std::vector<BlendStyle> styles;
  for (const HeldOutGrids& style : held_out) styles.push_back(blend_style(style, random));
  std::vector<BlendEnds> pairs;
  for (std::size_t a = 0; a < styles.size(); ++a)
    for (std::size_t b = a; b < styles.size(); ++b)
      for (const BlendEnds& pair : draw_pairs(styles[a], styles[b], count, random)) pairs.push_back(pair);
  if (pairs.empty())
    throw Error(Category::bad_input, "evaluate vae", "too few held-out pieces to go from one to another");

  std::vector<double> nearer(pairs.size()), whole(pairs.size()), order(pairs.size()), inside(pairs.size());
  std::vector<std::vector<std::string>> left(pairs.size());
  Progress progress("ways between pieces", pairs.size(), "ways");
  parallel_for(pairs.size(), [&](std::size_t i) {
    check_interrupt();
    const BlendEnds& pair = pairs[i];
    const std::vector<int> bars = bar_lengths(pair.from->windows[pair.first]);
    const int end = std::accumulate(bars.begin(), bars.end(), 0);
    const StatisticRanges ranges = united(pair.from->ranges, pair.to->ranges);
    std::vector<BarGrid> points;
    for (int k = 0; k < kPoints; ++k) {
      ComposeOptions wish;
      wish.blend_from = &pair.from->scores[pair.first];
      wish.blend_to = &pair.to->scores[pair.last];
      wish.share = static_cast<double>(k) / (kPoints - 1);
      wish.style = wish.share > 0.5 ? pair.to->name : pair.from->name;
      wish.seed = seed * 1000003 + i;
      const Score point = composer.compose(wish).score;
      points.push_back(notated_grid(point));
      const auto beyond = outside(statistics_of(grid_notes(point), end), ranges);
      if (beyond.empty()) inside[i] += 1.0 / kPoints;
      left[i].insert(left[i].end(), beyond.begin(), beyond.end());
    }
    const BlendPath path = blend_path(points);
    nearer[i] = path.nearer();
    whole[i] = path.nearer() == 1;
    order[i] = path.order();
    progress.advance();
  });
  nlohmann::json out{{"pairs", pairs.size()}, {"points", kPoints}, {"bars", kBlendBars}};
  const auto put = [&](const char* name, const std::vector<double>& values) {
    out[name] = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    out[std::string(name) + "_se"] = standard_error(values);
  };
  put("steps_nearer", nearer);
  put("pairs_nearer", whole);
  put("order_rho", order);
  put("within_range", inside);
  std::map<std::string, double> beyond;
  for (const auto& [name, range] : styles.front().ranges) beyond[name] = 0;
  for (const auto& names : left)
    for (const std::string& name : names) beyond[name] += 1.0 / (static_cast<double>(pairs.size()) * kPoints);
  out["outside"] = beyond;
  return out;
}

struct TraitAsked {
  const char* name;
  BarTrait trait;
};
constexpr TraitAsked kTraits[] = {{"density", kBarDensity}, {"polyphony", kBarPolyphony}};

/// Each class of a trait asked of so many pieces in the style's most frequent meter, the value in its middle by number.
/// Where many bars of a style are alike, several classes have the same middle: they are one wish, asked once.
void measure_trait(const Composer& composer, const std::string& style, const StyleHabits& habits,
                   const TraitAsked& asked, std::size_t count, const EvaluateOptions& options, Random& random,
                   nlohmann::json& out) {
  const auto meter = std::max_element(habits.meters.begin(), habits.meters.end()) - habits.meters.begin();
  const GridMeter& bar = grid_meters()[static_cast<std::size_t>(meter)];
  std::map<int, double> classes;
  for (const double middle : habits.middles[asked.trait])
    classes.emplace(habits.bar_class(asked.trait, middle), middle);
  std::vector<double> wanted, found, means;
  nlohmann::json by_class = nlohmann::json::array();
  Progress progress(fmt::format("{} of {}", asked.name, style), classes.size() * count, "pieces");
  for (const auto& [k, middle] : classes) {
    check_interrupt();
    ComposeOptions wish;
    wish.style = style;
    wish.bars = kControlBars;
    wish.meter = fmt::format("{}/{}", bar.numerator, bar.denominator);
    if (asked.trait == kBarDensity)
      wish.density = std::clamp(middle * bar.steps / kSixteenths, 0.5, 200.0);
    else
      wish.polyphony = std::clamp(middle, 1.0, 16.0);
    std::vector<std::uint64_t> seeds;
    for (std::size_t i = 0; i < count; ++i)
      seeds.push_back(options.seed * 1000003 + static_cast<std::uint64_t>(k) * 1009 + i);
    double sum = 0;
    for (const Composition& piece : composer.compose_variants(wish, seeds)) {
      const int end = kControlBars * bar.steps;
      const double value = asked.trait == kBarDensity ? static_cast<double>(piece.score.note_count()) / kControlBars
                                                      : statistics_of(grid_notes(piece.score), end).at("polyphony");
      wanted.push_back(k);
      found.push_back(value);
      sum += value / static_cast<double>(count);
    }
    means.push_back(sum);
    by_class.push_back({{"asked", wish.density ? *wish.density : *wish.polyphony}, {"found", sum}});
    progress.advance(count);
  }
  const std::string name = std::string(asked.name) + "_rho";
  out[name] = spearman(wanted, found);
  // Pieces of one class differ, so few classes cannot correlate fully: the same pieces in the best order say how far.
  std::vector<double> best = found, numbers;
  std::sort(best.begin(), best.end());
  out[name + "_ceiling"] = spearman(wanted, best);
  for (const auto& [k, middle] : classes) numbers.push_back(k);
  out[name + "_of_means"] = spearman(numbers, means);
  std::vector<double> drawn;
  for (int r = 0; r < kResamplings; ++r) {
    std::vector<double> a, b;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto at = random.below(wanted.size());
      a.push_back(wanted[at]);
      b.push_back(found[at]);
    }
    drawn.push_back(spearman(a, b));
  }
  out[name + "_se"] = standard_error(drawn) * std::sqrt(static_cast<double>(kResamplings));
  out[asked.name] = by_class;
}

}  // namespace

nlohmann::json evaluate_vae(const EvaluateOptions& options) {
  if (options.folds > 0)
    throw Error(Category::usage, "evaluate vae", "--folds: shipped weights are measured, there are none");
  const Model model = find_model(options.model.empty() ? kVaeComposer : options.model);
  const auto network = model.card.find("network");
  if (network == model.card.end() || *network != "vae")
    throw Error(Category::unsupported, "evaluate vae", model.name + " is no autoencoder of bars",
                "--model names one that `train vae` made");
  const VaeComposer vae(model);
  const Composer composer(model);
  const std::string split = options.split.empty() ? "test" : options.split;
  const auto at_most = [&](std::size_t usual) {
    return options.limit > 0 ? static_cast<std::size_t>(options.limit) : usual;
  };

  std::vector<HeldOutGrids> held_out;
  nlohmann::json styles = nlohmann::json::object();
  for (const Dataset& set : datasets()) {
    if (std::find(vae.styles().begin(), vae.styles().end(), set.style) == vae.styles().end()) continue;
    if (!std::filesystem::exists(options.data / set.name)) continue;
    held_out.push_back(read_held_out(set, options.data / set.name, split));
    Random random = Random::stream(options.seed, 0x766165);
    nlohmann::json& out = styles[set.style];
    out = measure_coding(vae.codec(), held_out.back(), at_most(kDefaultWindows), random);
    for (const TraitAsked& trait : kTraits)
      measure_trait(composer, set.style, vae.habits(set.style), trait, at_most(kDefaultPieces), options, random, out);
  }
  if (held_out.empty())
    throw Error(Category::not_found, "evaluate vae",
                options.data.string() + ": holds none of the sets of this model's styles");
  Random random = Random::stream(options.seed, 0x626c656e);
  nlohmann::json blends = measure_blends(composer, held_out, at_most(kDefaultPairs), options.seed, random);
  nlohmann::json report{{"split", split}, {"model", {{"name", model.name}, {"hash", model.hash}}}};
  for (const char* name : {"reconstruction_f", "kl_nats_per_bar", "density_rho", "polyphony_rho"}) {
    double sum = 0, variance = 0;
    for (const auto& style : styles) {
      sum += style[name].get<double>();
      variance += std::pow(style[std::string(name) + "_se"].get<double>(), 2);
    }
    report[name] = sum / static_cast<double>(styles.size());
    report[std::string(name) + "_se"] = std::sqrt(variance) / static_cast<double>(styles.size());
  }
  report["interpolation_monotone"] = blends["steps_nearer"];
  report["interpolation_monotone_se"] = blends["steps_nearer_se"];
  report["interpolation"] = std::move(blends);
  report["styles"] = std::move(styles);
  return report;
}

}  // namespace euterpe
