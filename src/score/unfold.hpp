#pragma once
/// Written measures to the order in which they are played: repeats, endings, da capo, dal segno, coda, fine.
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace euterpe {

/// What a measure says about where the music goes. Jumps happen at its end, targets stand at its beginning.
struct Flow {
  bool repeat_begins = false;
  int repeat_ends = 0;       ///< 0: none; else how often the section sounds, 0 < n; 2 is the usual repeat
  std::vector<int> endings;  ///< passes in which the measure sounds; empty: in all
  bool ending_begins = false;
  std::optional<std::string> segno, coda;         ///< labels of a target, often empty
  std::optional<std::string> dal_segno, to_coda;  ///< label of the jump's target
  bool da_capo = false, fine = false;
};

struct PlayedMeasure {
  int measure = 0;  ///< index of the written measure
  int pass = 1;     ///< 1 the first time through its section
  bool operator==(const PlayedMeasure&) const = default;
};

/// Each jump is taken once, when the repeats at its measure are done; after a jump repeats are not taken, of endings
/// the last is played, and "to coda" and "fine" count. A repeat without a beginning goes back to the end of the last
/// one. What goes on for more than `limit` measures is damaged: then the result is empty.
std::vector<PlayedMeasure> unfold(std::span<const Flow> measures, std::size_t limit);

}  // namespace euterpe
