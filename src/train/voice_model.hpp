#pragma once
/// Trains the models of four voices and of frames on their published data sets.
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "nn/voice_model.hpp"
#include "train/context_mixing.hpp"

namespace euterpe {

struct GridTraining {
  std::filesystem::path data;  ///< the folder or file that is learned from; its "train" alone
  std::filesystem::path out;   ///< model folder to write
  std::string name;            ///< in the card
  ContextFitting fitting;
};

/// The common key of pieces: twelve pitch-class shares that make the pieces, each moved to its best key, most probable
/// (k-means in the likelihood, begun at a diatonic scale on C).
/// \param counts pitch classes of each piece, C first \return key of each piece, kLowestKey …
std::vector<int> common_keys(const std::vector<std::array<double, 12>>& counts);

/// Four voices from Jsb16thSeparated.json. Writes weights and card; returns the card's "training" and "metrics".
nlohmann::json train_voice_model(const GridTraining& options);

}  // namespace euterpe
