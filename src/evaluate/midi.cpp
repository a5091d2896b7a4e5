#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <span>
#include <tuple>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "evaluate/task.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

/// An event as its bytes, without running status; note-on of velocity 0 stands as the note-off that it means.
struct RawEvent {
  std::size_t track;
  std::int64_t tick;
  std::vector<std::uint8_t> bytes;
  auto operator<=>(const RawEvent&) const = default;
};

/// All events of a well-formed file except end-of-track, sorted. A second, plain parser that shares nothing with the
/// reader: what the reader drops on its way in would never be missed by comparing what it read twice. Nothing if the
/// file is not well formed.
std::optional<std::vector<RawEvent>> raw_events(std::span<const std::uint8_t> b) {
  std::vector<RawEvent> events;
  const auto big = [&](std::size_t at, int n) {
    std::size_t value = 0;
    for (int i = 0; i < n; ++i) value = value << 8 | b[at + i];
    return value;
  };
  if (b.size() < 14 || !std::equal(b.begin(), b.begin() + 4, "MThd") || (b[12] & 0x80)) return {};
  std::size_t track = 0;
  for (std::size_t at = 8 + big(4, 4); at + 8 <= b.size(); ++track) {
    const std::size_t end = at + 8 + big(at + 4, 4);
    if (!std::equal(b.begin() + at, b.begin() + at + 4, "MTrk") || end > b.size()) return {};
    at += 8;
    std::int64_t tick = 0;
    std::uint8_t status = 0;
    const auto quantity = [&] {
      std::size_t value = 0;
      while (at < end) {
        value = value << 7 | (b[at] & 0x7F);
        if (!(b[at++] & 0x80)) break;
      }
      return value;
    };
    while (at < end) {
      tick += static_cast<std::int64_t>(quantity());
      if (at >= end) return {};
      RawEvent e{track, tick, {}};
      if (b[at] >= 0xF0) {
        const std::size_t from = at;
        at += b[at] == 0xFF ? 2 : 1;
        const std::size_t size = quantity();
        if (at + size > end) return {};
        e.bytes.assign(b.begin() + from, b.begin() + (b[from] == 0xFF ? from + 2 : from + 1));
        e.bytes.insert(e.bytes.end(), b.begin() + at, b.begin() + at + size);
        at += size;
        if (e.bytes[0] == 0xFF && e.bytes[1] == 0x2F) continue;
        const bool global = e.bytes[0] == 0xFF && (e.bytes[1] == 0x51 || e.bytes[1] == 0x58 || e.bytes[1] == 0x59);
        if (global) e.track = 0;  // tempo, meter and key hold for all tracks, wherever they stand
      } else {
        if (b[at] & 0x80) status = b[at++];
        const std::size_t size = (status & 0xE0) == 0xC0 ? 1 : 2;
        if (status < 0x80 || at + size > end) return {};
        e.bytes = {status};
        e.bytes.insert(e.bytes.end(), b.begin() + at, b.begin() + at + size);
        at += size;
        if ((status & 0xF0) == 0x90 && e.bytes[2] == 0)
          e.bytes = {static_cast<std::uint8_t>(status - 0x10), e.bytes[1], 64};
      }
      events.push_back(std::move(e));
    }
  }
  std::sort(events.begin(), events.end());
  return events;
}

constexpr std::array kParts{"notes", "tempo_map", "meters", "keys", "programs", "controllers", "texts", "tracks"};

template <class Of>
bool same(const Score& a, const Score& b, Of&& of) {
  return std::equal(a.tracks.begin(), a.tracks.end(), b.tracks.begin(), b.tracks.end(),
                    [&](const Track& x, const Track& y) { return of(x) == of(y); });
}

std::vector<ChannelEvent> channel_events(const Track& track, bool programs) {
  std::vector<ChannelEvent> out;
  for (const ChannelEvent& e : track.events) {
    if ((e.status == 0xC0) == programs) out.push_back(e);
  }
  return out;
}

/// Which of kParts are equal.
std::array<bool, kParts.size()> compare(const Score& a, const Score& b) {
  return {
      same(a, b, [](const Track& t) { return t.notes; }),
      a.tempos == b.tempos && a.ticks_per_quarter == b.ticks_per_quarter,
      a.meters == b.meters,
      a.keys == b.keys,
      same(a, b, [](const Track& t) { return std::make_pair(t.program, channel_events(t, true)); }),
      same(a, b, [](const Track& t) { return channel_events(t, false); }),
      same(a, b, [](const Track& t) { return std::make_pair(t.name, t.texts); }),
      same(a, b, [](const Track& t) { return t.drums; }),
  };
}

struct Outcome {
  bool read = false, equal = false, mended = false;
  std::array<bool, kParts.size()> parts{};
  std::optional<bool> raw_equal;  ///< nothing where the file is not well formed
  std::size_t notes = 0;
  std::string cause;
};

Outcome round_trip(const std::filesystem::path& path) {
  Outcome out;
  try {
    const auto bytes = read_file(path);
    const MidiReadResult first = read_midi(bytes);
    out.read = true;
    out.mended = !first.mended.empty();
    out.notes = first.score.note_count();
    const auto written = write_midi(first.score);
    const MidiReadResult second = read_midi(written);
    out.parts = compare(first.score, second.score);
    out.equal = first.score == second.score;
    if (!out.mended) {
      if (const auto raw = raw_events(bytes)) out.raw_equal = raw == raw_events(written);
    }
    if (!out.equal) {
      for (std::size_t i = 0; i < kParts.size(); ++i) {
        if (!out.parts[i]) out.cause += fmt::format("{}{} differ", out.cause.empty() ? "" : ", ", kParts[i]);
      }
    } else if (out.raw_equal == false) {
      out.cause = "events of the file are missing in what was written";
    }
  } catch (const Error& e) {
    if (e.category() == Category::interrupted) throw;
    out.cause = e.detail();
  }
  return out;
}

}  // namespace

nlohmann::json evaluate_midi(const EvaluateOptions& options) {
  if (!std::filesystem::exists(options.data)) {
    throw Error(Category::not_found, "evaluate midi", options.data.string() + ": no such file or folder",
                "name a folder with MIDI files by --data");
  }
  std::vector<std::filesystem::path> paths;
  for (auto& path : walk_files({options.data})) {
    std::string extension = path.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    if (extension == ".mid" || extension == ".midi" || extension == ".kar" || extension == ".rmi") {
      paths.push_back(std::move(path));
    }
  }
  if (options.limit > 0 && paths.size() > static_cast<std::size_t>(options.limit)) paths.resize(options.limit);

  const auto start = std::chrono::steady_clock::now();
  std::vector<Outcome> outcomes(paths.size());
  {
    Progress progress("MIDI round trip", paths.size(), "files");
    parallel_for(paths.size(), [&](std::size_t i) {
      check_interrupt();
      outcomes[i] = round_trip(paths[i]);
      progress.advance();
    });
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;

  std::size_t read = 0, equal = 0, mended = 0, notes = 0, raw = 0, raw_equal = 0;
  std::array<std::size_t, kParts.size()> parts{};
  nlohmann::json failed = nlohmann::json::array();
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Outcome& o = outcomes[i];
    read += o.read;
    equal += o.equal;
    mended += o.mended;
    notes += o.notes;
    raw += o.raw_equal.has_value();
    raw_equal += o.raw_equal.value_or(false);
    for (std::size_t p = 0; p < kParts.size(); ++p) parts[p] += o.parts[p];
    if (!o.cause.empty()) {
      const auto name = std::filesystem::relative(paths[i], options.data).string();
      failed.push_back({{"file", name == "." ? paths[i].string() : name}, {"cause", o.cause}});
    }
  }
  nlohmann::json shares = nlohmann::json::object();
  const auto share = [](std::size_t n, std::size_t of) { return of == 0 ? 1.0 : static_cast<double>(n) / of; };
  for (std::size_t p = 0; p < kParts.size(); ++p) shares[kParts[p]] = share(parts[p], read);
  return {
      {"files", paths.size()},      {"read", read},       {"equal", equal},
      {"equal_share", shares},      {"well_formed", raw}, {"well_formed_events_equal", raw_equal},
      {"failed", failed},           {"mended", mended},   {"notes", notes},
      {"seconds", seconds.count()},
  };
}

}  // namespace euterpe
