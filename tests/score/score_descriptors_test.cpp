#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "score/drum_descriptors.hpp"
#include "score/emotion_descriptors.hpp"
#include "score/note_ngrams.hpp"

namespace euterpe {
namespace {

std::map<std::string, float> emotion_of(const Score& score) {
  const auto values = emotion_features(score);
  const auto& names = emotion_feature_names();
  EXPECT_EQ(values.size(), names.size());
  std::map<std::string, float> named;
  for (std::size_t i = 0; i < names.size(); ++i) named[names[i]] = values[i];
  EXPECT_EQ(named.size(), names.size()) << "a name stands twice";
  return named;
}

/// Eight bars of triads with a line above them: `step` ticks from note to note, triads a bar long.
Score piece(bool minor, int step, int velocity, int length) {
  Score score;
  Track& track = add_track(score, "piano", 0, 0);
  const int third = minor ? 3 : 4;
  const int roots[] = {48, 53, 55, 48};
  for (int bar = 0; bar < 8; ++bar) {
    const int root = roots[bar % 4], own_third = root == 48 ? third : minor ? 3 : 4;
    for (const int above : {0, own_third, 7})
      track.notes.push_back(
          {bar * 1920, 1800, static_cast<std::uint8_t>(root + above), static_cast<std::uint8_t>(velocity - 5), 0});
    const int scale[] = {0, 2, third, 5, 7, minor ? 8 : 9, 7, third};
    for (int i = 0; i * step < 1920; ++i)
      track.notes.push_back({bar * 1920 + i * step, length, static_cast<std::uint8_t>(72 + scale[(i + bar) % 8]),
                             static_cast<std::uint8_t>(velocity + (i % 3)), 0});
  }
  score.sort();
  return score;
}

Score transposed(Score score, int semitones) {
  for (Track& track : score.tracks)
    for (Note& note : track.notes) note.pitch = static_cast<std::uint8_t>(note.pitch + semitones);
  return score;
}

TEST(EmotionDescriptors, ALoudFastMajorPieceIsToldFromASoftSlowMinorOne) {
  const auto glad = emotion_of(piece(false, 120, 100, 90)), sad = emotion_of(piece(true, 480, 45, 460));
  EXPECT_GT(glad.at("loudness.mean"), sad.at("loudness.mean") + 40);
  EXPECT_GT(glad.at("density.onsets"), sad.at("density.onsets") + 1);
  EXPECT_LT(glad.at("length.p50"), sad.at("length.p50"));
  EXPECT_EQ(glad.at("mode.minor"), 0);
  EXPECT_EQ(sad.at("mode.minor"), 1);
  EXPECT_GT(glad.at("mode.major_lead"), 0.1);
  EXPECT_LT(sad.at("mode.major_lead"), -0.1);
  EXPECT_GT(glad.at("chord.major"), sad.at("chord.major") + 0.3);
  EXPECT_GT(sad.at("chord.minor"), glad.at("chord.minor") + 0.3);
}

TEST(EmotionDescriptors, TranspositionMovesTheRegisterAlone) {
  const auto here = emotion_of(piece(true, 240, 70, 200)), above = emotion_of(transposed(piece(true, 240, 70, 200), 3));
  for (const auto& [name, value] : here) {
    if (name.starts_with("register.")) continue;
    EXPECT_NEAR(value, above.at(name), 1e-4) << name;
  }
  EXPECT_NEAR(above.at("register.mean") - here.at("register.mean"), 3, 1e-3);
}

TEST(EmotionDescriptors, TimeIsThatOfTheTempoMap) {
  Score slow = piece(false, 240, 80, 200), fast = slow;
  fast.tempos = {{0, 250000}};
  EXPECT_NEAR(emotion_of(fast).at("density.notes") - emotion_of(slow).at("density.notes"), std::log(2.0), 0.01);
}

TEST(EmotionDescriptors, FiniteWhateverTheScore) {
  for (const float v : emotion_features({})) EXPECT_EQ(v, 0.0f);
  Random random(3);
  for (int round = 0; round < 40; ++round) {
    Score score;
    Track& track = add_track(score, "", 0, round % 8 == 0 ? 9 : 0);
    track.drums = round % 8 == 0;
    const auto n = random.below(30) * random.below(2) + 1;
    for (std::uint64_t i = 0; i < n; ++i)
      track.notes.push_back({static_cast<std::int64_t>(random.below(1u << random.below(30))),
                             static_cast<std::int64_t>(random.below(1u << random.below(30))),
                             static_cast<std::uint8_t>(random.below(128)),
                             static_cast<std::uint8_t>(1 + random.below(127)),
                             track.notes.empty() ? std::uint8_t{0} : track.notes.front().channel});
    score.sort();
    for (const float v : emotion_features(score)) EXPECT_TRUE(std::isfinite(v));
    for (const float v : note_ngrams(score).value) EXPECT_TRUE(std::isfinite(v));
    for (const float v : drum_features(score, 0, 16)) EXPECT_TRUE(std::isfinite(v));
  }
}

TEST(NoteNgrams, CountsWhatIsThere) {
  EXPECT_TRUE(note_ngrams({}).empty());
  const SparseVector counts = note_ngrams(piece(false, 240, 80, 200));
  ASSERT_FALSE(counts.empty());
  ASSERT_EQ(counts.index.size(), counts.value.size());
  EXPECT_TRUE(std::is_sorted(counts.index.begin(), counts.index.end()));
  EXPECT_LT(counts.index.back(), kNoteNgrams);
  for (const float v : counts.value) EXPECT_GE(v, 1);
}

TEST(NoteNgrams, TempoLoudnessProgramAndTracksAreNotSeen) {
  const Score plain = piece(false, 240, 80, 200);
  Score other = plain;
  other.tempos = {{0, 300000}};
  Track& high = add_track(other, "flute", 73, 1);
  Track& low = other.tracks.front();
  for (Note& note : low.notes) note.velocity = 33;
  std::erase_if(low.notes, [&](const Note& note) {
    if (note.pitch >= 72) high.notes.push_back(note);
    return note.pitch >= 72;
  });
  const SparseVector a = note_ngrams(plain), b = note_ngrams(other);
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.value, b.value);
}

TEST(NoteNgrams, ATranspositionByAnOctaveChangesRegistersAlone) {
  const SparseVector a = note_ngrams(piece(false, 240, 80, 200)),
                     b = note_ngrams(transposed(piece(false, 240, 80, 200), 12));
  std::vector<std::uint32_t> both;
  std::set_intersection(a.index.begin(), a.index.end(), b.index.begin(), b.index.end(), std::back_inserter(both));
  EXPECT_GE(both.size() + 16, a.index.size());
  EXPECT_NE(a.index, b.index);
}

/// Kick on 1 and 3, snare on 2 and 4, hats on every eighth, late by `late` ticks.
Score beat(int bars, int late, int swing = 0) {
  Score score;
  score.tempos = {{0, 500000}};
  Track& track = add_track(score, "kit", 0, 9);
  track.drums = true;
  for (int bar = 0; bar < bars; ++bar)
    for (int eighth = 0; eighth < 8; ++eighth) {
      const int at = bar * 1920 + eighth * 240 + (eighth % 2 ? swing : 0);
      track.notes.push_back({at + late, 60, 42, 70, 9});
      if (eighth % 4 == 0) track.notes.push_back({at + late, 60, 36, 110, 9});
      if (eighth % 4 == 2) track.notes.push_back({at + late, 60, 38, 100, 9});
    }
  score.sort();
  return score;
}

float drum(const std::vector<float>& values, const std::string& name) {
  const auto& names = drum_feature_names();
  return values[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())];
}

TEST(DrumDescriptors, SayWhichDrumStandsWhere) {
  const auto values = drum_features(beat(4, 0), 0, 16);
  ASSERT_EQ(values.size(), drum_feature_names().size());
  EXPECT_NEAR(drum(values, "kick.per_bar"), 2, 1e-6);
  EXPECT_NEAR(drum(values, "closed_hat.per_bar"), 8, 1e-6);
  EXPECT_NEAR(drum(values, "kick.on.0"), 110 / 127.0, 1e-5);
  EXPECT_NEAR(drum(values, "snare.on.4"), 100 / 127.0, 1e-5);
  EXPECT_EQ(drum(values, "kick.on.4"), 0);
  EXPECT_NEAR(drum(values, "tempo"), std::log2(1.2), 1e-5);
}

TEST(DrumDescriptors, LatenessAndSwingAreHeard) {
  EXPECT_NEAR(drum(drum_features(beat(4, 12), 0, 16), "all.late"), 0.1, 0.01);
  EXPECT_GT(drum(drum_features(beat(4, 0, 80), 0, 16), "all.swung"), 0.3);
  EXPECT_EQ(drum(drum_features(beat(4, 0), 0, 16), "all.swung"), 0);
}

TEST(DrumDescriptors, WindowsAreBarsAndLeapOverSilence) {
  Score score = beat(3, 0);
  const Score again = beat(1, 0);
  for (const Note& note : again.tracks[0].notes) {
    Note later = note;
    later.start += 1000 * 1920;
    score.tracks[0].notes.push_back(later);
  }
  const auto windows = drum_windows(score, 4, 4, 64);
  ASSERT_EQ(windows.size(), 4u);
  for (std::size_t i = 0; i < windows[0].size(); ++i) EXPECT_NEAR(windows[0][i], windows[3][i], 1e-4) << i;
  EXPECT_EQ(drum_windows(score, 4, 4, 2).size(), 2u);
  EXPECT_TRUE(drum_windows(score, 4, 100, 64).empty());
  EXPECT_TRUE(drum_windows({}, 4, 1, 64).empty());
}

}  // namespace
}  // namespace euterpe
