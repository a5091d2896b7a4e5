#include "catalog/rights_csv.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "catalog/support.hpp"

namespace euterpe {
namespace {

struct Store {
  test::TemporaryFolder folder;
  std::unique_ptr<Catalog> catalog = open_catalog(folder.path());
  std::string one = test::id_of("aa"), two = test::id_of("bb");

  Store() {
    catalog->put_track({one, "/m/one.mp3", "audio", "One", "", "", "", "", 1, 0}, {});
    catalog->put_track({two, "/m/two.mp3", "audio", "Two", "", "", "", "", 1, 0}, {});
  }
  RightsImport read(const std::string& text) {
    std::istringstream in(text);
    return import_rights(*catalog, in);
  }
};

TEST(RightsTable, WhatIsExportedImportsAsTheSame) {
  Store from, to;
  from.catalog->set_rights(from.one, {"Ann \"Q\", and; Bob", "CC-BY-4.0 OR MIT", 0.1, false, true});
  std::ostringstream out;
  EXPECT_EQ(export_rights(*from.catalog, out), 2u);
  EXPECT_TRUE(out.str().starts_with("track,owner,licence,share,may_train,may_recommend\n"));
  EXPECT_EQ(to.read(out.str()).set, 2u);
  EXPECT_EQ(to.catalog->rights(to.one), from.catalog->rights(from.one));
  EXPECT_EQ(to.catalog->rights(to.two), RightsRecord{});
}

TEST(RightsTable, AMissingColumnKeepsWhatIsThere) {
  Store store;
  store.catalog->set_rights(store.one, {"Ann", "MIT", 0.5, true, true});
  EXPECT_EQ(store.read("may_train;track\nNO;one.mp3\n").set, 1u);
  EXPECT_EQ(store.catalog->rights(store.one), (RightsRecord{"Ann", "MIT", 0.5, false, true}));
}

TEST(RightsTable, BrokenLinesAreReportedAndTheRestIsSet) {
  Store store;
  const RightsImport result = store.read(
      "track,owner,share,may_train\n"
      "aa000000,Ann,0.5,maybe\n"
      "bb000000,Bob,2,yes\n"
      "zz,Cid,1,yes\n"
      "aa000000,Dan,1\n"
      "aa000000,Eve,half,yes\n"
      "bb000000,Fay,0.25,no\n");
  EXPECT_EQ(result.set, 1u);
  ASSERT_EQ(result.problems.size(), 5u);
  EXPECT_EQ(result.problems[0], "line 2: 'maybe' is neither yes nor no");
  EXPECT_EQ(result.problems[1], "line 3: share 2 is not between 0 and 1");
  EXPECT_EQ(result.problems[2].substr(0, 22), "line 4: no track 'zz' ");
  EXPECT_EQ(store.catalog->rights(store.one), RightsRecord{});
  EXPECT_EQ(store.catalog->rights(store.two), (RightsRecord{"Fay", "", 0.25, false, true}));
}

TEST(RightsTable, AHeaderThatSaysNothingIsRefused) {
  Store store;
  EXPECT_THROW(store.read(""), Error);
  EXPECT_THROW(store.read("owner,share\n"), Error);
  EXPECT_THROW(store.read("track,colour\n"), Error);
  EXPECT_THROW(store.read("track,owner,owner\n"), Error);
}

}  // namespace
}  // namespace euterpe
