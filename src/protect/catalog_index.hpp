#pragma once
/// The landmark index of a catalog: kept beside the store and made again when the catalog's tracks are others.
#include <filesystem>

#include "catalog/catalog.hpp"
#include "protect/landmark_index.hpp"

namespace euterpe {

/// FOLDER/index/landmarks.idx
std::filesystem::path index_path(const std::filesystem::path& catalog_folder);

/// A number that changes when an audio track comes or goes: the first 64 bits of the SHA-256 of all their ids, in
/// order.
std::uint64_t index_stamp(Catalog& catalog);

/// The index of all audio tracks that have landmarks. The file is used as it stands if its stamp is the catalog's;
/// otherwise, or if it is damaged (said in the log), it is built from the landmarks in the catalog, written beside and
/// renamed, so that readers of the old one are not disturbed. A forgotten track is thus gone from every answer at once
/// and from the file at the next call. A track whose landmarks are missing or damaged is left out and named in the log.
/// Throws Error{io} if it cannot be written.
LandmarkIndex open_catalog_index(Catalog& catalog);

}  // namespace euterpe
