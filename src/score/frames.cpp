#include "score/frames.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

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

}  // namespace euterpe
