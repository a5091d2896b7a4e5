#include "score/chord.hpp"
#include "score/annotation.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace euterpe {
namespace {

int class_of(std::string_view label) {
  const auto chord = parse_chord(label);
  return chord ? majmin_class(*chord) : -2;
}

TEST(ParseChord, reads_roots_with_any_number_of_accidentals) {
  EXPECT_EQ(parse_chord("C")->root, 0);
  EXPECT_EQ(parse_chord("F#:min")->root, 6);
  EXPECT_EQ(parse_chord("Bb")->root, 10);
  EXPECT_EQ(parse_chord("Cb:maj")->root, 11);
  EXPECT_EQ(parse_chord("G##:7")->root, 9);
  EXPECT_EQ(parse_chord("N")->root, -1);
}

TEST(ParseChord, tells_every_quality_from_shorthands_and_from_degrees) {
  const std::pair<const char*, ChordQuality> labels[] = {
      {"C", ChordQuality::major},
      {"C:(3,5)", ChordQuality::major},
      {"C:(b3,5)", ChordQuality::minor},
      {"C:maj(9)", ChordQuality::major},
      {"C:maj(b7)", ChordQuality::dominant7},
      {"C:7(*b7)", ChordQuality::major},
      {"C:9", ChordQuality::dominant7},
      {"C:maj13", ChordQuality::major7},
      {"C:min11", ChordQuality::minor7},
      {"C:sus4(b7)", ChordQuality::sus4},
      {"C:aug7", ChordQuality::augmented},
      {"C:(b3,b5,bb7)", ChordQuality::diminished7},
      {"C:min(7)", ChordQuality::minor_major7},
      {"C:5/3", ChordQuality::major},  // a power chord is whole with the third in the bass
      {"C:5", ChordQuality::other},
      {"C:1", ChordQuality::other},
      {"C:maj(*3)", ChordQuality::other},
  };
  for (const auto& [label, quality] : labels) {
    ASSERT_TRUE(parse_chord(label)) << label;
    EXPECT_EQ(parse_chord(label)->quality, quality) << label;
  }
}

TEST(ParseChord, refuses_what_is_no_label) {
  for (const char* label : {"", "X", "H:maj", "c:min", "C:", "C:foo", "C/", "C/0", "C/14", "C:maj(", "C:maj()",
                            "C:(3,)", "C:(,3)", "C(3)", "C#b", "NX", "N/3", "C:maj (3)"})
    EXPECT_FALSE(parse_chord(label)) << label;
}

TEST(ChordName, is_read_back_as_the_same_chord) {
  std::set<std::string> names;
  for (int root = 0; root < 12; ++root) {
    for (int q = 0; q <= static_cast<int>(ChordQuality::minor6); ++q) {
      for (int bass = 0; bass < 12; ++bass) {
        const Chord chord{root, static_cast<ChordQuality>(q), bass};
        names.insert(chord.name());
        ASSERT_EQ(parse_chord(chord.name()), chord) << chord.name();
      }
    }
  }
  EXPECT_EQ(names.size(), 12u * 14u * 12u);
  EXPECT_EQ(Chord{}.name(), "N");
  EXPECT_EQ((Chord{6, ChordQuality::minor7, 0}.name()), "F#:min7");
  EXPECT_EQ((Chord{10, ChordQuality::major, 4}.name()), "Bb:maj/3");
  EXPECT_EQ(parse_chord((Chord{3, ChordQuality::other, 0}.name()))->quality, ChordQuality::other);
}

// The figures are what mir_eval 0.7 computes: chord.encode() and the first eight semitones of chord.majmin().
TEST(MajminClass, is_that_of_mir_eval) {
  const std::pair<const char*, int> classes[] = {
      {"N", 24},          {"X", -2},         {"C:maj", 0},    {"C:min", 12},     {"Db:maj7/7", 1},  {"D:7/b7", 2},
      {"Eb:min7/b7", 15}, {"E:minmaj7", 16}, {"F:maj6", 5},   {"F#:min6/5", 18}, {"G:sus4", -1},    {"G:sus4(b7)", -1},
      {"A:sus2", -1},     {"A:dim", -1},     {"A:hdim7", -1}, {"B:aug", -1},     {"C:maj/2", -1},   {"C:maj/b7", 0},
      {"C:min/3", -1},    {"C:min/6", 12},   {"C:aug/5", 0},  {"C:maj(4)", -1},  {"C:maj(11)", 0},  {"C:maj(*3)/3", 0},
      {"C:(1,b3,5)", 12}, {"C:maj(b8)", 0},  {"C:7(#9)", 0},  {"C:maj(2)", -1},  {"C:min(*5)", -1}, {"C:dim/5", -1},
  };
  for (const auto& [label, wanted] : classes) EXPECT_EQ(class_of(label), wanted) << label;
}

RC_GTEST_PROP(ParseChord, takes_any_text, (const std::string& text)) {
  const auto chord = parse_chord(text);
  if (chord) RC_ASSERT(chord->root >= -1 && chord->root < 12 && chord->bass >= 0 && chord->bass < 12);
}

TEST(ParseChord, reads_every_label_of_pop909) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data || !std::filesystem::exists(std::filesystem::path(data) / "pop909")) GTEST_SKIP() << "no pop909";
  std::set<std::string> labels;
  for (int song = 1; song <= 100; ++song) {
    const std::string name = fmt::format("{:03}", song);
    std::ifstream in(std::filesystem::path(data) / "pop909" / name / "chord_midi.txt");
    double start, end;
    for (std::string label; in >> start >> end >> label;) labels.insert(label);
  }
  ASSERT_GT(labels.size(), 100u);
  for (const std::string& label : labels) {
    ASSERT_TRUE(parse_chord(label)) << label;
    EXPECT_NE(parse_chord(label)->quality, ChordQuality::other) << label;
  }
}

TEST(Chords, AreSpelledAsTheirKeyIs) {
  const Chord sixth{3, ChordQuality::minor, 0}, tonic{6, ChordQuality::major, 0}, fourth{11, ChordQuality::major, 0};
  EXPECT_EQ(sixth.name(), "Eb:min");
  EXPECT_EQ(sixth.name(6), "D#:min");  // F# major
  EXPECT_EQ(tonic.name(6), "F#:maj");
  EXPECT_EQ(tonic.name(-5), "Gb:maj");  // Db major
  EXPECT_EQ(fourth.name(-6), "Cb:maj");
  for (int fifths = -6; fifths <= 6; ++fifths)
    for (int root = 0; root < 12; ++root)
      for (const ChordQuality quality : {ChordQuality::major, ChordQuality::minor7, ChordQuality::dominant7}) {
        const Chord chord{root, quality, 4};
        EXPECT_EQ(parse_chord(chord.name(fifths)), chord) << chord.name(fifths) << " with " << fifths;
      }
}

TEST(Chords, TakeTheSpellingOfTheKeyThatTheyStandIn) {
  const std::vector<KeySegment> keys{{0, 10, 6, false, 1}, {10, 20, 1, false, 1}};  // F# major, Db major
  EXPECT_EQ(keys[0].fifths(), 6);
  EXPECT_EQ(keys[1].fifths(), -5);
  EXPECT_EQ(chord_name({2, 4, {6, ChordQuality::major, 0}, 1}, keys), "F#:maj");
  EXPECT_EQ(chord_name({12, 14, {6, ChordQuality::major, 0}, 1}, keys), "Gb:maj");
  EXPECT_EQ(chord_name({12, 14, {-1, ChordQuality::major, 0}, 1}, keys), "N");
}

TEST(Annotations, ThatReachBeyondTheEndAreCut) {
  Annotations a;
  a.duration = 10;
  a.beats = {{9, 1}, {10, 2}, {11, 3}};
  a.keys = {{0, 12, 0, false, 1}};
  a.chords = {{0, 9, {}, 1}, {9, 11, {}, 1}, {11, 12, {}, 1}};
  a.melody = {1, std::vector<float>(20, 100)};
  keep_within(a);
  EXPECT_EQ(a.beats.size(), 2u);
  EXPECT_EQ(a.keys[0].end, 10);
  ASSERT_EQ(a.chords.size(), 2u);
  EXPECT_EQ(a.chords[1].end, 10);
  EXPECT_EQ(a.melody.hz.size(), 11u);
}

}  // namespace
}  // namespace euterpe
