#pragma once
/// Training of the two style recognizers, and the examples that training and evaluation share.
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "score/descriptors.hpp"
#include "train/classifier.hpp"

namespace euterpe {

/// Clips of known style below `folder`: folder/CLASS/FILE in any audio format; artists.csv (file,artist) names the
/// artist of each clip, whose clips then never stand on both sides of a split; without it every file is its own artist.
struct StyleClips {
  std::vector<std::string> labels;  ///< the folders' names, sorted
  std::vector<std::string> files;   ///< relative to folder, one per item
  Examples examples;                ///< all audio_views() of all clips; items index `files`, groups are artists
  int forbidden = 0;                ///< clips left out because their file may not be learned from
};
/// SHA-256 of files that may not be learned from, as forbidden_tracks() of the corpus gives them.
using Forbidden = std::set<std::string>;
/// Error{not_found | bad_input}: no audio, fewer than two classes. Clips that cannot be read are reported and left out.
StyleClips read_style_clips(const std::filesystem::path& folder, const Forbidden& forbidden = {});
ClassifierOptions style_audio_options(int classes, std::uint64_t seed);
/// How many artist-disjoint folds the members of a style-audio ensemble are trained on.
inline constexpr int kStyleAudioFolds = 5;

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

/// Trains on everything below `data` (layout of StyleClips), writes model.safetensors and card.json into `out`.
/// Returns the card's training and metrics. Takes well under a minute beside the reading.
nlohmann::json train_style_audio(const std::filesystem::path& data, const std::filesystem::path& out,
                                 std::uint64_t seed, const Forbidden& forbidden = {});

/// Trains on the sets' training splits, stops and calibrates on their validation splits; `data` as for
/// read_style_passages. Training passages begin anywhere on the beat, are 4, 8, 12 or 16 bars long and transposed by −6
/// … +5 semitones at random.
nlohmann::json train_style_score(const std::filesystem::path& data, const std::filesystem::path& out,
                                 std::uint64_t seed, const Forbidden& forbidden = {});

}  // namespace euterpe
