#pragma once
/// What a teacher of four-part writing would mark.
#include "score/voice_grid.hpp"

namespace euterpe {

/// MIDI pitches that soprano, alto, tenor, bass sing: those of nearly all of Bach's chorales.
inline constexpr std::array<std::array<int, 2>, 4> kVoiceRanges{{{60, 81}, {53, 74}, {46, 69}, {36, 64}}};

struct VoiceLeading {
  std::size_t motions = 0;    ///< pairs of voices that both leave their note at the same sixteenth
  std::size_t parallels = 0;  ///< of them: from a fifth to a fifth, or from an octave or unison to one (compound too)
  std::size_t notes = 0;      ///< sung, as often as they begin
  std::size_t in_range = 0;   ///< of them
};
VoiceLeading voice_leading(const VoiceGrid& grid);

/// Whether two voices that go from (a, b) to (c, d) move in parallel fifths or octaves.
bool is_parallel(int a, int b, int c, int d);

}  // namespace euterpe
