#pragma once
/// Readers of public symbolic data sets as their publishers lay them out.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

struct Piece {
  std::string id;     ///< "jsb/train/17", "nottingham/jigs10", "pop909/001"
  std::string style;  ///< "chorale", "folk", "pop", "classical", "drums"
  std::string group;  ///< song or work: a split never divides a group
  std::string split;  ///< "train", "valid" or "test"
  Score score;
  std::string file = {};            ///< SHA-256 of the file it was read from; empty where many pieces share one
  std::string variety = {};         ///< kind within the style, as remi_varieties() names it; empty if not known
  std::optional<int> emotion = {};  ///< Russell's quadrant 0 … 3 for Q1 … Q4, where listeners judged it
};

/// One data set that `prepare`, `train` and `evaluate` know by name.
struct Dataset {
  const char* name;  ///< also the folder below the data root
  const char* style;
  const char* licence;  ///< as stated by the publisher
  bool commercial;      ///< whether weights that learned from it may be used commercially
  std::vector<Piece> (*read)(const std::filesystem::path& folder);
};

const std::vector<Dataset>& datasets();
/// Error{usage} listing the names if there is none such.
const Dataset& dataset(std::string_view name);

/// JSB chorales on a 16th grid (Jsb16thSeparated.json, 4 voices S A T B), published split. Equal neighbors are one held
/// note, cut at bar lines, for the file does not tell held from repeated notes; an upbeat is restored from the length
/// modulo a bar, since the last bar of a chorale is full.
std::vector<Piece> read_jsb(const std::filesystem::path& folder);
/// Nottingham folk tunes (*.mid): melody and chords.
std::vector<Piece> read_nottingham(const std::filesystem::path& folder);
/// POP909 (NNN/NNN.mid: MELODY, BRIDGE, PIANO), moved so that the downbeats of beat_midi.txt are the bar lines.
std::vector<Piece> read_pop909(const std::filesystem::path& folder);
/// Classical pieces (*.mid with works.csv: file, composer, work).
std::vector<Piece> read_classical(const std::filesystem::path& folder);

/// The stored split of sets that publish none: by hash of the group, 80 % train, 10 % valid, 10 % test.
std::string split_of(std::string_view group);

}  // namespace euterpe
