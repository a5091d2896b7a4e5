#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "compose/compose.hpp"
#include "compose/performance.hpp"
#include "corpus/datasets.hpp"
#include "evaluate/distribution.hpp"
#include "evaluate/task.hpp"
#include "recognize/style_score.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"

namespace euterpe {
namespace {

constexpr int kBars = 16, kSixteenths = 16;  // EVALUATE: bars of sixteen sixteenths
constexpr int kDefaultPieces = 100;
constexpr std::size_t kFewestNotes = 4;  // of a window that may count as memorised
constexpr std::array kWindowBars{1, 2, 4};
constexpr int kSplitHalves = 20;

using Notes = std::vector<GridNote>;

/// Hash of (onset, length, pitch relative to the first note); 0 if there are fewer than kFewestNotes notes.
std::uint64_t window_hash(const Notes& notes, int from, int bars) {
  std::uint64_t hash = 1469598103934665603ULL;
  std::size_t count = 0;
  int first_pitch = 0;
  auto mix = [&](int value) { hash = (hash ^ static_cast<std::uint64_t>(value + 1024)) * 1099511628211ULL; };
  const int to = from + bars * kSixteenths;
  auto it = std::lower_bound(notes.begin(), notes.end(), from, [](const GridNote& n, int t) { return n.onset < t; });
  for (; it != notes.end() && it->onset < to; ++it) {
    if (count++ == 0) first_pitch = it->pitch;
    mix(it->onset - from);
    mix(std::min(it->length, to - it->onset));
    mix(it->pitch - first_pitch);
  }
  return count < kFewestNotes ? 0 : hash;
}

int end_of(const Notes& notes) { return notes.empty() ? 0 : notes.back().onset + 1; }

/// Training passages may begin on any quarter, for bar lines of the corpora are not all of sixteen sixteenths.
std::unordered_set<std::uint64_t> known_windows(const std::vector<Notes>& pieces, int bars) {
  std::unordered_set<std::uint64_t> out;
  for (const Notes& notes : pieces)
    for (int t = 0; t < end_of(notes); t += 4)
      if (const auto hash = window_hash(notes, t, bars)) out.insert(hash);
  return out;
}

nlohmann::json memorised(const std::vector<Notes>& set, const std::unordered_set<std::uint64_t>& known, int bars) {
  std::size_t windows = 0, found = 0;
  for (const Notes& notes : set)
    for (int t = 0; t + bars * kSixteenths <= kBars * kSixteenths; t += kSixteenths)
      if (const auto hash = window_hash(notes, t, bars)) {
        ++windows;
        found += known.count(hash);
      }
  return windows ? nlohmann::json(static_cast<double>(found) / static_cast<double>(windows)) : nlohmann::json();
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

/// Fréchet distance generated–real over the mean of that between random halves of the real set.
double frechet_ratio(const Vectors& generated, Vectors real, Random& random) {
  const double distance = frechet_distance(generated, real);
  double halves = 0;
  for (int i = 0; i < kSplitHalves; ++i) {
    random.shuffle(real);
    const auto middle = real.begin() + static_cast<std::ptrdiff_t>(real.size() / 2);
    halves += frechet_distance(Vectors(real.begin(), middle), Vectors(middle, real.end())) / kSplitHalves;
  }
  return halves > 0 ? distance / halves : 0;
}

nlohmann::json statistics(const std::vector<Notes>& generated, const std::vector<Notes>& real) {
  auto collect = [](const std::vector<Notes>& set) {
    std::map<std::string, std::vector<double>> out;
    for (const Notes& notes : set)
      for (const auto& [name, value] : score_statistics(notes, kBars)) out[name].push_back(value);
    return out;
  };
  const auto g = collect(generated), r = collect(real);
  auto mean = [](const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
  };
  nlohmann::json out;
  for (const auto& [name, values] : r) {
    const double m = mean(values);
    double square = 0;
    for (double v : values) square += (v - m) * (v - m);
    const double n = static_cast<double>(values.size());
    out[name] = {
        {"generated", mean(g.at(name))}, {"real", m}, {"real_se", n > 1 ? std::sqrt(square / (n - 1) / n) : 0.0}};
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
  const Model model = find_model(options.model.empty() ? "composer" : options.model);
  const Composer composer(model);
  const StyleScoreModel judge_model = StyleScoreModel::load();
  const int pieces = options.limit > 0 ? options.limit : kDefaultPieces;
  const std::string split = options.split.empty() ? "test" : options.split;

  nlohmann::json styles;
  double real_sum = 0, generated_sum = 0;
  int invalid_total = 0, measured = 0;
  for (const Dataset& set : datasets()) {
    const auto& known_styles = composer.styles();
    if (std::find(known_styles.begin(), known_styles.end(), set.style) == known_styles.end()) continue;
    if (!std::filesystem::exists(options.data / set.name)) continue;

    std::vector<Notes> training, held_out;
    for (const Piece& piece : set.read(options.data / set.name)) {
      if (piece.split == "train") training.push_back(grid_notes(piece.score));
      if (piece.split == split)
        for (auto& window : style_windows(grid_notes(piece.score))) held_out.push_back(std::move(window));
    }
    if (held_out.size() < 4)
      throw Error(Category::bad_input, "evaluate compose", fmt::format("{}: too few held-out pieces", set.name));
    Random random = Random::stream(options.seed, 0x636f6d70);
    random.shuffle(held_out);
    if (held_out.size() > static_cast<std::size_t>(pieces)) held_out.resize(static_cast<std::size_t>(pieces));

    std::vector<Notes> generated(static_cast<std::size_t>(pieces));
    std::vector<char> bad(generated.size());
    Progress progress(fmt::format("compose {}", set.style), generated.size(), "pieces");
    parallel_for(generated.size(), [&](std::size_t i) {
      ComposeOptions wish;
      wish.style = set.style;
      wish.bars = kBars;
      wish.seed = options.seed * 1000003 + i;
      Composition piece = composer.compose(wish);
      perform(piece.score, set.style);
      bad[i] = valid(piece.score) ? 0 : 1;
      generated[i] = grid_window(grid_notes(piece.score), 0, kBars * kSixteenths);
      progress.advance();
    });

    const Judged real = judge(judge_model, held_out, set.style), made = judge(judge_model, generated, set.style);
    const int invalid = static_cast<int>(std::count(bad.begin(), bad.end(), 1));
    nlohmann::json windows;
    for (int bars : kWindowBars) {
      const auto known = known_windows(training, bars);
      windows[std::to_string(bars)] = {{"generated", memorised(generated, known, bars)},
                                       {"real", memorised(held_out, known, bars)}};
    }
    styles[set.style] = {
        {"pieces", pieces},
        {"real_windows", held_out.size()},
        {"style_accuracy_real", real.accuracy},
        {"style_accuracy_generated", made.accuracy},
        {"diversity_ratio", mean_pairwise_distance(made.embeddings) / mean_pairwise_distance(real.embeddings)},
        {"frechet_ratio", frechet_ratio(made.embeddings, real.embeddings, random)},
        {"invalid", invalid},
        {"memorised_windows", windows},
        {"statistics", statistics(generated, held_out)}};
    real_sum += real.accuracy;
    generated_sum += made.accuracy;
    invalid_total += invalid;
    ++measured;
  }
  if (measured == 0)
    throw Error(Category::not_found, "evaluate compose",
                options.data.string() + ": holds none of the sets of this model's styles");
  return {{"split", split},
          {"model", {{"name", model.name}, {"hash", model.hash}}},
          {"judge", {{"name", judge_model.model().name}, {"hash", judge_model.model().hash}}},
          {"styles", styles},
          {"invalid", invalid_total},
          {"style_accuracy_real", real_sum / measured},
          {"style_accuracy_generated", generated_sum / measured},
          {"style_accuracy_ratio", real_sum > 0 ? generated_sum / real_sum : 0}};
}

}  // namespace euterpe
