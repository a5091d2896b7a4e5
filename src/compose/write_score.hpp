#pragma once
/// A score to a file in any format that the extension names.
#include <filesystem>
#include <string>

#include "base/gray_png.hpp"
#include "media/synthesize.hpp"
#include "score/score.hpp"

namespace euterpe {

/// .mid .musicxml, rendered to −16 LUFS: .wav .flac .mp3 .ogg .opus .m4a, drawn as a piano roll: .png .svg.
/// Error{usage} listing the extensions for any other.
/// \param sheet what .png shows instead, of a network that draws pictures; where `score` has no note nothing else can
/// be written: Error{usage}
void write_score(const std::filesystem::path& path, const Score& score, const SynthesisOptions& synthesis = {},
                 const std::string& title = {}, const GrayImage* sheet = nullptr);

}  // namespace euterpe
