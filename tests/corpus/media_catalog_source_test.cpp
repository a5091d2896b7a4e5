// What may not be learned from never reaches a shard.
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "catalog/support.hpp"
#include "corpus/media_catalog_source.hpp"
#include "corpus/music.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

class CatalogSource : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  std::unique_ptr<Catalog> catalog = open_catalog(folder / "catalog");

  std::string add(const std::string& name, const Score& score, RightsRecord rights = {}) {
    const fs::path path = folder / name;
    write_midi(path, score);
    TrackRecord track;
    track.id = sha256_file(path);
    track.path = path.string();
    track.kind = "score";
    catalog->put_track(track, {}, rights);
    return track.id;
  }
  /// As `prepare --from-catalog` does, through the file.
  Shard shard() {
    const Source source = source_from_catalog(*catalog, "folk");
    write_shard(folder / "corpus.shard", prepare(std::span(&source, 1)));
    return read_shard(folder / "corpus.shard");
  }
  static bool leaks(const Shard& shard) {
    for (const ShardPiece& p : shard.pieces)
      if (test::holds_forbidden(decode_remi(p.tokens))) return true;
    return false;
  }
};

TEST_F(CatalogSource, a_track_that_may_not_train_never_reaches_a_shard_and_is_counted) {
  for (std::uint64_t i = 0; i < 5; ++i) add("walk" + std::to_string(i) + ".mid", test::walk(i));
  RightsRecord no;
  no.may_train = false;
  const std::string id = add("secret.mid", test::forbidden_piece(), no);
  const Shard without = shard();
  EXPECT_EQ(without.pieces.size(), 5u);
  EXPECT_FALSE(leaks(without));
  EXPECT_EQ(without.left_out.at("may_train = no"), 1);
  for (const ShardPiece& p : without.pieces) EXPECT_EQ(p.id.find(id), std::string::npos);

  // The search would have found it: once allowed, it is there.
  catalog->set_rights(id, {});
  const Shard with = shard();
  EXPECT_EQ(with.pieces.size(), 6u);
  EXPECT_TRUE(leaks(with));
  EXPECT_EQ(with.left_out.count("may_train = no"), 0u);
}

TEST_F(CatalogSource, a_forbidden_track_is_left_out_of_a_folder_too) {
  fs::create_directories(folder / "mine");
  add("mine/walk.mid", test::walk(1));
  RightsRecord no;
  no.may_train = false;
  add("mine/secret.mid", test::forbidden_piece(), no);
  Source source = source_from_folder(folder / "mine");
  ASSERT_EQ(source.pieces.size(), 2u);
  leave_out_forbidden(source, *catalog);
  EXPECT_FALSE(leaks(prepare(std::span(&source, 1))));
  EXPECT_EQ(source.pieces.size(), 1u);
  EXPECT_EQ(source.left_out.at("may_train = no"), 1);
}

TEST_F(CatalogSource, a_file_changed_since_ingest_is_left_out_for_its_rights_are_unknown) {
  add("a.mid", test::walk(1));
  add("b.mid", test::walk(2));
  write_midi(folder / "b.mid", test::forbidden_piece());
  const Shard made = shard();
  EXPECT_EQ(made.pieces.size(), 1u);
  EXPECT_FALSE(leaks(made));
  EXPECT_EQ(made.left_out.at("changed since ingest"), 1);
}

TEST_F(CatalogSource, a_file_that_is_gone_is_left_out_and_audio_is_no_score) {
  add("a.mid", test::walk(1));
  add("b.mid", test::walk(2));
  fs::remove(folder / "b.mid");
  TrackRecord audio;
  audio.id = test::id_of("ab");
  audio.path = (folder / "a.mid").string();
  audio.kind = "audio";
  catalog->put_track(audio, {});
  const Shard made = shard();
  EXPECT_EQ(made.pieces.size(), 1u);
  EXPECT_EQ(made.left_out.at("unreadable"), 1);
}

TEST_F(CatalogSource, carries_the_strictest_licence) {
  RightsRecord free, strict;
  free.licence = "CC-BY-4.0";
  strict.licence = "CC-BY-NC-4.0";
  add("a.mid", test::walk(1), free);
  EXPECT_TRUE(source_from_catalog(*catalog).commercial);
  add("b.mid", test::walk(2), strict);
  const Source source = source_from_catalog(*catalog);
  EXPECT_FALSE(source.commercial);
  EXPECT_EQ(source.licence, "CC-BY-4.0; CC-BY-NC-4.0");
}

TEST_F(CatalogSource, is_not_commercial_where_one_track_states_no_licence) {
  RightsRecord free;
  free.licence = "CC-BY-4.0";
  add("a.mid", test::walk(1), free);
  add("b.mid", test::walk(2));
  EXPECT_FALSE(source_from_catalog(*catalog).commercial);
}

}  // namespace
}  // namespace euterpe
