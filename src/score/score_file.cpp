#include "score/score_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

using Bytes = std::span<const std::uint8_t>;

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// "MThd", or the same inside a RIFF file of type RMID.
bool begins_as_midi(Bytes head) {
  const std::string_view text = text_of(head);
  constexpr std::size_t kType = 8;
  return text.starts_with("MThd") ||
         (text.starts_with("RIFF") && text.size() > kType && text.substr(kType).starts_with("RMID"));
}

ScoreReadResult from_midi(Bytes bytes) {
  MidiReadResult read = read_midi(bytes);
  return {std::move(read.score), "MIDI", {}, std::move(read.mended)};
}

/// The root element's name, in one or two bytes a character; or a ZIP archive, for no recording is one.
bool begins_as_musicxml(Bytes head) {
  if (text_of(head).starts_with("PK\3\4")) return true;
  std::string text;
  for (const std::uint8_t byte : head.first(std::min(head.size(), kScoreHead))) {
    if (byte != 0) text += static_cast<char>(byte);  // UTF-16, either way round
  }
  const std::size_t markup = text.find('<');
  if (markup == std::string::npos || text.find_first_not_of(" \t\r\n\xEF\xBB\xBF\xFE\xFF") != markup) return false;
  return text.find("<score-partwise") != std::string::npos || text.find("<score-timewise") != std::string::npos;
}

ScoreReadResult from_musicxml(Bytes bytes) {
  MusicXmlReadResult read = read_musicxml(bytes);
  return {std::move(read.score), "MusicXML", std::move(read.composer), std::move(read.mended)};
}

std::string extension_of(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

const ScoreFormat* format_by_name(const fs::path& path) {
  const std::string extension = extension_of(path);
  for (const ScoreFormat& format : score_formats()) {
    if (std::find(format.extensions.begin(), format.extensions.end(), extension) != format.extensions.end()) {
      return &format;
    }
  }
  return nullptr;
}

const ScoreFormat* format_by_content(Bytes head) {
  const auto& formats = score_formats();
  const auto it = std::find_if(formats.begin(), formats.end(), [&](const ScoreFormat& f) { return f.begins(head); });
  return it == formats.end() ? nullptr : &*it;
}

}  // namespace

const std::vector<ScoreFormat>& score_formats() {
  static const std::vector<ScoreFormat> formats{
      {"MIDI", {".mid", ".midi", ".kar", ".smf", ".rmi"}, begins_as_midi, from_midi},
      {"MusicXML", {".musicxml", ".mxl", ".xml"}, begins_as_musicxml, from_musicxml},
  };
  return formats;
}

bool begins_as_score(Bytes head) { return format_by_content(head) != nullptr; }

bool begins_as_score(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::array<char, kScoreHead> head{};
  in.read(head.data(), head.size());
  if (in.is_open() && in.bad()) throw Error(Category::io, "read", path.string() + ": cannot be read");
  return begins_as_score(
      Bytes(reinterpret_cast<const std::uint8_t*>(head.data()), static_cast<std::size_t>(in.gcount())));
}

bool is_score_file(const fs::path& path) { return begins_as_score(path) || format_by_name(path) != nullptr; }

bool is_score_name(const fs::path& path) {
  if (format_by_name(path) == nullptr) return false;
  std::error_code unknown;
  return extension_of(path) != ".xml" || !fs::exists(path, unknown) || begins_as_score(path);
}

ScoreReadResult read_score(Bytes bytes, const fs::path& name) {
  const ScoreFormat* format = format_by_content(bytes);
  if (format == nullptr) format = format_by_name(name);
  if (format == nullptr) {
    throw Error(Category::bad_input, "read_score", "neither MIDI nor MusicXML",
                "export the score as one of them; a recording is no score");
  }
  return format->read(bytes);
}

ScoreReadResult read_score(const fs::path& path) {
  constexpr std::uintmax_t kMost = 100u << 20;  // bytes: no score is larger, so nothing larger is read in whole
  std::error_code unknown;
  const auto size = fs::file_size(path, unknown);
  if (!unknown && size > kMost) {
    throw Error(Category::bad_input, "read_score", fmt::format("{}: {} bytes, larger than 100 MB", path.string(), size),
                "no score is; is it something else?");
  }
  const auto bytes = read_file(path);
  try {
    return read_score(bytes, path);
  } catch (const Error& e) {
    throw e.in(path.string());
  }
}

}  // namespace euterpe
