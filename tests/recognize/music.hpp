#pragma once
/// Small music for the tests of recognition, made here.
#include <stdlib.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "base/random.hpp"
#include "media/encode.hpp"
#include "score/midi.hpp"

namespace euterpe::test {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "euterpe-recognize-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  std::filesystem::path operator/(const char* name) const { return path / name; }
  std::filesystem::path path;
};

/// "Old Hundredth" (Bourgeois 1551) in four parts, over and over: quarter notes, the last of each line held for two.
inline Score hymn(int bars) {
  static constexpr int kVoices[4][32] = {{67, 67, 66, 64, 62, 67, 69, 71, 71, 71, 71, 69, 67, 72, 71, 69,
                                          67, 69, 71, 69, 67, 64, 66, 67, 74, 71, 67, 69, 72, 71, 69, 67},
                                         {62, 62, 62, 59, 59, 64, 66, 67, 67, 67, 67, 66, 64, 67, 67, 66,
                                          64, 66, 67, 66, 64, 60, 62, 62, 67, 67, 64, 66, 67, 67, 66, 62},
                                         {59, 59, 57, 55, 55, 59, 62, 62, 62, 62, 62, 62, 59, 64, 62, 62,
                                          59, 62, 62, 62, 59, 57, 57, 59, 59, 62, 59, 62, 64, 62, 60, 59},
                                         {55, 55, 50, 52, 55, 52, 50, 43, 55, 55, 55, 50, 52, 48, 55, 50,
                                          52, 50, 43, 50, 52, 57, 50, 43, 55, 55, 52, 50, 48, 50, 50, 43}};
  Score score;
  for (int voice = 0; voice < 4; ++voice) {
    Track& track = add_track(score, "voice", 52, voice);
    std::int64_t start = 0;
    for (int beat = 0; start < bars * 4 * 480; ++beat) {
      const std::int64_t length = beat % 8 == 7 ? 960 : 480;
      track.notes.push_back(
          {start, length, static_cast<std::uint8_t>(kVoices[voice][beat % 32]), 80, static_cast<std::uint8_t>(voice)});
      start += length;
    }
  }
  score.sort();
  return score;
}

/// A rock beat: bass drum, snare and hi-hat in eighths.
inline Score beat(int bars) {
  Score score;
  Track& track = add_track(score, "drums", 0, 9);
  for (int i = 0; i < 8 * bars; ++i) {
    track.notes.push_back({i * 240, 60, 42, 70, 9});
    if (i % 4 == 0) track.notes.push_back({i * 240, 60, 36, 100, 9});
    if (i % 4 == 2) track.notes.push_back({i * 240, 60, 38, 100, 9});
  }
  score.sort();
  return score;
}

/// A sine with noise, mono at 22,050 Hz.
inline void write_tone(const std::filesystem::path& path, double frequency, double seconds, double noise = 0) {
  AudioBuffer audio{22050, 1, std::vector<float>(static_cast<std::size_t>(22050 * seconds))};
  Random random(static_cast<std::uint64_t>(frequency));
  for (std::size_t i = 0; i < audio.samples.size(); ++i)
    audio.samples[i] = static_cast<float>(0.3 * std::sin(2 * M_PI * frequency * static_cast<double>(i) / 22050) +
                                          noise * random.normal());
  encode(path, audio);
}

}  // namespace euterpe::test
