#include "catalog/listens.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "catalog/support.hpp"

namespace euterpe {
namespace {

using test::TemporaryFolder;

struct Log {
  TemporaryFolder folder;
  std::unique_ptr<Catalog> catalog = open_catalog(folder.path());

  ListensSummary read(const std::string& text) {
    std::istringstream in(text);
    return ingest_listens(*catalog, in);
  }
};

TEST(Listens, CsvWithoutAHeaderIsUserTrackTime) {
  Log log;
  const ListensSummary summary = log.read("ann,one,100\r\n\"bob, jr\",\"the \"\"two\"\"\",2020-01-01T00:00:00Z\r\n");
  EXPECT_EQ(summary.added, 2u);
  EXPECT_EQ(summary.broken, 0u);
  EXPECT_EQ(log.catalog->listens_of("ann").at(0).time, 100);
  EXPECT_EQ(log.catalog->listens_of("bob, jr").at(0).track, "the \"two\"");
  EXPECT_EQ(log.catalog->listens_of("bob, jr").at(0).time, 1'577'836'800);
}

TEST(Listens, AHeaderNamesTheColumnsInAnyOrder) {
  Log log;
  const ListensSummary summary = log.read("\xEF\xBB\xBFTimestamp;device;User;Track\n5;phone;ann;one\n");
  EXPECT_EQ(summary.lines, 1u);
  EXPECT_EQ(summary.added, 1u);
  EXPECT_EQ(log.catalog->listens_of("ann").at(0).track, "one");
}

TEST(Listens, SequencesKeepTheirOrder) {
  Log log;
  const ListensSummary summary = log.read("1 30 10 20 10\n2 10\n");
  EXPECT_EQ(summary.added, 5u);
  std::string order;
  for (const Listen& listen : log.catalog->listens_of("1")) order += listen.track + " ";
  EXPECT_EQ(order, "30 10 20 10 ");
}

TEST(Listens, BrokenLinesAreReportedAndTheRestIsKept) {
  Log log;
  const ListensSummary summary = log.read(
      "ann,one,1\n"
      "ann,two\n"
      "ann,three,yesterday\n"
      ",four,4\n"
      "ann,\"five,5\n"
      "ann,six,1577836800000\n"
      "\n"
      "ann,seven,7\n");
  EXPECT_EQ(summary.added, 2u);
  EXPECT_EQ(summary.broken, 5u);
  ASSERT_EQ(summary.problems.size(), 5u);
  EXPECT_EQ(summary.problems[0], "line 2: 2 columns, expected 3 (user, track, time)");
  EXPECT_EQ(summary.problems[1].substr(0, 26), "line 3: 'yesterday' is no ");
  EXPECT_EQ(summary.problems[2], "line 4: no user");
  EXPECT_EQ(summary.problems[3], "line 5: a quote is not closed");
  EXPECT_NE(summary.problems[4].find("milliseconds"), std::string::npos);
}

TEST(Listens, TheSameLogTwiceAddsNothing) {
  Log log;
  log.read("a,x,1\na,x,2\n");
  const ListensSummary again = log.read("a,x,1\na,x,2\na,x,3\n");
  EXPECT_EQ(again.added, 1u);
  EXPECT_EQ(again.known, 2u);
}

TEST(Listens, ATrackOfTheCatalogIsFoundByFileNameAndIsrc) {
  Log log;
  log.catalog->put_track({test::id_of("aa"), "/music/one.mp3", "audio", "", "", "", "ISRC1", "", 1, 0}, {});
  log.catalog->put_track({test::id_of("bb"), "/music/a/same.mp3", "audio", "", "", "", "", "", 1, 0}, {});
  log.catalog->put_track({test::id_of("cc"), "/music/b/same.mp3", "audio", "", "", "", "", "", 1, 0}, {});
  log.read("u,one.mp3,1\nu,ISRC1,2\nu,same.mp3,3\nu,/music/a/same.mp3,4\n");
  const auto listens = log.catalog->listens_of("u");
  EXPECT_EQ(listens.at(0).track, test::id_of("aa"));
  EXPECT_EQ(listens.at(1).track, test::id_of("aa"));
  EXPECT_EQ(listens.at(2).track, "same.mp3");  // two files have the name
  EXPECT_EQ(listens.at(3).track, test::id_of("bb"));
}

TEST(Listens, ListensThatCameBeforeTheirTrackAreGivenToIt) {
  Log log;
  log.read("u,one.mp3,1\nu,other,1\nv,one.mp3,5\n");
  log.catalog->put_track({test::id_of("aa"), "/music/one.mp3", "audio", "", "", "", "", "", 1, 0}, {});
  log.read("u,one.mp3,1\n");  // by now the same listen has two names
  relink_listens(*log.catalog);
  EXPECT_EQ(log.catalog->items(), (std::vector<std::string>{test::id_of("aa"), "other"}));
  ASSERT_EQ(log.catalog->listens_of("u").size(), 2u);
  ASSERT_EQ(log.catalog->listens_of("v").size(), 1u);
  EXPECT_EQ(log.catalog->listens_of("v")[0].track, test::id_of("aa"));
  EXPECT_TRUE(log.catalog->check().empty());
  log.catalog->forget_track(test::id_of("aa"));
  EXPECT_EQ(log.catalog->users(), (std::vector<std::string>{"u"}));
}

TEST(Listens, AnOverlongLineIsOneBrokenLine) {
  Log log;
  const ListensSummary summary = log.read("a,x,1\n" + std::string(17 << 20, 'z') + "\na,y,2\n");
  EXPECT_EQ(summary.added, 2u);
  EXPECT_EQ(summary.broken, 1u);
}

TEST(Listens, NothingAndNoiseAreNoCrash) {
  Log log;
  EXPECT_EQ(log.read("").lines, 0u);
  EXPECT_EQ(log.read(std::string("\0\xFF\n\n,,,,\n", 10)).added, 0u);
}

TEST(Listens, ThePublishedSequencesGoInWhole) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data) GTEST_SKIP() << "EUTERPE_DATA is not set: it names the folder with the public data sets";
  std::ifstream in(std::filesystem::path(data) / "listens/lastfm/LastFM.txt");
  Log log;
  const ListensSummary summary = ingest_listens(*log.catalog, in);
  EXPECT_EQ(summary.lines, 1090u);
  EXPECT_EQ(summary.added, 52551u);
  EXPECT_EQ(summary.broken, 0u);
}

}  // namespace
}  // namespace euterpe
