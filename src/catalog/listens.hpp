#pragma once
/// Listening logs into the catalog, in bounded memory.
#include <cstddef>
#include <istream>
#include <string>
#include <string_view>

#include "catalog/catalog.hpp"
#include "catalog/listening_log.hpp"

namespace euterpe {

struct ListensSummary : LogSummary {
  std::string_view format;           ///< a name of log_formats()
  std::size_t added = 0, known = 0;  ///< listens
};

/// A log in any format of catalog/listening_log.hpp, which also says what stands for the time where a log has none.
/// A track named by its id, ISRC, path or file name becomes that track; any other name is kept as a foreign id.
/// Broken lines are left out and reported. Reading the same log twice adds nothing.
/// \param format a name of log_formats(); empty: told by the first lines
/// Throws Error{bad_input | unsupported} for what is no log, and Error{usage} for an unknown format.
ListensSummary ingest_listens(Catalog& catalog, std::istream& log, std::string_view format = {});

/// Puts listens of foreign ids on the tracks that go by those names now, so that rights and erasure reach a listen
/// whichever came first, log or file. One transaction.
void relink_listens(Catalog& catalog);

}  // namespace euterpe
