#pragma once
/// Rendered clips that the audio encoder learns from, kept in files of a run folder.
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "corpus/media_rendered.hpp"
#include "nn/cnn.hpp"

namespace euterpe {

/// A rendered clip as the network sees it, played once plainly and once through a room, an equalizer and a codec.
struct HeardClip {
  std::size_t frames = 0;
  std::vector<std::uint8_t> levels[2];  ///< [bands × frames], half decibels above −100
  std::vector<SoundingNote> notes;
  int ensemble = 0, style = 0, drum_kit = -1;
  double tempo = 120;
};

/// Error{io} where the file cannot be written. \param clips of equal size, at least one
/// \param recipe says what the clips were made from
void write_clips(const std::filesystem::path& path, std::span<const HeardClip> clips, const std::string& recipe);

/// What write_clips() wrote. Nothing, with a word in the log, where the file is damaged, of another recipe, or holds
/// what no clip has: a value out of range, levels of another size. Whoever asks then renders the clips again.
/// \param styles how many there are
std::vector<HeardClip> read_clips(const std::filesystem::path& path, const std::string& recipe,
                                  const CnnOptions& options, int styles);

}  // namespace euterpe
