#pragma once
/// Trains the models of four voices and of frames on their published data sets.
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nn/keyed_model.hpp"
#include "train/context_mixing.hpp"

namespace euterpe {

/// Rows of MIDI pitches by split.
using KeyedRows = std::map<std::string, std::vector<std::vector<std::uint8_t>>>;
KeyedRows read_voice_rows(const std::filesystem::path& data);  ///< as read_voice_grids() reads
KeyedRows read_frame_rows(const std::filesystem::path& data);  ///< as read_frames() reads

struct KeyedTraining {
  const KeyedDomain* domain = nullptr;
  KeyedRows rows;             ///< "train" is learned from, "valid" measured in the end
  std::filesystem::path out;  ///< model folder to write
  nlohmann::json card;        ///< name, task, styles, data (an object): what the rows cannot tell
  ContextFitting fitting;
};

/// The common key of pieces: twelve pitch-class shares that make the pieces, each moved to its best key, most probable
/// (k-means in the likelihood, begun at a diatonic scale on C).
/// \param counts pitch classes of each piece, C first \return key of each piece, kLowestKey …
std::vector<int> common_keys(const std::vector<std::array<double, 12>>& counts);

/// Writes weights and card; returns the card's "training" and "metrics". The same seed gives the same weights.
/// Error{bad_input} without a row to learn from, Error{interrupted} between pieces.
nlohmann::json train_keyed_model(const KeyedTraining& options);

}  // namespace euterpe
