#pragma once
/// What a dense GAN learns from: pictures of one size, of music or of anything.
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "train/trainer_row.hpp"

namespace euterpe {

/// How pictures were made from music (score/roll_patch.hpp).
struct PatchMaking {
  int lowest = 48;     ///< MIDI pitch of the bottom row
  double tempo = 100;  ///< quarter notes a minute, the median of the pieces
};

struct PictureSet {
  std::size_t count = 0, height = 0, width = 0;
  std::vector<std::uint8_t> pixels;    ///< row-major [count × height × width]
  std::optional<PatchMaking> patches;  ///< nothing: pictures that say no notes
  std::string hash;                    ///< of the file or the pixels
  nlohmann::json card;  ///< what the card says of where they are from: styles, data, commercial, training
  std::vector<std::uint8_t> passages;  ///< index of what was learned from, empty without music
};

/// \param path an IDX file of images (corpus/idx.hpp), a shard, or a folder with data sets of which `sets` are
/// prepared. Of music every bar of the training pieces is a picture of the 28 pitches around the middle between melody
/// and accompaniment. The card's style is that of the pieces where they have one, else "mixed": nothing tells the
/// network which one to make. \param styles to keep of music; empty = all but drums Error{refused} for an IDX file that
/// may not be learned from; Error{not_found | bad_input | unsupported}.
PictureSet read_pictures(const std::filesystem::path& path, const std::vector<std::string>& sets,
                         const std::vector<std::string>& styles, const Forbidden& forbidden);

}  // namespace euterpe
