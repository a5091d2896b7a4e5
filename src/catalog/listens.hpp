#pragma once
/// Listening logs into the catalog, in bounded memory: CSV, or one line of items in order of time for each user.
#include <cstddef>
#include <istream>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"

namespace euterpe {

struct ListensSummary {
  std::size_t lines = 0;              ///< with content, the header left out
  std::size_t added = 0, known = 0;   ///< listens
  std::size_t broken = 0;             ///< lines that were left out
  std::vector<std::string> problems;  ///< the first kListedProblems of them: "line 7: …"
  bool interrupted = false;           ///< a signal came; what is counted here is stored
};
constexpr std::size_t kListedProblems = 20;

/// Two formats, told apart by the first line:
///   CSV (comma, semicolon or tab): user, track, time; a header may name the columns in any order; time as Unix seconds
///     or ISO 8601.
///   sequences: `user item item …`, blanks between, oldest first (the text format of SASRec; Kang and McAuley 2018).
///   The
///     position, from 1, stands for the time.
/// A track named by its id, ISRC, path or file name becomes that track; any other name is kept as a foreign id.
/// Broken lines are left out and reported. Reading the same log twice adds nothing.
ListensSummary ingest_listens(Catalog& catalog, std::istream& log);

/// Puts listens of foreign ids on the tracks that go by those names now, so that rights and erasure reach a listen
/// whichever came first, log or file. One transaction.
void relink_listens(Catalog& catalog);

}  // namespace euterpe
