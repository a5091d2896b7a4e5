#pragma once
/// What a file's bytes say of it before anything is decoded.
#include <filesystem>

namespace euterpe {

/// Whether it begins as recordings do (Ogg, FLAC, WAV, AIFF, MP3, MPEG-4, Matroska), whatever it is called; false where
/// it cannot be opened.
bool begins_as_audio(const std::filesystem::path& path);

/// Whether the file ends before its container says that it does, be it cut off or its header a lie. Known of the two
/// that say it where the decoder takes no offence: RIFF in the data chunk's size (0 and 2³² − 1 stand for a length that
/// was not known), Ogg (RFC 3533) in a flag of the last page. Throws Error{not_found | io}.
bool ends_early(const std::filesystem::path& path);

}  // namespace euterpe
