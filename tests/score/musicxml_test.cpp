#include "score/musicxml.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "base/error.hpp"
#include "base/files.hpp"
#include "score/midi.hpp"
#include "score/notation.hpp"

namespace euterpe {
namespace {

/// An XML element; the parser knows only what a well-formed document without comments, CDATA and mixed content needs.
struct Element {
  std::string name, text;
  std::map<std::string, std::string> attributes;
  std::vector<Element> children;

  const Element* find(std::string_view child) const {
    for (const Element& e : children) {
      if (e.name == child) return &e;
    }
    return nullptr;
  }
  std::vector<const Element*> all(std::string_view child) const {
    std::vector<const Element*> out;
    for (const Element& e : children) {
      if (e.name == child) out.push_back(&e);
    }
    return out;
  }
  const Element& at(std::string_view child) const {
    const Element* e = find(child);
    if (e == nullptr) throw std::runtime_error(name + " has no " + std::string(child));
    return *e;
  }
  int number(std::string_view child) const { return std::stoi(at(child).text); }
};

class XmlParser {
 public:
  explicit XmlParser(std::string_view text) : text_(text) {}
  Element document() {
    while (text_.substr(at_, 2) == "<?" || text_.substr(at_, 2) == "<!") {
      at_ = text_.find('>', at_) + 1;
      space();
    }
    Element root = element();
    space();
    if (at_ != text_.size()) fail("text behind the root");
    return root;
  }

 private:
  [[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + " at " + std::to_string(at_)); }
  void space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  void expect(std::string_view s) {
    if (text_.substr(at_, s.size()) != s) fail("expected " + std::string(s));
    at_ += s.size();
  }
  std::string name() {
    const std::size_t from = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '-')) ++at_;
    if (from == at_) fail("expected a name");
    return std::string(text_.substr(from, at_ - from));
  }
  std::string until(std::string_view stops) {
    std::string out;
    while (at_ < text_.size() && stops.find(text_[at_]) == std::string_view::npos) {
      if (static_cast<unsigned char>(text_[at_]) < 0x20 && !std::isspace(static_cast<unsigned char>(text_[at_]))) {
        fail("a control character");
      }
      if (text_[at_] != '&') {
        out += text_[at_++];
        continue;
      }
      const std::map<std::string, char> entities{{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
      const std::string entity(text_.substr(at_, text_.find(';', at_) + 1 - at_));
      if (!entities.contains(entity)) fail("entity " + entity);
      out += entities.at(entity);
      at_ += entity.size();
    }
    return out;
  }
  Element element() {
    Element e;
    expect("<");
    e.name = name();
    for (space(); std::isalpha(static_cast<unsigned char>(text_.at(at_))); space()) {
      const std::string key = name();
      expect("=\"");
      e.attributes[key] = until("\"");
      expect("\"");
    }
    if (text_[at_] == '/') {
      expect("/>");
      return e;
    }
    expect(">");
    for (;;) {
      e.text += until("<");
      if (text_.substr(at_, 2) == "</") break;
      e.children.push_back(element());
    }
    expect("</" + e.name + ">");
    if (!e.children.empty()) e.text.clear();
    return e;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Element parse(const std::string& xml) { return XmlParser(xml).document(); }

/// The order that the schema (musicxml.xsd 4.0) gives to the children of the elements that are written here.
const std::map<std::string, std::vector<std::string>> kSchemaOrder{
    {"score-partwise", {"movement-title", "identification", "part-list", "part"}},
    {"identification", {"rights", "encoding"}},
    {"score-part", {"part-name", "score-instrument", "midi-instrument"}},
    {"midi-instrument", {"midi-channel", "midi-program", "midi-unpitched"}},
    {"attributes", {"divisions", "key", "time", "clef"}},
    {"key", {"fifths", "mode"}},
    {"time", {"beats", "beat-type"}},
    {"clef", {"sign", "line"}},
    {"direction", {"direction-type", "offset", "sound"}},
    {"metronome", {"beat-unit", "per-minute"}},
    {"note",
     {"chord", "pitch", "unpitched", "rest", "duration", "tie", "instrument", "voice", "type", "dot",
      "time-modification", "notehead", "notations"}},
    {"pitch", {"step", "alter", "octave"}},
    {"unpitched", {"display-step", "display-octave"}},
    {"time-modification", {"actual-notes", "normal-notes"}},
};

void expect_schema_order(const Element& e) {
  if (const auto it = kSchemaOrder.find(e.name); it != kSchemaOrder.end()) {
    std::ptrdiff_t last = 0;
    for (const Element& child : e.children) {
      const auto place = std::find(it->second.begin(), it->second.end(), child.name) - it->second.begin();
      ASSERT_LT(place, static_cast<std::ptrdiff_t>(it->second.size())) << child.name << " in " << e.name;
      ASSERT_GE(place, last) << child.name << " in " << e.name;
      last = place;
    }
  }
  for (const Element& child : e.children) expect_schema_order(child);
}

/// Length in divisions that type, dots and tuplet say.
double written_length(const Element& note, int divisions) {
  static const std::map<std::string, double> kQuarters{{"breve", 8},    {"whole", 4},    {"half", 2},
                                                       {"quarter", 1},  {"eighth", 0.5}, {"16th", 0.25},
                                                       {"32nd", 0.125}, {"64th", 0.0625}};
  double length = kQuarters.at(note.at("type").text) * divisions;
  if (note.find("dot") != nullptr) length *= 1.5;
  if (const Element* t = note.find("time-modification"))
    length *= double(t->number("normal-notes")) / t->number("actual-notes");
  return length;
}

struct Sounding {
  int begin, end, pitch;
  auto operator<=>(const Sounding&) const = default;
};

/// Reads a part back: notes with ties joined, in divisions; checks that every voice fills every measure that it stands
/// in, that durations are what is written, and that every tie has both ends.
std::vector<Sounding> read_part(const Element& part) {
  std::vector<Sounding> out;
  std::map<std::pair<std::string, int>, Sounding> tied;  // by voice and pitch
  int divisions = 0, begin = 0;
  for (const Element* measure : part.all("measure")) {
    std::map<std::string, int> filled;
    int at = begin, chord_at = begin, furthest = begin;
    for (const Element& e : measure->children) {
      if (e.name == "attributes" && e.find("divisions") != nullptr) divisions = e.number("divisions");
      if (e.name == "backup") at -= e.number("duration");
      if (e.name != "note") continue;
      const int duration = e.number("duration");
      const std::string voice = e.at("voice").text;
      if (e.find("chord") == nullptr) {
        chord_at = at;
        at += duration;
        filled[voice] += duration;
        furthest = std::max(furthest, at);
      }
      EXPECT_GT(duration, 0);
      if (const Element* rest = e.find("rest"); rest != nullptr && rest->attributes.contains("measure")) continue;
      EXPECT_DOUBLE_EQ(written_length(e, divisions), duration);
      if (e.find("rest") != nullptr) continue;
      int pitch = 0;
      if (const Element* p = e.find("pitch")) {
        static const std::map<std::string, int> kSteps{{"C", 0}, {"D", 2}, {"E", 4}, {"F", 5},
                                                       {"G", 7}, {"A", 9}, {"B", 11}};
        pitch = 12 * (p->number("octave") + 1) + kSteps.at(p->at("step").text);
        if (p->find("alter") != nullptr) pitch += p->number("alter");
      } else {
        const std::string id = e.at("instrument").attributes.at("id");
        pitch = std::stoi(id.substr(id.find("-I") + 2)) - 1;
      }
      bool start = false, stop = false;
      for (const Element* tie : e.all("tie")) (tie->attributes.at("type") == "start" ? start : stop) = true;
      Sounding s{chord_at, chord_at + duration, pitch};
      if (stop) {
        const auto before = tied.find({voice, pitch});
        if (before == tied.end() || before->second.end != s.begin) {
          ADD_FAILURE() << "a tie ends that did not begin";
          continue;
        }
        s.begin = before->second.begin;
        tied.erase(before);
      }
      if (start) {
        tied[{voice, pitch}] = s;
      } else {
        out.push_back(s);
      }
    }
    for (const auto& [voice, length] : filled) EXPECT_EQ(length, furthest - begin) << "voice " << voice;
    EXPECT_FALSE(filled.empty());
    begin = furthest;
  }
  EXPECT_TRUE(tied.empty()) << "a tie never ends";
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<Sounding> read_only_part(const std::string& xml) {
  const Element root = parse(xml);
  expect_schema_order(root);
  EXPECT_EQ(root.all("part").size(), 1u);
  return read_part(root.at("part"));
}

Score with_notes(std::vector<Note> notes) {
  Score score;
  score.tracks.emplace_back().notes = std::move(notes);
  score.sort();
  return score;
}

std::vector<const Element*> measures_of(const Element& root) { return root.at("part").all("measure"); }

TEST(MusicXml, TakesTheCoarsestGridThatHoldsEveryNote) {
  EXPECT_EQ(notation_divisions(with_notes({{0, 480, 60}})), 1);
  EXPECT_EQ(notation_divisions(with_notes({{240, 240, 60}})), 2);
  EXPECT_EQ(notation_divisions(with_notes({{0, 160, 60}})), 3);
  EXPECT_EQ(notation_divisions(with_notes({{0, 160, 60}, {480, 120, 60}})), 12);
  EXPECT_EQ(notation_divisions(with_notes({{0, 30, 60}})), 16);
  EXPECT_EQ(notation_divisions(with_notes({{7, 301, 60}})), 24);
  Score fine = with_notes({{0, 480, 60}});
  fine.meters = {{0, 3, 8}};
  EXPECT_EQ(notation_divisions(fine), 2);
}

TEST(MusicXml, TiesNotesOverBarLinesAndFillsGapsWithRests) {
  const std::string xml = write_musicxml(with_notes({{480, 2400, 60}, {3840, 480, 62}}));
  EXPECT_EQ(read_only_part(xml), (std::vector<Sounding>{{1, 6, 60}, {8, 9, 62}}));
  const Element root = parse(xml);
  EXPECT_EQ(measures_of(root).size(), 3u);
}

TEST(MusicXml, WritesChordsInOneVoiceAndOverlapsInVoicesOfTheirOwn) {
  const std::string xml =
      write_musicxml(with_notes({{0, 480, 60}, {0, 480, 64}, {0, 480, 67}, {0, 1920, 48}, {480, 960, 72}}));
  EXPECT_EQ(read_only_part(xml), (std::vector<Sounding>{{0, 1, 60}, {0, 1, 64}, {0, 1, 67}, {0, 4, 48}, {1, 3, 72}}));
  const Element root = parse(xml);
  std::set<std::string> voices;
  std::size_t chords = 0;
  for (const Element* note : measures_of(root).at(0)->all("note")) {
    voices.insert(note->at("voice").text);
    chords += note->find("chord") != nullptr;
  }
  EXPECT_EQ(voices, (std::set<std::string>{"1", "2"}));
  EXPECT_EQ(chords, 2u);
}

TEST(MusicXml, FollowsMetersKeysAndTempos) {
  Score score = with_notes({{0, 4320, 66}});
  score.meters = {{0, 3, 4}, {1440, 6, 8}};
  score.keys = {{0, 3, false}, {1440, -1, true}};
  score.tempos = {{0, 500'000}, {1920, 400'000}};
  const Element root = parse(write_musicxml(score));
  expect_schema_order(root);
  const auto measures = measures_of(root);
  ASSERT_EQ(measures.size(), 3u);
  EXPECT_EQ(measures[0]->at("attributes").at("time").number("beats"), 3);
  EXPECT_EQ(measures[0]->at("attributes").at("key").number("fifths"), 3);
  EXPECT_EQ(measures[0]->at("direction").at("sound").attributes.at("tempo"), "120");
  EXPECT_EQ(measures[1]->at("attributes").at("time").number("beat-type"), 8);
  EXPECT_EQ(measures[1]->at("attributes").at("key").at("mode").text, "minor");
  EXPECT_EQ(measures[1]->at("direction").at("sound").attributes.at("tempo"), "150");
  EXPECT_EQ(measures[1]->at("direction").number("offset"),
            480 * root.at("part").all("measure")[0]->at("attributes").number("divisions") / 480);
  EXPECT_EQ(measures[2]->find("attributes"), nullptr);
}

TEST(MusicXml, MarksABarThatAMeterChangeCutsShort) {
  Score score = with_notes({{0, 1920, 60}});
  score.meters = {{0, 4, 4}, {480, 3, 4}};
  const Element root = parse(write_musicxml(score));
  EXPECT_EQ(measures_of(root).at(0)->attributes.at("implicit"), "yes");
  EXPECT_FALSE(measures_of(root).at(1)->attributes.contains("implicit"));
}

TEST(MusicXml, GivesEachTrackAndChannelAPartWithItsProgram) {
  Score score;
  add_track(score, "flute & \"friends\" <1>", 73, 2).notes = {{0, 480, 72, 90, 2}, {0, 480, 40, 90, 3}};
  add_track(score, "", 0, 9).notes = {{0, 480, 36, 80, 9}, {0, 480, 42, 80, 9}};
  const Element root = parse(write_musicxml(score));
  expect_schema_order(root);
  const auto parts = root.at("part-list").all("score-part");
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0]->at("part-name").text, "flute & \"friends\" <1>");
  EXPECT_EQ(parts[0]->at("midi-instrument").number("midi-program"), 74);
  EXPECT_EQ(parts[0]->at("midi-instrument").number("midi-channel"), 3);
  EXPECT_EQ(parts[2]->at("part-name").text, "Drums");
  EXPECT_EQ(parts[2]->all("midi-instrument").size(), 2u);
  EXPECT_EQ(parts[2]->all("midi-instrument")[1]->number("midi-unpitched"), 43);
  EXPECT_EQ(read_part(*root.all("part").at(2)), (std::vector<Sounding>{{0, 1, 36}, {0, 1, 42}}));
  const auto notes = root.all("part").at(2)->at("measure").all("note");
  EXPECT_NE(notes.at(0)->find("unpitched"), nullptr);
  EXPECT_EQ(notes.at(1)->at("notehead").text, "x");
}

TEST(MusicXml, WritesAScoreWithoutNotesAsOneEmptyMeasure) {
  const Element root = parse(write_musicxml(Score{}));
  ASSERT_EQ(measures_of(root).size(), 1u);
  EXPECT_TRUE(measures_of(root)[0]->at("note").at("rest").attributes.contains("measure"));
  EXPECT_EQ(measures_of(root)[0]->at("attributes").at("time").number("beats"), 4);
}

TEST(MusicXml, TakesTextThatIsNotUtf8AsLatin1AndDropsControlCharacters) {
  EXPECT_EQ(xml_text("caf\xE9"), "caf\xC3\xA9");
  EXPECT_EQ(xml_text("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(xml_text(std::string_view("a\0\x01\x1F<b>&", 8)), "a&lt;b&gt;&amp;");
  EXPECT_EQ(xml_text("\xF0\x9D\x84\x9E"), "\xF0\x9D\x84\x9E");  // the treble clef, U+1D11E
}

TEST(MusicXml, RefusesMoreMeasuresThanAnyoneCouldRead) {
  EXPECT_THROW(write_musicxml(with_notes({{std::int64_t{1} << 40, 1, 60}})), Error);
}

TEST(Spelling, FollowsTheKeySignature) {
  const auto name = [](int pitch, int fifths) {
    const SpelledPitch s = spell(pitch, fifths);
    std::string out(1, s.step);
    out += s.alter < 0 ? std::string(static_cast<std::size_t>(-s.alter), 'b')
                       : std::string(static_cast<std::size_t>(s.alter), '#');
    return out + std::to_string(s.octave);
  };
  EXPECT_EQ(name(60, 0), "C4");
  EXPECT_EQ(name(66, 0), "F#4");
  EXPECT_EQ(name(70, 0), "Bb4");
  EXPECT_EQ(name(68, 0), "G#4");  // the leading note of A minor
  EXPECT_EQ(name(68, -3), "Ab4");
  EXPECT_EQ(name(63, 4), "D#4");
  EXPECT_EQ(name(59, -6), "Cb4");  // an octave begins at its C, whatever sounds
  EXPECT_EQ(name(60, 7), "B#3");
  EXPECT_EQ(name(65, 7), "E#4");
  EXPECT_EQ(name(69, 7), "G##4");
  EXPECT_EQ(name(127, 0), "G9");
  EXPECT_EQ(name(12, 7), "C0");  // B# would stand in octave −1, which the format does not have
  EXPECT_EQ(name(5, 0), "F0");   // raised: no octave −1 in the format
}

TEST(NoteValues, KeepBeatsVisible) {
  const auto lengths = [](int position, int length) {
    std::vector<int> out;
    for (const NoteValue& v : split_into_values(position, length, 4, 4)) out.push_back(v.length);
    return out;
  };
  EXPECT_EQ(lengths(0, 12), (std::vector<int>{12}));
  EXPECT_EQ(lengths(2, 4), (std::vector<int>{4}));     // a syncopated quarter
  EXPECT_EQ(lengths(3, 5), (std::vector<int>{1, 4}));  // tied into the beat
  EXPECT_EQ(lengths(0, 5), (std::vector<int>{4, 1}));
  EXPECT_EQ(lengths(1, 15), (std::vector<int>{3, 12}));
}

RC_GTEST_PROP(MusicXmlRoundTrip, KeepsPitchesAndTimesOfRandomScoresOnAGrid, ()) {
  const int step = *rc::gen::element(480, 240, 160, 120, 80, 60, 40, 30, 20);
  Score score;
  const auto count = *rc::gen::inRange(0, 40);
  Track& track = score.tracks.emplace_back();
  for (int i = 0; i < count; ++i) {
    track.notes.push_back({std::int64_t{step} * *rc::gen::inRange(0, 200),
                           std::int64_t{step} * *rc::gen::inRange(1, 40),
                           static_cast<std::uint8_t>(*rc::gen::inRange(12, 128))});
  }
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    score.meters.push_back({480 * *rc::gen::inRange(0, 20), static_cast<std::uint8_t>(*rc::gen::inRange(1, 13)),
                            static_cast<std::uint8_t>(1 << *rc::gen::inRange(0, 4))});
  }
  score.keys.push_back({0, static_cast<std::int8_t>(*rc::gen::inRange(-7, 8)), false});
  score.sort();
  const int divisions = notation_divisions(score);
  std::set<Sounding> expected;
  for (const Note& n : track.notes) {
    RC_ASSERT(n.start * divisions % 480 == 0 && n.end() * divisions % 480 == 0);
    expected.insert(
        {static_cast<int>(n.start * divisions / 480), static_cast<int>(n.end() * divisions / 480), n.pitch});
  }
  const auto read = read_only_part(write_musicxml(score));
  RC_ASSERT(read == std::vector<Sounding>(expected.begin(), expected.end()));
}

TEST(MusicXmlRoundTrip, FillsEveryMeasureOfRealFiles) {
  const char* folder = std::getenv("EUTERPE_DATA");
  if (folder == nullptr) GTEST_SKIP() << "EUTERPE_DATA is not set: real MIDI files are not written as MusicXML";
  std::size_t files = 0;
  for (const auto& path : walk_files({folder})) {
    if (path.extension() != ".mid" || files++ % 211 != 0) continue;
    const Element root = parse(write_musicxml(read_midi(path).score));
    expect_schema_order(root);
    for (const Element* part : root.all("part")) read_part(*part);
    ASSERT_FALSE(HasFailure()) << path;
  }
  if (files == 0) GTEST_SKIP() << "no MIDI files below EUTERPE_DATA";
}

}  // namespace
}  // namespace euterpe
