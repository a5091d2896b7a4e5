#pragma once
/// Log lines on stderr. Results never go here: they belong on stdout.
#include <spdlog/spdlog.h>

namespace euterpe {

/// \param verbosity −1 warnings and errors only (-q), 0 notices, 1 information (-v), 2 debug (-vv)
/// Honors NO_COLOR and writes plain text where stderr is no terminal.
void init_log(int verbosity);

}  // namespace euterpe
