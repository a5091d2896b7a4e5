#pragma once
/// The passage index of a catalog's scores: kept beside the store and made again when the catalog's scores are others.
#include <filesystem>

#include "catalog/catalog.hpp"
#include "score/passage_index.hpp"

namespace euterpe {

/// FOLDER/index/passages.idx
std::filesystem::path passage_index_path(const std::filesystem::path& catalog_folder);

/// Of all score tracks but those that were composed here (Catalog::works()); pieces are called by their track's id. The
/// file is used as it stands if its stamp is the catalog's; otherwise, or if it is damaged (said in the log), it is
/// built from the files of the tracks, written beside and renamed. A file that is gone or cannot be read is left out
/// and named in the log. Throws Error{io} if the index cannot be written.
PassageIndex open_catalog_passages(Catalog& catalog);

}  // namespace euterpe
