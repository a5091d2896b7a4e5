#include "compose/gate.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kTrackId = 64, kShownId = 12;  // a track's id is long, its beginning is enough to name it

nlohmann::json row(const std::optional<PassageIndex>& index, const std::string& hash) {
  if (!index) return nullptr;
  return {{"pieces", index->pieces()}, {"hash", hash}};
}

std::string bars(int from, int to) {
  return from == to ? fmt::format("bar {}", from) : fmt::format("bars {}-{}", from, to);
}

}  // namespace

OriginalityGate::OriginalityGate(std::optional<PassageIndex> corpus, std::optional<PassageIndex> catalog,
                                 GateOptions options)
    : corpus_(std::move(corpus)), catalog_(std::move(catalog)), options_(std::move(options)) {
  if (options_.attempts < 1) throw Error(Category::usage, "compose", "the gate needs at least one attempt");
  if (corpus_) corpus_hash_ = corpus_->hash();
  if (catalog_) catalog_hash_ = catalog_->hash();
}

std::optional<PassageIndex> OriginalityGate::index_of(const Model& model) {
  const auto path = model.folder / kPassageIndexName;
  if (!std::filesystem::exists(path)) return {};
  return PassageIndex(path);
}

GateVerdict OriginalityGate::judge(const Score& composed) const {
  std::vector<const PassageIndex*> indexes;
  std::vector<const char*> names;
  if (corpus_) indexes.push_back(&*corpus_), names.push_back("corpus");
  if (catalog_) indexes.push_back(&*catalog_), names.push_back("catalog");
  GateVerdict verdict;
  for (PassageMatch& match : find_passages(composed, indexes, 1 + options_.except.size())) {
    if (options_.except.count(match.piece) > 0) continue;
    verdict.where = names[match.index];
    verdict.original = match.similarity < options_.threshold;
    verdict.nearest = std::move(match);
    break;
  }
  return verdict;
}

nlohmann::json OriginalityGate::admit(const std::function<Score(int attempt)>& compose) const {
  for (int attempt = 1;; ++attempt) {
    const GateVerdict verdict = judge(compose(attempt));
    if (verdict.original) return record(verdict, attempt);
    if (attempt < options_.attempts) continue;
    throw Error(
        Category::refused, "compose",
        fmt::format("{} pieces were composed and each repeats one of the {}; the last {} (similarity {:.2f}, {:.2f} "
                    "at most)",
                    attempt, verdict.where, passage_text(*verdict.nearest), verdict.nearest->similarity,
                    options_.threshold),
        "another --seed or a higher --temperature strays farther from what was learned");
  }
}

nlohmann::json OriginalityGate::record(const GateVerdict& verdict, int attempts) const {
  nlohmann::json nearest;
  if (verdict.nearest) {
    const PassageMatch& m = *verdict.nearest;
    nearest = {{"piece", m.piece},
               {"where", verdict.where},
               {"bars", {m.bar_from, m.bar_to}},
               {"piece_bars", {m.source_bar_from, m.source_bar_to}},
               {"notes", m.notes},
               {"of_notes", m.of_notes},
               {"share", m.share},
               {"transposition", m.transposition},
               {"tempo_ratio", m.tempo_ratio}};
  }
  return {{"original", verdict.original},
          {"threshold", options_.threshold},
          {"similarity", verdict.nearest ? verdict.nearest->similarity : 0.0},
          {"attempts", attempts},
          {"nearest", nearest},
          {"corpus", row(corpus_, corpus_hash_)},
          {"catalog", row(catalog_, catalog_hash_)}};
}

std::string passage_text(const PassageMatch& match) {
  const std::string moved = match.transposition == 0 ? "as written"
                                                     : fmt::format("{} semitone{} {}", std::abs(match.transposition),
                                                                   std::abs(match.transposition) == 1 ? "" : "s",
                                                                   match.transposition > 0 ? "up" : "down");
  return fmt::format("{} as {} of {} ({}, {} of {} notes)", bars(match.bar_from, match.bar_to),
                     bars(match.source_bar_from, match.source_bar_to),
                     match.piece.size() == kTrackId ? match.piece.substr(0, kShownId) : match.piece, moved, match.notes,
                     match.of_notes);
}

}  // namespace euterpe
