#pragma once
/// What the readers of labeled scores share.
#include <filesystem>
#include <string>
#include <vector>

#include "corpus/labeled_scores.hpp"

namespace euterpe {

/// Reads files[i] into set.items[i], in parallel; an item whose file cannot be read or has no note is reported and left
/// out. Error{not_found} if none is left. Sorts the items by id.
void read_scores(LabeledScores& set, const std::vector<std::filesystem::path>& files);

}  // namespace euterpe
