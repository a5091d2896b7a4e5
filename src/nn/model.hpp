#pragma once
/// A model on disk: NAME/model.safetensors and NAME/card.json beside it.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "nn/safetensors.hpp"

namespace euterpe {

inline constexpr int kCardVersion = 1;

/// Key of a card: SHA-256 of an index of passages that stands beside another model, because that one learned from all
/// the pieces of this one too (`train passages --known-by`).
inline constexpr const char* kPassagesElsewhere = "passages";

/// card.json keys: format_version, name, task ("compose", "style-audio", "style-score"), network, options (object),
/// tokenizer (name or null), data (array of {name, licence, split, pieces, hash}), left_out ({reason: count}),
/// commercial (bool), training ({manifest_hash, split_hash, seed, steps, …}), metrics (array of
/// {command, value…}), weights_sha256.
struct Model {
  std::string name;
  std::filesystem::path folder;
  nlohmann::json card;
  std::string hash;  ///< SHA-256 of model.safetensors

  Safetensors weights() const;  ///< reads and checks the hash against the card
};

/// Looks `name` up in the user's models ($XDG_DATA_HOME/euterpe/models or $EUTERPE_USER_MODELS), then the shipped ones;
/// a path to a folder is taken as it is. Error{not_found} lists what there is; Error{newer_version} if the card is
/// newer.
Model find_model(std::string_view name);
/// Every model that can be found, user's first; a broken one is reported as a warning in the log, not thrown.
std::vector<Model> list_models();
std::filesystem::path user_models_folder();

/// Writes NAME/model.safetensors and NAME/card.json with format_version and weights_sha256 filled in. A model that
/// stands there is replaced in one step, and the log says so.
void save_model(const std::filesystem::path& folder, const Safetensors& weights, nlohmann::json card);

}  // namespace euterpe
