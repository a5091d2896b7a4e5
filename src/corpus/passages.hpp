#pragma once
/// The passage index of what a model learned from: it stands beside the model's card and holds no music.
#include <cstdint>
#include <span>
#include <vector>

#include "corpus/prepare.hpp"
#include "corpus/shard.hpp"

namespace euterpe {

/// Bytes of the index of the pieces that `shard` has for training, from the scores that they were made from.
std::vector<std::uint8_t> training_passages(std::span<const Source> sources, const Shard& shard);
/// The same from the tokens of the shard (REMI), variants left out: the index knows every key and tempo.
std::vector<std::uint8_t> training_passages(const Shard& shard);

}  // namespace euterpe
