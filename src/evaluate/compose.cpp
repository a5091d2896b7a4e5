#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "compose/compose.hpp"
#include "compose/default_composer.hpp"
#include "compose/performance.hpp"
#include "corpus/datasets.hpp"
#include "evaluate/distribution.hpp"
#include "evaluate/drawn_in_turns.hpp"
#include "evaluate/memorised.hpp"
#include "evaluate/planted.hpp"
#include "evaluate/task.hpp"
#include "recognize/style_score.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"

namespace euterpe {
namespace {

constexpr int kBars = 16, kSixteenths = 16;
constexpr int kDefaultPieces = 200;
constexpr std::array kWindowBars{1, 2, 4};
constexpr int kSplitHalves = 20;
constexpr int kResamplings = 40;  // of the pieces, for the intervals

using Notes = std::vector<GridNote>;

/// Sixteenths in a bar of this meter; of a meter that the grid cannot hold, what is nearest.
int bar_of(const Score& score) {
  const TimeSignature& meter = score.meter_at(0);
  return std::max(1, kSixteenths * meter.numerator / meter.denominator);
}

/// At most 16 bars from the beginning, and no more than the style recognizer hears.
BarredPassage passage_of(const Score& score, int bars) {
  BarredPassage out;
  out.bar = bar_of(score);
  out.bars = std::max(1, std::min(bars, kStyleWindow / out.bar));
  out.notes = grid_window(grid_notes(score), 0, out.bar * out.bars);
  return out;
}

/// What both sets are made of: passages of at most 16 bars of their own meters, and which piece each is from.
struct Passages {
  std::vector<BarredPassage> items;
  std::vector<std::size_t> piece;

  std::vector<Notes> notes() const {
    std::vector<Notes> out;
    for (const BarredPassage& p : items) out.push_back(p.notes);
    return out;
  }
};

/// Held-out windows without overlap.
Passages draw_windows(const std::vector<const Piece*>& held_out, std::size_t count, Random& random) {
  std::vector<std::vector<BarredPassage>> windows;
  for (const Piece* piece : held_out) {
    windows.emplace_back();
    for (const Score& window : bar_windows(piece->score, kBars)) {
      BarredPassage passage = passage_of(window, static_cast<int>(window.bar_lines().size()) - 1);
      if (passage.notes.size() >= kStyleMinNotes) windows.back().push_back(std::move(passage));
    }
  }
  DrawnWindows<BarredPassage> drawn = draw_in_turns(std::move(windows), count, random);
  return {std::move(drawn.items), std::move(drawn.piece)};
}

struct Judged {
  double accuracy = 0;
  Vectors embeddings;
};

Judged judge(const StyleScoreModel& model, const std::vector<Notes>& set, const std::string& style) {
  Judged out;
  const auto& labels = model.labels();
  std::size_t right = 0;
  for (const Notes& notes : set) {
    const auto p = model.probabilities(notes);
    right += labels[static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin())] == style;
    out.embeddings.push_back(model.embedding(notes));
  }
  out.accuracy = set.empty() ? 0 : static_cast<double>(right) / static_cast<double>(set.size());
  return out;
}

/// Mean Fréchet distance between random halves of a set.
double frechet_floor(Vectors set, Random& random) {
  double halves = 0;
  for (int i = 0; i < kSplitHalves; ++i) {
    random.shuffle(set);
    const auto middle = set.begin() + static_cast<std::ptrdiff_t>(set.size() / 2);
    halves += frechet_distance(Vectors(set.begin(), middle), Vectors(middle, set.end())) / kSplitHalves;
  }
  return halves;
}

/// Where 95 % of the values lie.
nlohmann::json interval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double q) {
    return values[static_cast<std::size_t>(std::lround(q * static_cast<double>(values.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

Vectors resampled(const Vectors& set, const std::vector<std::size_t>& piece, Random& random) {
  std::map<std::size_t, std::vector<std::size_t>> of_piece;
  for (std::size_t i = 0; i < set.size(); ++i) of_piece[piece[i]].push_back(i);
  std::vector<const std::vector<std::size_t>*> groups;
  for (const auto& [name, items] : of_piece) groups.push_back(&items);
  Vectors out;
  while (out.size() < set.size())
    for (const std::size_t i : *groups[random.below(groups.size())])
      if (out.size() < set.size()) out.push_back(set[i]);
  return out;
}

/// Mean and, with pieces as what is independent, its standard error.
nlohmann::json statistics(const Passages& generated, const Passages& real) {
  const auto collect = [](const Passages& set) {
    std::map<std::string, std::vector<double>> out;
    for (const BarredPassage& p : set.items)
      for (const auto& [name, value] : score_statistics(p.notes, std::max(1, p.bar * p.bars / kSixteenths)))
        out[name].push_back(value);
    return out;
  };
  const auto g = collect(generated), r = collect(real);
  const auto mean = [](const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
  };
  nlohmann::json out;
  for (const auto& [name, values] : r) {
    const double m = mean(values);
    std::map<std::size_t, double> off;
    for (std::size_t i = 0; i < values.size(); ++i) off[real.piece[i]] += values[i] - m;
    double square = 0;
    for (const auto& [piece, sum] : off) square += sum * sum;
    const double pieces = static_cast<double>(off.size()), n = static_cast<double>(values.size());
    const double se = pieces > 1 ? std::sqrt(square * pieces / (pieces - 1)) / n : 0.0;
    out[name] = {{"generated", mean(g.at(name))}, {"real", m}, {"real_se", se}};
  }
  return out;
}

/// The piece as every format must hold it: MIDI that reads back to the same score, MusicXML that can be written.
bool valid(const Score& score) {
  try {
    const auto read = read_midi(write_midi(score));
    return read.mended.empty() && read.score == score && score.note_count() > 0 && !write_musicxml(score).empty();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

nlohmann::json evaluate_compose(const EvaluateOptions& options) {
  const Composer named(find_model(options.model.empty() ? kDefaultComposer : options.model));
  const StyleScoreModel judge_model = StyleScoreModel::load();
  const int pieces = options.limit > 0 ? options.limit : kDefaultPieces;
  const std::string split = options.split.empty() ? "test" : options.split;

  nlohmann::json styles;
  double real_sum = 0, generated_sum = 0;
  int invalid_total = 0, measured = 0;
  for (const Dataset& set : datasets()) {
    const auto& known_styles = named.styles();
    if (std::find(known_styles.begin(), known_styles.end(), set.style) == known_styles.end()) continue;
    if (!std::filesystem::exists(options.data / set.name)) continue;

    // Each style is composed by what `compose --style` would take.
    ComposeOptions asked;
    asked.style = set.style;
    const std::string name = options.model.empty() ? default_composer(asked) : options.model;
    const Composer composer = name == named.model().name ? named : Composer(find_model(name));

    std::vector<Notes> training;
    std::vector<const Piece*> held_out;
    const std::vector<Piece> all = set.read(options.data / set.name);
    for (const Piece& piece : all) {
      if (piece.split == "train") training.push_back(grid_notes(piece.score));
      if (piece.split == split) held_out.push_back(&piece);
    }
    Random random = Random::stream(options.seed, 0x636f6d70);
    const Passages windows = draw_windows(held_out, static_cast<std::size_t>(pieces), random);
    if (windows.items.size() < 4)
      throw Error(Category::bad_input, "evaluate compose", fmt::format("{}: too few held-out pieces", set.name));

    // Every piece that is composed is as long as a held-out window, so that neither set is told by its length.
    Passages generated;
    generated.items.resize(static_cast<std::size_t>(pieces));
    generated.piece.resize(generated.items.size());
    std::iota(generated.piece.begin(), generated.piece.end(), std::size_t{0});
    std::vector<char> bad(generated.items.size());
    Progress progress(fmt::format("compose {}", set.style), generated.items.size(), "pieces");
    parallel_for(generated.items.size(), [&](std::size_t i) {
      const BarredPassage& pattern = windows.items[i % windows.items.size()];
      ComposeOptions wish = asked;
      wish.bars = pattern.bars;
      wish.seed = options.seed * 1000003 + i;
      Composition piece = composer.compose(wish);
      perform(piece.score, set.style);
      bad[i] = valid(piece.score) ? 0 : 1;
      generated.items[i] = passage_of(piece.score, wish.bars);
      progress.advance();
    });
    // Distances are measured between sets of one size.
    Passages equal = generated;
    if (equal.items.size() > windows.items.size()) {
      equal.items.resize(windows.items.size());
      equal.piece.resize(windows.items.size());
    }

    const Judged real = judge(judge_model, windows.notes(), set.style);
    const Judged made = judge(judge_model, generated.notes(), set.style);
    const Vectors as_many(made.embeddings.begin(),
                          made.embeddings.begin() + static_cast<std::ptrdiff_t>(equal.items.size()));
    const int invalid = static_cast<int>(std::count(bad.begin(), bad.end(), 1));
    const auto diversity = [](const Vectors& a, const Vectors& b) {
      return mean_pairwise_distance(a) / mean_pairwise_distance(b);
    };
    const double distance = frechet_distance(as_many, real.embeddings);
    const double floor = frechet_floor(real.embeddings, random);
    std::vector<double> diversities, distances;
    for (int i = 0; i < kResamplings; ++i) {
      const Vectors a = resampled(as_many, equal.piece, random);
      const Vectors b = resampled(real.embeddings, windows.piece, random);
      diversities.push_back(diversity(a, b));
      distances.push_back(floor > 0 ? frechet_distance(a, b) / floor : 0);
    }
    MemorisedWindows known(training);
    nlohmann::json memorised;
    for (const int bars : kWindowBars) {
      const auto of = [&](const Passages& passages) {
        const auto share = known.count(passages.items, bars).share();
        return share ? nlohmann::json(*share) : nlohmann::json();
      };
      memorised[std::to_string(bars)] = {{"generated", of(generated)}, {"real", of(windows)}};
    }
    std::set<std::size_t> real_pieces(windows.piece.begin(), windows.piece.end());
    styles[set.style] = {{"model", {{"name", composer.model().name}, {"hash", composer.model().hash}}},
                         {"pieces", pieces},
                         {"real_windows", windows.items.size()},
                         {"real_pieces", real_pieces.size()},
                         {"style_accuracy_real", real.accuracy},
                         {"style_accuracy_generated", made.accuracy},
                         {"diversity_ratio", diversity(as_many, real.embeddings)},
                         {"diversity_ratio_ci", interval(diversities)},
                         {"frechet_ratio", floor > 0 ? distance / floor : 0},
                         {"frechet_ratio_ci", interval(distances)},
                         {"invalid", invalid},
                         {"memorised_windows", memorised},
                         {"statistics", statistics(generated, windows)}};
    real_sum += real.accuracy;
    generated_sum += made.accuracy;
    invalid_total += invalid;
    ++measured;
  }
  if (measured == 0)
    throw Error(Category::not_found, "evaluate compose",
                options.data.string() + ": holds none of the sets of this model's styles");
  return {{"split", split},
          {"model", {{"name", named.model().name}, {"hash", named.model().hash}}},
          {"judge", {{"name", judge_model.model().name}, {"hash", judge_model.model().hash}}},
          {"styles", styles},
          {"invalid", invalid_total},
          {"style_accuracy_real", real_sum / measured},
          {"style_accuracy_generated", generated_sum / measured},
          {"style_accuracy_ratio", real_sum > 0 ? generated_sum / real_sum : 0}};
}

}  // namespace euterpe
