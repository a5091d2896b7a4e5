#pragma once
/// The data sets that composers learn from.
#include <filesystem>
#include <string_view>
#include <vector>

#include "corpus/datasets.hpp"

namespace euterpe {

/// One set that `prepare` knows by name: those of datasets() and those whose labels ask for something.
struct ComposingSet {
  const char* name;  ///< also the folder below the data root
  const char* style;
  const char* licence;  ///< as stated by the publisher
  bool commercial;      ///< whether weights that learned from it may be used commercially
  std::vector<Piece> (*read)(const std::filesystem::path& folder);
  int velocity_levels = 0;        ///< of dynamics worth learning, 0 = none
  bool performed_timing = false;  ///< played without a click: bars and beats of the file mean nothing
};

const std::vector<ComposingSet>& composing_sets();
/// Error{usage} listing the names if there is none such.
const ComposingSet& composing_set(std::string_view name);

/// Groove MIDI's performances of beats (fills are too short to be pieces), style "drums", variety the drummer's style.
/// The published split is by performance, and so are the groups.
std::vector<Piece> read_groove_beats(const std::filesystem::path& folder);
/// EMOPIA's clips, style "pop", with their quadrants; groups are songs.
std::vector<Piece> read_emopia_clips(const std::filesystem::path& folder);

}  // namespace euterpe
