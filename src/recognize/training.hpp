#pragma once
/// Training of the style recognizer of scores, and the examples that training and evaluation share.
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "score/descriptors.hpp"
#include "train/classifier.hpp"

namespace euterpe {

/// SHA-256 of files that may not be learned from, as forbidden_tracks() of the corpus gives them.
using Forbidden = std::set<std::string>;

/// Passages of known style from the data sets below `data` (jsb, nottingham, pop909, classical).
struct StylePassage {
  std::vector<GridNote> notes;
  int label = 0;
  std::string group;
};
struct StylePassages {
  std::vector<std::string> labels;  ///< sorted
  std::vector<StylePassage> passages;
  nlohmann::json data;     ///< card rows of the sets read: {name, licence, split, pieces, hash}
  bool commercial = true;  ///< whether every set allows it
};
/// The 16-bar windows of one split, as they stand: what the recognizer is tested on.
/// Error{not_found} if fewer than two of the sets are there.
StylePassages read_style_passages(const std::filesystem::path& data, const std::string& split);

/// Trains on the sets' training splits, stops and calibrates on their validation splits; `data` as for
/// read_style_passages. Training passages begin anywhere on the beat, are 4, 8, 12 or 16 bars long and transposed by −6
/// … +5 semitones at random.
nlohmann::json train_style_score(const std::filesystem::path& data, const std::filesystem::path& out,
                                 std::uint64_t seed, const Forbidden& forbidden = {});

}  // namespace euterpe
