#pragma once
#include <optional>
#include <string_view>

namespace euterpe {

/// General MIDI program (0–127) of an instrument's name in English, German, Italian or French, upper or lower case, or
/// of a MusicXML sound id ("wind.reed.clarinet.bflat"); nothing for names that say nothing.
std::optional<int> program_by_name(std::string_view name);

}  // namespace euterpe
