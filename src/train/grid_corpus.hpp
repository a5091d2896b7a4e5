#pragma once
/// Training pieces as bars on a grid (score/bar_grid.hpp), from a shard or from data sets.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "corpus/shard.hpp"
#include "nn/style_habits.hpp"
#include "score/bar_grid.hpp"

namespace euterpe {

struct GridPiece {
  std::string id, style, split;
  BarGrid grid;  ///< a stretch of bars in the grid's meters, silent bars at its ends left out
};

struct GridCorpus {
  Shard shard;                      ///< what the pieces are from: card entries and the passages that a gate must know
  std::vector<std::string> styles;  ///< of the training pieces, in the order of composing_sets()
  std::vector<GridPiece> pieces;
  int left_out_bars = 0;  ///< in meters that the grid cannot say

  int style(const std::string& name) const;  ///< its number in `styles`, −1 = none
};

/// "chorale, folk" as names; "all" and nothing: none, which stands for all.
std::vector<std::string> listed_names(const std::string& list);

/// \param path a shard, or a folder with all data sets, of which `sets` are prepared
/// \param styles to keep; empty = all but drums
/// \param forbidden SHA-256 of files that may not be learned from
/// Error{not_found | bad_input}; Error{bad_input} without a piece to learn from, Error{usage} where one of `styles` has
/// none.
GridCorpus read_grid_corpus(const std::filesystem::path& path, const std::vector<std::string>& sets,
                            const std::vector<std::string>& styles, const std::set<std::string>& forbidden);

/// What every card says of where a model comes from: data, left_out, commercial, styles, and training's manifest_hash
/// and split_hash. Only the sources of the styles that were kept are named.
nlohmann::json corpus_card(const GridCorpus& corpus);

/// Of the training pieces of a style.
StyleHabits corpus_habits(const GridCorpus& corpus, const std::string& style);

}  // namespace euterpe
