#include "score/midi.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <string>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes text(std::string_view s) { return Bytes(s.begin(), s.end()); }

Bytes big32(std::size_t n) {
  return {static_cast<std::uint8_t>(n >> 24), static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
          static_cast<std::uint8_t>(n)};
}

Bytes header(int format, int tracks, int division = 480) {
  return text("MThd") + big32(6) +
         Bytes{0,
               static_cast<std::uint8_t>(format),
               0,
               static_cast<std::uint8_t>(tracks),
               static_cast<std::uint8_t>(division >> 8),
               static_cast<std::uint8_t>(division)};
}

const Bytes kEnd{0x00, 0xFF, 0x2F, 0x00};
const Bytes kOneNote{0x00, 0x90, 60, 100, 0x60, 0x80, 60, 64};

/// A chunk that says it has `declared` bytes (−1: the truth).
Bytes chunk(const Bytes& events, std::ptrdiff_t declared = -1) {
  return text("MTrk") + big32(declared < 0 ? events.size() : static_cast<std::size_t>(declared)) + events;
}

Bytes file(const Bytes& events) { return header(0, 1) + chunk(events + kEnd); }

Note note(std::int64_t start, std::int64_t duration, int pitch, int velocity = 80) {
  return Note{start, duration, static_cast<std::uint8_t>(pitch), static_cast<std::uint8_t>(velocity)};
}

Score with_notes(std::vector<Note> notes) {
  Score score;
  score.tracks.emplace_back().notes = std::move(notes);
  score.sort();
  return score;
}

bool says(const MidiReadResult& result, std::string_view what) {
  return std::any_of(result.mended.begin(), result.mended.end(),
                     [&](const std::string& line) { return line.find(what) != std::string::npos; });
}

std::filesystem::path data_folder() {
  const char* folder = std::getenv("EUTERPE_DATA");
  return folder == nullptr ? "" : folder;
}

TEST(MidiReader, ReadsNotesTemposMetersKeysProgramsControllersAndTexts) {
  const auto result = read_midi(file(Bytes{0x00, 0xFF, 0x03, 5, 'f', 'l', 'u', 't', 'e'} +
                                     Bytes{0x00, 0xFF, 0x51, 3, 0x07, 0xA1, 0x20} +      // 500,000 µs
                                     Bytes{0x00, 0xFF, 0x58, 4, 6, 3, 36, 8} +           // 6/8
                                     Bytes{0x00, 0xFF, 0x59, 2, 0xFD, 1} +               // C minor
                                     Bytes{0x00, 0xC2, 73} + Bytes{0x00, 0xB2, 7, 90} +  //
                                     Bytes{0x83, 0x60, 0x92, 72, 99} + Bytes{0x10, 0x82, 72, 33}));
  EXPECT_TRUE(result.mended.empty());
  EXPECT_EQ(result.format, 0);
  const Score& s = result.score;
  EXPECT_EQ(s.ticks_per_quarter, 480);
  ASSERT_EQ(s.tracks.size(), 1u);
  const Track& t = s.tracks[0];
  EXPECT_EQ(t.name, "flute");
  EXPECT_EQ(t.program, 73);
  EXPECT_FALSE(t.drums);
  EXPECT_EQ(t.texts, (std::vector<TextEvent>{{0, 0x03, "flute"}}));
  EXPECT_EQ(t.events, (std::vector<ChannelEvent>{{0, 0xC0, 2, 73, 0}, {0, 0xB0, 2, 7, 90}}));
  EXPECT_EQ(t.notes, (std::vector<Note>{{480, 16, 72, 99, 2, 33}}));
  EXPECT_EQ(s.tempos, (std::vector<Tempo>{{0, 500000}}));
  EXPECT_EQ(s.meters, (std::vector<TimeSignature>{{0, 6, 8, 36, 8}}));
  EXPECT_EQ(s.keys, (std::vector<KeySignature>{{0, -3, true}}));
}

TEST(MidiReader, TakesRunningStatusAndNoteOnOfVelocityZeroAsNoteOff) {
  const auto result = read_midi(file({0x00, 0x90, 60, 100, 0x08, 60, 0, 0x00, 62, 100, 0x08, 62, 0}));
  EXPECT_TRUE(result.mended.empty());
  EXPECT_EQ(result.score.tracks[0].notes, (std::vector<Note>{note(0, 8, 60, 100), note(8, 8, 62, 100)}));
}

TEST(MidiReader, GoesOnWithRunningStatusAfterAMetaEventAndSaysSo) {
  const auto result = read_midi(file({0x00, 0x90, 60, 100, 0x08, 0xFF, 0x01, 1, 'x', 0x00, 60, 0}));
  EXPECT_TRUE(says(result, "byte 32: running status goes on")) << ::testing::PrintToString(result.mended);
  EXPECT_EQ(result.score.tracks[0].notes, (std::vector<Note>{note(0, 8, 60, 100)}));
}

TEST(MidiReader, EndsOverlappingNotesOfOnePitchFirstInFirstOut) {
  const auto result = read_midi(file({0x00, 0x90, 60, 100, 0x04, 60, 50, 0x04, 0x80, 60, 10, 0x04, 60, 20}));
  EXPECT_EQ(result.score.tracks[0].notes, (std::vector<Note>{{0, 8, 60, 100, 0, 10}, {4, 8, 60, 50, 0, 20}}));
}

TEST(MidiReader, EndsANoteThatNeverEndsWithItsTrackAndSaysWhere) {
  const auto result = read_midi(header(0, 1) + chunk(Bytes{0x10, 0x90, 60, 100} + Bytes{0x20, 0xFF, 0x2F, 0}));
  EXPECT_EQ(result.score.tracks[0].notes, (std::vector<Note>{note(16, 32, 60, 100)}));
  ASSERT_EQ(result.mended.size(), 1u);
  EXPECT_EQ(result.mended[0], "byte 22: a note is never ended; it ends with its track");
}

TEST(MidiReader, LeavesOutANoteOffWithoutANote) {
  const auto result = read_midi(file(Bytes{0x00, 0x80, 60, 0} + kOneNote));
  EXPECT_TRUE(says(result, "note-off without a note"));
  EXPECT_EQ(result.score.note_count(), 1u);
}

TEST(MidiReader, ReadsATrackWithoutEndOfTrack) {
  const auto last = read_midi(header(0, 1) + chunk(kOneNote));
  EXPECT_TRUE(says(last, "no end-of-track"));
  EXPECT_EQ(last.score.note_count(), 1u);
  const auto inner = read_midi(header(1, 2) + chunk(kOneNote) + chunk(kOneNote + kEnd));
  EXPECT_EQ(inner.score.tracks.size(), 2u);
  EXPECT_EQ(inner.score.note_count(), 2u);
}

TEST(MidiReader, ReadsTracksWhoseLengthsLie) {
  const Bytes events = kOneNote + kEnd;
  for (const std::ptrdiff_t declared : {0, 3, 8, 11, 13, 15, 20, 1000, 0x7FFFFFFF}) {
    const auto result = read_midi(header(1, 2) + chunk(events, declared) + chunk(events));
    EXPECT_EQ(result.score.tracks.size(), 2u) << declared;
    EXPECT_EQ(result.score.note_count(), 2u) << declared;
    EXPECT_TRUE(says(result, "the track says " + std::to_string(declared))) << declared;
  }
}

TEST(MidiReader, DropsTrailingBytesAndUnknownChunksAndSaysSo) {
  const auto unknown = read_midi(header(1, 1) + text("XFIH") + big32(3) + text("abc") + chunk(kOneNote + kEnd));
  EXPECT_TRUE(says(unknown, "byte 14: chunk \"XFIH\" left out"));
  EXPECT_EQ(unknown.score.note_count(), 1u);
  const auto trailing = read_midi(file(kOneNote) + Bytes{1, 2, 3});
  EXPECT_TRUE(says(trailing, "3 bytes that belong to no chunk"));
  EXPECT_EQ(trailing.score.note_count(), 1u);
}

TEST(MidiReader, UnwrapsRiff) {
  const Bytes midi = file(kOneNote);
  const auto little = [](std::size_t n) {
    Bytes b = big32(n);
    std::reverse(b.begin(), b.end());
    return b;
  };
  const Bytes riff = text("RIFF") + little(midi.size() + 24) + text("RMIDdata") + little(midi.size()) + midi +
                     text("LIST") + little(4) + text("INFO");
  const auto result = read_midi(riff);
  EXPECT_TRUE(result.mended.empty()) << ::testing::PrintToString(result.mended);
  EXPECT_EQ(result.score, read_midi(midi).score);
}

TEST(MidiReader, SkipsBytesBeforeTheHeader) {
  const auto result = read_midi(Bytes(128, 0) + file(kOneNote));
  EXPECT_TRUE(says(result, "128 bytes before the MThd chunk"));
  EXPECT_EQ(result.score.note_count(), 1u);
}

TEST(MidiReader, KeepsTheTimeOfSmpteTicks) {
  // 25 frames of 40 ticks: a tick is a millisecond, whatever the tempo event says.
  const auto result =
      read_midi(header(0, 1, 0xE728) +
                chunk(Bytes{0x00, 0xFF, 0x51, 3, 1, 0, 0, 0x87, 0x68, 0x90, 60, 100, 0x83, 0x74, 60, 0} + kEnd));
  const Note& n = result.score.tracks[0].notes.at(0);
  EXPECT_DOUBLE_EQ(result.score.seconds_at(Ticks(n.start)).value, 1.0);
  EXPECT_DOUBLE_EQ(result.score.seconds_at(Ticks(n.end())).value, 1.5);
  EXPECT_TRUE(says(result, "SMPTE"));
  // 30 drop-frame frames take 1.001 seconds.
  const auto drop = read_midi(header(0, 1, 0xE302) + chunk(Bytes{0x3C, 0x90, 60, 100, 0x00, 60, 0} + kEnd));
  EXPECT_DOUBLE_EQ(drop.score.seconds_at(Ticks(60)).value, 1.001);
}

TEST(MidiReader, KeepsTemposMetersAndKeysThatMakeNoSenseAsTheyStandWithoutEffect) {
  const Bytes bytes = file(Bytes{0x00, 0xFF, 0x51, 3, 0, 0, 0} +          // no time at all
                           Bytes{0x00, 0xFF, 0x51, 1, 7} +                // too short
                           Bytes{0x00, 0xFF, 0x58, 4, 0, 2, 24, 8} +      // 0/4
                           Bytes{0x00, 0xFF, 0x58, 4, 4, 200, 24, 8} +    // 4/2^200
                           Bytes{0x00, 0xFF, 0x59, 2, 9, 0} + kOneNote);  // nine sharps
  const auto result = read_midi(bytes);
  EXPECT_TRUE(result.score.tempos.empty());
  EXPECT_TRUE(result.score.meters.empty());
  EXPECT_TRUE(result.score.keys.empty());
  EXPECT_EQ(result.score.tracks[0].texts.size(), 5u);
  EXPECT_TRUE(says(result, "tempo of zero"));
  EXPECT_TRUE(says(result, "time signature"));
  EXPECT_TRUE(says(result, "key signature"));
  EXPECT_EQ(read_midi(write_midi(result.score)).score, result.score);
}

TEST(MidiReader, KeepsWhatCameBeforeDamageInATrackAndReadsTheOthers) {
  const auto result =
      read_midi(header(1, 2) + chunk(kOneNote + Bytes{0x81, 0x82, 0x83, 0x84, 0x05}) + chunk(kOneNote + kEnd));
  EXPECT_EQ(result.score.note_count(), 2u);
  EXPECT_TRUE(says(result, "byte 30: a variable-length number of more than four bytes"));
  const auto no_status = read_midi(header(0, 1) + chunk({0x00, 60, 100}));
  EXPECT_TRUE(says(no_status, "expected an event, found 0x3C"));
  const auto long_text =
      read_midi(header(0, 1) + chunk(kOneNote + Bytes{0x00, 0xFF, 0x01, 0xFF, 0xFF, 0xFF, 0x7F, 'x'}));
  EXPECT_EQ(long_text.score.note_count(), 1u);
  EXPECT_TRUE(says(long_text, "ends inside an event"));
}

TEST(MidiReader, RefusesWhatIsNoMidiFileNamingTheByte) {
  const std::initializer_list<Bytes> inputs{Bytes{}, text("MThd"), text("this is no MIDI file at all"), header(1, 1),
                                            Bytes(1000, 0xFF)};
  for (const Bytes& bytes : inputs) {
    try {
      read_midi(bytes);
      ADD_FAILURE() << "was read: " << bytes.size() << " bytes";
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input);
      EXPECT_NE(e.detail().find("byte "), std::string::npos) << e.detail();
    }
  }
}

TEST(MidiReader, GivesEveryTruncationAndEveryFlippedByteAScoreOrAnError) {
  Score score = with_notes({note(0, 10, 60), note(5, 10, 60), note(15, 0, 60)});
  score.tempos = {{0, 400000}};
  score.meters = {{0, 3, 4}};
  add_track(score, "bass", 33, 1).notes = {Note{0, 480, 40, 90, 1}};
  const Bytes bytes = write_midi(score);
  const auto survives = [](const Bytes& b) {
    try {
      const Score s = read_midi(b).score;
      EXPECT_EQ(read_midi(write_midi(s)).score, s);
    } catch (const Error&) {
    }
  };
  for (std::size_t n = 0; n < bytes.size(); ++n) survives(Bytes(bytes.begin(), bytes.begin() + n));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int v = 0; v < 256; ++v) {
      Bytes b = bytes;
      b[i] = static_cast<std::uint8_t>(v);
      survives(b);
    }
  }
}

TEST(MidiReader, ListsAFaultOfOneKindOnce) {
  Bytes offs;
  for (int i = 0; i < 1000; ++i) offs = offs + Bytes{0x00, 0x80, 60, 0};
  const auto result = read_midi(file(offs));
  ASSERT_EQ(result.mended.size(), 1u);
  EXPECT_NE(result.mended[0].find("1000 times"), std::string::npos);
}

TEST(MidiReader, ReadsAFileOfNothingButLyingTracks) {
  Bytes bytes = header(1, 1);
  for (int i = 0; i < 70'000; ++i) bytes = std::move(bytes) + Bytes{'M', 'T', 'r', 'k', 0, 0, 0, 1};
  EXPECT_EQ(read_midi(bytes).score.tracks.size(), 65'535u);
}

TEST(MidiWriter, KeepsNotesOfNoLengthApartFromNeighborsOfTheSamePitch) {
  const Score score = with_notes({note(0, 10, 60), note(10, 0, 60, 1), note(10, 0, 60, 2), note(10, 5, 60, 3),
                                  note(15, 0, 60, 4), note(20, 0, 60, 5)});
  EXPECT_EQ(read_midi(write_midi(score)).score, score);
}

TEST(MidiWriter, KeepsEmptyTracksAndTheConductorsTexts) {
  Score score;
  score.tracks.resize(3);
  score.tracks[0].name = "conductor";
  score.tracks[0].texts = {
      {0, 0x03, "conductor"}, {0, 0x02, "public domain"}, {960, 0x06, "coda"}, {960, 0xF0, "\x7E\x7F\x09\x01\xF7"}};
  score.tracks[2].texts = {{0, 0x05, ""}, {3, 0x7F, std::string("\0\xFF", 2)}};
  score.tempos = {{0, 500000}, {480, 1}, {480, 16'777'215}};
  score.meters = {{0, 255, 128}, {77, 1, 1, 0, 255}};
  score.keys = {{0, -7, true}, {1, 7, false}};
  EXPECT_EQ(read_midi(write_midi(score)).score, score);
}

TEST(MidiWriter, BridgesSilencesLongerThanADeltaTimeHolds) {
  const Score score = with_notes({note(0, std::int64_t{1} << 30, 60), note((std::int64_t{1} << 33) + 5, 1, 61)});
  EXPECT_EQ(read_midi(write_midi(score)).score, score);
}

TEST(MidiWriter, WritesANameAndAProgramThatNoEventSays) {
  Score score;
  Track& track = score.tracks.emplace_back();
  track.name = "organ";
  track.program = 19;
  track.notes = {Note{0, 10, 60, 80, 3}};
  const Track read = read_midi(write_midi(score)).score.tracks.at(0);
  EXPECT_EQ(read.name, "organ");
  EXPECT_EQ(read.program, 19);
  EXPECT_EQ(read.events, (std::vector<ChannelEvent>{{0, 0xC0, 3, 19, 0}}));
}

TEST(MidiWriter, WritesOneTrackAsFormat0AndMoreAsFormat1) {
  Score score = with_notes({note(0, 1, 60)});
  EXPECT_EQ(read_midi(write_midi(score)).format, 0);
  score.tracks.emplace_back();
  EXPECT_EQ(read_midi(write_midi(score)).format, 1);
}

TEST(MidiWriter, HoldsTwoHundredThousandNotes) {
  Random random(1);
  std::vector<Note> notes;
  for (int i = 0; i < 200'000; ++i) {
    notes.push_back(Note{static_cast<std::int64_t>(random.below(1'000'000)),
                         static_cast<std::int64_t>(random.below(500)), static_cast<std::uint8_t>(random.below(128)),
                         static_cast<std::uint8_t>(1 + random.below(127)), static_cast<std::uint8_t>(random.below(16)),
                         static_cast<std::uint8_t>(random.below(128))});
  }
  const Score score = with_notes(std::move(notes));
  const auto result = read_midi(write_midi(score));
  EXPECT_TRUE(result.mended.empty());
  EXPECT_EQ(result.score, score);
}

TEST(MidiWriter, LeavesTheOldFileOrTheNewOneAndNamesAMissingFile) {
  const auto path =
      std::filesystem::temp_directory_path() / ("euterpe_midi_test_" + std::to_string(::getpid()) + ".mid");
  const Score score = with_notes({note(0, 10, 60)});
  write_midi(path, score);
  EXPECT_EQ(read_midi(path).score, score);
  std::filesystem::remove(path);
  try {
    read_midi(path);
    ADD_FAILURE() << "a missing file was read";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::not_found);
    EXPECT_NE(std::string(e.what()).find(path.filename().string()), std::string::npos);
  }
}

// Random scores: few ticks, pitches and channels, so that notes often collide in every way.
rc::Gen<Score> random_score() {
  return rc::gen::exec([] {
    const auto below = [](int low, int high) { return *rc::gen::inRange(low, high); };
    const auto byte = [&] { return static_cast<std::uint8_t>(below(0, 128)); };
    const auto tick = [&] { return static_cast<std::int64_t>(below(0, 12)); };
    Score score;
    score.ticks_per_quarter = below(1, 32'768);
    score.tracks.resize(static_cast<std::size_t>(below(1, 4)));
    for (Track& track : score.tracks) {
      const int channels = below(1, 17);
      for (int i = below(0, 30); i > 0; --i) {
        track.notes.push_back(Note{tick(), static_cast<std::int64_t>(below(0, 5)),
                                   static_cast<std::uint8_t>(below(60, 63)), static_cast<std::uint8_t>(below(1, 128)),
                                   static_cast<std::uint8_t>(below(0, channels)), byte()});
      }
      for (int i = below(0, 6); i > 0; --i) {
        ChannelEvent e{tick(), static_cast<std::uint8_t>(0xA0 + 0x10 * below(0, 5)),
                       static_cast<std::uint8_t>(below(0, 16)), byte(), byte()};
        if (e.status == 0xC0 || e.status == 0xD0) e.data2 = 0;
        track.events.push_back(e);
      }
      for (int i = below(0, 6); i > 0; --i) {
        const std::uint8_t type =
            *rc::gen::element<std::uint8_t>(0, 1, 2, 3, 3, 5, 6, 9, 0x20, 0x21, 0x54, 0x7F, 0xF0, 0xF7);
        std::string text = *rc::gen::string<std::string>();
        if (type == 0xF7) text += '\0';  // an empty escape says nothing and is not kept
        track.texts.push_back({tick(), type, text});
      }
    }
    for (int i = below(0, 4); i > 0; --i)
      score.tempos.push_back({tick(), static_cast<std::uint32_t>(below(1, 1 << 24))});
    for (int i = below(0, 4); i > 0; --i) {
      score.meters.push_back({tick(), static_cast<std::uint8_t>(below(1, 256)),
                              static_cast<std::uint8_t>(1 << below(0, 8)), static_cast<std::uint8_t>(below(0, 256)),
                              static_cast<std::uint8_t>(below(0, 256))});
    }
    for (int i = below(0, 4); i > 0; --i) {
      score.keys.push_back({tick(), static_cast<std::int8_t>(below(-7, 8)), below(0, 2) == 1});
    }
    score.sort();
    // Name, program and drums as a reader derives them.
    for (Track& track : score.tracks) {
      for (const TextEvent& t : track.texts) {
        if (t.type == 0x03) {
          track.name = t.text;
          break;
        }
      }
      for (const ChannelEvent& e : track.events) {
        if (e.status == 0xC0) {
          track.program = e.data1;
          break;
        }
      }
      const auto drum = [](const auto& e) { return e.channel == 9; };
      track.drums = track.notes.empty()
                        ? !track.events.empty() && std::all_of(track.events.begin(), track.events.end(), drum)
                        : std::all_of(track.notes.begin(), track.notes.end(), drum);
    }
    return score;
  });
}

RC_GTEST_PROP(MidiRoundTrip, IsExactForRandomScoresWithCollidingNotes, ()) {
  const Score score = *random_score().as("a score");
  const auto result = read_midi(write_midi(score));
  RC_ASSERT(result.mended.empty());
  RC_ASSERT(result.score.tracks == score.tracks);
  RC_ASSERT(result.score == score);
}

TEST(MidiRoundTrip, IsExactForRealFiles) {
  if (data_folder().empty()) GTEST_SKIP() << "EUTERPE_DATA is not set: real MIDI files are not read";
  std::size_t files = 0;
  for (const auto& path : walk_files({data_folder()})) {
    // Every eleventh of some thousands here; `evaluate midi` reads them all.
    if (path.extension() != ".mid" || files++ % 11 != 0) continue;
    const Score score = read_midi(path).score;
    ASSERT_EQ(read_midi(write_midi(score)).score, score) << path;
  }
  if (files == 0) GTEST_SKIP() << "no MIDI files below EUTERPE_DATA";
}

}  // namespace
}  // namespace euterpe
