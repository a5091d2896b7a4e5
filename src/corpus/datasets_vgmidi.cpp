#include <fmt/format.h>

#include <map>

#include "base/error.hpp"
#include "base/files.hpp"
#include "corpus/datasets.hpp"
#include "corpus/read_labeled.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

/// Sums over listeners of the means over time, and their number.
struct Curves {
  double valence = 0, arousal = 0;
  int listeners = 0;
};

double mean(const nlohmann::json& values) {
  double sum = 0;
  for (const auto& v : values) sum += v.get<double>();
  return sum / static_cast<double>(values.size());
}

/// \param curves by the name of the MIDI file; a listener's key is PIECE_NUMBER
void add_annotations(const fs::path& path, std::map<std::string, Curves>& curves) {
  try {
    const auto json = nlohmann::json::parse(read_text(path));
    for (const auto& [key, annotation] : json.at("annotations").items()) {
      const std::string piece = key.substr(0, key.rfind('_'));
      const auto &valence = annotation.at("valence"), &arousal = annotation.at("arousal");
      if (!json.at("pieces").contains(piece) || valence.empty() || arousal.empty()) continue;
      const fs::path midi = json["pieces"][piece].at("midi").get<std::string>();
      Curves& sum = curves[midi.filename().string()];
      sum.valence += mean(valence);
      sum.arousal += mean(arousal);
      ++sum.listeners;
    }
  } catch (const nlohmann::json::exception& e) {
    throw Error(Category::bad_input, "read_vgmidi", path.string() + ": " + e.what());
  }
}

/// GAME of SERIES_PLATFORM_GAME_PIECE; the whole stem if it is named in another way.
std::string game_of(const std::string& stem) {
  const auto series = stem.find('_'), platform = stem.find('_', series + 1);
  if (series == std::string::npos || platform == std::string::npos) return stem;
  const auto game = stem.find('_', platform + 1);
  return stem.substr(platform + 1, game == std::string::npos ? game : game - platform - 1);
}

}  // namespace

LabeledScores read_vgmidi(const fs::path& folder) {
  std::map<std::string, Curves> curves;
  for (const auto& path : walk_files({folder / "annotations"}))
    if (path.extension() == ".json") add_annotations(path, curves);
  LabeledScores set{"vgmidi", quadrant_labels(), {}, "not stated", false};
  std::vector<fs::path> files;
  for (const auto& [name, sum] : curves) {
    const fs::path path = folder / "midi" / name;
    if (!fs::exists(path)) continue;
    LabeledScore item;
    item.id = "vgmidi/" + path.stem().string();
    item.group = "vgmidi/" + game_of(path.stem().string());
    item.split = split_of(item.group);
    item.valence = sum.valence / sum.listeners;
    item.arousal = sum.arousal / sum.listeners;
    item.label = quadrant_of(item.valence, item.arousal);
    set.items.push_back(std::move(item));
    files.push_back(path);
  }
  read_scores(set, files);
  return set;
}

}  // namespace euterpe
