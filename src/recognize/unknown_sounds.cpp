#include "recognize/unknown_sounds.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "corpus/noises.hpp"
#include "media/decode.hpp"
#include "recognize/non_music_sounds.hpp"
#include "signal/audio_features.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr int kSynthetic = 640, kWornNoises = 6, kWornPieces = 2;
constexpr double kShortestPiece = 2;  // seconds

/// A piece of the recording, shorter ones more often than longer ones, worn; all of what is shorter than a piece.
AudioBuffer worn_piece(const AudioBuffer& audio, Random& random) {
  const double seconds = audio.duration().value;
  if (seconds <= 2 * kShortestPiece) return worn(audio, random);
  const double length = std::exp(random.uniform(std::log(kShortestPiece), std::log(seconds)));
  const auto begin =
      audio.samples.begin() + static_cast<std::ptrdiff_t>(random.uniform(0, seconds - length) * kEncoderRate);
  return worn({kEncoderRate, 1, {begin, begin + static_cast<std::ptrdiff_t>(length * kEncoderRate)}}, random);
}

/// Descriptors of `times` worn pieces of each file: [files × times], empty where a file cannot be read.
std::vector<std::vector<float>> worn_pieces(const std::vector<fs::path>& files, std::size_t times, const char* title,
                                            std::uint64_t seed) {
  std::vector<std::vector<float>> rows(files.size() * times);
  Progress progress(title, files.size(), "files");
  parallel_for(files.size(), [&](std::size_t i) {
    try {
      const AudioBuffer audio = decode(files[i], {kEncoderRate, 1, 0, kAudioExcerpt});
      for (std::size_t k = 0; k < times; ++k) {
        Random random = Random::stream(seed, i * times + k);
        rows[i * times + k] = audio_features(worn_piece(audio, random));
      }
    } catch (const Error& error) {
      if (error.category() == Category::interrupted) throw;
      spdlog::warn("left out {}", error.in(files[i].string()).what());
    }
    progress.advance();
  });
  return rows;
}

Examples known_sounds(const AudioClips& clips, std::uint64_t seed) {
  Examples known;
  std::vector<fs::path> files;
  for (std::size_t i = 0; i < clips.clips.size(); ++i) {
    const LabeledClip& clip = clips.clips[i];
    files.push_back(clips.folder / clip.file);
    for (const auto& view : clip.evidence.views) known.add(view, 0, clip.group, static_cast<int>(i));
  }
  const auto pieces = worn_pieces(files, kWornPieces, "wearing clips", seed);
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (!pieces[i].empty())
      known.add(pieces[i], -1, clips.clips[i / kWornPieces].group, static_cast<int>(files.size() + i));
  return known;
}

Examples other_sounds(const fs::path& noises, std::uint64_t seed) {
  const auto sounds = non_music_sounds(kSynthetic, seed);
  std::vector<std::vector<float>> rows(sounds.size());
  parallel_for(sounds.size(), [&](std::size_t i) { rows[i] = audio_features(sounds[i].audio); });
  Examples other;
  int item = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) other.add(rows[i], 0, sounds[i].kind, item++);
  if (!fs::is_directory(noises)) return other;
  std::vector<fs::path> files;
  for (const fs::path& path : walk_files({noises})) {
    const std::string name = path.filename().string();
    if (is_audio_name(path) && !name.starts_with("rir") && noise_is_for_training(name)) files.push_back(path);
  }
  rows = worn_pieces(files, kWornNoises, "wearing noises", seed + 1);
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!rows[i].empty()) other.add(rows[i], 0, files[i / kWornNoises].filename().string(), item++);
  return other;
}

}  // namespace

SoundExamples sound_examples(const AudioClips& clips, const fs::path& noises, std::uint64_t seed) {
  return {known_sounds(clips, seed), other_sounds(noises, seed + 1)};
}

}  // namespace euterpe
