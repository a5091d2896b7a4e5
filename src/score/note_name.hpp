#pragma once
/// Names of notes as people write them.
#include <optional>
#include <string_view>

namespace euterpe {

/// Takes "C", "F#" or "Bb" from the beginning of `text`. \return semitones above C, −1 (Cb) … 12 (B#); nothing, and
/// `text` as it is, where none stands there
std::optional<int> take_note_name(std::string_view& text);

}  // namespace euterpe
