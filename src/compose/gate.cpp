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

/// Of all tracks the notes that begin in the passage, or those that do not.
Score notes_in(const Score& score, const PassageMatch& match, bool inside) {
  constexpr double kSlack = 0.05;  // quarters
  Score out = score;
  for (Track& track : out.tracks)
    std::erase_if(track.notes, [&](const Note& n) {
      const double at = static_cast<double>(n.start) / score.ticks_per_quarter;
      return (at >= match.from - kSlack && at <= match.to + kSlack) != inside;
    });
  return out;
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
  std::erase_if(options_.given, [](const Score& s) { return s.note_count() == 0; });
  if (!options_.given.empty()) {
    PassageIndexBuilder builder;
    for (std::size_t i = 0; i < options_.given.size(); ++i)
      builder.add(fmt::format("given {}", i + 1), options_.given[i]);
    given_.emplace(builder.finish());
  }
}

std::vector<PassageIndex> OriginalityGate::indexes_of(const Model& model) {
  std::vector<PassageIndex> out;
  for (const auto& file : passage_files(model.folder)) out.emplace_back(file);
  const std::string elsewhere = model.card.is_object() ? model.card.value(kPassagesElsewhere, "") : "";
  if (elsewhere.empty()) return out;
  std::vector<std::filesystem::path> folders;
  std::error_code ec;
  for (std::filesystem::directory_iterator it(model.folder.parent_path(), ec), end; !ec && it != end; it.increment(ec))
    if (it->is_directory(ec)) folders.push_back(it->path());
  for (const Model& other : list_models()) folders.push_back(other.folder);
  for (const auto& folder : folders)
    for (const auto& file : passage_files(folder))
      if (sha256_file(file) == elsewhere) {
        out.emplace_back(file);
        return out;
      }
  throw Error(Category::not_found, "originality",
              fmt::format("{}: no model here has the index {} of what it learned from", model.name,
                          elsewhere.substr(0, kShownId)),
              fmt::format("make it anew: euterpe train passages --data DATA --out {}", model.folder.string()));
}

GateVerdict OriginalityGate::nearest(const Score& composed) const {
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

/// Whether what repeats another piece repeats, all along, what was given.
bool OriginalityGate::is_given(const Score& composed, const PassageMatch& match) const {
  constexpr std::size_t kMost = 64;
  constexpr double kAllAlong = 0.8;
  if (!given_) return false;
  std::vector<const PassageIndex*> indexes{&*given_};  // the others say how rare it is
  for (const PassageIndex& index : indexes_) indexes.push_back(&index);
  for (const PassageMatch& own : find_passages(notes_in(composed, match, true), indexes, kMost))
    if (own.index == 0)
      return own.similarity >= options_.threshold && own.to - own.from >= kAllAlong * (match.to - match.from);
  return false;
}

GateVerdict OriginalityGate::judge(const Score& composed) const {
  GateVerdict verdict = nearest(composed);
  for (Score rest = composed; !verdict.original && is_given(rest, *verdict.nearest);) {
    const std::size_t notes = rest.note_count();
    rest = notes_in(rest, *verdict.nearest, false);
    if (rest.note_count() == notes) break;
    verdict = nearest(rest);
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
        fmt::format("{} pieces were composed and each repeats one of the {}; the last, counted from where it is new, "
                    "{} (similarity {:.2f}, {:.2f} at most)",
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
