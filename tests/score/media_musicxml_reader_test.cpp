#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "base/files.hpp"
#include "score/instrument_names.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"
#include "score/mxl.hpp"

namespace euterpe {
namespace {

MusicXmlReadResult read(const std::string& text) {
  return read_musicxml(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

/// A document of one part, "P1", with these measures' contents.
std::string one_part(const std::vector<std::string>& measures,
                     const std::string& about = "<part-name>Part</part-name>") {
  std::string out = "<score-partwise version=\"4.0\"><part-list><score-part id=\"P1\">" + about +
                    "</score-part></part-list><part id=\"P1\">";
  for (std::size_t i = 0; i < measures.size(); ++i) {
    out += fmt::format("<measure number=\"{}\">{}</measure>", i + 1, measures[i]);
  }
  return out + "</part></score-partwise>";
}

std::string note(const char* step, int octave, int duration, const std::string& more = {},
                 const std::string& first = {}) {
  return fmt::format("<note>{}<pitch><step>{}</step><octave>{}</octave></pitch><duration>{}</duration>{}</note>", first,
                     step, octave, duration, more);
}

/// A measure of one whole note, named by its pitch: C4 60, D4 62 …, after what else stands in it.
std::string whole(const char* step, const std::string& before = {}, const std::string& after = {}) {
  return before + note(step, 4, 4) + after;
}

const std::string kForward = "<barline location=\"left\"><repeat direction=\"forward\"/></barline>";
const std::string kBackward = "<barline location=\"right\"><repeat direction=\"backward\"/></barline>";
std::string ending(const char* number, const char* type, const char* repeat = "") {
  return fmt::format("<barline location=\"{}\"><ending number=\"{}\" type=\"{}\"/>{}</barline>",
                     std::string(type) == "start" ? "left" : "right", number, type, repeat);
}
std::string sound(const std::string& attributes) { return "<sound " + attributes + "/>"; }

/// What sounds on a track, in order: "pitch@start+duration" in quarter notes.
std::string heard(const Score& score, std::size_t track = 0) {
  std::string out;
  for (const Note& n : score.tracks.at(track).notes) {
    const double q = score.ticks_per_quarter;
    out += fmt::format("{}{}@{:g}+{:g}", out.empty() ? "" : " ", n.pitch, static_cast<double>(n.start) / q,
                       static_cast<double>(n.duration) / q);
  }
  return out;
}

/// The letters of one-note measures in the order in which they are played.
std::string order(const std::vector<std::string>& measures) {
  const Score score = read(one_part(measures)).score;
  std::string out;
  for (const Note& n : score.tracks.at(0).notes) out += "C D EF G A B"[n.pitch % 12];
  return out;
}

std::string mended(const MusicXmlReadResult& result) {
  std::string out;
  for (const std::string& line : result.mended) out += line + "\n";
  return out;
}

TEST(MusicXmlReader, ReadsAPianoPartAsNotationProgramsWriteIt) {
  const MusicXmlReadResult result = read(R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="4.0">
  <work><work-title>Kleine St&#252;cke</work-title></work>
  <identification><creator type="composer">A. Muster</creator><rights>free</rights></identification>
  <part-list><score-part id="P1"><part-name>Piano</part-name>
    <score-instrument id="P1-I1"><instrument-name>Piano</instrument-name></score-instrument>
    <midi-instrument id="P1-I1"><midi-channel>3</midi-channel><midi-program>5</midi-program>
      <volume>78.7402</volume><pan>0</pan></midi-instrument>
  </score-part></part-list>
  <part id="P1">
    <measure number="0" implicit="yes">
      <attributes><divisions>2</divisions><key><fifths>-3</fifths><mode>minor</mode></key>
        <time><beats>3</beats><beat-type>4</beat-type></time><staves>2</staves></attributes>
      <direction placement="above"><direction-type><metronome parentheses="no"><beat-unit>quarter</beat-unit>
        <beat-unit-dot/><per-minute>c. 60</per-minute></metronome></direction-type></direction>
      <direction><direction-type><dynamics><p/></dynamics></direction-type><sound dynamics="54.44"/></direction>
      <note><pitch><step>G</step><octave>4</octave></pitch><duration>2</duration><voice>1</voice><staff>1</staff></note>
    </measure>
    <measure number="1">
      <note><pitch><step>C</step><octave>5</octave></pitch><duration>4</duration><voice>1</voice></note>
      <note><chord/><pitch><step>E</step><alter>-1</alter><octave>5</octave></pitch><duration>4</duration></note>
      <note><pitch><step>D</step><octave>5</octave></pitch><duration>2</duration><tie type="start"/></note>
      <backup><duration>6</duration></backup>
      <note><rest/><duration>2</duration><voice>5</voice><staff>2</staff></note>
      <direction><direction-type><dynamics><ff/></dynamics></direction-type></direction>
      <note><pitch><step>C</step><octave>3</octave></pitch><duration>2</duration><voice>5</voice></note>
      <forward><duration>2</duration></forward>
    </measure>
    <measure number="2">
      <note><pitch><step>D</step><octave>5</octave></pitch><duration>6</duration><tie type="stop"/></note>
    </measure>
  </part>
</score-partwise>)");
  const Score& score = result.score;
  EXPECT_EQ(mended(result), "");
  EXPECT_EQ(result.composer, "A. Muster");
  ASSERT_EQ(score.tracks.size(), 2u);
  EXPECT_EQ(score.tracks[0].name,
            "Kleine St\xC3\xBC"
            "cke");
  const Track& piano = score.tracks[1];
  EXPECT_EQ(piano.name, "Piano");
  EXPECT_EQ(piano.program, 4);
  EXPECT_EQ(heard(score, 1), "67@0+1 72@1+2 75@1+2 48@2+1 74@3+4");
  for (const Note& n : piano.notes) EXPECT_EQ(n.channel, 2);
  EXPECT_EQ(piano.notes[0].velocity, 49);
  EXPECT_EQ(piano.notes[1].velocity, 49);                       // before the ff, though written above it
  EXPECT_EQ(piano.notes[3].velocity, 112);                      // on it
  EXPECT_EQ(piano.notes[4].velocity, 112);                      // behind it, in the other staff
  EXPECT_EQ(score.tempos, (std::vector<Tempo>{{0, 666'667}}));  // 60 dotted quarters are 90 quarters
  ASSERT_EQ(score.keys.size(), 1u);
  EXPECT_EQ(score.keys[0].fifths, -3);
  EXPECT_TRUE(score.keys[0].minor);
  // The pickup is a bar of its own; the bars behind it are counted from its end.
  EXPECT_EQ(score.bar_lines(), (std::vector<std::int64_t>{0, 480, 480 * 4, 480 * 7}));
  for (const TimeSignature& meter : score.meters) EXPECT_EQ(meter.numerator, 3);
}

TEST(MusicXmlReader, ReadsTimewiseScoresAsPartwiseOnes) {
  const auto in_measures = [](const char* first, const char* second) {
    return "<score-timewise><part-list><score-part id=\"A\"><part-name>Flute</part-name></score-part>"
           "<score-part id=\"B\"><part-name>Violoncello</part-name></score-part></part-list><measure number=\"1\">"
           "<part id=\"A\">" +
           note("C", 5, 1) + "</part><part id=\"B\">" + note(first, 3, 1) +
           "</part></measure>"
           "<measure number=\"2\"><part id=\"A\">" +
           note("D", 5, 1) + "</part><part id=\"B\">" + note(second, 3, 1) + "</part></measure></score-timewise>";
  };
  const Score score = read(in_measures("E", "F")).score;
  ASSERT_EQ(score.tracks.size(), 2u);
  EXPECT_EQ(heard(score, 0), "72@0+1 74@1+1");
  EXPECT_EQ(heard(score, 1), "52@0+1 53@1+1");
  EXPECT_EQ(score.tracks[0].program, 73);  // by its name, for the file says no program
  EXPECT_EQ(score.tracks[1].program, 42);
  EXPECT_NE(score.tracks[0].notes[0].channel, score.tracks[1].notes[0].channel);
}

TEST(MusicXmlReader, PlaysTransposingInstrumentsInTheKeyThatSounds) {
  const std::string xml = one_part(
      {"<attributes><divisions>1</divisions><key><fifths>2</fifths></key><transpose><diatonic>-1</diatonic>"
       "<chromatic>-2</chromatic></transpose></attributes>" +
           note("D", 5, 4),
       // The player takes up the A clarinet; an octave lower still for the last note.
       "<attributes><key><fifths>-1</fifths></key><transpose><diatonic>-2</diatonic><chromatic>-3</chromatic>"
       "</transpose></attributes>" +
           note("C", 5, 4),
       "<attributes><transpose><chromatic>0</chromatic><octave-change>-1</octave-change></transpose></attributes>" +
           note("C", 5, 4)},
      "<part-name>Klarinette in B</part-name>");
  const Score score = read(xml).score;
  EXPECT_EQ(heard(score), "72@0+4 69@4+4 60@8+4");
  EXPECT_EQ(score.tracks[0].program, 71);
  ASSERT_EQ(score.keys.size(), 2u);
  EXPECT_EQ(score.keys[0].fifths, 0);
  EXPECT_EQ(score.keys[1].fifths, 2);  // F as written for the A clarinet is D as it sounds
}

TEST(MusicXmlReader, TakesTheKeyFromAPartThatDoesNotTranspose) {
  const std::string xml =
      "<score-partwise><part-list><score-part id=\"H\"><part-name>Horn</part-name></score-part><score-part id=\"V\">"
      "<part-name>Violin</part-name></score-part></part-list><part id=\"H\"><measure number=\"1\"><attributes>"
      "<key><fifths>0</fifths></key><transpose><diatonic>-4</diatonic><chromatic>-7</chromatic></transpose></"
      "attributes>" +
      note("C", 5, 4) +
      "</measure></part><part id=\"V\"><measure number=\"1\"><attributes><key><fifths>3</fifths></key>"
      "</attributes>" +
      note("A", 4, 4) + "</measure></part></score-partwise>";
  const Score score = read(xml).score;
  ASSERT_EQ(score.keys.size(), 1u);
  EXPECT_EQ(score.keys[0].fifths, 3);
  EXPECT_EQ(heard(score, 0), "65@0+4");
}

TEST(MusicXmlReader, PlaysADrumSetOnChannelTen) {
  const std::string about =
      "<part-name>Drumset</part-name><score-instrument id=\"K\"><instrument-name>Kick</instrument-name>"
      "</score-instrument><score-instrument id=\"S\"><instrument-name>Snare</instrument-name></score-instrument>"
      "<midi-instrument id=\"K\"><midi-channel>10</midi-channel><midi-program>1</midi-program><midi-unpitched>37"
      "</midi-unpitched></midi-instrument><midi-instrument id=\"S\"><midi-channel>10</midi-channel><midi-unpitched>39"
      "</midi-unpitched></midi-instrument>";
  const auto drum = [](const char* place, const char* more, const char* first = "") {
    return fmt::format("<note>{}<unpitched>{}</unpitched><duration>1</duration>{}</note>", first, place, more);
  };
  const char* kBottom = "<display-step>F</display-step><display-octave>4</display-octave>";
  const char* kMiddle = "<display-step>C</display-step><display-octave>5</display-octave>";
  const char* kTop = "<display-step>G</display-step><display-octave>5</display-octave>";
  const MusicXmlReadResult result =
      read(one_part({drum(kBottom, "<instrument id=\"K\"/>") + drum(kMiddle, "<instrument id=\"S\"/>") +
                     drum(kTop, "<notehead>x</notehead>", "<chord/>")},
                    about));
  EXPECT_EQ(heard(result.score), "36@0+1 36@1+1 38@1+1");  // what names no instrument is the first
  EXPECT_TRUE(result.score.tracks[0].drums);
  EXPECT_EQ(result.score.tracks[0].notes[0].channel, 9);

  // Without a word about MIDI the place on the staff tells.
  const MusicXmlReadResult bare =
      read(one_part({drum(kBottom, "") + drum(kMiddle, "") + drum(kTop, "<notehead>x</notehead>")}));
  EXPECT_EQ(heard(bare.score), "36@0+1 38@1+1 42@2+1");
  EXPECT_NE(mended(bare).find("part P1 measure 1: percussion without midi-unpitched"), std::string::npos);
}

TEST(MusicXmlReader, FollowsChangesOfDivisionsAndTuplets) {
  const std::string divisions = "<attributes><divisions>{}</divisions></attributes>";
  const auto with = [&](int d) { return fmt::format(fmt::runtime(divisions), d); };
  const std::string triplet =
      "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>";
  const Score score = read(one_part({with(4) + note("C", 4, 4) + with(3) + note("D", 4, 1, triplet) +
                                         note("E", 4, 1, triplet) + note("F", 4, 1, triplet),
                                     with(7) + note("G", 4, 1) + note("A", 4, 6)}))
                          .score;
  EXPECT_EQ(score.ticks_per_quarter % 84, 0);
  EXPECT_EQ(heard(score),
            "60@0+1 62@1+0.333333 64@1.33333+0.333333 65@1.66667+0.333333 67@2+0.142857 69@2.14286+0.857143");
}

TEST(MusicXmlReader, PutsGraceNotesJustBeforeWhatTheyAdorn) {
  const auto grace = [](const char* step, const char* chord = "") {
    return fmt::format("<note><grace/>{}<pitch><step>{}</step><octave>4</octave></pitch></note>", chord, step);
  };
  EXPECT_EQ(heard(read(one_part({note("C", 4, 1) + grace("D") + grace("E") + note("F", 4, 1)})).score),
            "60@0+1 62@0.75+0.125 64@0.875+0.125 65@1+1");
  EXPECT_EQ(
      heard(
          read(one_part({note("C", 4, 1) + grace("D") + grace("E", "<chord/>") + note("F", 4, 1) + grace("G")})).score),
      "60@0+1 62@0.875+0.125 64@0.875+0.125 65@1+1 67@1.875+0.125");
  // Nothing is before the piece begins.
  EXPECT_EQ(heard(read(one_part({grace("D") + note("F", 4, 1)})).score), "62@0+0.125 65@0+1");
}

TEST(MusicXmlReader, PlaysRepeatsAndEndings) {
  EXPECT_EQ(order({whole("C"), whole("D"), whole("E")}), "CDE");
  EXPECT_EQ(order({whole("C"), whole("D", kForward), whole("E", "", kBackward), whole("F")}), "CDEDEF");
  EXPECT_EQ(order({whole("C", "", kBackward), whole("D", "", kBackward), whole("E")}), "CCDDE");
  EXPECT_EQ(order({whole("C", kForward,
                         "<barline location=\"right\"><repeat direction=\"backward\" times=\"4\"/></barline>")}),
            "CCCC");
  const std::string repeat = "<repeat direction=\"backward\"/>";
  EXPECT_EQ(order({whole("C", kForward), whole("D", ending("1", "start"), ending("1", "stop", repeat.c_str())),
                   whole("E", ending("2", "start"), ending("2", "discontinue")), whole("F", "", kBackward)}),
            "CDCEFF");
  EXPECT_EQ(order({whole("C"), whole("D", ending("1, 2", "start"), ending("1, 2", "stop", repeat.c_str())),
                   whole("E", ending("3", "start"), ending("3", "stop")), whole("F")}),
            "CDCDCEF");
  // An ending of two measures, and one that stands alone.
  EXPECT_EQ(order({whole("C"), whole("D", ending("1", "start")), whole("E", "", ending("1", "stop", repeat.c_str())),
                   whole("F")}),
            "CDECF");
}

TEST(MusicXmlReader, PlaysDaCapoDalSegnoCodaAndFine) {
  EXPECT_EQ(order({whole("C"), whole("D", "", sound("fine=\"yes\"")), whole("E", "", sound("dacapo=\"yes\""))}),
            "CDECD");
  EXPECT_EQ(order({whole("C"), whole("D", sound("segno=\"a\"")), whole("E", "", sound("tocoda=\"b\"")),
                   whole("F", "", sound("dalsegno=\"a\"")), whole("G", sound("coda=\"b\""))}),
            "CDEFDEG");
  // Repeats are done before the jump and not taken after it; of endings the last is played.
  const std::string repeat = "<repeat direction=\"backward\"/>";
  EXPECT_EQ(order({whole("C"), whole("D", ending("1", "start"), ending("1", "stop", repeat.c_str())),
                   whole("E", ending("2", "start"), ending("2", "stop") + sound("fine=\"yes\"")),
                   whole("F", "", sound("dacapo=\"yes\""))}),
            "CDCEFCE");
  // The words and signs do where a program wrote nothing about sound.
  const auto words = [](const char* text) {
    return fmt::format("<direction><direction-type><words>{}</words></direction-type></direction>", text);
  };
  const std::string segno = "<direction><direction-type><segno/></direction-type></direction>";
  const std::string coda = "<direction><direction-type><coda/></direction-type></direction>";
  EXPECT_EQ(order({whole("C"), whole("D", segno), whole("E", "", coda), whole("F", "", words("D.S. al Coda")),
                   whole("G", coda)}),
            "CDEFDEG");
  EXPECT_EQ(order({whole("C", "", words("Fine")), whole("D", "", words("D.C. al Fine"))}), "CDC");
  // What never ends is played once.
  const MusicXmlReadResult endless =
      read(one_part({whole("C", sound("coda=\"x\"")), whole("D", "", sound("dacapo=\"yes\" tocoda=\"x\""))}));
  EXPECT_EQ(endless.score.note_count(), 2u);
  EXPECT_NE(mended(endless).find("played straight through"), std::string::npos);
}

TEST(MusicXmlReader, ComesBackToTheTempoAndKeyOfARepeatedMeasure) {
  const std::string key = "<attributes><key><fifths>{}</fifths></key></attributes>";
  const Score score = read(one_part({whole("C", sound("tempo=\"100\"") + fmt::format(fmt::runtime(key), 1)),
                                     whole("D", sound("tempo=\"50\"") + fmt::format(fmt::runtime(key), 2), kBackward)}))
                          .score;
  EXPECT_EQ(score.tempos, (std::vector<Tempo>{{0, 600'000}, {1920, 1'200'000}, {3840, 600'000}, {5760, 1'200'000}}));
  ASSERT_EQ(score.keys.size(), 4u);
  EXPECT_EQ(score.keys[2].fifths, 1);
  EXPECT_EQ(score.keys[2].tick, 3840);
}

TEST(MusicXmlReader, JoinsTiesOverBarLinesAndIntoBothEndings) {
  const std::string start = "<tie type=\"start\"/>", stop = "<tie type=\"stop\"/>",
                    repeat = "<repeat direction=\"backward\"/>";
  const MusicXmlReadResult result = read(one_part(
      {note("C", 4, 4, start), ending("1", "start") + note("C", 4, 4, stop) + ending("1", "stop", repeat.c_str()),
       ending("2", "start") + note("C", 4, 4, stop + start) + ending("2", "stop"),
       note("C", 4, 2, "<notations><tied type=\"stop\"/></notations>") + note("C", 4, 2)}));
  EXPECT_EQ(heard(result.score), "60@0+8 60@8+10 60@18+2");
  EXPECT_EQ(mended(result), "");
}

TEST(MusicXmlReader, ReadsMetersThatAreSumsAndMeasuresThatAreLongerOrShorter) {
  const auto time = [](const char* beats, int type) {
    return fmt::format("<attributes><time><beats>{}</beats><beat-type>{}</beat-type></time></attributes>", beats, type);
  };
  const Score score =
      read(one_part({"<attributes><divisions>2</divisions></attributes>" + time("3+2", 8) + note("C", 4, 5),
                     time("2", 4) + note("D", 4, 4), note("E", 4, 7), note("F", 4, 4), note("G", 4, 4)}))
          .score;
  const std::int64_t eighth = score.ticks_per_quarter / 2;
  EXPECT_EQ(score.bar_lines(),
            (std::vector<std::int64_t>{0, 5 * eighth, 9 * eighth, 13 * eighth, 16 * eighth, 20 * eighth, 24 * eighth}));
  EXPECT_EQ(score.meters[0].numerator, 5);
  EXPECT_EQ(score.meters[0].denominator, 8);
}

TEST(MusicXmlReader, KeepsLyricsWordsAndRehearsalMarksAsTexts) {
  const auto lyric = [](int verse, const char* syllabic, const char* text) {
    return fmt::format("<lyric number=\"{}\"><syllabic>{}</syllabic><text>{}</text></lyric>", verse, syllabic, text);
  };
  const Score score = read(one_part({"<direction><direction-type><rehearsal>A</rehearsal></direction-type></direction>"
                                     "<direction><direction-type><words> dolce </words></direction-type></direction>" +
                                     note("C", 4, 1, lyric(1, "begin", "Hal") + lyric(2, "single", "Oh")) +
                                     note("D", 4, 1, lyric(1, "end", "lo") + lyric(2, "single", "day")) + kBackward}))
                          .score;
  std::string texts;
  for (const TextEvent& t : score.tracks[0].texts) texts += fmt::format("{}:{}={}|", t.tick / 480, t.type, t.text);
  EXPECT_EQ(texts, "0:3=Part|0:6=A|0:1=dolce|0:5=Hal|1:5=lo |2:6=A|2:1=dolce|2:5=Oh |3:5=day |");
}

TEST(MusicXmlReader, TurnsDynamicMarksIntoVelocities) {
  const auto mark = [](const char* name) {
    return fmt::format("<direction><direction-type><dynamics><{}/></dynamics></direction-type></direction>", name);
  };
  const Score score =
      read(one_part({note("C", 4, 1) + mark("pp") + note("D", 4, 1) + mark("sfz") + note("E", 4, 1) + note("F", 4, 1) +
                         note("G", 4, 1, "<notations><dynamics><f/></dynamics></notations>") + mark("fp") +
                         note("A", 4, 1) + note("B", 4, 1),
                     note("C", 4, 1) + sound("dynamics=\"100\"") + note("D", 4, 1)}))
          .score;
  std::vector<int> velocities;
  for (const Note& n : score.tracks[0].notes) velocities.push_back(n.velocity);
  EXPECT_EQ(velocities, (std::vector<int>{80, 33, 112, 33, 96, 96, 49, 49, 90}));
}

TEST(MusicXmlReader, SaysWhatIsWrongAndWhere) {
  const auto error = [](const std::string& text) -> std::string {
    try {
      read(text);
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input);
      return e.what();
    }
    return "no error";
  };
  EXPECT_NE(error("").find("byte 0"), std::string::npos);
  EXPECT_NE(error("<html><body>404</body></html>").find("web page"), std::string::npos);
  EXPECT_NE(error("<score-partwise></score-partwise>").find("no part"), std::string::npos);
  const std::string whole_file = one_part({note("C", 4, 1)});
  EXPECT_NE(error(whole_file.substr(0, whole_file.size() - 5)).find("incomplete download"), std::string::npos);
  EXPECT_NE(
      error(one_part({note("C", 4, 1), "<note><rest/><duration>1e300</duration></note>"})).find("part P1 measure 2"),
      std::string::npos);
  // A small document that stands for a large one: empty measures of many parts, measures under a repeat sign.
  std::string parts;
  for (int p = 0; p < 300; ++p) parts += fmt::format("<part id=\"P{}\"/>", p);
  std::string empty;
  for (int m = 0; m < 10'000; ++m) empty += "<measure/>";
  const std::string timewise = "<score-timewise>" + empty + "<measure>" + parts + "</measure></score-timewise>";
  EXPECT_NE(error(timewise).find("parts of 10001 measures"), std::string::npos);
  std::string notes;
  for (int i = 0; i < 1000; ++i) notes += note("C", 4, 1);
  std::vector<std::string> measures(5000);
  measures[0] = notes;
  measures[1] =
      "<attributes><measure-style><measure-repeat type=\"start\">1</measure-repeat></measure-style></attributes>";
  EXPECT_NE(error(one_part(measures)).find("too many measures under repeat signs"), std::string::npos);
  // Entities are never expanded, so a small document stays small.
  EXPECT_EQ(read("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>" +
                 one_part({note("C", 4, 1)}, "<part-name>&b;</part-name>"))
                .score.tracks[0]
                .name,
            "&b;");
}

TEST(MusicXmlReader, MendsWhatItCan) {
  const MusicXmlReadResult result = read(one_part(
      {note("C", 4, 1) + "<backup><duration>9</duration></backup>" + note("E", 4, 1),
       "<note><pitch><step>H</step><octave>4</octave></pitch><duration>1</duration></note>" +
           std::string("<note><pitch><step>D</step><octave>4</octave></pitch><type>half</type></note>") +
           "<note><pitch><step>D</step><alter>0.5</alter><octave>4</octave></pitch><duration>1</duration></note>" +
           note("F", 4, 1, "<tie type=\"stop\"/>") +
           "<note><cue/><pitch><step>C</step><octave>4</octave></pitch>"
           "<duration>1</duration></note>"}));
  EXPECT_EQ(heard(result.score), "60@0+1 64@0+1 62@2+2 63@4+1 65@5+1");
  for (const char* what : {"measure 1: a backup leads to before the bar line", "measure 2: a pitch without step",
                           "a note without duration; taken as it is written", "between the semitones",
                           "a tie that comes from nowhere", "a cue note is not played"}) {
    EXPECT_NE(mended(result).find(what), std::string::npos) << what;
  }
}

// --- compressed files
// ----------------------------------------------------------------------------------------------------

std::string little(std::uint32_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i & 0xFF);
  return out;
}

struct Packed {
  std::string name, content;
  bool deflated = true;
};

/// A ZIP archive as notation programs write it.
std::string zip(const std::vector<Packed>& files, std::uint32_t lie_about_size = 0) {
  std::string out, directory;
  for (const Packed& file : files) {
    std::string data = file.content;
    if (file.deflated) {
      z_stream stream{};
      deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
      data.resize(deflateBound(&stream, file.content.size()));
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(file.content.data()));
      stream.avail_in = static_cast<uInt>(file.content.size());
      stream.next_out = reinterpret_cast<Bytef*>(data.data());
      stream.avail_out = static_cast<uInt>(data.size());
      EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
      data.resize(stream.total_out);
      deflateEnd(&stream);
    }
    const auto checksum =
        crc32(0, reinterpret_cast<const Bytef*>(file.content.data()), static_cast<uInt>(file.content.size()));
    const auto size = lie_about_size != 0 ? lie_about_size : static_cast<std::uint32_t>(file.content.size());
    const std::string common = little(20, 2) + little(0, 2) + little(file.deflated ? 8 : 0, 2) + little(0, 4) +
                               little(static_cast<std::uint32_t>(checksum), 4) +
                               little(static_cast<std::uint32_t>(data.size()), 4) + little(size, 4) +
                               little(static_cast<std::uint32_t>(file.name.size()), 2) + little(0, 2);
    directory += "PK\1\2" + little(20, 2) + common + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) +
                 little(static_cast<std::uint32_t>(out.size()), 4) + file.name;
    out += "PK\3\4" + common + file.name + data;
  }
  const auto offset = static_cast<std::uint32_t>(out.size()), count = static_cast<std::uint32_t>(files.size());
  return out + directory + "PK\5\6" + little(0, 4) + little(count, 2) + little(count, 2) +
         little(static_cast<std::uint32_t>(directory.size()), 4) + little(offset, 4) + little(0, 2);
}

const char* kContainer =
    "<?xml version=\"1.0\"?><container><rootfiles><rootfile full-path=\"music/score.xml\"/></rootfiles></container>";

TEST(MusicXmlArchive, ReadsTheScoreThatTheContainerNames) {
  const std::string xml = one_part({note("C", 4, 4)}), other = one_part({note("D", 4, 4)});
  for (const bool deflated : {true, false}) {
    const MusicXmlReadResult result = read(zip({{"META-INF/container.xml", kContainer, deflated},
                                                {"other.xml", other, deflated},
                                                {"music/score.xml", xml, deflated}}));
    EXPECT_TRUE(result.compressed);
    EXPECT_EQ(heard(result.score), "60@0+4");
    EXPECT_EQ(mended(result), "");
  }
  const MusicXmlReadResult lost = read(zip({{"other.xml", other}}));
  EXPECT_EQ(heard(lost.score), "62@0+4");
  EXPECT_EQ(mended(lost), "META-INF/container.xml is missing\n");
}

TEST(MusicXmlArchive, RefusesArchivesThatLie) {
  const std::string whole_file =
      zip({{"META-INF/container.xml", kContainer}, {"music/score.xml", one_part({note("C", 4, 4)})}});
  EXPECT_NO_THROW(read(whole_file));
  for (std::size_t size = 4; size < whole_file.size(); size += 7) EXPECT_THROW(read(whole_file.substr(0, size)), Error);
  EXPECT_THROW(read(zip({{"score.xml", one_part({note("C", 4, 4)})}}, 0xFFFFFFF0)), Error);  // 4 GB, it says
  EXPECT_THROW(read(zip({{"score.xml", one_part({note("C", 4, 4)})}}, 5)), Error);
  EXPECT_THROW(read(zip({{"picture.png", "no score"}})), Error);
  std::string damaged = zip({{"score.xml", one_part({note("C", 4, 4)}), false}});
  damaged[60] ^= 1;
  EXPECT_THROW(read(damaged), Error);
}

// --- round trips
// ---------------------------------------------------------------------------------------------------------

Score random_score() {
  Score score;
  const int step = *rc::gen::element(480, 240, 160, 120, 80, 60);
  const int tracks = *rc::gen::inRange(1, 4);
  for (int t = 0; t < tracks; ++t) {
    const bool drums = t == 2;
    const int channel = drums ? 9 : t;
    Track& track = add_track(score, "part " + std::to_string(t), *rc::gen::inRange(0, 128), channel);
    const int count = *rc::gen::inRange(1, 25);
    for (int i = 0; i < count; ++i) {
      const Note made{std::int64_t{step} * *rc::gen::inRange(0, 100), std::int64_t{step} * *rc::gen::inRange(1, 20),
                      static_cast<std::uint8_t>(*rc::gen::inRange(12, 128)),
                      static_cast<std::uint8_t>(*rc::gen::inRange(1, 128)), static_cast<std::uint8_t>(channel)};
      // Notes of one pitch that overlap exchange their ends or become one (see write_musicxml).
      const bool overlaps = std::any_of(track.notes.begin(), track.notes.end(), [&](const Note& n) {
        return n.pitch == made.pitch && n.start <= made.end() && made.start <= n.end();
      });
      if (!overlaps) track.notes.push_back(made);
    }
  }
  score.tempos = {{0, static_cast<std::uint32_t>(*rc::gen::inRange(200'000, 2'000'000))},
                  {480 * *rc::gen::inRange(1, 8), static_cast<std::uint32_t>(*rc::gen::inRange(200'000, 2'000'000))}};
  const auto meter = *rc::gen::element(std::pair(4, 4), std::pair(3, 4), std::pair(2, 2), std::pair(5, 4));
  score.meters = {{0, static_cast<std::uint8_t>(meter.first), static_cast<std::uint8_t>(meter.second)}};
  score.keys = {{0, static_cast<std::int8_t>(*rc::gen::inRange(-7, 8)), *rc::gen::arbitrary<bool>()}};
  score.sort();
  return score;
}

RC_GTEST_PROP(MusicXmlReaderRoundTrip, KeepsNotesTempoMeterKeyAndPrograms, ()) {
  const Score score = random_score();
  const MusicXmlReadResult result = read(write_musicxml(score));
  const Score& back = result.score;
  RC_ASSERT(result.mended.empty());
  RC_ASSERT(back.ticks_per_quarter == 480);
  RC_ASSERT(back.tracks.size() == score.tracks.size());
  for (std::size_t t = 0; t < score.tracks.size(); ++t) {
    RC_ASSERT(back.tracks[t].notes == score.tracks[t].notes);
    RC_ASSERT(back.tracks[t].name == score.tracks[t].name);
    RC_ASSERT(back.tracks[t].program == score.tracks[t].program);
    RC_ASSERT(back.tracks[t].drums == score.tracks[t].drums);
  }
  RC_ASSERT(back.keys == (std::all_of(score.tracks.begin(), score.tracks.end(), [](const Track& t) { return t.drums; })
                              ? std::vector<KeySignature>{}
                              : score.keys));
  RC_ASSERT(back.meters == score.meters);
  for (const Tempo& tempo : back.tempos) {
    const auto same =
        std::find_if(score.tempos.begin(), score.tempos.end(), [&](const Tempo& t) { return t.tick == tempo.tick; });
    RC_ASSERT(same != score.tempos.end());
    RC_ASSERT(std::abs(same->bpm() / tempo.bpm() - 1) < 1e-5);
  }
  RC_ASSERT(read_midi(write_midi(back)).score == back);
}

TEST(MusicXmlReaderRoundTrip, KeepsEveryNoteOfFolkTunes) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (data == nullptr || !std::filesystem::exists(std::filesystem::path(data) / "nottingham"))
    GTEST_SKIP() << "EUTERPE_DATA has no nottingham";
  std::size_t files = 0, notes = 0;
  for (const auto& path : walk_files({std::filesystem::path(data) / "nottingham"})) {
    if (path.extension() != ".mid" || ++files % 40 != 0) continue;
    const Score score = read_midi(path).score;
    const Score back = read(write_musicxml(score)).score;
    // The written copy is on the notation's grid; written once more, it stays as it is.
    const Score again = read(write_musicxml(back)).score;
    EXPECT_EQ(again.merged_notes(true), back.merged_notes(true)) << path;
    EXPECT_EQ(back.bar_lines().size(), score.bar_lines().size()) << path;
    notes += back.note_count();
  }
  EXPECT_GT(notes, 1000u);
}

}  // namespace
}  // namespace euterpe
