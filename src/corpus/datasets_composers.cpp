#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "corpus/csv_table.hpp"
#include "corpus/datasets.hpp"
#include "corpus/read_labeled.hpp"

namespace euterpe {
namespace fs = std::filesystem;

LabeledScores read_composers(const fs::path& folder, int min_files) {
  const CsvTable works(folder / "works.csv", {"file", "composer", "work"});
  std::map<std::string, int> count;
  for (std::size_t i = 0; i < works.rows(); ++i) ++count[works.at(i, 1)];
  std::erase_if(count, [&](const auto& entry) { return entry.second < min_files; });
  if (count.size() < 2)
    throw Error(Category::bad_input, "read_composers",
                fmt::format("{}: fewer than two composers with {} files", (folder / "works.csv").string(), min_files));
  const Dataset& source = dataset("classical");
  LabeledScores set{source.name, {}, {}, source.licence, source.commercial};
  for (const auto& [composer, files] : count) set.labels.push_back(composer);
  std::vector<fs::path> files;
  for (std::size_t i = 0; i < works.rows(); ++i) {
    const auto label = std::lower_bound(set.labels.begin(), set.labels.end(), works.at(i, 1));
    if (label == set.labels.end() || *label != works.at(i, 1)) continue;
    LabeledScore item;
    const fs::path name = fs::path(works.at(i, 0)).filename();
    item.id = "classical/" + name.stem().string();
    item.group = "classical/" + works.at(i, 2);
    item.split = split_of(item.group);
    item.label = static_cast<int>(label - set.labels.begin());
    set.items.push_back(std::move(item));
    files.push_back(folder / name);
  }
  read_scores(set, files);
  return set;
}

}  // namespace euterpe
