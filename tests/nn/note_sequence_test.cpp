#include "nn/note_sequence.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "corpus/music.hpp"

namespace euterpe {
namespace {

/// A chord of three on the first beat at 60 a minute, then a quarter note and a drum.
Score chord_and_more() {
  Score score;
  score.tempos = {{0, 1000000}};
  score.meters = {{0, 3, 4}};
  Track& piano = add_track(score, "piano", 0, 0);
  for (const int pitch : {60, 64, 67}) piano.notes.push_back({0, 480, static_cast<std::uint8_t>(pitch), 80, 0});
  piano.notes.push_back({4 * 480, 240, 62, 100, 0});
  Track& drums = add_track(score, "drums", 0, 9);
  drums.notes.push_back({4 * 480 + 240, 60, 38, 90, 9});
  score.sort();
  return score;
}

TEST(NoteSequence, notes_stand_in_order_of_onset_with_beats_seconds_and_place_in_the_bar) {
  const auto notes = note_sequence(chord_and_more());
  ASSERT_EQ(notes.size(), 5u);
  EXPECT_EQ(notes[0].voice, 3);  // bottom
  EXPECT_EQ(notes[1].voice, 2);
  EXPECT_EQ(notes[2].voice, 1);  // top
  EXPECT_EQ(notes[3].voice, 0);  // alone
  EXPECT_DOUBLE_EQ(notes[3].beat, 4);
  EXPECT_DOUBLE_EQ(notes[3].second, 4);
  EXPECT_FLOAT_EQ(notes[3].bar_beat, 1);  // second beat of the second bar in 3/4
  EXPECT_FLOAT_EQ(notes[3].seconds, 0.5);
  EXPECT_EQ(notes[4].program, kDrumFamily);
  EXPECT_EQ(notes[4].track, 1);
  EXPECT_EQ(notes[4].index, 0);
}

TEST(NoteSequence, drums_and_pitched_notes_have_other_classes) {
  const auto notes = note_sequence(chord_and_more());
  const NoteTokens tokens = note_tokens(notes);
  EXPECT_EQ(tokens.at(0, NoteAttribute::pitch), 1 + 60);
  EXPECT_EQ(tokens.at(4, NoteAttribute::pitch), 1 + 128 + 38);
  EXPECT_EQ(tokens.at(4, NoteAttribute::pitch_class), 13);
  EXPECT_EQ(tokens.pitch[4], kNoPitch);
  const NoteTokens higher = note_tokens(notes, {.semitones = 5});
  EXPECT_EQ(higher.at(0, NoteAttribute::pitch), 1 + 65);
  EXPECT_EQ(higher.at(4, NoteAttribute::pitch), 1 + 128 + 38);  // drums stay
}

TEST(NoteSequence, what_is_hidden_leaves_no_trace) {
  Score slow = chord_and_more(), fast = slow;
  fast.tempos = {{0, 300000}};
  for (auto& note : fast.tracks[0].notes) note.velocity = 20;
  const auto a = note_sequence(slow), b = note_sequence(fast);
  const unsigned hide = kHideSeconds | kHideVelocity;
  EXPECT_EQ(note_tokens(a, {.hide = hide}).classes, note_tokens(b, {.hide = hide}).classes);
  EXPECT_EQ(note_tokens(a, {.hide = hide}).time, note_tokens(b, {.hide = hide}).time);
  EXPECT_NE(note_tokens(a).classes, note_tokens(b).classes);
  // The same seconds notated in other beats.
  Score notated = slow;
  notated.ticks_per_quarter = 240;
  notated.tempos = {{0, 500000}};
  const auto c = note_sequence(notated);
  EXPECT_EQ(note_tokens(a, {.hide = kHideMeter}).classes, note_tokens(c, {.hide = kHideMeter}).classes);
  EXPECT_NE(note_tokens(a).classes, note_tokens(c).classes);
}

TEST(NoteSequence, every_class_is_within_its_attribute) {
  rc::check([](std::uint64_t seed) {
    Random random(seed);
    Score score;
    score.ticks_per_quarter = 1 + static_cast<int>(random.below(960));
    if (random.below(2)) score.tempos = {{0, 1 + static_cast<std::uint32_t>(random.below(16000000))}};
    score.meters = {{static_cast<std::int64_t>(random.below(3)) * 100, static_cast<std::uint8_t>(1 + random.below(255)),
                     static_cast<std::uint8_t>(1u << random.below(8))}};
    Track& track = add_track(score, "", static_cast<int>(random.below(128)), random.below(2) ? 9 : 3);
    for (int i = 0; i < 20; ++i)
      track.notes.push_back({static_cast<std::int64_t>(random.below(100000)),
                             static_cast<std::int64_t>(random.below(1u << random.below(30))),
                             static_cast<std::uint8_t>(random.below(128)),
                             static_cast<std::uint8_t>(1 + random.below(127)),
                             track.drums ? std::uint8_t{9} : std::uint8_t{3}});
    score.sort();
    NoteVariation v{static_cast<int>(random.below(13)) - 6, random.uniform(0.1, 10),
                    static_cast<int>(random.below(200)) - 100, static_cast<unsigned>(random.below(16))};
    const NoteTokens tokens = note_tokens(note_sequence(score), v);
    for (std::size_t i = 0; i < tokens.size(); ++i)
      for (std::size_t a = 0; a < kNoteAttributes; ++a) {
        const int c = tokens.at(i, static_cast<NoteAttribute>(a));
        RC_ASSERT(c >= 0 && c < kNoteClasses[a]);
      }
  });
}

TEST(NoteWindows, cover_everything_evenly_or_are_spread) {
  EXPECT_TRUE(note_windows(0, 256).empty());
  EXPECT_EQ(note_windows(1, 256), (std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}}));
  const auto three = note_windows(600, 256);
  ASSERT_EQ(three.size(), 3u);
  EXPECT_EQ(three[0], (std::pair<std::size_t, std::size_t>{0, 200}));
  EXPECT_EQ(three[2].second, 600u);
  const auto spread = note_windows(200000, 256, 128);
  ASSERT_EQ(spread.size(), 128u);
  EXPECT_EQ(spread.front().first, 0u);
  EXPECT_EQ(spread.back().second, 200000u);
  for (const auto& [begin, end] : spread) EXPECT_LE(end - begin, 256u);
}

}  // namespace
}  // namespace euterpe
