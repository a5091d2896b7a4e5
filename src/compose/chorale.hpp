#pragma once
/// Chorales from the model of four voices: freely, or below a soprano that is given.
#include <cstdint>
#include <optional>
#include <span>

#include "nn/keyed_model.hpp"
#include "score/key.hpp"
#include "score/voice_grid.hpp"

namespace euterpe {

struct ChoraleOptions {
  int bars = 16;                   ///< of four quarters, 1 … 64; not asked for with a soprano
  std::optional<KeyEstimate> key;  ///< with a soprano: not asked for
  std::uint64_t seed = 0;
  double temperature = 0.9;  ///< > 0
  double top_p = 0.98;       ///< smallest set of pitches that holds this probability, 0 … 1
  int particles = 32;        ///< harmonizations that are written side by side, 1 … 1024
};

struct Chorale {
  VoiceGrid grid;
  double nats_per_token = 0;  ///< of the tokens that were drawn, as the model sees them
};

/// Four voices in their ranges, uncrossed, without parallel fifths and octaves wherever there is a choice; the last bar
/// is held on the tonic's chord if one of forty endings reaches it. The same options give the same chorale.
/// Error{usage} for an option out of range.
Chorale write_chorale(const KeyedModel& model, const ChoraleOptions& options);

/// Alto, tenor and bass below the soprano [sixteenths], MIDI pitches or kGridRest, by a particle filter: harmonizations
/// are written side by side, and those in which the soprano's next notes are likely go on (Gordon et al. 1993).
/// Error{bad_input} for an empty soprano, one above 4,096 sixteenths, or a pitch that a voice cannot have.
Chorale harmonize(const KeyedModel& model, std::span<const std::int8_t> soprano, const ChoraleOptions& options);

}  // namespace euterpe
