#include "catalog/listening_log.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/error.hpp"

namespace euterpe {
namespace {

/// What a log held: "user item time" of each listen, and all else that was told.
struct Read {
  std::string format;
  std::vector<std::string> listens, names;  // names: "artist|title"
  std::vector<std::optional<double>> ratings, durations;
  LogSummary summary;
};

Read read(std::istream& in, std::string_view format = {}) {
  LogLines lines(in);
  const LogFormat& row = format.empty() ? recognize_log(lines) : log_format(format);
  Read all;
  all.format = row.name;
  all.summary = read_listening_log(lines, row, [&](const LoggedListen& listen) {
    all.listens.push_back(std::string(listen.user) + " " + std::string(listen.item) + " " +
                          std::to_string(listen.time));
    all.names.push_back(std::string(listen.artist) + "|" + std::string(listen.title));
    all.ratings.push_back(listen.rating);
    all.durations.push_back(listen.duration);
  });
  return all;
}

Read read(const std::string& text, std::string_view format = {}) {
  std::istringstream in(text);
  return read(in, format);
}

std::string format_of(const std::string& text) {
  std::istringstream in(text);
  return recognize_log(LogLines(in)).name;
}

Error error_of(const std::string& text, std::string_view format = {}) {
  try {
    read(text, format);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "read without an error: " << text.substr(0, 60);
  return {Category::usage, "", ""};
}

using Texts = std::vector<std::string>;

TEST(ListeningLog, SequencesHaveAUserAndItemsInOrder) {
  const Read log = read("7 30 10\t20  10\n2 10\n");
  EXPECT_EQ(log.format, "sequences");
  ASSERT_EQ(log.listens, (Texts{"7 30 1", "7 10 2", "7 20 3", "7 10 4", "2 10 1"}));
  EXPECT_EQ(log.summary.lines, 2u);
}

TEST(ListeningLog, TwoWordsALineArePairsIfAUserComesTwice) {
  const Read pairs = read("1 5\n1 6\n2 5\n");
  EXPECT_EQ(pairs.format, "pairs");
  ASSERT_EQ(pairs.listens, (Texts{"1 5 1", "1 6 2", "2 5 3"}));
  EXPECT_EQ(format_of("1 5\n2 6\n3 5\n"), "sequences");
  EXPECT_EQ(format_of("1 5\n1 6\n2 5 7\n"), "pairs") << "with a broken line";
  const Read broken = read("1 5\n1 6\n2\n2 5 6\n2 7\n", "pairs");
  ASSERT_EQ(broken.listens.size(), 3u);
  EXPECT_EQ(broken.summary.problems,
            (Texts{"line 3: 1 words, expected 2 (user, item)", "line 4: 3 words, expected 2 (user, item)"}));
}

TEST(ListeningLog, NumbersWhoseFirstRecursHaveNoUsers) {
  const Read log = read("920 30 12\n\n7 5 6\n920 4 5\n");
  EXPECT_EQ(log.format, "histories");
  ASSERT_EQ(log.listens,
            (Texts{"1 920 1", "1 30 2", "1 12 3", "3 7 1", "3 5 2", "3 6 3", "4 920 1", "4 4 2", "4 5 3"}));
  EXPECT_EQ(format_of("ann 30 12\nann 4 5\n"), "sequences") << "a name is no item";
}

TEST(ListeningLog, RecBoleColumnsStandInAnyOrder) {
  const Read log = read(
      "item_id:token\trating:float\ttimestamp:float\tuser_id:token\tgenre:token_seq\n"
      "242\t3\t881250949\t196\trock pop\n"
      "302\t\t8.91717742E8\t186\t\n");
  EXPECT_EQ(log.format, "recbole");
  ASSERT_EQ(log.listens, (Texts{"196 242 881250949", "186 302 891717742"}));
  EXPECT_EQ(log.ratings[0], 3);
  EXPECT_FALSE(log.ratings[1]);
  EXPECT_EQ(log.summary.lines, 2u) << "the header is no listen";
}

TEST(ListeningLog, RecBoleWithoutTimesKeepsTheOrderOfItsLines) {
  EXPECT_EQ(read("user_id:token\titem_id:token\nu\tb\nu\ta\n").listens, (Texts{"u b 2", "u a 3"}));
  EXPECT_EQ(error_of("user_id:token\tage:float\n1\t20\n").category(), Category::bad_input);
  EXPECT_EQ(error_of("user_id:token\titem_id_list:token_seq\titem_id:token\n1\t2 3\t4\n").category(),
            Category::unsupported);
}

TEST(ListeningLog, ListenBrainzNamesARecordingByItsBestId) {
  const std::string metadata = R"("artist_name":"Ann","track_name":"Sea","additional_info":{"tags":["a",{"b":[1]}],)";
  const std::string text =
      R"({"user_name":"u","listened_at":10,"recording_msid":"ms","track_metadata":{)" + metadata +
      R"("recording_mbid":"mb","isrc":"IS","duration_ms":1500}}})"
      "\n"
      R"({"user_name":"u","timestamp":11,"recording_msid":"ms","track_metadata":{)" +
      metadata +
      R"("isrc":"IS","duration":2}}})"
      "\n"
      R"({"user_name":"u","listened_at":12,"recording_msid":"ms","track_metadata":{)" +
      metadata +
      R"("isrc":""}}})"
      "\n"
      R"({"user_name":"u","listened_at":13,"track_metadata":{)" +
      metadata +
      R"("x":0}}})"
      "\n"
      R"({"user_id":4,"listened_at":14,"track_metadata":{"track_name":"Sea","mbid_mapping":{"recording_mbid":"mm"}}})"
      "\n";
  const Read log = read(text);
  EXPECT_EQ(log.format, "listenbrainz");
  ASSERT_EQ(log.listens, (Texts{"u mb 10", "u IS 11", "u ms 12", "u Ann – Sea 13", "4 mm 14"}));
  EXPECT_EQ(log.names[0], "Ann|Sea");
  EXPECT_EQ(log.durations[0], 1.5);
  EXPECT_EQ(log.durations[1], 2);
}

TEST(ListeningLog, AnAnswerOfListenBrainzsApiIsOneLineOfManyListens) {
  const Read log = read(
      R"({"payload":{"count":2,"user_id":"ann","listens":[{"listened_at":5,"user_name":"ann","recording_msid":"a",)"
      R"("track_metadata":{}},{"listened_at":4,"track_metadata":{"additional_info":{"recording_msid":"b"}}}]}})"
      "\n");
  ASSERT_EQ(log.listens, (Texts{"ann a 5", "ann b 4"}));
}

TEST(ListeningLog, BrokenJsonIsNamedAndNotDeeperThanItsLine) {
  const Read log = read(
      "{\"user_name\":\"u\",\"listened_at\":1,\"recording_msid\":\"a\"}\n"
      "{\"user_name\":\"u\",\n"
      "{\"listened_at\":1,\"recording_msid\":\"a\"}\n"
      "{\"user_name\":\"u\",\"recording_msid\":\"a\"}\n"
      "{\"user_name\":\"u\",\"listened_at\":1}\n"
      "{\"user_name\":\"u\",\"listened_at\":1577836800000,\"recording_msid\":\"a\"}\n"
      "{\"user_name\":\"u\",\"listened_at\":1,\"recording_msid\":\"a\\u0000b\"}\n"
      "7\n" +
      std::string(1 << 20, '[') + "\n");
  ASSERT_EQ(log.listens.size(), 1u);
  ASSERT_EQ(log.summary.problems.size(), 8u);
  EXPECT_EQ(log.summary.problems[0].substr(0, 22), "line 2: no JSON object");
  EXPECT_EQ(log.summary.problems[1], "line 3: no user_name");
  EXPECT_EQ(log.summary.problems[2], "line 4: no listened_at");
  EXPECT_EQ(log.summary.problems[3], "line 5: no recording: neither an id nor track_name");
  EXPECT_EQ(log.summary.problems[4],
            "line 6: '1577836800000' is a time in milliseconds, expected are Unix seconds or ISO 8601");
  EXPECT_EQ(log.summary.problems[5], "line 7: the track's id holds a NUL");
  EXPECT_EQ(log.summary.problems[6], "line 8: no JSON object");
  EXPECT_EQ(error_of("[\n{}\n]\n").category(), Category::unsupported);
}

TEST(ListeningLog, Lastfm1KFallsBackToArtistAndTitle) {
  const Read log = read(
      "user_000001\t2009-05-04T23:08:57Z\tf1b1cf71\tDeep Dish\t\tLive in Ibiza, 09-28-2007\n"
      "user_000001\t2009-05-04T13:54:10Z\ta7f7df4a\t坂本龍一\t4d9e8b2c\tComposition 0919 (Live, 2009)\n"
      "user_000001\t2009-05-04T13:52:04Z\t\t\t\t\"Heroes\"\n"
      "user_000001\t2009-05-04T13:52:04Z\t\t\t\t\n"
      "user_000001\t2009-05-04T13:52:04Z\tx\n");
  EXPECT_EQ(log.format, "lastfm-1k");
  ASSERT_EQ(log.listens, (Texts{"user_000001 Deep Dish – Live in Ibiza, 09-28-2007 1241478537",
                                "user_000001 4d9e8b2c 1241445250", "user_000001 \"Heroes\" 1241445124"}));
  EXPECT_EQ(log.names[1], "坂本龍一|Composition 0919 (Live, 2009)");
  EXPECT_EQ(
      log.summary.problems,
      (Texts{"line 4: no track", "line 5: 3 columns, expected 6 (user, time, artist id, artist, track id, track)"}));
}

TEST(ListeningLog, MovieLensInItsThreeShapes) {
  const Texts expected{"196 242 881250949", "22 377 878887116"};
  const Read data = read("196 \t 242 \t3 \t881250949\n 22 \t 377 \t1 \t878887116\n");
  EXPECT_EQ(data.format, "movielens");
  ASSERT_EQ(data.listens, expected);
  EXPECT_EQ(data.ratings[1], 1);
  const Read dat = read("196::242::3::881250949\n22::377::1::878887116\n");
  EXPECT_EQ(dat.format, "movielens");
  ASSERT_EQ(dat.listens, expected);
  const std::string table = "userId,movieId,rating,timestamp\n196,242,3.5,881250949\n22,377,1.0,878887116\n";
  const Read csv = read(table);
  EXPECT_EQ(csv.format, "csv");
  ASSERT_EQ(csv.listens, expected);
  EXPECT_EQ(csv.ratings[0], 3.5);
  EXPECT_EQ(read(table, "movielens").listens, expected);
  EXPECT_EQ(read("1::2::x::881250949\n", "movielens").summary.problems,
            (Texts{"line 1: 'x' is no rating: a number is expected"}));
}

TEST(ListeningLog, FourNumbersBetweenTabsAreRatingsOnlyIfTheLastIsATime) {
  EXPECT_EQ(format_of("1\t2\t3\t881250949\n"), "movielens");
  EXPECT_EQ(format_of("1\t2\t3\t4\n2\t5\t6\t7\n"), "sequences");
  EXPECT_EQ(format_of("1\t2\t3\n2\t5\t6\n"), "sequences");
  EXPECT_EQ(format_of("1\t2\t881250949\n"), "csv");
  EXPECT_EQ(format_of("ann\tone\t5\n"), "csv");
  EXPECT_EQ(format_of("ann\tLong Song\t2020-01-01\n"), "csv");
}

TEST(ListeningLog, CsvMayNameArtistAndTitleInsteadOfAnId) {
  const Read log = read(
      "Artist,Title,Track_ID,User,Time,Duration_ms\n"
      "\"Ann, \"\"A\"\"\",Sea,,u,5,\n"
      "Ann,Sea,t9,u,6,61000\n");
  ASSERT_EQ(log.listens, (Texts{"u Ann, \"A\" – Sea 5", "u t9 6"}));
  EXPECT_EQ(log.names[0], "Ann, \"A\"|Sea");
  EXPECT_EQ(log.durations[1], 61);
  EXPECT_NE(error_of("user,track,when\nu,t,5\n").detail().find("names no column of times"), std::string::npos);
}

TEST(ListeningLog, TimesOfAnotherUnitAreNamed) {
  const auto cause = [](const std::string& time) { return read("u,t," + time + "\n").summary.problems.at(0); };
  EXPECT_NE(cause("1577836800000").find("is a time in milliseconds"), std::string::npos);
  EXPECT_NE(cause("1577836800000000").find("is a time in microseconds"), std::string::npos);
  EXPECT_NE(cause("1577836800000000000").find("is a time in nanoseconds"), std::string::npos);
  for (const char* none : {"", "nan", "inf", "-1e9", "yesterday", "1577836800 s", "99999999999999999999999"})
    EXPECT_NE(cause(none).find("is no time"), std::string::npos) << none;
  EXPECT_EQ(read("u,t,1.5e9\n").listens, (Texts{"u t 1500000000"}));
}

TEST(ListeningLog, AClockThatGoesBackIsLeftToTheTimes) {
  EXPECT_EQ(read("u,a,9\nu,b,5\nu,c,7\n").listens, (Texts{"u a 9", "u b 5", "u c 7"}));
}

TEST(ListeningLog, LinesThatAreNoTextAreReportedAndTheRestIsKept) {
  const Read log = read("u,a,1\nu,\xC3\x28,2\n" + std::string("u,b\0,3\n", 7) + "u,c,4\n" + "u," +
                        std::string(kLongestId + 1, 'x') + ",5\n" + std::string(kLongestLogLine + 1, 'y') + "\nu,d,6");
  ASSERT_EQ(log.listens, (Texts{"u a 1", "u c 4", "u d 6"}));
  EXPECT_EQ(log.summary.lines, 7u);
  EXPECT_EQ(log.summary.broken, 4u);
  EXPECT_EQ(log.summary.problems,
            (Texts{"line 2: the bytes are no UTF-8", "line 3: a NUL at byte 4: this is no text",
                   "line 5: the track's id has 4097 bytes, at most 4096 are read", "line 6: longer than 16 MiB"}));
}

TEST(ListeningLog, ALogWithoutListensIsNoError) {
  for (const char* text : {"", "\n \n\t\n", "user,track,time\n", "user_id:token\titem_id:token\ttimestamp:float\r\n"}) {
    const Read log = read(text);
    EXPECT_EQ(log.summary.lines, 0u) << text;
    EXPECT_TRUE(log.listens.empty()) << text;
  }
}

TEST(ListeningLog, WhatIsNoLogIsRefusedWithAWayOut) {
  EXPECT_EQ(error_of("\x1F\x8B\x08\x01zzz").category(), Category::unsupported);
  EXPECT_NE(error_of("\x1F\x8B\x08\x01zzz").hint().find("zcat"), std::string::npos);
  EXPECT_EQ(error_of("\xFF\xFEu\x01,\x01").category(), Category::unsupported);
  const std::string counts = "a1f\t3bd\tthe beatles\t2137\nb2e\t9cc\tpink floyd\t17\n";  // Last.fm-360K: no listens
  EXPECT_EQ(error_of(counts).category(), Category::bad_input);
  EXPECT_EQ(read(counts, "sequences").summary.broken, 0u) << "unless told so";
  EXPECT_EQ(error_of("1 2\n", "mp3").category(), Category::usage);
  EXPECT_NE(error_of("1 2\n", "mp3").hint().find("lastfm-1k"), std::string::npos);
  EXPECT_EQ(error_of("1 2\n", "recbole").category(), Category::bad_input);
}

TEST(ListeningLog, AFewBrokenLinesDoNotHideAFormat) {
  EXPECT_EQ(format_of("# my ratings\n1::2::3::881250949\n1::3::3::881250950\n"), "movielens");
  const Read log = read("?\n1\t2\t3\t881250949\n1\t3\t3\t881250950\n");
  ASSERT_EQ(log.listens.size(), 2u);
  EXPECT_EQ(log.summary.problems, (Texts{"line 1: 1 columns, expected 4 (user, item, rating, time)"}));
}

TEST(ListeningLog, EveryFormatIsFoundByItsName) {
  std::set<std::string> names;
  for (const LogFormat& format : log_formats()) {
    EXPECT_EQ(&log_format(format.name), &format);
    names.insert(format.name);
    EXPECT_NE(error_of("1 2\n", "absent").hint().find(format.name), std::string::npos);
  }
  EXPECT_EQ(names.size(), log_formats().size());
}

/// A log that is made while it is read: `lines` lines of one listener each, so that its memory would show.
class Endless : public std::streambuf {
 public:
  explicit Endless(int lines) : lines_(lines) {}

 protected:
  int_type underflow() override {
    if (made_ == lines_) return traits_type::eof();
    line_ = std::to_string(++made_) + " 5 6 7\n";
    setg(line_.data(), line_.data(), line_.data() + line_.size());
    return traits_type::to_int_type(line_.front());
  }

 private:
  int lines_, made_ = 0;
  std::string line_;
};

TEST(ListeningLog, AHundredThousandListenersStreamThrough) {
  Endless made(100'000);
  std::istream in(&made);
  LogLines lines(in);
  const LogFormat& format = recognize_log(lines);
  EXPECT_EQ(lines.first().size(), 1000u) << "no more is held";
  std::size_t listens = 0;
  const LogSummary summary = read_listening_log(lines, format, [&](const LoggedListen&) { ++listens; });
  EXPECT_EQ(summary.lines, 100'000u);
  EXPECT_EQ(listens, 300'000u);
}

TEST(ListeningLog, ThePublishedLogsAreReadWhole) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data) GTEST_SKIP() << "EUTERPE_DATA is not set: it names the folder with the public data sets";
  struct Published {
    const char *path, *format;
    std::size_t lines, listens, users;
  };
  for (const Published& file : {Published{"lastfm/LastFM.txt", "sequences", 1090, 52551, 1090},
                                Published{"ml1m/train.txt", "histories", 6040, 987019, 6040},
                                Published{"ml100k/u.data", "movielens", 100000, 100000, 943}}) {
    std::ifstream in(std::filesystem::path(data) / "listens" / file.path);
    const Read log = read(in);
    EXPECT_EQ(log.format, file.format) << file.path;
    EXPECT_EQ(log.summary.lines, file.lines) << file.path;
    ASSERT_EQ(log.listens.size(), file.listens) << file.path;
    EXPECT_EQ(log.summary.broken, 0u) << file.path;
    std::set<std::string> users;
    for (const std::string& listen : log.listens) users.insert(listen.substr(0, listen.find(' ')));
    EXPECT_EQ(users.size(), file.users) << file.path;
  }
}

}  // namespace
}  // namespace euterpe
