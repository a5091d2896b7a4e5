#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/files.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kMaxFile = 64u << 20;
constexpr std::size_t kMaxTracks = 65'535;
constexpr std::uint8_t kDefaultRelease = 64;

/// Collects what was mended, one line a kind, so that a file with a fault on every event still gives a short list.
class Mended {
 public:
  void add(std::size_t offset, std::string what, std::size_t count = 1) {
    auto it = index_.find(what);
    if (it == index_.end()) {
      if (entries_.size() == kMaxKinds) {
        unlisted_ += count;
        return;
      }
      it = index_.emplace(what, entries_.size()).first;
      entries_.push_back({std::move(what), offset, 0});
    }
    entries_[it->second].count += count;
  }
  void add(const Mended& other) {
    for (const Entry& e : other.entries_) add(e.offset, e.what, e.count);
    unlisted_ += other.unlisted_;
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const Entry& e : entries_) {
      const std::string times = e.count > 1 ? fmt::format(" ({} times)", e.count) : "";
      out.push_back(fmt::format("byte {}: {}{}", e.offset, e.what, times));
    }
    if (unlisted_ > 0) out.push_back(fmt::format("and {} faults of other kinds", unlisted_));
    return out;
  }

 private:
  static constexpr std::size_t kMaxKinds = 100;
  struct Entry {
    std::string what;
    std::size_t offset, count;
  };
  std::map<std::string, std::size_t> index_;
  std::vector<Entry> entries_;
  std::size_t unlisted_ = 0;
};

[[noreturn]] void fail(std::size_t offset, std::string_view what, std::string_view hint) {
  throw Error(Category::bad_input, "read_midi", fmt::format("byte {}: {}", offset, what), std::string(hint));
}

bool is_id(Bytes bytes, std::size_t at, std::string_view id) {
  return at + id.size() <= bytes.size() &&
         std::equal(id.begin(), id.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

std::size_t find_id(Bytes bytes, std::size_t from, std::string_view id) {
  const auto it = std::search(bytes.begin() + static_cast<std::ptrdiff_t>(std::min(from, bytes.size())), bytes.end(),
                              id.begin(), id.end());
  return static_cast<std::size_t>(it - bytes.begin());
}

std::uint32_t big32(Bytes b, std::size_t at) {
  return std::uint32_t{b[at]} << 24 | std::uint32_t{b[at + 1]} << 16 | std::uint32_t{b[at + 2]} << 8 | b[at + 3];
}

/// A chunk begins here: four printable characters and a length that fits.
bool plausible_chunk(Bytes bytes, std::size_t at) {
  if (is_id(bytes, at, "MTrk")) return true;
  if (at + 8 > bytes.size()) return false;
  for (std::size_t i = at; i < at + 4; ++i) {
    if (bytes[i] < 0x20 || bytes[i] > 0x7E) return false;
  }
  return big32(bytes, at + 4) <= bytes.size() - at - 8;
}

/// The global events that a track may hold; they end up in the score.
struct Parsed {
  Track track;
  std::vector<Tempo> tempos;
  std::vector<TimeSignature> meters;
  std::vector<KeySignature> keys;
};

/// Parses the events of one MTrk chunk, from the byte after its header.
class TrackParser {
 public:
  enum class Stop { end_of_track, at_limit, damaged };

  TrackParser(Bytes bytes, std::size_t begin, bool smpte) : bytes_(bytes), at_(begin), smpte_(smpte) {
    head_.fill(kNone);
    tail_.fill(kNone);
  }

  std::size_t position() const { return at_; }

  /// Parses until end-of-track, damage or `limit`; an event never reaches over `limit`.
  Stop parse(std::size_t limit) {
    limit_ = limit;
    while (at_ < limit) {
      const std::size_t event_at = at_;
      const Outcome outcome = event();
      if (outcome == Outcome::end_of_track) return Stop::end_of_track;
      if (outcome != Outcome::ok) {
        at_ = event_at;
        return outcome == Outcome::cut ? Stop::at_limit : Stop::damaged;
      }
    }
    return Stop::at_limit;
  }

  /// What went wrong in the event at position(), after `damaged`.
  const std::string& damage() const { return damage_; }
  Mended& mended() { return mended_; }

  /// Ends the notes that still sound and gives the track.
  Parsed finish() {
    for (std::size_t key = 0; key < head_.size(); ++key) {
      for (std::uint32_t i = head_[key]; i != kNone; i = next_[i]) {
        mended_.add(on_offset_[i], "a note is never ended; it ends with its track");
        Note& note = parsed_.track.notes[i];
        note.duration = tick_ - note.start;
      }
    }
    Track& track = parsed_.track;
    for (const TextEvent& text : track.texts) {
      if (text.type == 0x03) {
        track.name = text.text;
        break;
      }
    }
    for (const ChannelEvent& e : track.events) {
      if (e.status == 0xC0) {
        track.program = e.data1;
        break;
      }
    }
    const auto on_ten = [](const auto& e) { return e.channel == 9; };
    track.drums = track.notes.empty()
                      ? !track.events.empty() && std::all_of(track.events.begin(), track.events.end(), on_ten)
                      : std::all_of(track.notes.begin(), track.notes.end(), on_ten);
    return std::move(parsed_);
  }

 private:
  enum class Outcome { ok, end_of_track, cut, damaged };
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  Outcome damaged(std::string what) {
    damage_ = std::move(what);
    return Outcome::damaged;
  }

  /// Variable-length quantity of at most four bytes.
  Outcome quantity(std::uint32_t& value) {
    value = 0;
    for (int i = 0; i < 4; ++i) {
      if (at_ >= limit_) return Outcome::cut;
      const std::uint8_t byte = bytes_[at_++];
      value = value << 7 | (byte & 0x7Fu);
      if (!(byte & 0x80)) return Outcome::ok;
    }
    return damaged("a variable-length number of more than four bytes");
  }

  Outcome event() {
    const std::size_t start = at_;
    std::uint32_t delta = 0;
    if (const Outcome o = quantity(delta); o != Outcome::ok) return o;
    if (at_ >= limit_) return Outcome::cut;
    const std::int64_t tick = tick_ + delta;
    const std::uint8_t first = bytes_[at_];
    Outcome outcome;
    if (first == 0xFF) {
      outcome = meta(tick);
    } else if (first == 0xF0 || first == 0xF7) {
      outcome = system_exclusive(tick, first);
    } else if (first > 0xF0) {
      outcome = system_common(first);
    } else {
      outcome = channel_message(tick, first, start);
    }
    if (outcome == Outcome::ok || outcome == Outcome::end_of_track) tick_ = tick;
    return outcome;
  }

  /// The bytes behind a length, as meta and system exclusive events have them.
  Outcome payload(Bytes& data) {
    std::uint32_t length = 0;
    if (const Outcome o = quantity(length); o != Outcome::ok) return o;
    if (length > limit_ - at_) return Outcome::cut;
    data = bytes_.subspan(at_, length);
    at_ += length;
    return Outcome::ok;
  }

  void keep_text(std::int64_t tick, std::uint8_t type, Bytes data) {
    parsed_.track.texts.push_back({tick, type, std::string(data.begin(), data.end())});
  }

  Outcome meta(std::int64_t tick) {
    const std::size_t offset = at_++;
    if (at_ >= limit_) return Outcome::cut;
    const std::uint8_t type = bytes_[at_++];
    Bytes data;
    if (const Outcome o = payload(data); o != Outcome::ok) return o;
    interrupted_ = true;
    const auto too_long = [&](std::size_t size) {
      if (data.size() > size)
        mended_.add(offset, "a tempo, meter or key event is too long; its last bytes are left out");
    };
    if (type == 0x2F) return Outcome::end_of_track;
    if (type == 0x51 && smpte_) {
      mended_.add(offset, "a tempo has no meaning under SMPTE time division; left out");
    } else if (type == 0x51) {
      const std::uint32_t tempo =
          data.size() < 3 ? 0 : std::uint32_t{data[0]} << 16 | std::uint32_t{data[1]} << 8 | data[2];
      if (tempo == 0) {
        mended_.add(offset, "a tempo of zero or without its three bytes has no effect");
        keep_text(tick, type, data);
      } else {
        too_long(3);
        parsed_.tempos.push_back({tick, tempo});
      }
    } else if (type == 0x58) {
      if (data.size() < 4 || data[0] == 0 || data[1] > 7) {
        mended_.add(offset, "a time signature that no bar can have (or without its four bytes) has no effect");
        keep_text(tick, type, data);
      } else {
        too_long(4);
        parsed_.meters.push_back({tick, data[0], static_cast<std::uint8_t>(1u << data[1]), data[2], data[3]});
      }
    } else if (type == 0x59) {
      const int fifths = data.size() < 2 ? 99 : static_cast<std::int8_t>(data[0]);
      if (fifths < -7 || fifths > 7 || data[1] > 1) {
        mended_.add(offset, "a key signature beyond seven sharps or flats (or without its two bytes) has no effect");
        keep_text(tick, type, data);
      } else {
        too_long(2);
        parsed_.keys.push_back({tick, static_cast<std::int8_t>(fifths), data[1] == 1});
      }
    } else if (type >= 0x80) {
      mended_.add(offset, "a meta event of a type above 0x7F is left out");
    } else {
      keep_text(tick, type, data);
    }
    return Outcome::ok;
  }

  Outcome system_exclusive(std::int64_t tick, std::uint8_t status) {
    ++at_;
    Bytes data;
    if (const Outcome o = payload(data); o != Outcome::ok) return o;
    interrupted_ = true;
    // An empty escape says nothing; the writer bridges silences beyond 2^28 ticks with it.
    if (status == 0xF0 || !data.empty()) keep_text(tick, status, data);
    return Outcome::ok;
  }

  Outcome system_common(std::uint8_t status) {
    const std::size_t length = status == 0xF2 ? 3 : status == 0xF1 || status == 0xF3 ? 2 : 1;
    if (length > limit_ - at_) return Outcome::cut;
    mended_.add(at_, fmt::format("system message 0x{:02X} does not belong in a file; left out", status));
    at_ += length;
    return Outcome::ok;
  }

  Outcome channel_message(std::int64_t tick, std::uint8_t first, std::size_t start) {
    std::uint8_t status = first;
    if (first & 0x80) {
      ++at_;
      interrupted_ = false;
    } else {
      status = running_;
      if (status == 0) return damaged(fmt::format("expected an event, found 0x{:02X}", first));
      if (interrupted_) mended_.add(at_, "running status goes on after a meta or system exclusive event");
    }
    const std::uint8_t kind = status & 0xF0, channel = status & 0x0F;
    const std::size_t length = kind == 0xC0 || kind == 0xD0 ? 1 : 2;
    if (length > limit_ - at_) return Outcome::cut;
    std::array<std::uint8_t, 2> data{};
    for (std::size_t i = 0; i < length; ++i) {
      data[i] = bytes_[at_++];
      if (data[i] & 0x80) {
        mended_.add(at_ - 1, "a data byte above 0x7F; its top bit is left out");
        data[i] &= 0x7F;
      }
    }
    running_ = status;
    if (kind == 0x90 && data[1] > 0) {
      note_on(tick, channel, data[0], data[1], start);
    } else if (kind == 0x80 || kind == 0x90) {
      note_off(tick, channel, data[0], kind == 0x80 ? data[1] : kDefaultRelease, start);
    } else {
      parsed_.track.events.push_back({tick, kind, channel, data[0], data[1]});
    }
    return Outcome::ok;
  }

  void note_on(std::int64_t tick, std::uint8_t channel, std::uint8_t pitch, std::uint8_t velocity, std::size_t offset) {
    auto& notes = parsed_.track.notes;
    const auto index = static_cast<std::uint32_t>(notes.size());
    notes.push_back({tick, 0, pitch, velocity, channel, kDefaultRelease});
    next_.push_back(kNone);
    on_offset_.push_back(static_cast<std::uint32_t>(offset));
    const std::size_t key = channel * 128u + pitch;
    (head_[key] == kNone ? head_[key] : next_[tail_[key]]) = index;
    tail_[key] = index;
  }

  void note_off(std::int64_t tick, std::uint8_t channel, std::uint8_t pitch, std::uint8_t release, std::size_t offset) {
    const std::size_t key = channel * 128u + pitch;
    const std::uint32_t index = head_[key];
    if (index == kNone) {
      mended_.add(offset, "a note-off without a note is left out");
      return;
    }
    head_[key] = next_[index];
    Note& note = parsed_.track.notes[index];
    note.duration = tick - note.start;
    note.release = release;
  }

  Bytes bytes_;
  std::size_t at_, limit_ = 0;
  bool smpte_;
  Mended mended_;
  Parsed parsed_;
  std::int64_t tick_ = 0;
  std::uint8_t running_ = 0;
  bool interrupted_ = false;  ///< a meta or system exclusive event came since the last status byte
  std::string damage_;
  // Sounding notes of each channel and pitch as linked lists through next_: first in, first out.
  std::array<std::uint32_t, 2048> head_, tail_;
  std::vector<std::uint32_t> next_, on_offset_;
};

/// Finds the chunks and puts their tracks together.
class FileReader {
 public:
  explicit FileReader(Bytes bytes) : bytes_(bytes), spare_(bytes.size()) {
    for (std::size_t at = find_id(bytes, 0, "MTrk"); at < bytes.size(); at = find_id(bytes, at + 4, "MTrk")) {
      markers_.push_back(at);
    }
  }

  MidiReadResult read() {
    std::size_t at = header();
    while (at < bytes_.size()) {
      if (is_id(bytes_, at, "MTrk")) {
        if (score_.tracks.size() == kMaxTracks) {
          mended_.add(at, "more than 65,535 tracks; the rest is left out");
          break;
        }
        at = track(at);
      } else if (plausible_chunk(bytes_, at)) {
        const auto id = reinterpret_cast<const char*>(bytes_.data() + at);
        mended_.add(at, fmt::format("chunk \"{}\" left out", std::string_view(id, 4)));
        at += 8 + std::size_t{big32(bytes_, at + 4)};
      } else {
        const std::size_t next = next_marker(at);
        mended_.add(at, fmt::format("{} bytes that belong to no chunk left out", next - at));
        at = next;
      }
    }
    if (score_.tracks.empty()) fail(bytes_.size(), "no track (MTrk chunk)", "incomplete download?");
    if (declared_tracks_ != score_.tracks.size()) {
      mended_.add(header_at_ + 10,
                  fmt::format("the header says {} tracks, but there are {}", declared_tracks_, score_.tracks.size()));
    }
    score_.sort();
    return {std::move(score_), format_, mended_.lines()};
  }

 private:
  /// First "MTrk" at or after `from`, else the file's end.
  std::size_t next_marker(std::size_t from) const {
    // A marker that the end of the data cuts through is none: taken for one it would be found again without end.
    const auto it = std::lower_bound(markers_.begin(), markers_.end(), from);
    return it == markers_.end() || *it + 4 > bytes_.size() ? bytes_.size() : *it;
  }

  /// \return where the first chunk after MThd is to be looked for
  std::size_t header() {
    const std::size_t at = header_at_ = find_id(bytes_, 0, "MThd");
    if (at == bytes_.size()) {
      fail(0, bytes_.empty() ? "the file is empty" : "no MThd chunk", "is this a Standard MIDI File?");
    }
    if (is_id(bytes_, 0, "RIFF") && is_id(bytes_, 8, "RMID")) {
      unwrap(at);
    } else if (at > 0) {
      mended_.add(0, fmt::format("{} bytes before the MThd chunk left out", at));
    }
    if (bytes_.size() - at < 14) fail(bytes_.size(), "the file ends inside the MThd chunk", "incomplete download?");
    const auto big16 = [&](std::size_t i) { return bytes_[i] << 8 | bytes_[i + 1]; };
    format_ = big16(at + 8);
    if (format_ == 2) mended_.add(at + 8, "the patterns of a format 2 file are read as parallel tracks");
    if (format_ > 2) mended_.add(at + 8, fmt::format("unknown format {}; read as format 1", format_));
    declared_tracks_ = static_cast<std::size_t>(big16(at + 10));
    set_division(big16(at + 12), at + 12);
    const std::uint32_t length = big32(bytes_, at + 4);
    if (length >= 6 && length <= bytes_.size() - at - 8) return at + 8 + length;
    mended_.add(at + 4, fmt::format("the MThd chunk says {} bytes; read as 6", length));
    return at + 14;
  }

  /// RIFF-RMID: what follows the data chunk (LIST INFO, a padding byte) is no part of the MIDI file.
  void unwrap(std::size_t at) {
    if (at < 8 || !is_id(bytes_, at - 8, "data")) return;
    const std::size_t size = bytes_[at - 4] | std::size_t{bytes_[at - 3]} << 8 | std::size_t{bytes_[at - 2]} << 16 |
                             std::size_t{bytes_[at - 1]} << 24;
    if (size <= bytes_.size() - at) {
      bytes_ = bytes_.first(at + size);
    } else {
      mended_.add(at - 4, fmt::format("the RIFF data chunk says {} bytes, but {} are left", size, bytes_.size() - at));
    }
  }

  /// Sets the time base; under SMPTE division a tick is a fixed time, so one tempo is added that says so.
  void set_division(int division, std::size_t offset) {
    if (!(division & 0x8000)) {
      if (division == 0) mended_.add(offset, "0 ticks a quarter note; read as 480");
      score_.ticks_per_quarter = division == 0 ? 480 : division;
      return;
    }
    const int frames = -static_cast<std::int8_t>(division >> 8);
    const int ticks = division & 0xFF;
    if ((frames != 24 && frames != 25 && frames != 29 && frames != 30) || ticks == 0) {
      mended_.add(offset, fmt::format("SMPTE time division of {} frames of {} ticks; read as 480 ticks a quarter note",
                                      frames, ticks));
      score_.ticks_per_quarter = 480;
      return;
    }
    // A quarter note of one second (29: drop frame, 30 frames in 1.001 s), so that every tick keeps its exact time.
    smpte_ = true;
    score_.ticks_per_quarter = (frames == 29 ? 30 : frames) * ticks;
    score_.tempos.push_back({0, frames == 29 ? 1'001'000u : 1'000'000u});
  }

  /// Reads the chunk whose header stands at `at`. \return where the next chunk is to be looked for
  std::size_t track(std::size_t at) {
    const std::size_t begin = at + 8;
    if (begin > bytes_.size()) {
      mended_.add(at, "the file ends inside a track's header");
      score_.tracks.emplace_back();
      return bytes_.size();
    }
    const std::size_t declared = big32(bytes_, at + 4), left = bytes_.size() - begin;
    if (declared > left) mended_.add(at, fmt::format("the track says {} bytes, but {} are left", declared, left));
    const std::size_t end = begin + std::min(declared, left);
    const bool leads_on = end == bytes_.size() || plausible_chunk(bytes_, end);

    TrackParser parser(bytes_, begin, smpte_);
    const auto stop = parser.parse(end);
    const std::size_t stopped = parser.position();
    if (stop == TrackParser::Stop::at_limit && !leads_on) {
      if (const std::size_t next = track_beyond(at, end); next > 0) return next;
    }
    if (stop == TrackParser::Stop::at_limit && stopped < end) {
      parser.mended().add(stopped, "the track ends inside an event; the event is left out");
    }
    if (stop == TrackParser::Stop::at_limit) parser.mended().add(end, "the track has no end-of-track event");
    if (stop == TrackParser::Stop::damaged) {
      parser.mended().add(stopped, parser.damage() + "; the rest of the track is left out");
    }
    if (stop == TrackParser::Stop::end_of_track && stopped < end && declared <= left) {
      parser.mended().add(at, fmt::format("the track says {} bytes, but ends after {}", declared, stopped - begin));
    }
    take(parser);
    // A length that is too large swallows the next track.
    return std::min(next_marker(stopped), end);
  }

  /// The length at `at` may be too small: reads on over `end` and keeps that if it comes to an end-of-track before the
  /// next chunk. \return where to go on, 0 if nothing came of it
  std::size_t track_beyond(std::size_t at, std::size_t end) {
    const std::size_t begin = at + 8, limit = next_marker(end);
    if (limit - begin > spare_) return 0;  // keeps a file of nothing but lying lengths from costing quadratic time
    TrackParser parser(bytes_, begin, smpte_);
    const auto stop = parser.parse(limit);
    spare_ -= parser.position() - begin;
    if (stop != TrackParser::Stop::end_of_track) return 0;
    parser.mended().add(at, fmt::format("the track says {} bytes, but has {}", end - begin, parser.position() - begin));
    take(parser);
    return parser.position();
  }

  void take(TrackParser& parser) {
    Parsed parsed = parser.finish();
    mended_.add(parser.mended());
    score_.tracks.push_back(std::move(parsed.track));
    score_.tempos.insert(score_.tempos.end(), parsed.tempos.begin(), parsed.tempos.end());
    score_.meters.insert(score_.meters.end(), parsed.meters.begin(), parsed.meters.end());
    score_.keys.insert(score_.keys.end(), parsed.keys.begin(), parsed.keys.end());
  }

  Bytes bytes_;
  std::size_t spare_;  ///< bytes that may be read a second time
  std::vector<std::size_t> markers_;
  std::size_t header_at_ = 0, declared_tracks_ = 0;
  int format_ = 1;
  bool smpte_ = false;
  Score score_;
  Mended mended_;
};

}  // namespace

MidiReadResult read_midi(Bytes bytes) {
  if (bytes.size() > kMaxFile) fail(kMaxFile, "larger than 64 MB", "no MIDI file is; is it something else?");
  return FileReader(bytes).read();
}

MidiReadResult read_midi(const std::filesystem::path& path) {
  std::error_code unknown;
  const auto size = std::filesystem::file_size(path, unknown);
  if (!unknown && size > kMaxFile) {
    throw Error(Category::bad_input, "read_midi", fmt::format("{}: {} bytes, larger than 64 MB", path.string(), size),
                "no MIDI file is; is it something else?");
  }
  const auto bytes = read_file(path);
  try {
    return read_midi(bytes);
  } catch (const Error& e) {
    throw e.in(path.string());
  }
}

}  // namespace euterpe
