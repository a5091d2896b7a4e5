#include <fmt/format.h>

#include "base/error.hpp"
#include "corpus/csv_table.hpp"
#include "corpus/read_labeled.hpp"

namespace euterpe {
namespace fs = std::filesystem;

LabeledScores read_emopia(const fs::path& folder) {
  const CsvTable clips(folder / "clips.csv", {"file", "split", "song", "quadrant"});
  LabeledScores set{"emopia", quadrant_labels(), {}, "CC BY-NC-SA 4.0", false};
  std::vector<fs::path> files;
  for (std::size_t i = 0; i < clips.rows(); ++i) {
    const std::string& quadrant = clips.at(i, 3);
    if (quadrant.size() != 1 || quadrant[0] < '1' || quadrant[0] > '4')
      throw Error(Category::bad_input, "read_emopia",
                  fmt::format("{}: {}: the quadrant is \"{}\", expected 1 to 4", (folder / "clips.csv").string(),
                              clips.at(i, 0), quadrant));
    LabeledScore item;
    const fs::path name = fs::path(clips.at(i, 0)).filename();
    item.id = "emopia/" + name.stem().string();
    item.group = "emopia/" + clips.at(i, 2);
    item.split = clips.at(i, 1) == "val" ? "valid" : clips.at(i, 1);
    item.label = quadrant[0] - '1';
    item.valence = item.label == 0 || item.label == 3 ? 1 : -1;
    item.arousal = item.label <= 1 ? 1 : -1;
    set.items.push_back(std::move(item));
    files.push_back(folder / name);
  }
  read_scores(set, files);
  return set;
}

}  // namespace euterpe
