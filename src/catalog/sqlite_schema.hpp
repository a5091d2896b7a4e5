#pragma once
/// The tables of the SQLite store and the steps that bring an older file forward.
#include "catalog/sqlite.hpp"

namespace euterpe {

/// PRAGMA application_id of every catalog: "EUTP".
constexpr std::int64_t kCatalogApplicationId = 0x45555450;

/// Brings the file to the newest version in one transaction; a new file gets all steps. Throws Error{newer_version} for
/// a file of a later program and Error{bad_input} for a database of something else.
void migrate_catalog(Database& database);

int catalog_schema_version();  ///< PRAGMA user_version of a migrated file

}  // namespace euterpe
