#include "compose/performance.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "catalog/support.hpp"
#include "compose/write_score.hpp"
#include "corpus/music.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

Score two_pianos() {
  Score score = test::walk(1);
  add_track(score, "chords", 0, 1).notes = {{0, 1920, 48, 80, 1}, {1920, 1920, 50, 80, 1}};
  return score;
}

TEST(Perform, gives_plain_pianos_the_instruments_of_the_style_and_leaves_others) {
  Score folk = two_pianos();
  perform(folk, "folk");
  EXPECT_NE(folk.tracks[0].program, 0);
  EXPECT_NE(folk.tracks[0].program, folk.tracks[1].program);
  EXPECT_EQ(read_midi(write_midi(folk)).score.tracks[0].program, folk.tracks[0].program);
  Score organ = test::walk(1);
  organ.tracks.clear();
  add_track(organ, "", 19, 0).notes = {{0, 480, 60, 80, 0}};
  perform(organ, "folk");
  EXPECT_EQ(organ.tracks[0].program, 19);
}

TEST(Perform, changes_velocities_alone_and_stresses_the_downbeat) {
  const Score before = two_pianos();
  Score score = before;
  perform(score, "none");
  const auto& tune = score.tracks[0].notes;
  for (std::size_t i = 0; i < tune.size(); ++i) {
    EXPECT_EQ(tune[i].start, before.tracks[0].notes[i].start);
    EXPECT_EQ(tune[i].duration, before.tracks[0].notes[i].duration);
    EXPECT_EQ(tune[i].pitch, before.tracks[0].notes[i].pitch);
  }
  EXPECT_GT(tune[0].velocity, tune[2].velocity);                   // one and two
  EXPECT_GT(tune[2].velocity, tune[1].velocity);                   // two and the offbeat before
  EXPECT_GT(tune[0].velocity, score.tracks[1].notes[0].velocity);  // melody and accompaniment
}

TEST(Perform, leaves_what_was_given_and_parts_that_have_dynamics) {
  Score score = two_pianos();
  score.tracks[1].notes[1].velocity = 40;
  Score given = score;
  perform(given, "folk", 1);
  EXPECT_EQ(given.tracks[0], score.tracks[0]);
  EXPECT_EQ(given.tracks[1].notes, score.tracks[1].notes);
  EXPECT_NE(given.tracks[1].program, given.tracks[0].program);
}

TEST(Played, wanders_by_milliseconds_the_same_way_each_time) {
  Score score = test::walk(1, 16);
  add_track(score, "chords", 0, 1).notes = {
      {0, 960, 48, 80, 1}, {0, 960, 52, 80, 1}, {0, 960, 55, 80, 1}, {960, 960, 48, 80, 1}};
  Track& late = add_track(score, "played", 0, 2);
  late.notes = {{7, 480, 60, 80, 2}, {951, 480, 62, 80, 2}};
  score.sort();
  const Score heard = played(score);
  EXPECT_EQ(heard, played(score));
  EXPECT_EQ(heard.tracks[2].notes, score.tracks[2].notes);
  ASSERT_EQ(heard.note_count(), score.note_count());
  int moved = 0;
  for (std::size_t i = 0; i < score.tracks[0].notes.size(); ++i) {
    const Note &a = score.tracks[0].notes[i], &b = heard.tracks[0].notes[i];
    EXPECT_NEAR(heard.seconds_at(Ticks(b.start)).value, score.seconds_at(Ticks(a.start)).value, kMostPlayed + 0.002);
    moved += a.start != b.start;
  }
  EXPECT_GT(moved, 60);
  EXPECT_LT(heard.tracks[1].notes[0].start, heard.tracks[1].notes[2].start);  // from the lowest up
  EXPECT_LE(heard.tracks[1].notes[0].end(), heard.tracks[1].notes[3].start);
  EXPECT_NE(heard.tracks[0].events.size(), score.tracks[0].events.size());  // a seat of its own
  EXPECT_EQ(read_midi(write_midi(heard)).score, heard);
}

TEST(WriteScore, lists_the_formats_when_the_extension_is_none_of_them) {
  const test::TemporaryFolder folder;
  try {
    write_score(folder / "tune.doc", test::walk(1));
    FAIL() << "was written";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::usage);
    EXPECT_NE(e.hint().find(".musicxml"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "tune.doc"));
  write_score(folder / "TUNE.MID", test::walk(1));
  EXPECT_EQ(read_midi(folder / "TUNE.MID").score.note_count(), test::walk(1).note_count());
}

}  // namespace
}  // namespace euterpe
