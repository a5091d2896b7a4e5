#include "protect/catalog_index.hpp"

#include <gtest/gtest.h>

#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "protect/identify.hpp"
#include "signal/music.hpp"

namespace euterpe {
namespace {

class CatalogIndex : public testing::Test {
 protected:
  void SetUp() override { catalog_ = open_catalog(folder_.path()); }
  std::string add(std::uint64_t seed, const char* kind = "audio") {
    const auto x = test::music(seed, 15);
    TrackRecord track;
    track.id = sha256("piece " + std::to_string(seed));
    track.path = "/music/" + std::to_string(seed) + ".wav";
    track.kind = kind;
    track.duration = 15;
    catalog_->put_track(track, {});
    if (track.kind == "audio") catalog_->put_blob(track.id, kLandmarksBlob, landmarks_blob(x));
    return track.id;
  }
  /// The id that an excerpt of the piece is taken for, empty for no match.
  std::string heard(std::uint64_t seed) {
    const auto matches = identify(open_catalog_index(*catalog_), test::excerpt(test::music(seed, 15), 3, 10));
    return matches.empty() || matches[0].score < kIdentifyThreshold ? "" : matches[0].id;
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(CatalogIndex, AnEmptyCatalogKnowsNothing) {
  EXPECT_EQ(heard(1), "");
  EXPECT_EQ(open_catalog_index(*catalog_).tracks(), 0U);
}

TEST_F(CatalogIndex, ATrackIsKnownOnceItIsThereAndUnknownOnceForgotten) {
  const auto first = add(1);
  EXPECT_EQ(heard(1), first);
  EXPECT_EQ(heard(2), "");
  const auto second = add(2);
  EXPECT_EQ(heard(2), second);
  EXPECT_EQ(heard(1), first);
  ASSERT_TRUE(catalog_->forget_track(first));
  EXPECT_EQ(heard(1), "");
  EXPECT_EQ(open_catalog_index(*catalog_).tracks(), 1U);
  EXPECT_EQ(heard(2), second);
}

TEST_F(CatalogIndex, TheFileIsNotMadeAgainWhileTheTracksAreTheSame) {
  add(1);
  heard(1);
  const auto path = index_path(catalog_->folder());
  const auto written = std::filesystem::last_write_time(path);
  std::filesystem::last_write_time(path, written - std::chrono::hours(1));
  add(3, "score");  // a score has no landmarks: nothing to do
  heard(1);
  EXPECT_EQ(std::filesystem::last_write_time(path), written - std::chrono::hours(1));
}

TEST_F(CatalogIndex, ADamagedFileIsMadeAgain) {
  const auto id = add(1);
  heard(1);
  auto bytes = read_file(index_path(catalog_->folder()));
  bytes[bytes.size() / 2] ^= 1;
  write_file(index_path(catalog_->folder()), bytes);
  EXPECT_EQ(heard(1), id);
  EXPECT_EQ(open_catalog_index(*catalog_).stamp(), index_stamp(*catalog_));
}

TEST_F(CatalogIndex, ATrackWithDamagedLandmarksIsLeftOutAndTheOthersStay) {
  const auto good = add(1), bad = add(2);
  catalog_->put_blob(bad, kLandmarksBlob, {1, 2, 3});
  EXPECT_EQ(heard(1), good);
  EXPECT_EQ(heard(2), "");
}

}  // namespace
}  // namespace euterpe
