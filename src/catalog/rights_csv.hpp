#pragma once
/// Rights as a table that people edit: track,owner,licence,share,may_train,may_recommend.
#include <cstddef>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"

namespace euterpe {

/// yes/no, true/false, 1/0 in any case; empty optional for anything else.
std::optional<bool> parse_yes_no(std::string_view text);

/// All tracks by id, those without a rights record with the defaults; share 0–1, yes or no. Returns the number of rows.
std::size_t export_rights(Catalog& catalog, std::ostream& out);

struct RightsImport {
  std::size_t set = 0;                ///< records written
  std::vector<std::string> problems;  ///< lines left out: "line 3: no track …"
};

/// Reads such a table: columns in any order as its header says, `track` alone is required; a column that is missing
/// keeps what the track has. A track is named as in find_track. All good lines are written in one transaction, broken
/// ones are left out and reported. Throws Error{bad_input} if the header is missing or names an unknown column.
RightsImport import_rights(Catalog& catalog, std::istream& in);

}  // namespace euterpe
