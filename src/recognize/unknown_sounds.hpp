#pragma once
/// Examples for an UnknownDetector of recordings.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "media/audio_buffer.hpp"
#include "train/classifier.hpp"

namespace euterpe {

/// What a detector looks at, of mono audio at 22,050 Hz: audio_features(), an embedding, or both in one vector.
/// Thread-safe.
using DescribeSound = std::function<std::vector<float>(const AudioBuffer&)>;

/// Adds to `known` two pieces of each recording, 2 s and longer, worn() as what people bring is. Their label is −1, as
/// UnknownDetector::fit() takes variants; recordings that cannot be decoded add none.
/// \param groups of each file, as those of `known`
void add_worn_pieces(Examples& known, const std::vector<std::filesystem::path>& files,
                     const std::vector<std::string>& groups, const DescribeSound& describe, std::uint64_t seed);

/// What is no music: synthetic sounds and, where the folder `noises` is there, its noises for training, each worn in
/// several ways. Groups: the kind or the file.
Examples other_sounds(const std::filesystem::path& noises, const DescribeSound& describe, std::uint64_t seed);

}  // namespace euterpe
