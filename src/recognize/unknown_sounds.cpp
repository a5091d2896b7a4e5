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
#include "recognize/synthetic_sounds.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr int kRate = 22050, kSynthetic = 640, kWornNoises = 6, kWornPieces = 2;
constexpr double kLongest = 30, kShortestPiece = 2;  // seconds

/// A piece of the recording, shorter ones more often than longer ones, worn; all of what is shorter than a piece.
AudioBuffer worn_piece(const AudioBuffer& audio, Random& random) {
  const double seconds = audio.duration().value;
  if (seconds <= 2 * kShortestPiece) return worn(audio, random);
  const double length = std::exp(random.uniform(std::log(kShortestPiece), std::log(seconds)));
  const auto begin = audio.samples.begin() + static_cast<std::ptrdiff_t>(random.uniform(0, seconds - length) * kRate);
  return worn({kRate, 1, {begin, begin + static_cast<std::ptrdiff_t>(length * kRate)}}, random);
}

/// `times` worn pieces of each file, described: [files × times], empty where a file cannot be read.
std::vector<std::vector<float>> worn_pieces(const std::vector<fs::path>& files, std::size_t times, const char* title,
                                            const DescribeSound& describe, std::uint64_t seed) {
  std::vector<std::vector<float>> rows(files.size() * times);
  Progress progress(title, files.size(), "files");
  parallel_for(files.size(), [&](std::size_t i) {
    try {
      const AudioBuffer audio = decode(files[i], {kRate, 1, 0, kLongest});
      for (std::size_t k = 0; k < times; ++k) {
        Random random = Random::stream(seed, i * times + k);
        rows[i * times + k] = describe(worn_piece(audio, random));
      }
    } catch (const Error& error) {
      if (error.category() == Category::interrupted) throw;
      spdlog::warn("left out {}", error.in(files[i].string()).what());
    }
    progress.advance();
  });
  return rows;
}

}  // namespace

void add_worn_pieces(Examples& known, const std::vector<fs::path>& files, const std::vector<std::string>& groups,
                     const DescribeSound& describe, std::uint64_t seed) {
  EUTERPE_ASSERT(files.size() == groups.size());
  const auto rows = worn_pieces(files, kWornPieces, "wearing", describe, seed);
  int item = known.items.empty() ? 0 : 1 + *std::max_element(known.items.begin(), known.items.end());
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!rows[i].empty()) known.add(rows[i], -1, groups[i / kWornPieces], item++);
}

Examples other_sounds(const fs::path& noises, const DescribeSound& describe, std::uint64_t seed) {
  const auto sounds = synthetic_sounds(kSynthetic, seed);
  std::vector<std::vector<float>> rows(sounds.size());
  parallel_for(sounds.size(), [&](std::size_t i) { rows[i] = describe(sounds[i].audio); });
  Examples other;
  int item = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) other.add(rows[i], 0, sounds[i].kind, item++);
  if (!fs::is_directory(noises)) return other;
  std::vector<fs::path> files;
  for (const fs::path& path : walk_files({noises})) {
    const std::string name = path.filename().string();
    if (is_audio_name(path) && !name.starts_with("rir") && noise_is_for_training(name)) files.push_back(path);
  }
  rows = worn_pieces(files, kWornNoises, "noises", describe, seed + 1);
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!rows[i].empty()) other.add(rows[i], 0, files[i / kWornNoises].filename().string(), item++);
  return other;
}

}  // namespace euterpe
