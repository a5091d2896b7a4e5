#pragma once
/// What a style transfer must be better than: an arranger who changes no note but its octave.
#include <array>
#include <optional>
#include <span>

#include "score/bar_grid.hpp"
#include "score/score.hpp"

namespace euterpe {

/// Mean sounding MIDI pitch of a style's melody and accompaniment; nothing where it has no such part.
using PartRegisters = std::array<std::optional<double>, kGridParts>;
PartRegisters part_registers(std::span<const BarGrid> pieces);

/// The piece note for note with each part moved by the octaves that bring its mean nearest to the style's, by the
/// style's instruments. A part stays where MIDI's pitches would be left.
Score reorchestrated(const BarGrid& source, const PartRegisters& registers, std::string_view style);

}  // namespace euterpe
