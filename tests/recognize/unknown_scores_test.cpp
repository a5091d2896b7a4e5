#include "recognize/unknown_scores.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/error.hpp"
#include "base/random.hpp"
#include "corpus/datasets.hpp"
#include "nn/model.hpp"
#include "recognize/score_heads.hpp"
#include "recognize/style_score.hpp"
#include "recognize/training_score_heads.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {
namespace {

/// A scale up and down in quarters over a drum beat.
Score tune(int notes) {
  Score score;
  add_track(score, "melody", 73, 0);
  add_track(score, "drums", 0, 9);
  Track &melody = score.tracks[0], &drums = score.tracks[1];
  static constexpr int kScale[] = {60, 62, 64, 65, 67, 69, 71, 72};
  for (int i = 0; i < notes; ++i) {
    melody.notes.push_back({i * 480, 480, static_cast<std::uint8_t>(kScale[i % 8]), 80, 0});
    drums.notes.push_back({i * 480, 240, static_cast<std::uint8_t>(i % 2 ? 38 : 36), 90, 9});
  }
  score.sort();
  return score;
}

std::multiset<int> pitches(const Track& track) {
  std::multiset<int> all;
  for (const Note& note : track.notes) all.insert(note.pitch);
  return all;
}

TEST(UnlikeScores, KeepTracksAndNumberOfNotesButAreNotTheTune) {
  const std::vector<Score> real{tune(64)};
  for (const Score& score : unlike_scores(real, 16, 1)) {
    ASSERT_EQ(score.tracks.size(), 2U);
    EXPECT_EQ(score.tracks[0].notes.size(), 64U);
    EXPECT_EQ(score.tracks[0].program, 73);
    EXPECT_TRUE(score.tracks[1].drums);
    EXPECT_NE(score.tracks[0].notes, real[0].tracks[0].notes);
    for (const Note& note : score.tracks[1].notes) EXPECT_TRUE(note.pitch >= 35 && note.pitch <= 59);
  }
}

TEST(UnlikeScores, ShuffledPitchesAreThoseOfTheTune) {
  const std::vector<Score> real{tune(64)};
  EXPECT_EQ(pitches(unlike_scores(real, 2, 1)[1].tracks[0]), pitches(real[0].tracks[0]));
}

TEST(UnlikeScores, OnePitchIsOnePitch) {
  const std::vector<Score> real{tune(64)};
  const auto all = pitches(unlike_scores(real, 3, 1)[2].tracks[0]);
  EXPECT_EQ(all.count(*all.begin()), 64U);
}

TEST(UnlikeScores, LongPiecesGivePassages) {
  const std::vector<Score> real{tune(3000)};
  for (const Score& score : unlike_scores(real, 8, 2)) {
    EXPECT_NEAR(static_cast<double>(score.note_count()), kUnlikeNotes, 2);  // a chord is taken whole
  }
}

TEST(UnlikeScores, TheSameSeedGivesTheSameScoresAndOneNoteIsEnough) {
  const std::vector<Score> real{tune(1), Score{}, tune(40)};
  EXPECT_EQ(unlike_scores(real, 12, 5), unlike_scores(real, 12, 5));
  EXPECT_NE(unlike_scores(real, 12, 5), unlike_scores(real, 12, 6));
}

/// A melody that steps along a major scale over its tonic and dominant, another one with each seed.
Score song(std::uint64_t seed) {
  Random random(seed);
  Score score;
  Track& track = add_track(score, "piano", 0, 0);
  static constexpr int kScale[] = {0, 2, 4, 5, 7, 9, 11, 12, 14, 16};
  const int root = 58 + static_cast<int>(random.below(7));
  int degree = 4;
  for (int i = 0; i < 96; ++i) {
    degree = std::clamp(degree + static_cast<int>(random.below(3)) - 1, 0, 9);
    track.notes.push_back({i * 240, 240, static_cast<std::uint8_t>(root + kScale[degree]), 80, 0});
    if (i % 8 != 0) continue;
    for (const int above : {0, 4, 7})
      track.notes.push_back(
          {i * 240, 1920, static_cast<std::uint8_t>(root - 12 + above + (random.below(2) ? 7 : 0)), 80, 0});
  }
  score.sort();
  return score;
}

/// Notes of a piano anywhere on the keys, begun and ended anywhere: a score that holds no music and no drums.
Score random_notes(std::uint64_t seed) {
  Random random(seed);
  Score score;
  Track& track = add_track(score, "piano", 0, 0);
  for (int i = 0; i < 300; ++i)
    track.notes.push_back({static_cast<std::int64_t>(random.below(60000)), 60 + static_cast<int>(random.below(900)),
                           static_cast<std::uint8_t>(30 + random.below(70)),
                           static_cast<std::uint8_t>(30 + random.below(90)), 0});
  score.sort();
  return score;
}

TEST(UnknownScores, SongsOfTheKindAreKnownAndRandomNotesAreNot) {
  std::vector<Score> songs;
  for (std::uint64_t i = 0; i < 24; ++i) songs.push_back(song(i));
  std::vector<KnownScore> known;
  for (std::size_t i = 0; i < songs.size(); ++i) known.push_back({&songs[i], std::to_string(i)});
  const UnknownDetector detector = fit_unknown_scores(known, {}, style_views, 1);
  int unknown = 0;
  for (std::uint64_t i = 0; i < 8; ++i) {
    unknown += detector.unknown(style_views(song(100 + i))) >= 0.5;
    EXPECT_GE(detector.unknown(style_views(random_notes(i))), 0.5) << i;
  }
  EXPECT_LE(unknown, 1);
  EXPECT_THROW(fit_unknown_scores(std::span(known).first(1), {}, style_views, 1), Error) << "one song is no kind";
}

TEST(UnknownScores, RandomNotesAreUnknownToEveryShippedModelOfPitchedScores) {
  const UnknownDetector style = UnknownDetector::from(find_model("style-score").weights());
  const ScoreHeads emotion = ScoreHeads::load("score-emotion"), composer = ScoreHeads::load("composer-score");
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const Score score = random_notes(seed);
    EXPECT_GE(style.unknown(style_views(score)), 0.5);
    for (const ScoreHeads* heads : {&emotion, &composer}) {
      ScoreEvidence evidence;
      (heads == &emotion ? evidence.emotion : evidence.composer) = task_evidence(score, heads->task(), nullptr);
      for (const Answer& answer : heads->answers(evidence)) EXPECT_GE(answer.unknown, 0.5) << answer.task;
    }
  }
}

/// Share of the pieces that hold enough to be seen and are unknown by these views.
double unknown_share(const std::vector<Score>& pieces, const UnknownDetector& detector, const ScoreViews& views) {
  int unknown = 0, n = 0;
  for (const Score& piece : pieces)
    if (const auto seen = views(piece); !seen.empty()) {
      unknown += detector.unknown(seen) >= 0.5;
      ++n;
    }
  return static_cast<double>(unknown) / n;
}

TEST(UnknownScores, HeldOutPiecesAreKnownAndSongsHaveNoComposer) {
  const char* root = std::getenv("EUTERPE_DATA");
  if (root == nullptr) GTEST_SKIP() << "EUTERPE_DATA is not set: no held-out pieces to judge";
  const std::filesystem::path data = root;
  for (const char* name : {"jsb", "nottingham", "emopia"})
    if (!std::filesystem::is_directory(data / name)) GTEST_SKIP() << (data / name) << " is not there";
  const auto test_pieces = [&](const char* name) {
    std::vector<Score> scores;
    for (Piece& piece : dataset(name).read(data / name))
      if (piece.split == "test") scores.push_back(std::move(piece.score));
    return scores;
  };
  const auto chorales = test_pieces("jsb"), tunes = test_pieces("nottingham");
  std::vector<Score> clips;
  for (LabeledScore& item : read_labeled(ScoreTask::emotion, data).items)
    if (!is_learned_from(ScoreTask::emotion, item)) clips.push_back(std::move(item.score));
  ASSERT_GE(std::min({chorales.size(), tunes.size(), clips.size()}), 20u);

  const UnknownDetector style = UnknownDetector::from(find_model("style-score").weights());
  EXPECT_LE(unknown_share(chorales, style, style_views), 0.1);
  EXPECT_LE(unknown_share(tunes, style, style_views), 0.1);
  const ScoreHeads emotion = ScoreHeads::load("score-emotion"), composer = ScoreHeads::load("composer-score");
  const auto views_of = [](const ScoreHeads& heads) -> ScoreViews {
    return [task = heads.task()](const Score& score) { return task_evidence(score, task, nullptr).views; };
  };
  EXPECT_LE(unknown_share(clips, emotion.unknown(), views_of(emotion)), 0.1);
  EXPECT_LE(unknown_share(chorales, composer.unknown(), views_of(composer)), 0.1) << "they are Bach's";
  EXPECT_GE(unknown_share(tunes, composer.unknown(), views_of(composer)), 0.9) << "folk tunes are nobody's";
}

/// What is judged are the notes on their grid: how a file was written and played must not make it unknown.
TEST(UnknownScores, StyleIsUnknownByItsNotesAlone) {
  const char* root = std::getenv("EUTERPE_DATA");
  if (root == nullptr) GTEST_SKIP() << "EUTERPE_DATA is not set: no held-out pieces to judge";
  const std::filesystem::path data(root);
  if (!std::filesystem::is_directory(data / "jsb")) GTEST_SKIP() << (data / "jsb") << " is not there";
  const UnknownDetector detector = UnknownDetector::from(find_model("style-score").weights());
  int pieces = 0, unknown = 0, through_tokens = 0, wrong_notes = 0;
  for (const Piece& piece : dataset("jsb").read(data / "jsb")) {
    if (piece.split != "test" || pieces == 30) continue;
    ++pieces;
    const double before = detector.unknown(style_views(piece.score));
    unknown += before >= 0.5;
    Score played = piece.score;
    Random random(static_cast<std::uint64_t>(pieces));
    played.tempos = {{0, 300'000}};
    for (Track& track : played.tracks) {
      track.program = static_cast<std::uint8_t>(random.below(128));
      track.name = "other";
      for (Note& note : track.notes) note.velocity = static_cast<std::uint8_t>(1 + random.below(127));
    }
    EXPECT_EQ(detector.unknown(style_views(played)), before) << piece.id;
    through_tokens += detector.unknown(style_views(decode_remi(encode_remi(piece.score)))) >= 0.5;
    // Every fifth note a semitone off, as a poor writer of chorales has it, is less known.
    Score off = piece.score;
    for (Track& track : off.tracks)
      for (std::size_t i = 0; i < track.notes.size(); i += 5) ++track.notes[i].pitch;
    wrong_notes += detector.unknown(style_views(off)) > before;
  }
  EXPECT_GE(pieces, 20);
  EXPECT_LE(unknown, pieces / 10);
  EXPECT_LE(through_tokens, pieces / 10) << "as a composer's tokens write them";
  EXPECT_GE(wrong_notes, pieces * 9 / 10);
}

}  // namespace
}  // namespace euterpe
