#include "corpus/composing_sets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "base/error.hpp"
#include "corpus/labeled_scores.hpp"
#include "score/remi_vocabulary.hpp"

namespace euterpe {

std::vector<Piece> read_groove_beats(const std::filesystem::path& folder) {
  LabeledScores set = read_groove(folder);
  std::vector<Piece> pieces;
  for (LabeledScore& item : set.items) {
    if (!item.beat) continue;
    Piece piece{item.id, "drums", item.id, item.split, std::move(item.score), item.file};
    const std::string& style = set.labels[static_cast<std::size_t>(item.label)];
    if (remi_variety("drums", style)) piece.variety = style;
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::vector<Piece> read_emopia_clips(const std::filesystem::path& folder) {
  LabeledScores set = read_emopia(folder);
  std::vector<Piece> pieces;
  for (LabeledScore& item : set.items) {
    Piece piece{item.id, "pop", item.group, item.split, std::move(item.score), item.file};
    piece.emotion = item.label;
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

const std::vector<ComposingSet>& composing_sets() {
  static const std::vector<ComposingSet> table = [] {
    std::vector<ComposingSet> sets;
    for (const Dataset& d : datasets()) sets.push_back({d.name, d.style, d.licence, d.commercial, d.read});
    sets.push_back({"groove", "drums", "CC BY 4.0, credit: Gillick et al. 2019", true, read_groove_beats, 8, false});
    sets.push_back({"emopia", "pop", "CC BY-NC-SA 4.0", false, read_emopia_clips, 8, true});
    return sets;
  }();
  return table;
}

const ComposingSet& composing_set(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ComposingSet& s : composing_sets()) {
    if (name == s.name) return s;
    names.push_back(s.name);
  }
  throw Error(Category::usage, "prepare", fmt::format("there is no data set \"{}\"", name),
              fmt::format("known: {}", fmt::join(names, ", ")));
}

}  // namespace euterpe
