#include "recognize/unknown_sounds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "base/parallel.hpp"
#include "corpus/noises.hpp"
#include "media/decode.hpp"
#include "recognize/non_music_sounds.hpp"
#include "recognize/unknown.hpp"
#include "signal/audio_features.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

TEST(SyntheticSounds, AreFiniteHeardAndOfTheLengthTheyPromise) {
  std::set<std::string> kinds;
  for (const SyntheticSound& sound : non_music_sounds(16, 3)) {
    kinds.insert(sound.kind);
    EXPECT_GE(sound.audio.duration().value, 0.99) << sound.kind;
    EXPECT_LE(sound.audio.duration().value, 15) << sound.kind;
    float peak = 0;
    for (const float s : sound.audio.samples) {
      ASSERT_TRUE(std::isfinite(s)) << sound.kind;
      peak = std::max(peak, std::abs(s));
    }
    EXPECT_GE(peak, 0.049f) << sound.kind;
    EXPECT_LE(peak, 1.001f) << sound.kind;
  }
  EXPECT_EQ(kinds.size(), 14U);
}

TEST(SyntheticSounds, AreTheSameForASeedWhateverTheNumberOfThreads) {
  const int before = threads();
  set_threads(1);
  const auto one = non_music_sounds(3, 9);
  set_threads(3);
  const auto three = non_music_sounds(3, 9);
  set_threads(before);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].audio.samples, three[i].audio.samples) << i;
  EXPECT_NE(one[1].audio.samples, non_music_sounds(2, 10)[1].audio.samples);
}

TEST(Worn, KeepsLengthAndIsNeverSilentOrOutOfBounds) {
  AudioBuffer tone{22050, 1, std::vector<float>(11025)};
  for (std::size_t i = 0; i < tone.samples.size(); ++i) tone.samples[i] = 0.5f * std::sin(0.1f * static_cast<float>(i));
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    const AudioBuffer result = worn(tone, random);
    ASSERT_EQ(result.samples.size(), tone.samples.size());
    const float peak = std::abs(*std::ranges::max_element(result.samples, {}, [](float s) { return std::abs(s); }));
    EXPECT_GE(peak, 0.049f) << seed;
    EXPECT_LE(peak, 1.001f) << seed;
  }
}

/// Descriptors of recordings below `folder`, at most `most`, as one clip each.
AudioClips clips_of(const fs::path& folder, std::size_t most) {
  AudioClips clips;
  clips.folder = folder;
  clips.labels = {"music"};
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (is_audio_name(entry.path())) files.push_back(entry.path());
  std::ranges::sort(files);
  for (std::size_t i = 0; i < most; ++i) {
    const fs::path& path = files[i * files.size() / most];
    LabeledClip& clip = clips.clips.emplace_back();
    clip.file = path.lexically_relative(folder).string();
    clip.group = clip.file;
    clip.evidence.views = {audio_features(decode(path, {22050, 1, 5, 4}))};
  }
  return clips;
}

TEST(UnknownSounds, NoisesForTestsAreToldFromMusicByTheOtherHalf) {
  const char* root = std::getenv("EUTERPE_DATA");
  if (!root || !fs::is_directory(fs::path(root) / "noises") || !fs::is_directory(fs::path(root) / "emotify"))
    GTEST_SKIP() << "EUTERPE_DATA is not set: no recorded noises and music to hear";
  Examples known, other;
  std::vector<double> music, noises;
  const AudioClips clips = clips_of(fs::path(root) / "emotify", 45);
  for (std::size_t i = 0; i < clips.clips.size(); ++i)
    if (i % 3) known.add(clips.clips[i].evidence.views[0], 0, clips.clips[i].group, static_cast<int>(i));
  std::vector<std::vector<float>> unheard;
  int item = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(root) / "noises")) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("n")) continue;
    const auto features = audio_features(decode(entry.path(), {22050, 1, 0, 3}));
    if (noise_is_for_training(name))
      other.add(features, 0, name, item++);
    else
      unheard.push_back(features);
  }
  const auto detector = UnknownDetector::fit(known, other, {.folds = 2});
  for (std::size_t i = 0; i < clips.clips.size(); i += 3)
    music.push_back(detector.unknown(clips.clips[i].evidence.views));
  for (const auto& features : unheard) noises.push_back(detector.unknown(features));
  double above = 0;
  for (const double m : music)
    for (const double n : noises) above += n > m ? 1 : n == m ? 0.5 : 0;
  EXPECT_GE(above / static_cast<double>(music.size() * noises.size()), 0.9);
}

}  // namespace
}  // namespace euterpe
