#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "compose/compose.hpp"
#include "compose/gate.hpp"
#include "corpus/datasets.hpp"
#include "evaluate/asked_composer.hpp"
#include "evaluate/planted.hpp"
#include "evaluate/task.hpp"
#include "score/passage_alignment.hpp"

namespace euterpe {
namespace {

constexpr int kBars = 16, kExcerptBars = 4;
constexpr int kPlantedPerStyle = 200;
constexpr int kHostsPerStyle = 12;
constexpr std::size_t kFewestOnsets = 8;  // of an excerpt: fewer notes in four bars are no music to be told from others
constexpr std::size_t kDense = 16;        // onsets of an excerpt from which on it is counted once more, alone
constexpr std::array kStretches{0.5, 0.75, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0};
constexpr std::size_t kListed = 60;  // flagged and missed ones that the report names

struct Excerpt {
  const Piece* piece;
  int bar;
  Score score;
};

std::size_t onsets(const Score& score) {
  std::size_t most = 0;
  for (const PassageLine& line : passage_lines(score)) most = std::max(most, line.onsets.size());
  return most;
}

/// Four bars of a training piece, drawn at random.
std::vector<Excerpt> draw_excerpts(const std::vector<const Piece*>& training, std::size_t count, Random& random) {
  std::vector<Excerpt> out;
  for (std::size_t tries = 0; out.size() < count && tries < 20 * count; ++tries) {
    const Piece& piece = *training[random.below(training.size())];
    const auto bars = piece.score.bar_lines();
    if (bars.size() <= kExcerptBars) continue;
    const std::size_t bar = random.below(bars.size() - kExcerptBars);
    Score score = cut_passage(piece.score, bars[bar], bars[bar + kExcerptBars]);
    if (onsets(score) < kFewestOnsets) continue;
    out.push_back({&piece, static_cast<int>(bar) + 1, std::move(score)});
  }
  return out;
}

/// How much of one score is another, by the notes themselves.
struct Likeness {
  double bars = 0, share = 0, part = 0;  ///< `part` of the shorter melody
};

Likeness likeness(const Score& a, const Score& b) {
  Likeness most;
  for (const PassageLine& x : indexed_passage_lines(a))
    for (const PassageLine& y : indexed_passage_lines(b)) {
      if (x.kind != PassageLine::Kind::melody || y.kind != PassageLine::Kind::melody) continue;
      const PassageAlignment found = align_passages(x.onsets, y.onsets);
      if (found.notes.empty()) continue;
      const TimeSignature& meter = a.meter_at(0);
      const double bar = 4.0 * meter.numerator / meter.denominator;
      const double bars = (x.onsets[found.notes.back().first].end - x.onsets[found.notes.front().first].time) / bar;
      if (bars * found.share <= most.bars * most.share) continue;
      most = {bars, found.share,
              static_cast<double>(found.matched) / static_cast<double>(std::min(x.onsets.size(), y.onsets.size()))};
    }
  return most;
}

Score bars_of(const Score& score, int first, int last) {
  const auto lines = score.bar_lines();
  const auto line = [&](int bar) {
    return lines[std::min(static_cast<std::size_t>(std::max(0, bar)), lines.size() - 1)];
  };
  return cut_passage(score, line(first - 1), line(last));
}

/// "tune": the pieces are one tune, eight bars or half of one of them; "phrase": what was flagged stands in both note
/// for note, four notes in five over three bars; else "none".
const char* kinship(const Likeness& whole, const Score& window, const Score& source, const PassageMatch& match) {
  if (whole.share >= 0.6 && (whole.bars >= 8 || whole.part >= 0.5)) return "tune";
  const Likeness passage = likeness(bars_of(window, match.bar_from, match.bar_to),
                                    bars_of(source, match.source_bar_from, match.source_bar_to));
  return passage.share >= 0.8 && passage.bars >= 3 ? "phrase" : "none";
}

/// A share of windows with its standard error; windows of one piece are not independent, so pieces are what is counted.
struct Clustered {
  std::map<std::string, std::pair<double, double>> of_piece;  ///< flagged, windows
  void add(const std::string& piece, bool flagged) {
    of_piece[piece].first += flagged;
    of_piece[piece].second += 1;
  }
  void write(nlohmann::json& out, const std::string& name) const {
    double flagged = 0, windows = 0;
    for (const auto& [piece, x] : of_piece) flagged += x.first, windows += x.second;
    const double n = static_cast<double>(of_piece.size()), share = windows > 0 ? flagged / windows : 0;
    double square = 0;
    for (const auto& [piece, x] : of_piece) square += std::pow(x.first - share * x.second, 2);
    out[name] = share;
    out[name + "_se"] = n > 1 ? std::sqrt(square * n / (n - 1)) / windows : 0.0;
  }
};

using PiecesById = std::map<std::string, const Piece*>;

/// What `compose` asks of a model, and what its indexes are.
struct AskedGate {
  OriginalityGate gate;
  nlohmann::json about;  ///< {pieces, bytes, hash, shipped}
};

/// The indexes beside the model if they are of these training pieces; else one of the pieces that are here.
AskedGate open_gate(const Model& model, const PiecesById& training) {
  auto indexes = OriginalityGate::indexes_of(model);
  std::set<std::string_view> names;
  for (const PassageIndex& index : indexes)
    for (std::size_t i = 0; i < index.pieces(); ++i) names.insert(index.name(i));
  std::size_t indexed = 0;
  for (const auto& [id, piece] : training) indexed += names.count(id);
  // Exact doubles of other pieces are not learned from, so a few may be missing.
  const bool shipped = 50 * indexed >= 49 * training.size();
  if (!shipped) {
    PassageIndexBuilder builder;
    for (const auto& [id, piece] : training) builder.add(id, piece->score);
    indexes.clear();
    indexes.emplace_back(builder.finish());
  }
  std::size_t bytes = 0;
  for (const PassageIndex& index : indexes) bytes += index.bytes();
  OriginalityGate gate(std::move(indexes), {});
  nlohmann::json about = gate.record({}, 0)["corpus"];
  about.update({{"bytes", bytes}, {"shipped", shipped}});
  return {std::move(gate), std::move(about)};
}

double binomial_se(double share, double n) { return n > 0 ? std::sqrt(share * (1 - share) / n) : 0; }

}  // namespace

nlohmann::json evaluate_originality(const EvaluateOptions& options) {
  AskedComposers composers(options.model);
  const std::string split = options.split.empty() ? "test" : options.split;
  const auto& styles = composers.main().styles();

  std::map<std::string, std::vector<Piece>> pieces;
  for (const Dataset& set : datasets())
    if (std::find(styles.begin(), styles.end(), set.style) != styles.end() &&
        std::filesystem::exists(options.data / set.name))
      pieces[set.style] = set.read(options.data / set.name);
  if (pieces.empty())
    throw Error(Category::not_found, "evaluate originality",
                options.data.string() + ": holds none of the sets of this model's styles");

  PiecesById training;
  for (const auto& [style, all] : pieces)
    for (const Piece& piece : all)
      if (piece.split == "train") training[piece.id] = &piece;
  std::map<std::string, AskedGate> gates;  // by model
  const auto gate_of = [&](const Composer& composer) -> const AskedGate& {
    const Model& model = composer.model();
    if (const auto open = gates.find(model.hash); open != gates.end()) return open->second;
    PiecesById learned;
    for (const auto& [id, piece] : training)
      if (std::find(composer.styles().begin(), composer.styles().end(), piece->style) != composer.styles().end())
        learned[id] = piece;
    return gates.emplace(model.hash, open_gate(model, learned)).first->second;
  };

  nlohmann::json by_style, missed = nlohmann::json::array(), flagged = nlohmann::json::array();
  double planted_all = 0, found_all = 0, named_all = 0, dense_all = 0, dense_found_all = 0, composed_all = 0,
         composed_refused = 0;
  Clustered real_all, strangers_all, unlike_all, whole_all;
  double seconds = 0, asked = 0;
  std::uint64_t stream = 0;
  for (const auto& [style, all] : pieces) {
    Random random = Random::stream(options.seed, 0x6f726967 + stream++);
    std::vector<const Piece*> learned, held_out;
    for (const Piece& piece : all) {
      if (piece.split == "train") learned.push_back(&piece);
      if (piece.split == split) held_out.push_back(&piece);
    }
    if (learned.empty() || held_out.empty())
      throw Error(Category::bad_input, "evaluate originality", style + ": too few pieces");
    nlohmann::json& row = by_style[style];
    ComposeOptions wish;
    wish.style = style;
    wish.bars = kBars;
    const Composer& composer = composers.of(wish);
    const auto& [gate, about] = gate_of(composer);
    row["model"] = {{"name", composer.model().name}, {"hash", composer.model().hash}};
    row["index"] = about;

    std::vector<Score> hosts(kHostsPerStyle);
    {
      Progress progress("compose " + style, hosts.size(), "pieces");
      parallel_for(hosts.size(), [&](std::size_t i) {
        ComposeOptions mine = wish;
        mine.seed = options.seed * 1000003 + i;
        hosts[i] = composer.compose(mine).written;
        progress.advance();
      });
    }
    double refused = 0;
    for (const Score& host : hosts) refused += !gate.judge(host).original;
    row["composed"] = hosts.size();
    row["composed_refused"] = refused / static_cast<double>(hosts.size());
    composed_all += static_cast<double>(hosts.size());
    composed_refused += refused;

    const auto excerpts =
        draw_excerpts(learned, static_cast<std::size_t>(options.limit > 0 ? options.limit : kPlantedPerStyle), random);
    std::vector<Planting> how(excerpts.size());
    std::vector<std::size_t> host(excerpts.size());
    for (std::size_t i = 0; i < excerpts.size(); ++i) {
      how[i] = {static_cast<int>(random.below(kBars / 2)), static_cast<int>(random.below(12)) - 5,
                kStretches[random.below(kStretches.size())], random.below(2) == 1};
      host[i] = random.below(hosts.size());
    }
    std::vector<GateVerdict> verdicts(excerpts.size());
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < excerpts.size(); ++i)
      verdicts[i] = gate.judge(plant_passage(hosts[host[i]], excerpts[i].score, how[i]));
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    asked += static_cast<double>(excerpts.size());
    double found = 0, named = 0, dense = 0, dense_found = 0;
    for (std::size_t i = 0; i < excerpts.size(); ++i) {
      found += !verdicts[i].original;
      if (onsets(excerpts[i].score) >= kDense) {
        ++dense;
        dense_found += !verdicts[i].original;
      }
      named += !verdicts[i].original && verdicts[i].nearest->piece == excerpts[i].piece->id;
      if (verdicts[i].original && missed.size() < kListed)
        missed.push_back({{"piece", excerpts[i].piece->id},
                          {"bar", excerpts[i].bar},
                          {"onsets", onsets(excerpts[i].score)},
                          {"stretch", how[i].stretch},
                          {"similarity", verdicts[i].nearest ? verdicts[i].nearest->similarity : 0.0}});
    }
    const double n = static_cast<double>(excerpts.size());
    row["planted"] = excerpts.size();
    row["planted_found"] = found / n;
    row["planted_found_se"] = binomial_se(found / n, n);
    row["planted_named"] = named / n;
    row["planted_dense"] = dense;
    row["planted_dense_found"] = dense > 0 ? dense_found / dense : 0.0;
    planted_all += n;
    found_all += found;
    named_all += named;
    dense_all += dense;
    dense_found_all += dense_found;

    Clustered real, strangers, unlike, whole;
    std::size_t windows = 0;
    for (const Piece* piece : held_out) {
      std::map<std::string, Likeness> known;  // by training piece
      const auto source_of = [&](const PassageMatch& match) {
        const auto at = training.find(match.piece);
        return at == training.end() ? Score{} : at->second->score;
      };
      const auto is_same = [&](const PassageMatch& match) {
        const auto [at, fresh] = known.try_emplace(match.piece);
        if (fresh) at->second = likeness(piece->score, source_of(match));
        return at->second;
      };
      for (const Score& window : bar_windows(piece->score, kBars)) {
        const GateVerdict verdict = gate.judge(window);
        ++windows;
        real.add(piece->id, !verdict.original);
        real_all.add(piece->id, !verdict.original);
        if (verdict.original) {
          strangers.add(piece->id, false);
          strangers_all.add(piece->id, false);
          unlike.add(piece->id, false);
          unlike_all.add(piece->id, false);
          continue;
        }
        const Likeness alike = is_same(*verdict.nearest);
        const std::string kind = kinship(alike, window, source_of(*verdict.nearest), *verdict.nearest);
        row["flagged_" + kind] = row.value("flagged_" + kind, 0) + 1;
        if (kind != "tune") {
          strangers.add(piece->id, true);
          strangers_all.add(piece->id, true);
          if (kind != "phrase") {
            unlike.add(piece->id, true);
            unlike_all.add(piece->id, true);
          }
        }
        if (flagged.size() < kListed)
          flagged.push_back({{"piece", piece->id},
                             {"passage", passage_text(*verdict.nearest)},
                             {"similarity", verdict.nearest->similarity},
                             {"same", kind},
                             {"same_bars", alike.bars},
                             {"same_share", alike.share}});
      }
      const bool refuse = !gate.judge(piece->score).original;
      whole.add(piece->id, refuse);
      whole_all.add(piece->id, refuse);
    }
    row["real_pieces"] = held_out.size();
    row["real_windows"] = windows;
    real.write(row, "real_flagged");
    strangers.write(row, "strangers_flagged");
    unlike.write(row, "unlike_flagged");
    whole.write(row, "real_pieces_flagged");
  }
  nlohmann::json out{{"split", split},
                     {"model", {{"name", composers.main().model().name}, {"hash", composers.main().model().hash}}},
                     {"threshold", kCopySimilarity},
                     {"styles", by_style},
                     {"planted", planted_all},
                     {"planted_found", found_all / planted_all},
                     {"planted_found_se", binomial_se(found_all / planted_all, planted_all)},
                     {"planted_named", named_all / planted_all},
                     {"planted_dense", dense_all},
                     {"planted_dense_found", dense_all > 0 ? dense_found_all / dense_all : 0.0},
                     {"composed", composed_all},
                     {"composed_refused", composed_refused / composed_all},
                     {"milliseconds_per_piece", 1000 * seconds / asked},
                     {"missed", missed},
                     {"flagged", flagged}};
  real_all.write(out, "real_flagged");
  strangers_all.write(out, "strangers_flagged");
  unlike_all.write(out, "unlike_flagged");
  whole_all.write(out, "real_pieces_flagged");
  return out;
}

}  // namespace euterpe
