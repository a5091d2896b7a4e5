#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.hpp"
#include "compose/compose.hpp"
#include "compose/default_composer.hpp"
#include "compose/performance.hpp"
#include "compose/tiny_chorales.hpp"
#include "corpus/music.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"

namespace euterpe {
namespace {
using test::chords;

const Composer& singers() {
  static const Composer composer(test::tiny_chorales());
  return composer;
}

ComposeOptions wish(int bars, std::uint64_t seed) {
  ComposeOptions o;
  o.style = "chorale";
  o.bars = bars;
  o.seed = seed;
  return o;
}

int bars_of(const Score& score) { return static_cast<int>(score.bar_lines().size()) - 1; }

/// Without lengths: a note that rings into what is written ends where its pitch begins again.
std::vector<std::pair<std::int64_t, int>> notes_between(const Score& score, std::int64_t from, std::int64_t to) {
  std::vector<std::pair<std::int64_t, int>> out;
  for (const Note& n : score.merged_notes())
    if (n.start >= from && n.start < to) out.emplace_back(n.start, n.pitch);
  return out;
}

TEST(ChoraleComposer, WritesTheBarsAndTheKeyAskedAndEveryFormatHoldsThem) {
  EXPECT_EQ(singers().styles(), std::vector<std::string>{"chorale"});
  for (const int bars : {1, 2, 7, 13}) {
    ComposeOptions o = wish(bars, static_cast<std::uint64_t>(bars));
    o.key = parse_key("E major");
    o.tempo = 60;
    Composition piece = singers().compose(o);
    EXPECT_EQ(bars_of(piece.score), bars);
    ASSERT_EQ(piece.score.tracks.size(), 4u);
    EXPECT_EQ(piece.score.end_tick(), bars * 1920) << "the last chord is held to the bar line";
    EXPECT_NEAR(piece.score.tempos.front().bpm(), 60, 0.01);
    EXPECT_EQ(piece.score.keys.front().fifths, 4);
    EXPECT_EQ(piece.score.tracks[3].notes.back().pitch % 12, 4);
    EXPECT_EQ(piece.provenance["model"], "chorale");
    EXPECT_EQ(piece.provenance["bars"], bars);
    for (const Note& n : piece.score.merged_notes())
      EXPECT_EQ(n.start / 1920, (n.end() - 1) / 1920) << "held notes are sung anew at the bar line";
    perform(piece.score, "chorale");
    const auto read = read_midi(write_midi(piece.score));
    EXPECT_TRUE(read.mended.empty());
    EXPECT_EQ(read.score, piece.score);
    EXPECT_FALSE(write_musicxml(piece.score).empty());
  }
}

TEST(ChoraleComposer, RepeatsItselfWithTheSeedAndNotWithAnother) {
  EXPECT_EQ(singers().compose(wish(4, 3)).score, singers().compose(wish(4, 3)).score);
  EXPECT_NE(singers().compose(wish(4, 3)).score, singers().compose(wish(4, 4)).score);
}

TEST(ChoraleComposer, GoesOnFromFourVoicesWhateverTheirOrder) {
  Score piece = voice_score(chords(5, 2, 16), 90);
  std::swap(piece.tracks[0], piece.tracks[3]);  // the bass stands first in the file
  ComposeOptions o = wish(3, 1);
  o.prompt = &piece;
  const Composition longer = singers().compose(o);
  EXPECT_EQ(bars_of(longer.score), 7);
  EXPECT_EQ(bars_of(longer.written), 3);
  EXPECT_EQ(notes_between(longer.score, 0, 4 * 1920), notes_between(piece, 0, 4 * 1920));
  EXPECT_GT(notes_between(longer.score, 4 * 1920, 7 * 1920).size(), 12u);
  EXPECT_NEAR(longer.score.tempos.front().bpm(), 90, 0.01);
  for (const Note& n : longer.score.tracks[0].notes) EXPECT_LE(n.pitch, 60) << "the bass still sings the bass";
}

TEST(ChoraleComposer, FillsAGapAndLeavesTheRest) {
  const Score piece = voice_score(chords(6, 0, 32));
  for (const BarRange gap : {BarRange{1, 1}, BarRange{3, 2}}) {
    ComposeOptions o = wish(1, 2);
    o.gap_in = &piece;
    o.gap = gap;
    const Composition filled = singers().compose(o);
    const std::int64_t from = (gap.first - 1) * 1920, to = from + gap.count * 1920;
    EXPECT_EQ(notes_between(filled.score, 0, from), notes_between(piece, 0, from));
    EXPECT_EQ(notes_between(filled.score, to, 1 << 30), notes_between(piece, to, 1 << 30));
    EXPECT_GE(notes_between(filled.score, from, to).size(), 4u);
    EXPECT_EQ(bars_of(filled.score), 8);
    EXPECT_EQ(bars_of(filled.written), gap.count);
  }
  ComposeOptions o = wish(1, 2);
  o.gap_in = &piece;
  o.gap = {7, 3};
  EXPECT_THROW(singers().compose(o), Error);
}

TEST(ChoraleComposer, SingsBelowAMelodyInTheMelodysOctave) {
  for (const int octave : {-1, 0, 1}) {
    Score melody = voice_score(chords(7, 0, 16));
    melody.tracks.resize(1);
    for (Note& n : melody.tracks[0].notes) n.pitch = static_cast<std::uint8_t>(n.pitch + 12 * octave);
    ComposeOptions o = wish(16, 4);
    o.melody = &melody;
    const Composition piece = singers().compose(o);
    ASSERT_EQ(piece.score.tracks.size(), 4u);
    EXPECT_EQ(piece.score.tracks[0].notes, melody.tracks[0].notes);
    EXPECT_EQ(piece.written.tracks.size(), 3u);
    EXPECT_EQ(bars_of(piece.score), 4);
    for (const Track& voice : piece.written.tracks) EXPECT_FALSE(voice.notes.empty());
    for (const Note& n : piece.written.tracks[2].notes) EXPECT_LE(n.pitch, 64 + 12 * octave);
  }
}

TEST(ChoraleComposer, TellsOfTheBarsThatItSings) {
  const Score piece = voice_score(chords(6, 0, 32));
  Score melody = voice_score(chords(7, 0, 16));
  melody.tracks.resize(1);
  const auto told = [](ComposeOptions o) {
    Progress progress("compose", 0, "bars");
    o.progress = &progress;
    singers().compose(o);
    return progress.done();
  };
  EXPECT_EQ(told(wish(7, 1)), 7u);
  ComposeOptions o = wish(3, 1);
  o.prompt = &piece;
  EXPECT_EQ(told(o), 3u);
  o.prompt = nullptr;
  o.gap_in = &piece;
  o.gap = {3, 2};
  EXPECT_EQ(told(o), 2u);
  o.gap_in = nullptr;
  o.melody = &melody;
  EXPECT_EQ(told(o), 4u);
}

/// What four voices have not learned goes to the model that knows every style, or is refused by name.
TEST(ChoraleComposer, LeavesFourVoicesWithDrumsAndFewerThanASixteenthToOthers) {
  Score given = singers().compose(wish(4, 1)).score;
  ComposeOptions o = wish(4, 0);
  o.prompt = &given;
  EXPECT_STREQ(default_composer(o).c_str(), kChoraleComposer);
  Track& drums = given.tracks.emplace_back();
  drums.drums = true;
  drums.notes.push_back({0, 480, 36, 90, 9});
  EXPECT_STREQ(default_composer(o).c_str(), kDefaultComposer);
  given.tracks.pop_back();
  for (Track& t : given.tracks) t.notes.assign(1, {0, 10, t.notes.front().pitch, 80, t.notes.front().channel});
  EXPECT_STREQ(default_composer(o).c_str(), kDefaultComposer);
}

TEST(ChoraleComposer, DrawsAtAnyTemperatureThatMayBeAsked) {
  for (const double temperature : {1e-6, 1e-3, 10.0}) {
    ComposeOptions o = wish(2, 0);
    o.sampling.temperature = temperature;
    EXPECT_GT(singers().compose(o).score.note_count(), 0u) << temperature;
  }
}

TEST(ChoraleComposer, KnowsWhatItHasNotLearned) {
  const auto beyond = [](const ComposeOptions& o, const std::string& word) {
    EXPECT_STREQ(default_composer(o).c_str(), kDefaultComposer) << word;
    try {
      singers().compose(o);
      ADD_FAILURE() << "was composed: " << word;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::usage);
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
    }
  };
  EXPECT_STREQ(default_composer(wish(8, 0)).c_str(), kChoraleComposer);
  ComposeOptions folk = wish(8, 0);
  folk.style = "folk";
  EXPECT_STREQ(default_composer(folk).c_str(), kDefaultComposer);
  ComposeOptions o = wish(8, 0);
  o.chords = {{Chord{}}};
  beyond(o, "chords");
  o = wish(8, 0);
  o.meter = "3/4";
  beyond(o, "3/4");
  o = wish(8, 0);
  o.density = 20;
  beyond(o, "density");
  o = wish(8, 0);
  o.emotion = 1;
  beyond(o, "emotions");
  Score longest = singers().compose(wish(2, 1)).score;
  for (std::int64_t bar = 2; bar < 1020; ++bar)
    for (Track& t : longest.tracks) {
      const Note& first = t.notes.front();
      t.notes.push_back({bar * 1920, 1920, first.pitch, 80, first.channel});
    }
  o = wish(4, 0);
  o.prompt = &longest;
  EXPECT_STREQ(default_composer(o).c_str(), kChoraleComposer);
  o.bars = 5;
  beyond(o, "16384 sixteenths");
  const Score tune = test::walk(1, 4);
  o = wish(8, 0);
  o.prompt = &tune;
  beyond(o, "four voices");
  Score wide = test::walk(1, 4);
  wide.tracks[0].notes.front().pitch = 10;
  wide.tracks[0].notes.back().pitch = 110;
  o = wish(8, 0);
  o.melody = &wide;
  beyond(o, "compass");
  o.melody = &tune;
  EXPECT_STREQ(default_composer(o).c_str(), kChoraleComposer);
}

}  // namespace
}  // namespace euterpe
