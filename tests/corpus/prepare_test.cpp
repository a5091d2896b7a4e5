#include "corpus/prepare.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "catalog/support.hpp"
#include "corpus/music.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

Piece piece(std::string id, Score score, std::string style = "none") {
  return {id, std::move(style), id, "train", std::move(score)};
}

TEST(Prepare, counts_what_it_leaves_out_and_why) {
  Source source{"made", "MIT", true, {}, {{"unreadable", 2}}};
  source.pieces.push_back(piece("good", test::walk(1)));
  source.pieces.push_back(piece("the same again", test::walk(1)));
  source.pieces.push_back(piece("short", test::walk(2, 1)));
  Score odd = test::walk(3);
  odd.meters = {{0, 11, 16}};
  source.pieces.push_back(piece("odd", odd));
  const Shard shard = prepare(std::span(&source, 1));
  ASSERT_EQ(shard.pieces.size(), 1u);
  EXPECT_EQ(shard.pieces[0].id, "good");
  EXPECT_EQ(shard.left_out.at("unreadable"), 2);
  EXPECT_EQ(shard.left_out.at("exact double"), 1);
  EXPECT_EQ(shard.left_out.at("too short"), 1);
  EXPECT_EQ(shard.left_out.at("meter or instruments that tokens cannot say"), 1);
  EXPECT_EQ(shard.data[0]["pieces"], 1);
  EXPECT_EQ(shard.data[0]["licence"], "MIT");
}

TEST(Prepare, finds_doubles_across_sources) {
  std::vector<Source> sources{{"a", "MIT", true, {}, {}}, {"b", "CC0", true, {}, {}}};
  sources[0].pieces.push_back(piece("a/1", test::walk(1)));
  sources[1].pieces.push_back(piece("b/1", test::walk(1)));
  const Shard shard = prepare(sources);
  EXPECT_EQ(shard.pieces.size(), 1u);
  EXPECT_EQ(shard.data[1]["pieces"], 0);
}

TEST(Prepare, tokens_are_the_piece) {
  Source source{"made", "MIT", true, {}, {}};
  source.pieces.push_back(piece("p", test::walk(5), "folk"));
  const Shard shard = prepare(std::span(&source, 1));
  EXPECT_EQ(shard.pieces.at(0).style, "folk");
  const auto before = test::walk(5).merged_notes(), after = decode_remi(shard.pieces[0].tokens).merged_notes();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].start, before[i].start);
    EXPECT_EQ(after[i].duration, before[i].duration);
    EXPECT_EQ(after[i].pitch, before[i].pitch);
  }
}

TEST(Prepare, keeps_dynamics_only_when_asked) {
  Source source{"made", "MIT", true, {}, {}};
  source.pieces.push_back(piece("p", test::walk(5)));
  auto velocities = [&](bool keep) {
    PrepareOptions options;
    options.velocities = keep;
    int n = 0;
    const Shard shard = prepare(std::span(&source, 1), options);
    for (Token t : shard.pieces.at(0).tokens) n += RemiVocabulary::kind(t) == TokenKind::velocity;
    return n;
  };
  EXPECT_EQ(velocities(false), 0);
  EXPECT_GT(velocities(true), 0);
}

TEST(Prepare, snaps_performed_notes_to_sixteenths_and_triplets) {
  Score score;
  score.ticks_per_quarter = 480;
  Track& track = add_track(score, "", 0, 0);
  // A sixteenth played late, a triplet eighth played early, and a grace note far shorter than a sixteenth.
  track.notes = {{133, 110, 60, 80, 0}, {480 + 150, 170, 62, 80, 0}, {1445, 20, 64, 80, 0}};
  const auto notes = snap_to_grid(score).tracks[0].notes;
  EXPECT_EQ(notes[0].start, 120);
  EXPECT_EQ(notes[0].end(), 240);
  EXPECT_EQ(notes[1].start, 480 + 160);
  EXPECT_EQ(notes[1].end(), 480 + 320);
  EXPECT_EQ(notes[2].start, 1440);
  EXPECT_EQ(notes[2].end(), 1560);
}

TEST(SourceFromFolder, takes_the_style_from_the_first_folder_and_goes_on_past_bad_files) {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "folk/deep");
  std::filesystem::create_directories(folder / "mine");
  write_midi(folder / "folk/deep/a.mid", test::walk(1));
  write_midi(folder / "mine/b.midi", test::walk(2));
  test::write(folder / "mine/c.mid", "this is no MIDI file");
  test::write(folder / "mine/d.txt", "nor is this");
  const Source source = source_from_folder(folder.path(), "pop");
  ASSERT_EQ(source.pieces.size(), 2u);
  EXPECT_EQ(source.pieces[0].style, "folk");
  EXPECT_EQ(source.pieces[1].style, "pop");
  EXPECT_EQ(source.left_out.at("unreadable"), 1);
  EXPECT_THROW(source_from_folder(folder / "nowhere"), Error);
}

}  // namespace
}  // namespace euterpe
