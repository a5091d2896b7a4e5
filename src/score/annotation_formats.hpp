#pragma once
/// Annotations as files: JSON, JAMS (Humphrey et al. 2014) and MIREX's plain text, as mir_eval and jams read them; and
/// readers for the plain text, in which reference annotations come.
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "score/annotation.hpp"

namespace euterpe {

/// One way to write annotations down. A new format is one more row.
struct AnnotationFormat {
  std::string_view name;    ///< "json", "jams", "chords" …
  std::string_view group;   ///< one word for formats that belong together: "lab" for each of the plain-text files
  std::string_view suffix;  ///< of the file's name, in place of the piece's own extension: ".chords.lab"
  std::string_view summary;
  /// The file's whole text, UTF-8; `title` names the piece in formats that keep a name.
  std::string (*write)(const Annotations& annotations, std::string_view title);
};

/// json; jams; and as group "lab" chords, keys and structure ("start\tend\tlabel", seconds), beats ("time"), positions
/// ("time\tposition in the bar") and melody ("time\thz", 0 where none sounds). What is not there gives an empty file.
/// Chords of quality `other` are "X" but left out of JAMS, whose schema has no word for them.
std::span<const AnnotationFormat> annotation_formats();

/// The formats that a word asks for, by name or by group. Throws Error{usage} naming the words that there are.
std::vector<AnnotationFormat> find_annotation_formats(std::string_view word);

/// "start end label" a line in seconds, split at tabs or spaces; labels as parse_chord() reads them. "X" (beyond the
/// vocabulary) becomes a chord of quality `other` on root 0, which majmin_class() leaves out. Empty lines and lines
/// that begin with # say nothing. Throws Error{not_found | io | bad_input} naming the file and the line; so do those
/// below.
std::vector<ChordSegment> read_chord_lab(const std::filesystem::path& path);

/// Labels "Bb:maj", "C:minor", "A minor", "F#", with or without the word "Key" before them; church modes count as major
/// or minor by their third. "N" and "Silence" give no segment.
std::vector<KeySegment> read_key_lab(const std::filesystem::path& path);

/// "time", or "time position" (1 = downbeat), or POP909's "time duple quadruple", whose last column is 1.0 on
/// downbeats: beats before the first of them get position 0. Times must ascend.
std::vector<Beat> read_beats(const std::filesystem::path& path);

}  // namespace euterpe
