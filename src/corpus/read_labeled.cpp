#include "corpus/read_labeled.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "score/midi.hpp"

namespace euterpe {

void read_scores(LabeledScores& set, const std::vector<std::filesystem::path>& files) {
  EUTERPE_ASSERT(files.size() == set.items.size());
  parallel_for(files.size(), [&](std::size_t i) {
    try {
      set.items[i].score = read_midi(files[i]).score;
      set.items[i].file = sha256_file(files[i]);
    } catch (const Error& e) {
      spdlog::warn("left out {}: {}", files[i].string(), e.what());
    }
  });
  std::erase_if(set.items, [](const LabeledScore& item) { return item.score.note_count() == 0; });
  if (set.items.empty())
    throw Error(Category::not_found, "read_" + set.name, "none of the scores that the set lists can be read",
                "Name the folder as its publisher lays it out.");
  std::sort(set.items.begin(), set.items.end(),
            [](const LabeledScore& a, const LabeledScore& b) { return a.id < b.id; });
}

}  // namespace euterpe
