#pragma once
/// A score from any file that holds one.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

struct ScoreReadResult {
  Score score;
  std::string format;               ///< name of the row that read it: "MIDI", "MusicXML"
  std::string composer;             ///< as the file credits it, may be empty
  std::vector<std::string> mended;  ///< what was wrong and how it was read, with its place; empty if clean
};

/// One kind of file. A new one is one more row.
struct ScoreFormat {
  std::string_view name;
  std::vector<std::string_view> extensions;            ///< lower case, with the dot
  bool (*begins)(std::span<const std::uint8_t> head);  ///< from the file's first kScoreHead bytes
  ScoreReadResult (*read)(std::span<const std::uint8_t> bytes);
};
const std::vector<ScoreFormat>& score_formats();
inline constexpr std::size_t kScoreHead = 4096;

/// Whether bytes begin as a score of some format does.
bool begins_as_score(std::span<const std::uint8_t> head);
/// The same of a file's content; false where it cannot be opened. Throws Error{io} where it can, but not be read.
bool begins_as_score(const std::filesystem::path& path);

/// What a file that the user named is taken for: a score by its content, else by its extension.
bool is_score_file(const std::filesystem::path& path);

/// By extension, upper or lower case: the quick test that a folder walk uses. A file ".xml" may be anything, so where
/// it exists its first bytes must name a score too.
bool is_score_name(const std::filesystem::path& path);

/// Told apart by content, where that says nothing by name. Throws what read_midi() and read_musicxml() throw, and
/// Error{bad_input} where neither content nor name is one of a score; the detail names the file.
ScoreReadResult read_score(std::span<const std::uint8_t> bytes, const std::filesystem::path& name = {});
ScoreReadResult read_score(const std::filesystem::path& path);

}  // namespace euterpe
