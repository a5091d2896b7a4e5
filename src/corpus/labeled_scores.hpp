#pragma once
/// Symbolic data sets whose scores have a label: emotion, composer, drum style.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

struct LabeledScore {
  std::string id;     ///< "emopia/Q1_0vLPYiPN7qY_0", "groove/drummer1/session1/1"
  std::string group;  ///< song, game, work or session: folds never divide a group
  std::string split;  ///< as published: "train", "valid" or "test"; split_of(group) where none is
  Score score;
  int label = -1;                   ///< index into LabeledScores::labels
  double valence = 0, arousal = 0;  ///< emotion sets only, −1 … 1 (emopia: ±1 by quadrant)
  bool beat = true;                 ///< groove: false for fills
  std::string file = {};            ///< SHA-256 of the file it was read from
};

struct LabeledScores {
  std::string name;                 ///< of the set, also its folder's
  std::vector<std::string> labels;  ///< quadrants in the order Q1 … Q4, other labels sorted
  std::vector<LabeledScore> items;  ///< sorted by id
  std::string licence;              ///< as stated by the publisher
  bool commercial = false;          ///< whether weights that learned from it may be used commercially
};

/// Russell's quadrants of valence and arousal: "Q1" high/high, "Q2" low/high, "Q3" low/low, "Q4" high/low.
int quadrant_of(double valence, double arousal);
const std::vector<std::string>& quadrant_labels();

/// EMOPIA (Hung et al. 2021): *.mid with clips.csv (file, split, song, quadrant); groups are songs.
LabeledScores read_emopia(const std::filesystem::path& folder);
/// VGMIDI (Ferreira and Whitehead 2019): midi/*.mid named SERIES_PLATFORM_GAME_PIECE, annotations/*.json with the
/// listeners' curves. valence and arousal are the means over listeners and time, the label is the quadrant of their
/// signs; groups are games. Pieces without curves are left out.
LabeledScores read_vgmidi(const std::filesystem::path& folder);
/// Groove MIDI (Gillick et al. 2019): info.csv names the files; the label is the style before the "/", groups are
/// sessions, "validation" is "valid".
LabeledScores read_groove(const std::filesystem::path& folder);
/// The composers of read_classical() that have at least `min_files` files; groups are works.
LabeledScores read_composers(const std::filesystem::path& folder, int min_files = 17);

/// Drops what may not be learned from and says how many were dropped. \param forbidden SHA-256 of files
int leave_out(LabeledScores& set, const std::set<std::string>& forbidden);
/// Row of a model's card: {name, licence, split, pieces, hash}, for the items of `split` (all if empty).
nlohmann::json data_row(const LabeledScores& set, std::string_view split);

}  // namespace euterpe
