#include <gtest/gtest.h>

#include <sstream>

#include "catalog/support.hpp"

namespace euterpe {
namespace {

using test::exported;
using test::id_of;

/// As the first version wrote it, letter by letter: no answers of models.
std::string first_version() {
  const std::string track = id_of("aa");
  return R"({"format":"euterpe-catalog","type":"head","version":1}
{"added":1700000000,"album":"Album","artist":"Artist","duration":12.5,"embedding":"AACAPwAAAEA=",)"
         R"("embedding_space":"space","id":")" +
         track +
         R"(","isrc":"","kind":"score","musicbrainz":"","numbers":{"bpm":"nan","loudness":-14.5},)"
         R"("path":{"base64":"L211c2ljL/8ud2F2"},"texts":{"key":"C major"},"title":"A tune","type":"track"}
{"licence":"CC BY 4.0","may_recommend":true,"may_train":false,"owner":"Owner","share":0.5,"track":")" +
         track + R"(","type":"rights"}
{"bytes":"AQID","name":"thumbnail","track":")" +
         track + R"(","type":"blob"}
{"track":"item","time":1600000000,"type":"listen","user":"ada"}
{"rows":4,"type":"end"}
)";
}

TEST(OldExport, OfTheFirstVersionIsImportedWhole) {
  const TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  std::istringstream in(first_version());
  catalog->import_from(in);
  const std::string track = id_of("aa");
  ASSERT_EQ(catalog->tracks().size(), 1u);
  EXPECT_EQ(catalog->track(track)->title, "A tune");
  EXPECT_EQ(catalog->track(track)->path, "/music/\xFF.wav");
  EXPECT_EQ(catalog->track(track)->duration, 12.5);
  EXPECT_EQ(catalog->track(track)->added, 1700000000);
  EXPECT_EQ(catalog->descriptors(track)->embedding, (std::vector<float>{1, 2}));
  EXPECT_EQ(catalog->descriptors(track)->numbers["loudness"], -14.5);
  EXPECT_EQ(catalog->descriptors(track)->texts["key"], "C major");
  EXPECT_EQ(catalog->rights(track).owner, "Owner");
  EXPECT_EQ(catalog->rights(track).share, 0.5);
  EXPECT_FALSE(catalog->rights(track).may_train);
  EXPECT_EQ(catalog->blob(track, "thumbnail"), (std::vector<std::uint8_t>{1, 2, 3}));
  const std::string now = exported(*catalog, false);
  EXPECT_NE(now.find("\"ada\""), std::string::npos);
  EXPECT_EQ(now.find("\"answer\""), std::string::npos);
  // What it holds now is what the version of today says of it.
  const TemporaryFolder other;
  const auto again = open_catalog(other.path());
  std::istringstream in_now(now);
  again->import_from(in_now);
  EXPECT_EQ(exported(*again, false), now);
}

TEST(OldExport, CutShortChangesNothing) {
  const TemporaryFolder folder;
  const auto catalog = open_catalog(folder.path());
  const std::string whole = first_version(), before = exported(*catalog, false);
  std::istringstream in(whole.substr(0, whole.find("{\"rows\"")));
  EXPECT_ANY_THROW(catalog->import_from(in));
  EXPECT_EQ(exported(*catalog, false), before);
}

}  // namespace
}  // namespace euterpe
