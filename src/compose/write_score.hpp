#pragma once
/// A score to a file in any format that the extension names.
#include <filesystem>
#include <string>

#include "media/synthesize.hpp"
#include "score/score.hpp"

namespace euterpe {

/// .mid .musicxml, rendered to −16 LUFS: .wav .flac .mp3 .ogg .opus .m4a, drawn as a piano roll: .png .svg.
/// Error{usage} listing the extensions for any other.
void write_score(const std::filesystem::path& path, const Score& score, const SynthesisOptions& synthesis = {},
                 const std::string& title = {});

}  // namespace euterpe
