#pragma once
/// Text from files that do not say in which alphabet it is.
#include <string>
#include <string_view>

namespace euterpe {

/// UTF-8 stays as it is; anything else is taken as Latin-1, which ID3v1 tags and MIDI texts were made for.
std::string to_utf8(std::string_view bytes);

}  // namespace euterpe
