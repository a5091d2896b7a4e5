#include "compose/gate.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "base/error.hpp"
#include "base/files.hpp"
#include "score/passage_files.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kTrackId = 64, kShownId = 12;  // a track's id is long, its beginning is enough to name it

nlohmann::json row(std::span<const PassageIndex> indexes) {
  if (indexes.empty()) return nullptr;
  std::size_t pieces = 0;
  std::string hashes;
  for (const PassageIndex& index : indexes) {
    pieces += index.pieces();
    hashes += index.hash();
  }
  return {{"pieces", pieces}, {"hash", indexes.size() == 1 ? hashes : sha256(hashes)}};
}

std::string bars(int from, int to) {
  return from == to ? fmt::format("bar {}", from) : fmt::format("bars {}-{}", from, to);
}

}  // namespace

OriginalityGate::OriginalityGate(std::vector<PassageIndex> corpus, std::optional<PassageIndex> catalog,
                                 GateOptions options)
    : indexes_(std::move(corpus)), of_corpus_(indexes_.size()), corpus_(row(indexes_)), options_(std::move(options)) {
  if (options_.attempts < 1) throw Error(Category::usage, "compose", "the gate needs at least one attempt");
  if (catalog) indexes_.push_back(std::move(*catalog));
  catalog_ = row(std::span(indexes_).subspan(of_corpus_));
}

std::vector<PassageIndex> OriginalityGate::indexes_of(const Model& model) {
  std::vector<PassageIndex> out;
  for (const auto& file : passage_files(model.folder)) out.emplace_back(file);
  return out;
}

GateVerdict OriginalityGate::judge(const Score& composed) const {
  std::vector<const PassageIndex*> indexes;
  for (const PassageIndex& index : indexes_) indexes.push_back(&index);
  GateVerdict verdict;
  // A piece that may be repeated may stand in each of them.
  for (PassageMatch& match : find_passages(composed, indexes, 1 + options_.except.size() * indexes.size())) {
    if (options_.except.count(match.piece) > 0) continue;
    verdict.where = match.index < of_corpus_ ? "corpus" : "catalog";
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
          {"corpus", corpus_},
          {"catalog", catalog_}};
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
