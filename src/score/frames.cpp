#include "score/frames.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"

namespace euterpe {
namespace {

PitchFrame read_frame(const nlohmann::json& json, const std::string& where) {
  if (!json.is_array()) throw Error(Category::bad_input, "read_frames", where + ": expected a list of pitches");
  PitchFrame frame;
  for (const auto& item : json) {
    const double pitch = item.is_number() ? item.get<double>() : -1;
    if (!(pitch >= kLowestFramePitch && pitch <= kHighestFramePitch && pitch == std::floor(pitch)))
      throw Error(
          Category::bad_input, "read_frames",
          fmt::format("{}: {} is no pitch of {} … {}", where, item.dump(), kLowestFramePitch, kHighestFramePitch));
    frame.push_back(static_cast<std::uint8_t>(pitch));
  }
  std::sort(frame.begin(), frame.end());
  frame.erase(std::unique(frame.begin(), frame.end()), frame.end());
  return frame;
}

}  // namespace

std::map<std::string, std::vector<FramePiece>> read_frames(const std::filesystem::path& file) {
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(read_text(file));
  } catch (const nlohmann::json::exception& e) {
    throw Error(Category::bad_input, "read_frames", file.string() + ": " + e.what());
  }
  if (!json.is_object())
    throw Error(Category::bad_input, "read_frames", file.string() + ": expected an object with a list a split");
  std::map<std::string, std::vector<FramePiece>> splits;
  for (const auto& [split, pieces] : json.items()) {
    const std::string place = fmt::format("{}: {}", file.string(), split);
    if (!pieces.is_array()) throw Error(Category::bad_input, "read_frames", place + ": expected a list of pieces");
    auto& read = splits[split];
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const std::string where = fmt::format("{}: piece {}", place, i);
      if (!pieces[i].is_array() || pieces[i].empty())
        throw Error(Category::bad_input, "read_frames", where + ": expected a list of frames");
      FramePiece piece{fmt::format("{}/{}", split, i), {}};
      for (std::size_t t = 0; t < pieces[i].size(); ++t)
        piece.frames.push_back(read_frame(pieces[i][t], fmt::format("{}, frame {}", where, t)));
      read.push_back(std::move(piece));
    }
  }
  return splits;
}

std::vector<std::uint8_t> frame_row(const FramePiece& piece) {
  std::vector<std::uint8_t> row;
  for (const PitchFrame& frame : piece.frames) {
    row.insert(row.end(), frame.begin(), frame.end());
    row.push_back(0);
  }
  return row;
}

FramePiece frame_piece_of_row(std::span<const std::uint8_t> row) {
  FramePiece piece;
  PitchFrame frame;
  for (const std::uint8_t pitch : row) {
    if (pitch != 0) {
      frame.push_back(pitch);
      continue;
    }
    piece.frames.push_back(std::move(frame));
    frame.clear();
  }
  return piece;
}

FramePiece frame_piece(const Score& score, std::size_t most) {
  const double ticks = static_cast<double>(score.ticks_per_quarter) / kFramesPerQuarter;
  const auto frame_at = [&](std::int64_t tick) {
    return static_cast<std::size_t>(std::llround(static_cast<double>(tick) / ticks));
  };
  std::vector<std::set<std::uint8_t>> sounding;
  for (const Note& n : score.merged_notes()) {
    const std::size_t end = frame_at(n.end());
    if (end > most)
      throw Error(Category::bad_input, "frame_piece", fmt::format("{} frames, at most {} can be taken", end, most));
    if (n.pitch < kLowestFramePitch || n.pitch > kHighestFramePitch)
      throw Error(Category::bad_input, "frame_piece",
                  fmt::format("pitch {} at tick {}: frames have {} … {}", n.pitch, n.start, kLowestFramePitch,
                              kHighestFramePitch));
    const std::size_t start = frame_at(n.start);
    if (start < end && sounding.size() < end) sounding.resize(end);
    for (std::size_t t = start; t < end; ++t) sounding[t].insert(n.pitch);
  }
  if (sounding.empty())
    throw Error(Category::bad_input, "frame_piece", "no note is as long as half an eighth", "drums are left out");
  FramePiece piece;
  for (const auto& pitches : sounding) piece.frames.emplace_back(pitches.begin(), pitches.end());
  return piece;
}

Score frame_score(const FramePiece& piece) {
  constexpr int kTicksPerFrame = 240;
  Score score;
  score.ticks_per_quarter = kFramesPerQuarter * kTicksPerFrame;
  Track& track = add_track(score, "Frames", 0, 0);
  std::map<std::uint8_t, std::size_t> since;  // of the pitches that sound: the frame they began with
  for (std::size_t t = 0; t <= piece.frames.size(); ++t) {
    const PitchFrame frame = t < piece.frames.size() ? piece.frames[t] : PitchFrame{};
    for (auto held = since.begin(); held != since.end();) {
      const auto& [pitch, start] = *held;
      if (std::binary_search(frame.begin(), frame.end(), pitch)) {
        ++held;
        continue;
      }
      track.notes.push_back({static_cast<std::int64_t>(start) * kTicksPerFrame,
                             static_cast<std::int64_t>(t - start) * kTicksPerFrame, pitch, 80, 0});
      held = since.erase(held);
    }
    for (const std::uint8_t pitch : frame) since.try_emplace(pitch, t);
  }
  score.sort();
  return score;
}

}  // namespace euterpe
