#include "compose/gate.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"
#include "base/temporary_folder.hpp"
#include "catalog/passages.hpp"
#include "corpus/music.hpp"
#include "corpus/prepare.hpp"
#include "score/midi.hpp"
#include "score/passage_files.hpp"
#include "score/passages.hpp"
#include "train/transformer.hpp"

namespace euterpe {
namespace {

std::vector<std::uint8_t> index_of(std::uint64_t first, std::uint64_t last) {
  PassageIndexBuilder builder;
  for (std::uint64_t i = first; i < last; ++i) builder.add("piece " + std::to_string(i), test::tune(i));
  return builder.finish();
}

std::vector<PassageIndex> corpus() { return {PassageIndex(index_of(0, 30))}; }

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

TEST(OriginalityGate, what_was_given_may_be_said_again_and_nothing_else_of_the_same_piece) {
  GateOptions options;
  options.given = {test::plant(test::tune(600), test::tune(4), 4, 8, 6, 5, 1)};  // holds bars 5 to 12 of piece 4
  const OriginalityGate gate(corpus(), {}, options);
  const Score said_again = copy_of(4), beyond = test::plant(test::tune(500), test::tune(4), 12, 4, 6, 2, 0.9);
  EXPECT_FALSE(OriginalityGate(corpus(), {}).judge(said_again).original);
  EXPECT_TRUE(gate.judge(said_again).original);
  EXPECT_FALSE(gate.judge(beyond).original);
  EXPECT_FALSE(gate.judge(copy_of(5)).original);
  EXPECT_FALSE(gate.judge(test::plant(said_again, test::tune(9), 4, 4, 1, 0, 1)).original);
}

TEST(OriginalityGate, each_of_two_pieces_that_are_given_may_be_said_again) {
  GateOptions options;
  options.given = {test::tune(4), test::tune(5)};
  const OriginalityGate gate(corpus(), {}, options);
  EXPECT_TRUE(gate.judge(copy_of(4)).original);
  EXPECT_TRUE(gate.judge(copy_of(5)).original);
  EXPECT_FALSE(gate.judge(copy_of(6)).original);
}

TEST(OriginalityGate, needs_neither_index) {
  const auto verdict = OriginalityGate({}, {}).judge(copy_of(4));
  EXPECT_TRUE(verdict.original);
  EXPECT_FALSE(verdict.nearest);
}

TEST(OriginalityGate, what_may_be_repeated_may_stand_in_several_indexes) {
  GateOptions options;
  options.except = {"piece 4"};
  std::vector<PassageIndex> twice = corpus();
  twice.emplace_back(index_of(0, 20));
  EXPECT_TRUE(OriginalityGate(twice, corpus().front(), options).judge(copy_of(4)).original);
  EXPECT_FALSE(OriginalityGate(twice, corpus().front(), options).judge(copy_of(5)).original);
}

TEST(OriginalityGate, opens_every_index_beside_the_card_and_none_where_there_is_none) {
  TemporaryFolder folder;
  Model model;
  model.folder = folder.path();
  EXPECT_TRUE(OriginalityGate::indexes_of(model).empty());
  write_passages(folder.path(), index_of(0, 1), {});
  const auto own = OriginalityGate::indexes_of(model);
  ASSERT_EQ(own.size(), 1u);
  EXPECT_EQ(OriginalityGate(own, {}).admit([](int) { return test::tune(700); })["corpus"]["hash"], own[0].hash());
  write_passages(folder.path(), index_of(0, 1),
                 {{"passages-a.idx", index_of(1, 4)}, {"passages-b.idx", index_of(4, 9)}});
  const auto all = OriginalityGate::indexes_of(model);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].pieces(), 1u);
  const OriginalityGate gate(all, {});
  for (std::uint64_t piece = 0; piece < 9; ++piece) {
    const auto verdict = gate.judge(copy_of(piece));
    EXPECT_FALSE(verdict.original);
    EXPECT_EQ(verdict.where, "corpus");
    EXPECT_EQ(verdict.nearest->piece, "piece " + std::to_string(piece));
  }
  const auto row = gate.admit([](int) { return test::tune(700); });
  EXPECT_EQ(row["corpus"]["pieces"], 9);
  EXPECT_EQ(row["corpus"]["hash"].get<std::string>().size(), 64u);
  write_file(folder / "passages-a.idx", std::string_view("EUTPASSX is cut off"));
  EXPECT_THROW(OriginalityGate::indexes_of(model), Error);
}

TEST(OriginalityGate, opens_the_index_beside_another_model_that_the_card_names) {
  TemporaryFolder folder;
  Model model;
  model.name = "small";
  model.folder = folder / "small";
  const auto bytes = index_of(0, 5);
  model.card = {{kPassagesElsewhere, sha256(bytes)}};
  write_passages(folder / "other", index_of(5, 9), {});
  EXPECT_THROW(OriginalityGate::indexes_of(model), Error);
  write_passages(folder / "large", bytes, {});
  const auto indexes = OriginalityGate::indexes_of(model);
  ASSERT_EQ(indexes.size(), 1u);
  EXPECT_FALSE(OriginalityGate(indexes, {}).judge(copy_of(4)).original);
}

/// A model that learned from one walk, from nothing or on from another model.
Model learned(const TemporaryFolder& folder, const std::string& name, std::uint64_t walk,
              const std::string& from = {}) {
  Source source{"walks", "CC0-1.0", true, {}, {}};
  const std::string id = "walk" + std::to_string(walk);
  source.pieces.push_back({id, "folk", id, "train", test::walk(walk, 16)});
  TransformerTraining t;
  t.name = name;
  t.run = folder / (name + id + ".run");
  t.out = folder / name;
  t.from = from;
  t.network.d_model = 32;
  t.network.layers = 1;
  t.network.heads = 2;
  t.network.ff = 32;
  t.network.context = 64;
  t.batch = 1;
  t.steps = 1;
  t.validation_sequences = 1;
  train_transformer(prepare(std::span(&source, 1)), t);
  return find_model(t.out.string());
}

TEST(OriginalityGate, knows_what_the_models_before_a_tuned_one_learned_from) {
  set_threads(1);
  const TemporaryFolder folder;
  const std::string first = learned(folder, "first", 1).folder.string();
  const std::string second = learned(folder, "second", 2, first).folder.string();
  const auto refused = [](const Model& model, std::uint64_t walk) {
    return !OriginalityGate(OriginalityGate::indexes_of(model), {}).judge(test::walk(walk, 16)).original;
  };
  const Model third = learned(folder, "third", 3, second);
  EXPECT_EQ(OriginalityGate::indexes_of(third).size(), 3u);
  for (std::uint64_t walk : {1, 2, 3}) EXPECT_TRUE(refused(third, walk)) << walk;
  EXPECT_FALSE(refused(third, 4));
  EXPECT_FALSE(refused(find_model(first), 2));
  // What learns from the same pieces again adds nothing, and a model may take the place of its parent.
  EXPECT_EQ(OriginalityGate::indexes_of(learned(folder, "again", 3, third.folder.string())).size(), 3u);
  const Model itself = learned(folder, "second", 4, second);
  for (std::uint64_t walk : {1, 2, 4}) EXPECT_TRUE(refused(itself, walk)) << walk;
}

TEST(OriginalityGate, an_index_of_all_pieces_makes_the_inherited_ones_needless) {
  const TemporaryFolder folder;
  write_passages(folder.path(), index_of(0, 8),
                 {{"passages-a.idx", index_of(2, 6)}, {"passages-b.idx", index_of(6, 9)}});
  drop_known_passages(folder.path());
  const auto left = passage_files(folder.path());
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[1].filename(), "passages-b.idx");
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
