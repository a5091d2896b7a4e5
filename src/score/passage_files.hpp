#pragma once
/// The passage indexes beside a model's card: of what it learned from, and of what the models before it learned from.
///
///     passages.idx               of the pieces that this model was shown
///     passages-0123456789ab.idx  inherited from a model that it goes on from, named after its SHA-256
///
/// A name says what is in a file, so an index that comes down on two ways stands there once. Where passages.idx holds
/// the pieces of all generations (`train passages` makes it so), there is no other file.
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "score/passage_index.hpp"

namespace euterpe {

/// All of them that stand in the folder: passages.idx first, the inherited ones by name.
std::vector<std::filesystem::path> passage_files(const std::filesystem::path& folder);

using PassageFiles = std::map<std::string, std::vector<std::uint8_t>>;  ///< bytes by the file's name

/// What a model inherits that goes on from the one in this folder, that model's own inheritance included.
/// Error{bad_input | newer_version} for an index that the gate could not open.
PassageFiles inherited_passages(const std::filesystem::path& parent);

/// Writes passages.idx and beside it what is inherited, but for a file with the same bytes.
void write_passages(const std::filesystem::path& folder, std::span<const std::uint8_t> own,
                    const PassageFiles& inherited);

/// Removes the inherited indexes of which passages.idx holds every piece, by name.
void drop_known_passages(const std::filesystem::path& folder);

}  // namespace euterpe
