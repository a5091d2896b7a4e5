#pragma once
/// From scores to a shard: cleaning, split, tokens, and the count of what was left out and why.
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "corpus/augment_score.hpp"
#include "corpus/datasets.hpp"
#include "corpus/score_duplicates.hpp"
#include "corpus/shard.hpp"

namespace euterpe {

/// What is said of one file: {"music/a.mid", "mended", "byte 132: the track breaks off"}.
struct Remark {
  std::string id, reason, detail;
};

/// Where pieces come from: a data set's folder, a user's folder, or the catalog.
struct Source {
  std::string name, licence;
  bool commercial = true;
  std::vector<Piece> pieces;
  std::map<std::string, int> left_out;  ///< counted before this step, e.g. {"may_train = no", 3}
  std::vector<Remark> left_out_files;   ///< those of them that have a name
  std::vector<Remark> noted;            ///< kept, though something was wrong with them
  int velocity_levels = 0;              ///< dynamics are kept at so many levels whatever the options say; 0 = not
  bool performed_timing = false;        ///< the set has no grid: its timing is kept
};

struct PrepareOptions {
  bool velocities = false;        ///< Velocity tokens: dynamics in eight levels, at a third more tokens
  bool performed_timing = false;  ///< false moves notes to sixteenths or eighth triplets, whichever is nearer: a small
                                  ///< model that must also learn how late a pianist plays learns little harmony
  std::size_t shortest = 16;      ///< notes; pieces with fewer are left out
  bool keep_near_duplicates = false;  ///< true = off
  ScoreDuplicateOptions duplicates;
  int variants = 0;  ///< so many augmented copies of each training piece are added; 0 = off
  ScoreAugmentation augmentation;
  std::uint64_t seed = 0;  ///< of the variants
};

/// Beginnings and ends of all notes moved to the nearest sixteenth or eighth triplet; no note becomes shorter than a
/// sixteenth, unless it ends with the next of its pitch.
Score snap_to_grid(Score score);

/// Tokenizes every piece (REMI, with the chords and the key that are heard in it), leaves out what cannot be encoded,
/// what is too short, exact doubles (equal tokens) and near duplicates across all sources (see
/// corpus/score_duplicates.hpp). Of two that are nearly equal the one in the test split stays before one in the
/// validation split before one for training, so that published test sets stay whole; then the one with more notes, then
/// the first.
Shard prepare(std::span<const Source> sources, const PrepareOptions& options = {});

/// One of composing_sets() (corpus/composing_sets.hpp).
Source source_from_dataset(std::string_view name, const std::filesystem::path& data_root);
/// Every score (MIDI, MusicXML) below the folder; files that cannot be read, and ".xml" that is no score, are left out
/// by name, damaged ones that could be mended are noted; style from the name of the first folder below it if that is a
/// known style, else `style`.
Source source_from_folder(const std::filesystem::path& folder, const std::string& style = "none");

}  // namespace euterpe
