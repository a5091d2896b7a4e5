#pragma once
/// A drum track for a piece that is there.
#include <string_view>

#include "compose/compose.hpp"

namespace euterpe {

/// Adds a track of drums in `variety` ("rock", "funk" …; empty = the model's choice) to the score, bar for bar, in its
/// tempo and its most frequent meter; in bars of another length the groove is cut or falls silent. A drum track that is
/// there stays. \param progress told of every bar that is written, may be null
/// \return what was composed for it, whose provenance goes with the piece
/// Error{usage} if the model knows no drums or not this kind, Error{bad_input} for a score without notes.
Composition add_drums(Score& score, const Composer& composer, std::string_view variety, std::uint64_t seed,
                      const SamplingWishes& sampling = {}, Progress* progress = nullptr);

/// Says in a piece's provenance who plays the drums, as "drums": {variety, model, model_hash}; whose data they were
/// learned from stands with that of the piece's own model, and both must be free for the piece to be commercial.
void add_drummer(nlohmann::json& provenance, const nlohmann::json& of_drums);

}  // namespace euterpe
