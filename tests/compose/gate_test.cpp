#include "compose/gate.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "catalog/passages.hpp"
#include "score/midi.hpp"
#include "score/passages.hpp"

namespace euterpe {
namespace {

PassageIndex corpus() {
  PassageIndexBuilder builder;
  for (std::uint64_t i = 0; i < 30; ++i) builder.add("piece " + std::to_string(i), test::tune(i));
  return PassageIndex(builder.finish());
}

Score copy_of(std::uint64_t piece) { return test::plant(test::tune(500), test::tune(piece), 4, 8, 6, 2, 0.9); }

TEST(OriginalityGate, lets_new_music_through_and_says_what_it_comes_nearest_to) {
  const OriginalityGate gate(corpus(), {});
  int asked = 0;
  const auto row = gate.admit([&](int) { return ++asked, test::tune(700); });
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(row["attempts"], 1);
  EXPECT_TRUE(row["original"].get<bool>());
  EXPECT_LT(row["similarity"].get<double>(), row["threshold"].get<double>());
  EXPECT_EQ(row["corpus"]["pieces"], 30);
  EXPECT_EQ(row["corpus"]["hash"].get<std::string>().size(), 64u);
  EXPECT_TRUE(row["catalog"].is_null());
}

TEST(OriginalityGate, has_a_copy_composed_anew_until_one_is_none) {
  const OriginalityGate gate(corpus(), {});
  const auto row = gate.admit([&](int attempt) { return attempt < 3 ? copy_of(4) : test::tune(700); });
  EXPECT_EQ(row["attempts"], 3);
  EXPECT_TRUE(row["original"].get<bool>());
}

TEST(OriginalityGate, refuses_after_the_last_attempt_and_names_the_passage) {
  GateOptions options;
  options.attempts = 3;
  const OriginalityGate gate(corpus(), {}, options);
  int asked = 0;
  try {
    gate.admit([&](int) { return ++asked, copy_of(4); });
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::refused);
    EXPECT_NE(e.detail().find("piece 4 (2 semitones up"), std::string::npos) << e.detail();
  }
  EXPECT_EQ(asked, 3);
}

TEST(OriginalityGate, records_and_admits_everything_with_a_threshold_above_one) {
  GateOptions options;
  options.threshold = 2;
  const auto row = OriginalityGate(corpus(), {}, options).admit([&](int) { return copy_of(4); });
  EXPECT_EQ(row["nearest"]["piece"], "piece 4");
  EXPECT_EQ(row["nearest"]["where"], "corpus");
  EXPECT_EQ(row["nearest"]["transposition"], 2);
  EXPECT_GT(row["similarity"].get<double>(), kCopySimilarity);
}

TEST(OriginalityGate, the_piece_that_is_continued_may_be_repeated) {
  GateOptions options;
  options.except = {"piece 4"};
  EXPECT_TRUE(OriginalityGate(corpus(), {}, options).judge(copy_of(4)).original);
  EXPECT_FALSE(OriginalityGate(corpus(), {}, options).judge(copy_of(5)).original);
}

TEST(OriginalityGate, needs_neither_index) {
  const auto verdict = OriginalityGate({}, {}).judge(copy_of(4));
  EXPECT_TRUE(verdict.original);
  EXPECT_FALSE(verdict.nearest);
}

TEST(OriginalityGate, finds_the_index_beside_the_card_and_none_where_there_is_none) {
  TemporaryFolder folder;
  Model model;
  model.folder = folder.path();
  EXPECT_FALSE(OriginalityGate::index_of(model));
  PassageIndexBuilder builder;
  builder.add("a", test::tune(1));
  write_file(folder / kPassageIndexName, builder.finish());
  ASSERT_TRUE(OriginalityGate::index_of(model));
  EXPECT_EQ(OriginalityGate::index_of(model)->pieces(), 1u);
}

class CatalogPassages : public ::testing::Test {
 protected:
  std::string add(std::uint64_t seed) {
    const auto path = folder / ("tune" + std::to_string(seed) + ".mid");
    write_midi(path, test::tune(seed));
    TrackRecord track;
    track.id = sha256_file(path);
    track.path = path.string();
    track.kind = "score";
    catalog->put_track(track, {});
    return track.id;
  }
  TemporaryFolder folder;
  std::unique_ptr<Catalog> catalog = open_catalog(folder / "catalog");
};

TEST_F(CatalogPassages, what_is_in_the_catalog_is_refused_too_and_what_was_composed_here_is_not) {
  const std::string id = add(4), work = add(5);
  WorkRecord record;
  record.id = work;
  catalog->put_work(record);
  const OriginalityGate gate({}, open_catalog_passages(*catalog));
  const auto verdict = gate.judge(copy_of(4));
  EXPECT_FALSE(verdict.original);
  EXPECT_EQ(verdict.where, "catalog");
  EXPECT_EQ(verdict.nearest->piece, id);
  EXPECT_TRUE(gate.judge(copy_of(5)).original);
}

TEST_F(CatalogPassages, the_index_follows_the_catalog_and_is_built_again_where_it_is_damaged) {
  add(1);
  EXPECT_EQ(open_catalog_passages(*catalog).pieces(), 1u);
  const std::string second = add(2);
  EXPECT_EQ(open_catalog_passages(*catalog).pieces(), 2u);
  catalog->forget_track(second);
  EXPECT_EQ(open_catalog_passages(*catalog).pieces(), 1u);
  write_file(passage_index_path(catalog->folder()), std::string_view("EUTPASSX is cut off"));
  EXPECT_EQ(open_catalog_passages(*catalog).pieces(), 1u);
  std::filesystem::remove(folder / "tune1.mid");
  add(3);
  EXPECT_EQ(open_catalog_passages(*catalog).pieces(), 1u);  // the other's file is gone
}

}  // namespace
}  // namespace euterpe
