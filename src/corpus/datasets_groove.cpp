#include <algorithm>
#include <set>

#include "corpus/csv_table.hpp"
#include "corpus/read_labeled.hpp"

namespace euterpe {
namespace fs = std::filesystem;

LabeledScores read_groove(const fs::path& folder) {
  const CsvTable info(folder / "info.csv", {"id", "session", "style", "beat_type", "midi_filename", "split"});
  auto style = [&](std::size_t row) { return info.at(row, 2).substr(0, info.at(row, 2).find('/')); };
  std::set<std::string> styles;
  for (std::size_t i = 0; i < info.rows(); ++i) styles.insert(style(i));
  LabeledScores set{"groove", {styles.begin(), styles.end()}, {}, "CC BY 4.0, credit: Gillick et al. 2019", true};
  std::vector<fs::path> files;
  for (std::size_t i = 0; i < info.rows(); ++i) {
    LabeledScore item;
    item.id = "groove/" + info.at(i, 0);
    item.group = "groove/" + info.at(i, 1);
    item.split = info.at(i, 5) == "validation" ? "valid" : info.at(i, 5);
    item.beat = info.at(i, 3) == "beat";
    item.label =
        static_cast<int>(std::lower_bound(set.labels.begin(), set.labels.end(), style(i)) - set.labels.begin());
    set.items.push_back(std::move(item));
    files.push_back(folder / info.at(i, 4));
  }
  read_scores(set, files);
  return set;
}

}  // namespace euterpe
