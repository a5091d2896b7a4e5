#include "score/annotation_formats.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
#include "base/files.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

Annotations some_annotations() {
  Annotations a;
  a.duration = 8.25;
  a.tempo = 120.5;
  a.beats_per_bar = 4;
  a.beats = {{0.5, 4}, {1.0, 1}, {1.5, 2}, {2.0, 0}};
  a.keys = {{0, 4, 10, false, 0.9}, {4, 8.25, 1, true, 0.5}};
  a.chords = {{0, 1, {}, 1},
              {1, 2, {10, ChordQuality::major, 4}, 0.75},
              {2, 3, {6, ChordQuality::minor7, 0}, 0.5},
              {3, 4, {0, ChordQuality::sus2, 0}, 0.5},
              {4, 8.25, {0, ChordQuality::other, 0}, 0.1}};
  a.structure = {{0, 4, "A", 0.5}, {4, 8.25, "B", 0.5}};
  a.melody = {0.25, {0, 440, 220.5F}};
  return a;
}

std::string written(std::string_view format) {
  const auto found = find_annotation_formats(format);
  EXPECT_EQ(found.size(), 1u);
  return found.at(0).write(some_annotations(), "Tune \"1\"");
}

TEST(AnnotationFormats, WriteMirexText) {
  EXPECT_EQ(written("chords"),
            "0.000000\t1.000000\tN\n1.000000\t2.000000\tBb:maj/3\n2.000000\t3.000000\tF#:min7\n"
            "3.000000\t4.000000\tC:sus2\n4.000000\t8.250000\tX\n");
  EXPECT_EQ(written("keys"), "0.000000\t4.000000\tBb:major\n4.000000\t8.250000\tC#:minor\n");
  EXPECT_EQ(written("structure"), "0.000000\t4.000000\tA\n4.000000\t8.250000\tB\n");
  EXPECT_EQ(written("beats"), "0.500000\n1.000000\n1.500000\n2.000000\n");
  EXPECT_EQ(written("positions"), "0.500000\t4\n1.000000\t1\n1.500000\t2\n2.000000\t0\n");
  EXPECT_EQ(written("melody"), "0.000000\t0.000\n0.250000\t440.000\n0.500000\t220.500\n");
}

TEST(AnnotationFormats, WriteEverythingAsJson) {
  const auto json = nlohmann::json::parse(written("json"));
  EXPECT_EQ(json["title"], "Tune \"1\"");
  EXPECT_EQ(json["tempo_bpm"], 120.5);
  EXPECT_EQ(json["beats_per_bar"], 4);
  EXPECT_EQ(json["beats"][1]["position"], 1);
  EXPECT_EQ(json["keys"][1]["key"], "C#:minor");
  EXPECT_EQ(json["chords"][1]["chord"], "Bb:maj/3");
  EXPECT_EQ(json["chords"][1]["confidence"], 0.75);
  EXPECT_EQ(json["structure"][1]["label"], "B");
  EXPECT_EQ(json["melody"]["hop"], 0.25);
  EXPECT_EQ(json["melody"]["hz"][1], 440);
}

TEST(AnnotationFormats, WriteJamsInTheNamespacesOfTheirKinds) {
  const auto json = nlohmann::json::parse(written("jams"));
  EXPECT_EQ(json["file_metadata"]["duration"], 8.25);
  std::map<std::string, nlohmann::json> data;
  for (const auto& annotation : json["annotations"]) data[annotation["namespace"]] = annotation["data"];
  EXPECT_EQ(data.size(), 6u);
  EXPECT_EQ(data["beat"][0]["value"], 4);
  EXPECT_TRUE(data["beat"][3]["value"].is_null());
  EXPECT_EQ(data["key_mode"][0]["value"], "Bb:major");
  ASSERT_EQ(data["chord_harte"].size(), 4u);  // without the X, which the schema has no word for
  EXPECT_EQ(data["chord_harte"][3]["value"], "C:(1,2,5)");
  EXPECT_EQ(data["segment_open"][1]["duration"], 4.25);
  EXPECT_EQ(data["pitch_contour"]["value"][1]["frequency"], 440);
  EXPECT_FALSE(data["pitch_contour"]["value"][0]["voiced"]);
  EXPECT_EQ(data["tempo"][0]["value"], 120.5);
}

TEST(AnnotationFormats, WriteJamsWhoseSegmentsDoNotOverlapByABit) {
  Annotations a;
  for (int i = 0; i < 1000; ++i) a.structure.push_back({0.01 * i, 0.01 * (i + 1), "A", 1});
  const auto json = nlohmann::json::parse(find_annotation_formats("jams").at(0).write(a, ""));
  double before = 0;
  for (const auto& segment : json["annotations"][0]["data"]) {
    EXPECT_LE(before, segment["time"].get<double>());
    before = segment["time"].get<double>() + segment["duration"].get<double>();
  }
  EXPECT_NEAR(before, 10, 1e-9);
}

TEST(AnnotationFormats, AreFoundByNameAndByGroup) {
  EXPECT_EQ(find_annotation_formats("jams").size(), 1u);
  EXPECT_EQ(find_annotation_formats("lab").size(), 6u);
  try {
    find_annotation_formats("csv");
    FAIL() << "there is no such format";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::usage);
    EXPECT_EQ(e.hint(), "formats: json, jams, chords, lab, keys, structure, beats, positions, melody");
  }
  EXPECT_THROW(find_annotation_formats(""), Error);
}

class AnnotationReaders : public testing::Test {
 protected:
  void SetUp() override { path_ = fs::temp_directory_path() / ("euterpe_lab_" + std::to_string(::getpid()) + ".txt"); }
  void TearDown() override { fs::remove(path_); }

  const fs::path& file(std::string_view text) {
    write_file(path_, text);
    return path_;
  }
  template <class Read>
  std::string error(Read read, std::string_view text) {
    try {
      read(file(text));
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input);
      EXPECT_NE(e.detail().find(path_.string()), std::string::npos);
      return e.detail();
    }
    return "no error";
  }

  fs::path path_;
};

TEST_F(AnnotationReaders, ReadWhatTheFormatsWrite) {
  const Annotations a = some_annotations();
  const auto chords = read_chord_lab(file(written("chords")));
  ASSERT_EQ(chords.size(), a.chords.size());
  for (std::size_t i = 0; i < chords.size(); ++i) {
    EXPECT_EQ(chords[i].chord, a.chords[i].chord) << i;
    EXPECT_EQ(chords[i].end, a.chords[i].end);
  }
  const auto keys = read_key_lab(file(written("keys")));
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].tonic, 10);
  EXPECT_FALSE(keys[0].minor);
  EXPECT_EQ(keys[1].tonic, 1);
  EXPECT_TRUE(keys[1].minor);
  const auto beats = read_beats(file(written("positions")));
  ASSERT_EQ(beats.size(), a.beats.size());
  for (std::size_t i = 0; i < beats.size(); ++i) EXPECT_EQ(beats[i].position, a.beats[i].position);
  EXPECT_EQ(read_beats(file(written("beats"))).size(), a.beats.size());
}

TEST_F(AnnotationReaders, ReadWhatAnnotatorsWrite) {
  const auto chords =
      read_chord_lab(file("\xEF\xBB\xBF# by hand\r\n0.0 1.5 C:maj\r\n\r\n1.4995\t2 X\r\n2 2 G:7\r\n2 3 N"));
  ASSERT_EQ(chords.size(), 3u);
  EXPECT_EQ(chords[1].start, 1.5);  // half a millisecond of overlap is rounding
  EXPECT_EQ(majmin_class(chords[1].chord), -1);
  EXPECT_EQ(chords[2].chord.root, -1);

  const auto keys = read_key_lab(file("0 1 Silence\n1 2 Key A:minor\n2 3 E major\n3 4 D:dorian\n4 5 Gb\n"));
  ASSERT_EQ(keys.size(), 4u);
  EXPECT_EQ(keys[0].tonic, 9);
  EXPECT_TRUE(keys[0].minor);
  EXPECT_FALSE(keys[1].minor);
  EXPECT_TRUE(keys[2].minor);
  EXPECT_EQ(keys[3].tonic, 6);

  // POP909: the last column is the bar's first beat.
  const auto beats = read_beats(file("0.5 1.0 0.0\n1 0.0 0.0\n1.5 1.0 1.0\n2 0.0 0.0\n2.5 1.0 0.0\n3 0.0 1.0\n"));
  std::string positions;
  for (const Beat& b : beats) positions += std::to_string(b.position);
  EXPECT_EQ(positions, "001231");
}

TEST_F(AnnotationReaders, SayWhichLineIsWrong) {
  EXPECT_NE(error(read_chord_lab, "0 1 C:maj\n1 2 H:moll\n").find("line 2 (\"1 2 H:moll\"): \"H:moll\" is no chord"),
            std::string::npos);
  EXPECT_NE(error(read_chord_lab, "0 1\n").find("line 1"), std::string::npos);
  EXPECT_NE(error(read_chord_lab, "\n2 1 C\n").find("line 2 (\"2 1 C\"): the end is before the start"),
            std::string::npos);
  EXPECT_NE(error(read_chord_lab, "0 2 C\n1 3 D\n").find("line 2"), std::string::npos);
  EXPECT_NE(error(read_chord_lab, "0 1,5 C\n").find("\"1,5\" is no number"), std::string::npos);
  EXPECT_NE(error(read_chord_lab, "nan 1 C\n").find("\"nan\" is no number"), std::string::npos);
  EXPECT_NE(error(read_key_lab, "0 1 C:loud\n").find("line 1"), std::string::npos);
  EXPECT_NE(error(read_beats, "1\n1\n").find("line 2"), std::string::npos);
  EXPECT_NE(error(read_beats, "1 2.5\n").find("no whole number"), std::string::npos);
  EXPECT_NE(error(read_beats, "1 2 3 4\n").find("more than three"), std::string::npos);
  EXPECT_THROW(read_beats("no/such/file"), Error);
}

TEST_F(AnnotationReaders, ReadEveryAnnotationOfPop909) {
  const char* data = std::getenv("EUTERPE_DATA");
  const fs::path songs = fs::path(data == nullptr ? "" : data) / "pop909";
  if (data == nullptr || !fs::exists(songs)) GTEST_SKIP() << "EUTERPE_DATA has no pop909";
  std::size_t chords = 0, keys = 0, beats = 0, unknown = 0, files = 0;
  for (const auto& entry : fs::directory_iterator(songs)) {
    if (!entry.is_directory() || ++files % 10 != 0) continue;
    for (const ChordSegment& s : read_chord_lab(entry.path() / "chord_midi.txt")) {
      ++chords;
      unknown += s.chord.quality == ChordQuality::other;
    }
    keys += read_key_lab(entry.path() / "key_audio.txt").size();
    beats += read_beats(entry.path() / "beat_midi.txt").size();
  }
  EXPECT_GT(chords, 10'000u);
  EXPECT_LT(unknown, chords / 50);
  EXPECT_GE(keys, 80u);
  EXPECT_GT(beats, 20'000u);
}

}  // namespace
}  // namespace euterpe
