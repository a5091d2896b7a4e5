#pragma once
/// Which short windows of music stand in the training set note for note.
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "score/descriptors.hpp"

namespace euterpe {

/// A passage on the grid with the length of its bars.
struct BarredPassage {
  std::vector<GridNote> notes;  ///< by (onset, pitch), the first bar begins at 0
  int bar = 16;                 ///< sixteenths
  int bars = 16;
};

/// The training set, from which windows are looked up. A window is known if somewhere in a training piece, at any
/// sixteenth, a window of the same length holds the same notes: as many, with the same onsets within the window, the
/// same lengths (cut at its end) and the same pitches relative to the first note, all in order of onset and pitch.
/// Hashes propose, the notes themselves decide. Not safe to use from several threads.
class MemorisedWindows {
 public:
  static constexpr std::size_t kFewestNotes = 4;  ///< windows with fewer are not counted

  /// \param training each by (onset, pitch); kept by reference
  explicit MemorisedWindows(std::span<const std::vector<GridNote>> training) : training_(training) {}

  struct Count {
    std::size_t windows = 0, known = 0;
    std::optional<double> share() const {
      if (windows == 0) return {};
      return static_cast<double>(known) / static_cast<double>(windows);
    }
  };
  /// Over windows of `bars` whole bars that begin on each bar line of each passage.
  Count count(std::span<const BarredPassage> set, int bars);

 private:
  struct Place {
    std::uint64_t hash;
    std::uint32_t piece;
    std::int32_t from;
  };
  const std::vector<Place>& places(int length);

  std::span<const std::vector<GridNote>> training_;
  std::map<int, std::vector<Place>> places_;  ///< by length of the window in sixteenths, sorted by hash
};

}  // namespace euterpe
