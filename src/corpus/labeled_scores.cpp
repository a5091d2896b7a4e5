#include "corpus/labeled_scores.hpp"

#include <fmt/format.h>

#include "base/files.hpp"

namespace euterpe {

int quadrant_of(double valence, double arousal) {
  if (arousal >= 0) return valence >= 0 ? 0 : 1;
  return valence >= 0 ? 3 : 2;
}

const std::vector<std::string>& quadrant_labels() {
  static const std::vector<std::string> labels{"Q1", "Q2", "Q3", "Q4"};
  return labels;
}

int leave_out(LabeledScores& set, const std::set<std::string>& forbidden) {
  return static_cast<int>(
      std::erase_if(set.items, [&](const LabeledScore& item) { return forbidden.contains(item.file); }));
}

nlohmann::json data_row(const LabeledScores& set, std::string_view split) {
  std::string manifest;
  int pieces = 0;
  for (const LabeledScore& item : set.items) {
    if (!split.empty() && item.split != split) continue;
    manifest += fmt::format("{} {}\n", item.id, item.score.note_count());
    ++pieces;
  }
  return {{"name", set.name},
          {"licence", set.licence},
          {"split", split.empty() ? "all" : std::string(split)},
          {"pieces", pieces},
          {"hash", sha256(manifest)}};
}

}  // namespace euterpe
