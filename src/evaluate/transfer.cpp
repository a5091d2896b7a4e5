/// Held-out music of each style said in each other one: how much more the style recognizer hears the one asked for, and
/// how much of the melody's shape is kept, beside what is to be had without a network.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "compose/compose.hpp"
#include "compose/default_composer.hpp"
#include "corpus/datasets.hpp"
#include "evaluate/drawn_in_turns.hpp"
#include "evaluate/planted.hpp"
#include "evaluate/score_heads.hpp"
#include "evaluate/task.hpp"
#include "evaluate/transfer_baselines.hpp"
#include "recognize/style_score.hpp"
#include "score/skyline.hpp"

namespace euterpe {
namespace {

constexpr std::array kStyles{"chorale", "folk", "pop"};
constexpr int kBars = 16;
constexpr int kDefaultPieces = 50;  // a pair

std::vector<int> bar_lengths_of(const Score& score) {
  std::vector<int> out;
  const auto lines = score.bar_lines();
  const auto sixteenth = [&](std::size_t i) {
    return static_cast<int>(std::lround(static_cast<double>(lines[i]) * 4 / score.ticks_per_quarter));
  };
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) out.push_back(sixteenth(i + 1) - sixteenth(i));
  return out;
}

/// A passage as the recognizer and the measure of melodies see it.
struct Heard {
  std::vector<GridNote> notes;
  std::vector<Chroma> melody;

  explicit Heard(const Score& score) {
    const std::vector<int> bars = bar_lengths_of(score);
    const int end = std::accumulate(bars.begin(), bars.end(), 0);
    const std::vector<GridNote> all = grid_notes(score);
    melody = half_bar_chroma(skyline(all, end), bars);
    notes = grid_window(all, 0, std::min(end, kStyleWindow));
  }
};

struct HeldOutStyle {
  std::string name;
  std::vector<Score> windows;
  std::vector<BarGrid> grids;
  std::vector<std::string> pieces;  ///< [windows]
  std::size_t unsaid = 0;           ///< windows with bars of other meters than the grid's, left out
};

/// Windows without overlap of at most 16 bars, drawn as `evaluate compose` draws them.
HeldOutStyle draw_style(const Dataset& set, const EvaluateOptions& options, const std::string& split,
                        std::size_t count) {
  HeldOutStyle out;
  out.name = set.style;
  std::vector<std::vector<std::pair<Score, BarGrid>>> windows;
  std::vector<std::string> ids;
  for (const Piece& piece : set.read(options.data / set.name)) {
    if (piece.split != split) continue;
    windows.emplace_back();
    ids.push_back(piece.id);
    for (Score& window : bar_windows(piece.score, kBars)) {
      if (grid_notes(window).size() < kStyleMinNotes) continue;
      try {
        BarGrid grid = bar_grid(window);
        windows.back().emplace_back(std::move(window), std::move(grid));
      } catch (const Error& e) {
        if (e.category() != Category::unsupported) throw;
        ++out.unsaid;
      }
    }
  }
  Random random = Random::stream(options.seed, 0x7472616e);
  auto drawn = draw_in_turns(std::move(windows), count, random);
  for (std::size_t i = 0; i < drawn.items.size(); ++i) {
    out.windows.push_back(std::move(drawn.items[i].first));
    out.grids.push_back(std::move(drawn.items[i].second));
    out.pieces.push_back(ids[drawn.piece[i]]);
  }
  return out;
}

/// One output of each window of a style, measured.
struct Measured {
  std::vector<double> strength, similarity;
  std::vector<std::string> pieces;

  static double mean(const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
  }
  nlohmann::json report() const {
    return {{"n", strength.size()},
            {"transfer_strength", mean(strength)},
            {"transfer_strength_se", grouped_error(strength, pieces)},
            {"melody_similarity", mean(similarity)},
            {"melody_similarity_se", grouped_error(similarity, pieces)}};
  }
};

/// The mean of the pairs' means; a source piece stands in several pairs, and is what is independent in all of them.
nlohmann::json mean_of(const std::vector<Measured>& pairs) {
  nlohmann::json out;
  for (const auto& [name, values] :
       {std::pair("transfer_strength", &Measured::strength), std::pair("melody_similarity", &Measured::similarity)}) {
    double all = 0, sum = 0;
    for (const Measured& pair : pairs) all += static_cast<double>((pair.*values).size());
    std::vector<double> off;
    std::vector<std::string> groups;
    for (const Measured& pair : pairs) {
      const double m = Measured::mean(pair.*values), n = static_cast<double>((pair.*values).size());
      sum += m;
      for (std::size_t i = 0; i < (pair.*values).size(); ++i) {
        off.push_back(((pair.*values)[i] - m) * all / (n * static_cast<double>(pairs.size())));
        groups.push_back(pair.pieces[i]);
      }
    }
    out[name] = sum / static_cast<double>(pairs.size());
    out[std::string(name) + "_se"] = grouped_error(off, groups);
  }
  return out;
}

}  // namespace

nlohmann::json evaluate_transfer(const EvaluateOptions& options) {
  if (options.folds > 0)
    throw Error(Category::usage, "evaluate transfer", "--folds: shipped weights are measured, there are none");
  const Composer composer(find_model(options.model.empty() ? kVaeComposer : options.model));
  const StyleScoreModel judge = StyleScoreModel::load();
  const std::string split = options.split.empty() ? "test" : options.split;
  const auto count = static_cast<std::size_t>(options.limit > 0 ? options.limit : kDefaultPieces);

  std::vector<HeldOutStyle> styles;
  nlohmann::json held_out = nlohmann::json::object();
  for (const Dataset& set : datasets()) {
    const auto among = [&](const auto& names) {
      return std::find(names.begin(), names.end(), std::string(set.style)) != names.end();
    };
    if (!among(kStyles) || !among(composer.styles()) || !among(judge.labels())) continue;
    if (!std::filesystem::exists(options.data / set.name)) continue;
    styles.push_back(draw_style(set, options, split, count));
    if (styles.back().windows.empty())
      throw Error(Category::bad_input, "evaluate transfer", fmt::format("{}: too few held-out pieces", set.name));
    const auto& drawn = styles.back();
    held_out[set.style] = {{"windows", drawn.windows.size()},
                           {"pieces", std::set<std::string>(drawn.pieces.begin(), drawn.pieces.end()).size()},
                           {"other_meters", drawn.unsaid}};
  }
  if (styles.size() < 2)
    throw Error(Category::not_found, "evaluate transfer",
                options.data.string() + ": holds the sets of fewer than two of the styles chorale, folk and pop");

  nlohmann::json pairs = nlohmann::json::object(), copies = pairs, arrangements = pairs;
  std::vector<Measured> transferred, copied, arranged;
  for (const HeldOutStyle& source : styles)
    for (const HeldOutStyle& target : styles) {
      if (source.name == target.name) continue;
      const auto label = std::find(judge.labels().begin(), judge.labels().end(), target.name) - judge.labels().begin();
      const PartRegisters registers = part_registers(target.grids);
      std::array<Measured, 3> found;  // by the network, the copy, the arranger
      for (Measured& m : found) {
        m.strength.resize(source.windows.size());
        m.similarity.resize(source.windows.size());
        m.pieces = source.pieces;
      }
      Progress progress(fmt::format("{} to {}", source.name, target.name), source.windows.size(), "pieces");
      parallel_for(source.windows.size(), [&](std::size_t i) {
        check_interrupt();
        ComposeOptions wish;
        wish.style = target.name;
        wish.transfer = &source.windows[i];
        wish.seed = options.seed * 1000003 + i;
        const Heard before(source.windows[i]);
        const auto probability = [&](const Heard& heard) {
          return judge.probabilities(heard.notes)[static_cast<std::size_t>(label)];
        };
        const double was = probability(before);
        const auto put = [&](Measured& m, const Score& output) {
          const Heard after(output);
          m.strength[i] = probability(after) - was;
          m.similarity[i] = melody_similarity(before.melody, after.melody);
        };
        put(found[0], composer.compose(wish).score);
        put(found[1], source.windows[i]);
        put(found[2], reorchestrated(source.grids[i], registers, target.name));
        progress.advance();
      });
      const std::string name = source.name + "_to_" + target.name;
      pairs[name] = found[0].report();
      copies[name] = found[1].report();
      arrangements[name] = found[2].report();
      transferred.push_back(std::move(found[0]));
      copied.push_back(std::move(found[1]));
      arranged.push_back(std::move(found[2]));
    }
  const auto baseline = [](const std::vector<Measured>& all, nlohmann::json of_pairs) {
    nlohmann::json out = mean_of(all);
    out["pairs"] = std::move(of_pairs);
    return out;
  };
  return {{"split", split},
          {"model", {{"name", composer.model().name}, {"hash", composer.model().hash}}},
          {"judge", {{"name", judge.model().name}, {"hash", judge.model().hash}}},
          {"bars", kBars},
          {"held_out", held_out},
          {"mean", mean_of(transferred)},
          {"pairs", pairs},
          {"baselines", {{"copy", baseline(copied, copies)}, {"reorchestrate", baseline(arranged, arrangements)}}}};
}

}  // namespace euterpe
