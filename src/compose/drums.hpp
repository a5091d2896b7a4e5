#pragma once
/// A drum track for a piece that is there.
#include <string_view>

#include "compose/compose.hpp"

namespace euterpe {

/// Adds a track of drums in `variety` ("rock", "funk" …; empty = the model's choice) to the score, bar for bar, in its
/// tempo and its most frequent meter; in bars of another length the groove is cut or falls silent. A drum track that is
/// there stays. \return what was composed for it, whose provenance goes with the piece
/// Error{usage} if the model knows no drums or not this kind, Error{bad_input} for a score without notes.
Composition add_drums(Score& score, const Composer& composer, std::string_view variety, std::uint64_t seed,
                      const SamplingOptions& sampling = {});

}  // namespace euterpe
