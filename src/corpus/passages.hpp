#pragma once
/// The passage index of what a model learned from: it stands beside the model's card and holds no music.
#include <cstdint>
#include <span>
#include <vector>

#include "corpus/prepare.hpp"
#include "corpus/shard.hpp"
#include "score/passage_index.hpp"

namespace euterpe {

/// How many times fewer runs of notes are kept of classical pieces, which have more bars than all others together. What
/// stands there note for note is found all the same, a rougher copy only if it is long.
inline constexpr double kClassicalThinner = 12;

/// Bytes of the index of all training pieces of these sources, as they were played and written. Doubles that prepare()
/// leaves out are in it too: they take next to no room.
std::vector<std::uint8_t> training_passages(std::span<const Source> sources, const PassageIndexOptions& options = {});
/// The same from the tokens of a shard, variants left out: the index knows every key and tempo.
std::vector<std::uint8_t> training_passages(const Shard& shard, const PassageIndexOptions& options = {});

}  // namespace euterpe
