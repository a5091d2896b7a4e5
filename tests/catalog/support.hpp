#pragma once
/// A folder that is gone after the test, and small music files made here.
#include <stdlib.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"
#include "catalog/catalog.hpp"

namespace euterpe::test {

using euterpe::TemporaryFolder;

inline void write(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string little(std::uint32_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i & 0xFF);
  return out;
}

/// A mono 16-bit WAV at 8 kHz holding a sine of `hertz`.
inline std::string wav(double hertz, double seconds = 0.25) {
  const auto samples = static_cast<std::uint32_t>(seconds * 8000);
  std::string data;
  for (std::uint32_t i = 0; i < samples; ++i)
    data += little(static_cast<std::uint32_t>(std::lround(9000 * std::sin(6.283185307 * hertz * i / 8000))), 2);
  return "RIFF" + little(36 + 2 * samples, 4) + "WAVEfmt " + little(16, 4) + little(1, 2) + little(1, 2) +
         little(8000, 4) + little(16000, 4) + little(2, 2) + little(16, 2) + "data" + little(2 * samples, 4) + data;
}

/// A format 0 MIDI file of one quarter note.
inline std::string midi(int pitch) {
  const std::string track = std::string("\x00\x90", 2) + static_cast<char>(pitch) + std::string("\x50\x60\x80", 3) +
                            static_cast<char>(pitch) + std::string("\x40\x00\xFF\x2F\x00", 5);
  return std::string("MThd\0\0\0\6\0\0\0\1\0\x60", 14) + std::string("MTrk\0\0\0", 7) +
         static_cast<char>(track.size()) + track;
}

inline std::string exported(Catalog& catalog, bool for_comparison = true) {
  std::ostringstream out;
  catalog.export_to(out, for_comparison);
  return out.str();
}

/// A well-formed track id that begins with `prefix`.
inline std::string id_of(std::string prefix) {
  prefix.resize(64, '0');
  return prefix;
}

}  // namespace euterpe::test
