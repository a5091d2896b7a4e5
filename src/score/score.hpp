#pragma once
/// Symbolic music as a MIDI file holds it, quantization-free: what read_midi reads, write_midi writes back.
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace euterpe {

struct Note {
  std::int64_t start = 0;      ///< ticks from the beginning
  std::int64_t duration = 0;   ///< ticks, ≥ 0 (zero-length notes are kept)
  std::uint8_t pitch = 60;     ///< MIDI 0–127, 60 = middle C; on a drum track the General MIDI percussion key
  std::uint8_t velocity = 80;  ///< 1–127
  std::uint8_t channel = 0;    ///< 0–15
  std::uint8_t release = 64;   ///< release velocity 0–127
  auto operator<=>(const Note&) const = default;
  std::int64_t end() const { return start + duration; }
};

/// Any channel message that is no note: program change, controller, pitch bend, aftertouch.
struct ChannelEvent {
  std::int64_t tick = 0;
  std::uint8_t status = 0xB0;  ///< high nibble of the status byte, 0xA0 | 0xB0 | 0xC0 | 0xD0 | 0xE0
  std::uint8_t channel = 0;
  std::uint8_t data1 = 0, data2 = 0;  ///< data2 is 0 for 0xC0 and 0xD0
  auto operator<=>(const ChannelEvent&) const = default;
};

/// Text-like meta events (types 0x01–0x0F: text, copyright, track name, instrument, lyric, marker, cue …),
/// and any other meta or sysex event kept as raw bytes.
struct TextEvent {
  std::int64_t tick = 0;
  std::uint8_t type = 0x01;  ///< meta type; 0xF0 and 0xF7 for system exclusive
  std::string text;          ///< bytes as they stand in the file
  auto operator<=>(const TextEvent&) const = default;
};

struct Tempo {
  std::int64_t tick = 0;
  std::uint32_t microseconds_per_quarter = 500000;  ///< 1 … 16,777,215
  auto operator<=>(const Tempo&) const = default;
  double bpm() const { return 60e6 / microseconds_per_quarter; }
};

struct TimeSignature {
  std::int64_t tick = 0;
  std::uint8_t numerator = 4;
  std::uint8_t denominator = 4;  ///< 1, 2, 4, 8 …, a power of two
  std::uint8_t clocks_per_click = 24, thirty_seconds_per_quarter = 8;
  auto operator<=>(const TimeSignature&) const = default;
};

struct KeySignature {
  std::int64_t tick = 0;
  std::int8_t fifths = 0;  ///< −7 flats … +7 sharps
  bool minor = false;
  auto operator<=>(const KeySignature&) const = default;
};

/// One MTrk chunk, or one instrument of a piece built here.
struct Track {
  std::string name;          ///< first track-name event, may be empty (the event itself also stands in `texts`)
  std::uint8_t program = 0;  ///< General MIDI program of the first program change on the track, 0 if none
  bool drums = false;        ///< all its notes (where it has none: its events) are on channel 9
  /// Sorted by (start, pitch, duration, velocity, channel, release); sounding together on one channel and pitch they
  /// end in the order in which they start, for MIDI can say nothing else.
  std::vector<Note> notes;
  std::vector<ChannelEvent> events;  ///< in file order, ticks ascending; includes the program changes
  std::vector<TextEvent> texts;      ///< in file order
  bool operator==(const Track&) const = default;
};

struct Score {
  int ticks_per_quarter = 480;  ///< 1 … 32,767
  std::vector<Track> tracks;
  std::vector<Tempo> tempos;          ///< ascending; empty means 120 quarter notes a minute
  std::vector<TimeSignature> meters;  ///< ascending; empty means 4/4
  std::vector<KeySignature> keys;     ///< ascending; may be empty
  bool operator==(const Score&) const = default;

  std::size_t note_count() const;
  std::int64_t end_tick() const;         ///< end of the last note
  Seconds seconds_at(Ticks tick) const;  ///< through the tempo map
  Ticks tick_at(Seconds time) const;     ///< inverse of seconds_at, to the nearest tick
  Seconds duration() const;              ///< seconds_at(end_tick())
  const TimeSignature& meter_at(std::int64_t tick) const;
  /// Ticks at which bars begin, from 0 up to and including the first bar line at or after end_tick().
  std::vector<std::int64_t> bar_lines() const;
  /// Notes of all tracks in order of time; drums left out unless asked for.
  std::vector<Note> merged_notes(bool with_drums = false) const;
  /// Brings every list into its documented order, events of one tick staying as they stand. A note wholly inside
  /// another of its track, channel and pitch exchanges ends with it.
  void sort();
};

/// Adds a track with a program change at tick 0 on `channel` (9 = drums) and returns it.
Track& add_track(Score& score, std::string name, int program, int channel);

}  // namespace euterpe
