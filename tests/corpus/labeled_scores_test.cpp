#include "corpus/labeled_scores.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/error.hpp"
#include "catalog/support.hpp"
#include "corpus/csv_table.hpp"
#include "corpus/music.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

TEST(CsvTable, reads_the_columns_that_are_asked_for_in_that_order) {
  test::TemporaryFolder folder;
  test::write(folder / "a.csv", "name,year,\"by, whom\"\r\nfirst,1999,\"x \"\"y\"\"\"\n\nsecond,2000,z\n");
  const CsvTable table(folder / "a.csv", {"by, whom", "name"});
  ASSERT_EQ(table.rows(), 2u);
  EXPECT_EQ(table.at(0, 0), "x \"y\"");
  EXPECT_EQ(table.at(1, 1), "second");
}

TEST(CsvTable, says_what_is_wrong_and_where) {
  test::TemporaryFolder folder;
  test::write(folder / "a.csv", "name,year\nfirst\n");
  try {
    CsvTable(folder / "a.csv", {"name"});
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(e.detail().find("line 2"), std::string::npos) << e.what();
  }
  EXPECT_THROW(CsvTable(folder / "a.csv", {"composer"}), Error);
  EXPECT_THROW(CsvTable(folder / "b.csv", {"name"}), Error);
  test::write(folder / "empty.csv", "");
  EXPECT_THROW(CsvTable(folder / "empty.csv", {"name"}), Error);
}

TEST(Quadrants, follow_the_signs_of_valence_and_arousal) {
  EXPECT_EQ(quadrant_labels()[static_cast<std::size_t>(quadrant_of(0.3, 0.3))], "Q1");
  EXPECT_EQ(quadrant_labels()[static_cast<std::size_t>(quadrant_of(-0.3, 0.3))], "Q2");
  EXPECT_EQ(quadrant_labels()[static_cast<std::size_t>(quadrant_of(-0.3, -0.3))], "Q3");
  EXPECT_EQ(quadrant_labels()[static_cast<std::size_t>(quadrant_of(0.3, -0.3))], "Q4");
}

TEST(LabeledScores, listeners_curves_become_one_quadrant_and_games_are_groups) {
  test::TemporaryFolder folder;
  fs::create_directories(folder / "midi");
  write_midi(folder / "midi" / "Saga_NES_Saga II_Cave.mid", test::walk(1));
  write_midi(folder / "midi" / "Saga_NES_Saga II_Town.mid", test::walk(2));  // nobody heard it
  test::write(folder / "annotations" / "a.json", R"({"annotations": {
      "piece0_1": {"valence": [-0.5, -0.1], "arousal": [0.2, 0.4]},
      "piece0_2": {"valence": [0.1], "arousal": [0.5]},
      "piece9_1": {"valence": [1], "arousal": [1]}},
      "pieces": {"piece0": {"midi": "Saga_NES_Saga II_Cave.mid"}}})");
  const LabeledScores set = read_vgmidi(folder.path());
  ASSERT_EQ(set.items.size(), 1u);
  EXPECT_EQ(set.items[0].group, "vgmidi/Saga II");
  EXPECT_NEAR(set.items[0].valence, (-0.3 + 0.1) / 2, 1e-12);
  EXPECT_NEAR(set.items[0].arousal, (0.3 + 0.5) / 2, 1e-12);
  EXPECT_EQ(set.labels[static_cast<std::size_t>(set.items[0].label)], "Q2");
  EXPECT_FALSE(set.commercial);
}

TEST(LabeledScores, a_damaged_table_or_file_is_an_error_or_left_out) {
  test::TemporaryFolder folder;
  write_midi(folder / "a.mid", test::walk(1));
  test::write(folder / "b.mid", "no MIDI at all");
  test::write(folder / "clips.csv", "file,split,song,quadrant\na.mid,val,s,4\nb.mid,train,t,1\nc.mid,train,u,1\n");
  LabeledScores set = read_emopia(folder.path());
  ASSERT_EQ(set.items.size(), 1u);
  EXPECT_EQ(set.items[0].split, "valid");
  EXPECT_EQ(set.items[0].valence, 1);
  EXPECT_EQ(set.items[0].arousal, -1);
  EXPECT_EQ(leave_out(set, {set.items[0].file}), 1);
  EXPECT_TRUE(set.items.empty());
  test::write(folder / "clips.csv", "file,split,song,quadrant\na.mid,val,s,5\n");
  EXPECT_THROW(read_emopia(folder.path()), Error);
  EXPECT_THROW(read_groove(folder.path()), Error);
}

class LabeledSets : public ::testing::Test {
 protected:
  fs::path data;
  void SetUp() override {
    const char* set = std::getenv("EUTERPE_DATA");
    if (!set) GTEST_SKIP() << "EUTERPE_DATA is not set: no public data sets to read";
    data = set;
  }
};

void expect_sound(const LabeledScores& set) {
  std::map<std::string, std::string> seen;
  for (const LabeledScore& item : set.items) {
    EXPECT_TRUE(seen.emplace(item.id, item.group).second) << item.id;
    ASSERT_GE(item.label, 0);
    ASSERT_LT(item.label, static_cast<int>(set.labels.size()));
    EXPECT_GT(item.score.note_count(), 0u);
  }
}

TEST_F(LabeledSets, emopia_is_split_by_song_into_quadrants) {
  const LabeledScores set = read_emopia(data / "emopia");
  expect_sound(set);
  std::map<std::string, std::string> split_of_song;
  for (const LabeledScore& item : set.items) {
    const auto [found, added] = split_of_song.emplace(item.group, item.split);
    EXPECT_EQ(found->second, item.split) << item.group;
    EXPECT_EQ(quadrant_of(item.valence, item.arousal), item.label);
  }
}

TEST_F(LabeledSets, groove_has_eighteen_styles_and_the_published_split) {
  const LabeledScores set = read_groove(data / "groove");
  expect_sound(set);
  EXPECT_EQ(set.labels.size(), 18u);
  EXPECT_TRUE(set.commercial);
  const nlohmann::json train = data_row(set, "train"), all = data_row(set, "");
  EXPECT_LT(train["pieces"], all["pieces"]);
  EXPECT_NE(train["hash"], all["hash"]);
}

TEST_F(LabeledSets, composers_have_enough_files_and_works_are_groups) {
  const LabeledScores set = read_composers(data / "classical");
  expect_sound(set);
  std::map<int, int> files;
  for (const LabeledScore& item : set.items) ++files[item.label];
  EXPECT_GE(set.labels.size(), 12u);
  for (const auto& [label, n] : files) EXPECT_GE(n, 17) << set.labels[static_cast<std::size_t>(label)];
}

TEST_F(LabeledSets, games_of_vgmidi_hold_several_pieces) {
  const LabeledScores set = read_vgmidi(data / "vgmidi");
  expect_sound(set);
  std::map<std::string, int> games;
  for (const LabeledScore& item : set.items) ++games[item.group];
  EXPECT_LT(games.size() * 2, set.items.size());
}

}  // namespace
}  // namespace euterpe
