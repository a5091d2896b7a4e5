#pragma once
/// Examples for an UnknownDetector of recordings, which looks at audio_features().
#include <cstdint>
#include <filesystem>

#include "recognize/audio_clips.hpp"
#include "train/classifier.hpp"

namespace euterpe {

struct SoundExamples {
  /// The views of each clip, item = index of the clip, group = its artist; then two pieces of each clip, 2 s and
  /// longer, worn() as what people bring is: label −1, as UnknownDetector::fit() takes variants.
  Examples known;
  /// Synthetic sounds and, where there is a folder of noises, its noises for training, each worn in several ways.
  Examples other;
};

/// Hears about 2 h of sound for 260 clips of 30 s: a minute of one core. Clips that can no longer be decoded add no
/// pieces.
/// \param noises a folder that need not be there
SoundExamples sound_examples(const AudioClips& clips, const std::filesystem::path& noises, std::uint64_t seed);

}  // namespace euterpe
