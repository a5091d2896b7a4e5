#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/error.hpp"
#include "base/files.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

constexpr std::int64_t kMaxQuantity = 0x0FFFFFFF;  ///< four bytes of seven bits
constexpr std::uint8_t kDefaultRelease = 64;

/// Order of the kinds of events at one tick: notes end, texts (names, resets) come before what they concern, the
/// instrument is set up before it plays.
enum class Rank : std::uint8_t { note_off, text, tempo, meter, key, channel, note_on };

struct Item {
  std::int64_t tick;
  Rank rank;
  std::uint32_t index;  ///< into the list of its kind
};

class ChunkWriter {
 public:
  explicit ChunkWriter(std::vector<std::uint8_t>& out) : out_(out) {
    id("MTrk");
    length_at_ = out_.size();
    out_.insert(out_.end(), 4, 0);
  }

  void meta(std::int64_t tick, std::uint8_t type, std::span<const std::uint8_t> data) {
    advance(tick);
    out_.push_back(0xFF);
    out_.push_back(type);
    payload(data);
  }
  void system_exclusive(std::int64_t tick, std::uint8_t status, std::span<const std::uint8_t> data) {
    advance(tick);
    out_.push_back(status);
    payload(data);
  }
  void channel(std::int64_t tick, std::uint8_t status, std::uint8_t data1, std::uint8_t data2, bool two) {
    advance(tick);
    if (status != running_) out_.push_back(status);
    running_ = status;
    out_.push_back(data1);
    if (two) out_.push_back(data2);
  }
  void finish() {
    out_.insert(out_.end(), {0x00, 0xFF, 0x2F, 0x00});
    const std::size_t length = out_.size() - length_at_ - 4;
    if (length > 0xFFFFFFFFu) throw Error(Category::unsupported, "write_midi", "a track is larger than 4 GB");
    for (int i = 0; i < 4; ++i) out_[length_at_ + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
  }

 private:
  void id(std::string_view text) { out_.insert(out_.end(), text.begin(), text.end()); }
  void quantity(std::int64_t value) {
    for (int shift = 21; shift > 0; shift -= 7) {
      if (value >> shift) out_.push_back(static_cast<std::uint8_t>(0x80 | (value >> shift & 0x7F)));
    }
    out_.push_back(static_cast<std::uint8_t>(value & 0x7F));
  }
  void advance(std::int64_t tick) {
    EUTERPE_ASSERT(tick >= tick_);
    for (; tick - tick_ > kMaxQuantity; tick_ += kMaxQuantity) {
      quantity(kMaxQuantity);
      out_.push_back(0xF7);  // an empty escape: the one event that says nothing
      out_.push_back(0);
      running_ = 0;
    }
    quantity(tick - tick_);
    tick_ = tick;
  }
  void payload(std::span<const std::uint8_t> data) {
    if (data.size() > static_cast<std::size_t>(kMaxQuantity)) {
      throw Error(Category::unsupported, "write_midi",
                  fmt::format("a text of {} bytes; 268,435,455 at most", data.size()));
    }
    quantity(static_cast<std::int64_t>(data.size()));
    out_.insert(out_.end(), data.begin(), data.end());
    running_ = 0;  // meta and system exclusive events cancel running status
  }

  std::vector<std::uint8_t>& out_;
  std::size_t length_at_ = 0;
  std::int64_t tick_ = 0;
  std::uint8_t running_ = 0;
};

void write_text(ChunkWriter& chunk, const TextEvent& text) {
  const std::span data(reinterpret_cast<const std::uint8_t*>(text.text.data()), text.text.size());
  if (text.type == 0xF0 || text.type == 0xF7) {
    chunk.system_exclusive(text.tick, text.type, data);
  } else {
    EUTERPE_ASSERT(text.type < 0x80 && text.type != 0x2F);
    chunk.meta(text.tick, text.type, data);
  }
}

void write_note_off(ChunkWriter& chunk, const Note& n) {
  // Note-on of velocity 0 keeps the running status; only a release velocity of its own needs a note-off.
  if (n.release == kDefaultRelease) {
    chunk.channel(n.end(), static_cast<std::uint8_t>(0x90 | n.channel), n.pitch, 0, true);
  } else {
    chunk.channel(n.end(), static_cast<std::uint8_t>(0x80 | n.channel), n.pitch, n.release, true);
  }
}

void write_track(std::vector<std::uint8_t>& out, const Track& track, const Score& globals) {
  ChunkWriter chunk(out);
  const auto names = [](const TextEvent& t) { return t.type == 0x03; };
  if (!track.name.empty() && std::none_of(track.texts.begin(), track.texts.end(), names)) {
    write_text(chunk, TextEvent{0, 0x03, track.name});
  }
  const auto programs = [](const ChannelEvent& e) { return e.status == 0xC0; };
  if (track.program != 0 && std::none_of(track.events.begin(), track.events.end(), programs)) {
    const unsigned channel = track.notes.empty() ? (track.drums ? 9u : 0u) : track.notes.front().channel;
    chunk.channel(0, static_cast<std::uint8_t>(0xC0 | channel), track.program, 0, false);
  }

  std::vector<Item> items;
  items.reserve(2 * track.notes.size() + track.events.size() + track.texts.size() + globals.tempos.size());
  const auto add = [&](Rank rank, const auto& list) {
    for (std::size_t i = 0; i < list.size(); ++i) items.push_back({list[i].tick, rank, static_cast<std::uint32_t>(i)});
  };
  add(Rank::text, track.texts);
  add(Rank::channel, track.events);
  add(Rank::tempo, globals.tempos);
  add(Rank::meter, globals.meters);
  add(Rank::key, globals.keys);
  for (std::size_t i = 0; i < track.notes.size(); ++i) {
    const Note& n = track.notes[i];
    EUTERPE_ASSERT(n.start >= 0 && n.duration >= 0 && n.pitch < 128 && n.channel < 16 && n.release < 128);
    EUTERPE_ASSERT(n.velocity >= 1 && n.velocity < 128);
    items.push_back({n.start, Rank::note_on, static_cast<std::uint32_t>(i)});
    // A note of no length ends right behind its beginning, not with the notes that end at this tick.
    if (n.duration > 0) items.push_back({n.end(), Rank::note_off, static_cast<std::uint32_t>(i)});
  }
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return std::tie(a.tick, a.rank, a.index) < std::tie(b.tick, b.rank, b.index);
  });

  for (const Item& item : items) {
    switch (item.rank) {
      case Rank::text:
        write_text(chunk, track.texts[item.index]);
        break;
      case Rank::tempo: {
        const std::uint32_t t = globals.tempos[item.index].microseconds_per_quarter;
        EUTERPE_ASSERT(t > 0 && t < 1u << 24);
        const std::uint8_t data[] = {static_cast<std::uint8_t>(t >> 16), static_cast<std::uint8_t>(t >> 8),
                                     static_cast<std::uint8_t>(t)};
        chunk.meta(item.tick, 0x51, data);
        break;
      }
      case Rank::meter: {
        const TimeSignature& m = globals.meters[item.index];
        EUTERPE_ASSERT(m.numerator > 0 && std::has_single_bit(m.denominator));
        const std::uint8_t data[] = {m.numerator, static_cast<std::uint8_t>(std::countr_zero(m.denominator)),
                                     m.clocks_per_click, m.thirty_seconds_per_quarter};
        chunk.meta(item.tick, 0x58, data);
        break;
      }
      case Rank::key: {
        const KeySignature& k = globals.keys[item.index];
        const std::uint8_t data[] = {static_cast<std::uint8_t>(k.fifths), static_cast<std::uint8_t>(k.minor)};
        chunk.meta(item.tick, 0x59, data);
        break;
      }
      case Rank::channel: {
        const ChannelEvent& e = track.events[item.index];
        EUTERPE_ASSERT(e.status >= 0xA0 && e.status <= 0xE0 && (e.status & 0x0F) == 0 && e.channel < 16);
        EUTERPE_ASSERT(e.data1 < 128 && e.data2 < 128);
        chunk.channel(item.tick, e.status | e.channel, e.data1, e.data2, e.status != 0xC0 && e.status != 0xD0);
        break;
      }
      case Rank::note_on: {
        const Note& n = track.notes[item.index];
        chunk.channel(item.tick, static_cast<std::uint8_t>(0x90 | n.channel), n.pitch, n.velocity, true);
        if (n.duration == 0) write_note_off(chunk, n);
        break;
      }
      case Rank::note_off:
        write_note_off(chunk, track.notes[item.index]);
        break;
    }
  }
  chunk.finish();
}

}  // namespace

std::vector<std::uint8_t> write_midi(const Score& score) {
  EUTERPE_ASSERT(score.ticks_per_quarter >= 1 && score.ticks_per_quarter <= 32'767);
  const std::size_t count = std::max<std::size_t>(1, score.tracks.size());
  if (count > 65'535) {
    throw Error(Category::unsupported, "write_midi", fmt::format("{} tracks; a MIDI file holds 65,535", count));
  }
  std::vector<std::uint8_t> out{'M', 'T', 'h', 'd', 0, 0, 0, 6, 0, static_cast<std::uint8_t>(count > 1)};
  for (const std::size_t value : {count, static_cast<std::size_t>(score.ticks_per_quarter)}) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
  }
  const Score nothing;
  if (score.tracks.empty()) write_track(out, Track{}, score);
  for (std::size_t i = 0; i < score.tracks.size(); ++i) write_track(out, score.tracks[i], i == 0 ? score : nothing);
  return out;
}

void write_midi(const std::filesystem::path& path, const Score& score) { write_file(path, write_midi(score)); }

}  // namespace euterpe
