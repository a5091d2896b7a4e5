/// Gaps in held-out music filled between their real surroundings: how the bars compare with the real ones, and whether
/// the bar lines at which they begin and end can be told.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "corpus/datasets.hpp"
#include "evaluate/asked_composer.hpp"
#include "evaluate/compared_statistics.hpp"
#include "evaluate/seam.hpp"
#include "evaluate/task.hpp"
#include "score/descriptors.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {
namespace {

constexpr int kGapBars = 4, kContextBars = 8, kSeamBars = 2, kSixteenths = 16;
constexpr int kDefaultGaps = 100;
constexpr std::size_t kFewestNotes = 4;  // in the gap and in the bars at either side
constexpr int kDraws = 12;               // of a place in a piece
constexpr double kAsked = 0.10;          // statistics may differ by so much

using Notes = std::vector<GridNote>;

/// On the grid of the tokens, where a filled gap stands, before it goes to sixteenths: rounded once or twice, real
/// music would be told from it by that alone.
Notes heard(const Score& score) {
  RemiOptions remi;
  remi.velocities = false;
  return grid_notes(decode_remi(encode_remi(score, remi)));
}

struct RealPiece {
  const Piece* piece;
  Notes notes;
  std::vector<int> lines;  ///< of the bars, sixteenths

  int bars() const { return static_cast<int>(lines.size()) - 1; }
  /// The length of the bars [from, to) if it is the same of all.
  std::optional<int> bar_length(int from, int to) const {
    const auto at = [&](int i) { return lines[static_cast<std::size_t>(i)]; };
    for (int i = from; i < to; ++i)
      if (at(i + 1) - at(i) != at(from + 1) - at(from)) return {};
    return at(from + 1) - at(from);
  }
  std::size_t count(int from, int to) const {
    const int a = lines[static_cast<std::size_t>(from)], b = lines[static_cast<std::size_t>(to)];
    return static_cast<std::size_t>(
        std::count_if(notes.begin(), notes.end(), [&](const GridNote& n) { return n.onset >= a && n.onset < b; }));
  }
};

/// Nothing where tokens cannot say the piece (its meter).
std::optional<RealPiece> read_piece(const Piece& piece) {
  RealPiece out{&piece, {}, {}};
  try {
    out.notes = heard(piece.score);
  } catch (const Error&) {
    return {};
  }
  const double per_sixteenth = piece.score.ticks_per_quarter / 4.0;
  for (const std::int64_t tick : piece.score.bar_lines())
    out.lines.push_back(static_cast<int>(std::lround(static_cast<double>(tick) / per_sixteenth)));
  return out;
}

struct Gap {
  std::size_t piece = 0;
  int first = 0;  ///< bar, from 0
  int bar = 16;   ///< sixteenths
};

/// A place with eight bars of context on either side where the piece is long enough, else with as many as there are, in
/// the middle; in one meter, with something to hear in it and around it, apart from those taken already.
std::optional<Gap> draw_gap(const RealPiece& piece, std::size_t index, const std::vector<Gap>& taken, Random& random) {
  const int context = std::min(kContextBars, (piece.bars() - kGapBars) / 2);
  if (context < kSeamBars) return {};
  for (int draw = 0; draw < kDraws; ++draw) {
    const int places = piece.bars() - kGapBars - 2 * context + 1;
    const int first = context + static_cast<int>(random.below(static_cast<std::uint64_t>(places)));
    const int end = first + kGapBars;
    const auto bar = piece.bar_length(first - kSeamBars, end + kSeamBars);
    const bool apart = std::none_of(taken.begin(), taken.end(), [&](const Gap& g) {
      return g.piece == index && std::abs(g.first - first) < kGapBars + kSeamBars;
    });
    if (bar && *bar > 0 && apart && piece.count(first, end) >= kFewestNotes &&
        piece.count(first - kSeamBars, first) >= kFewestNotes && piece.count(end, end + kSeamBars) >= kFewestNotes)
      return Gap{index, first, *bar};
  }
  return {};
}

/// One gap in each piece, then a second in each that has room, until there are enough.
std::vector<Gap> draw_gaps(const std::vector<RealPiece>& pieces, std::size_t count, Random& random) {
  std::vector<std::size_t> order(pieces.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  random.shuffle(order);
  std::vector<Gap> out;
  for (std::size_t before = out.size() + 1; out.size() < count && out.size() != before;) {
    before = out.size();
    for (const std::size_t i : order)
      if (out.size() < count)
        if (const auto gap = draw_gap(pieces[i], i, out, random)) out.push_back(*gap);
  }
  return out;
}

/// The score without the notes that begin in the gap: nothing that is known of them may help.
Score emptied(const Score& score, int first) {
  const auto lines = score.bar_lines();
  const std::int64_t from = lines[static_cast<std::size_t>(first)],
                     to = lines[static_cast<std::size_t>(first + kGapBars)];
  Score out = score;
  for (Track& track : out.tracks)
    std::erase_if(track.notes, [&](const Note& n) { return n.start >= from && n.start < to; });
  return out;
}

/// `notes` with those of the gap replaced by the bars that begin at sixteenth `from` of `other`.
Notes replaced(const Notes& notes, int line, int length, const Notes& other, int from) {
  Notes out;
  for (const GridNote& n : notes)
    if (n.onset < line || n.onset >= line + length) out.push_back(n);
  for (GridNote n : other)
    if (n.onset >= from && n.onset < from + length) {
      n.onset += line - from;
      out.push_back(n);
    }
  std::sort(out.begin(), out.end(), [](const GridNote& a, const GridNote& b) {
    return std::tie(a.onset, a.pitch, a.length) < std::tie(b.onset, b.pitch, b.length);
  });
  return out;
}

/// Real bars in the wrong place, so that the report says what the classifier can tell at all: four bars of the same
/// piece elsewhere, or of another piece with bars of that length. Nothing where there are none.
std::optional<Notes> misplaced(const std::vector<RealPiece>& pieces, const Gap& gap, bool same_piece, Random& random) {
  const RealPiece& here = pieces[gap.piece];
  const int line = here.lines[static_cast<std::size_t>(gap.first)], length = gap.bar * kGapBars;
  for (int draw = 0; draw < 8 * kDraws; ++draw) {
    const std::size_t index = same_piece ? gap.piece : random.below(pieces.size());
    const RealPiece& there = pieces[index];
    if (there.bars() < kGapBars || (!same_piece && index == gap.piece)) continue;
    const int first = static_cast<int>(random.below(static_cast<std::uint64_t>(there.bars() - kGapBars + 1)));
    if (there.bar_length(first, first + kGapBars) != gap.bar || there.count(first, first + kGapBars) < kFewestNotes)
      continue;
    if (same_piece && std::abs(first - gap.first) < kGapBars) continue;
    return replaced(here.notes, line, length, there.notes, there.lines[static_cast<std::size_t>(first)]);
  }
  return {};
}

/// Both bar lines of a gap, in the real music and in another version of it.
void add_seams(std::vector<SeamPair>& pairs, const RealPiece& piece, const Gap& gap, const Notes& other) {
  for (const bool entry : {true, false}) {
    const int line = piece.lines[static_cast<std::size_t>(gap.first + (entry ? 0 : kGapBars))];
    const SeamPlace at{line, gap.bar, entry};
    pairs.push_back({seam_features(piece.notes, at), seam_features(other, at), piece.piece->group, entry});
  }
}

MusicStatistics gap_statistics(const Notes& notes, const RealPiece& piece, const Gap& gap) {
  const int line = piece.lines[static_cast<std::size_t>(gap.first)], length = gap.bar * kGapBars;
  return score_statistics(grid_window(notes, line, line + length), std::max(1, length / kSixteenths));
}

nlohmann::json report_of(const SeamTest& test, std::size_t pairs) {
  return {{"seams", pairs}, {"accuracy", test.accuracy}, {"accuracy_se", test.error}};
}

/// How well real bars in the wrong place are told, for comparison; null where there are too few pieces.
nlohmann::json told(const std::vector<SeamPair>& pairs, std::uint64_t seed) {
  const bool enough =
      std::any_of(pairs.begin(), pairs.end(), [&](const SeamPair& p) { return p.group != pairs.front().group; });
  return enough ? report_of(tell_seams(pairs, seed), pairs.size()) : nlohmann::json();
}

}  // namespace

nlohmann::json evaluate_infill(const EvaluateOptions& options) {
  if (options.folds > 0)
    throw Error(Category::usage, "evaluate infill", "--folds: shipped weights are measured, there are none");
  AskedComposers composers(options.model);
  const std::string split = options.split.empty() ? "test" : options.split;
  const auto wanted = static_cast<std::size_t>(options.limit > 0 ? options.limit : kDefaultGaps);

  nlohmann::json styles = nlohmann::json::object();
  std::map<std::string, ComparedStatistic> together;
  double accuracy = 0, variance = 0;
  for (const Dataset& set : datasets()) {
    const auto& known = composers.main().styles();
    if (std::find(known.begin(), known.end(), set.style) == known.end()) continue;
    if (!std::filesystem::exists(options.data / set.name)) continue;
    const std::vector<Piece> all = set.read(options.data / set.name);
    std::vector<RealPiece> pieces;
    for (const Piece& piece : all)
      if (piece.split == split)
        if (auto real = read_piece(piece)) pieces.push_back(std::move(*real));
    Random random = Random::stream(options.seed, 0x696e66);
    const std::vector<Gap> gaps = draw_gaps(pieces, wanted, random);

    if (gaps.empty())
      throw Error(Category::bad_input, "evaluate infill", fmt::format("{}: too few held-out pieces", set.name));
    // The model that `compose` would take for this very gap: a piece of five voices is not for the one of four.
    std::vector<Score> given;
    std::vector<const Composer*> composer;
    std::map<std::string, std::size_t> gaps_of;
    const auto wish_of = [&](std::size_t i) {
      ComposeOptions wish;
      wish.style = set.style;
      wish.seed = options.seed * 1000003 + i;
      wish.gap_in = &given[i];
      wish.gap = {gaps[i].first + 1, kGapBars};
      return wish;
    };
    for (const Gap& gap : gaps) given.push_back(emptied(pieces[gap.piece].piece->score, gap.first));
    for (std::size_t i = 0; i < gaps.size(); ++i) {
      composer.push_back(&composers.of(wish_of(i)));
      ++gaps_of[composer.back()->model().name];
    }
    std::vector<Notes> filled(gaps.size());
    Progress progress(fmt::format("infill {}", set.style), gaps.size(), "gaps");
    parallel_for(gaps.size(), [&](std::size_t i) {
      check_interrupt();
      filled[i] = heard(composer[i]->compose(wish_of(i)).score);
      progress.advance();
    });

    std::vector<SeamPair> pairs, elsewhere, stranger;
    std::vector<MusicStatistics> generated, real;
    std::vector<std::size_t> piece_of;
    for (std::size_t i = 0; i < gaps.size(); ++i) {
      const RealPiece& piece = pieces[gaps[i].piece];
      add_seams(pairs, piece, gaps[i], filled[i]);
      generated.push_back(gap_statistics(filled[i], piece, gaps[i]));
      real.push_back(gap_statistics(piece.notes, piece, gaps[i]));
      piece_of.push_back(gaps[i].piece);
      if (const auto notes = misplaced(pieces, gaps[i], true, random)) add_seams(elsewhere, piece, gaps[i], *notes);
      if (const auto notes = misplaced(pieces, gaps[i], false, random)) add_seams(stranger, piece, gaps[i], *notes);
    }
    std::set<std::string> groups;
    for (const SeamPair& p : pairs) groups.insert(p.group);
    if (groups.size() < 2)
      throw Error(Category::bad_input, "evaluate infill", fmt::format("{}: too few held-out pieces", set.name));
    const SeamTest seams = tell_seams(pairs, options.seed);
    const auto statistics = compare_statistics(generated, real, piece_of);
    auto outside = nlohmann::json::array();
    for (const auto& [name, s] : statistics) {
      if (!s.within(name, kAsked)) outside.push_back(name);
      ComparedStatistic& sum = together[name];
      sum.generated += s.generated;
      sum.real += s.real;
      sum.real_se += s.real_se * s.real_se;
    }
    styles[set.style] = {
        {"models", gaps_of},
        {"gaps", gaps.size()},
        {"pieces", groups.size()},
        {"statistics", to_json(statistics)},
        {fmt::format("outside_{:.0f}_percent", 100 * kAsked), outside},
        {"seam_classifier_accuracy", seams.accuracy},
        {"seam_classifier_accuracy_se", seams.error},
        {"entry_accuracy", seams.entry},
        {"exit_accuracy", seams.exit},
        {"misplaced", {{"same_piece", told(elsewhere, options.seed)}, {"other_piece", told(stranger, options.seed)}}}};
    accuracy += seams.accuracy;
    variance += seams.error * seams.error;
  }
  if (styles.empty())
    throw Error(Category::not_found, "evaluate infill",
                options.data.string() + ": holds none of the sets of this model's styles");
  const double n = static_cast<double>(styles.size());
  for (auto& [name, s] : together) s = {s.generated / n, s.real / n, std::sqrt(s.real_se) / n};
  return {{"split", split},
          {"model", {{"name", composers.main().model().name}, {"hash", composers.main().model().hash}}},
          {"bars", kGapBars},
          {"seam_features", seam_feature_names().size()},
          {"styles", styles},
          {"statistics", to_json(together)},
          {"seam_classifier_accuracy", accuracy / n},
          {"seam_classifier_accuracy_se", std::sqrt(variance) / n}};
}

}  // namespace euterpe
