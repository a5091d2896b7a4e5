#pragma once
/// Chorales from the model of four voices: freely, on from music that is there, or below a soprano that is given.
#include <cstdint>
#include <optional>
#include <span>

#include "base/progress.hpp"
#include "compose/sampler.hpp"
#include "nn/keyed_model.hpp"
#include "score/key.hpp"
#include "score/voice_grid.hpp"

namespace euterpe {

inline constexpr std::size_t kMostSopranoSteps = 4096, kMostChoraleSteps = 16384;  ///< sixteenths

struct ChoraleOptions {
  int bars = 16;                   ///< of four quarters, 1 … 512; for write_chorale() alone
  std::optional<KeyEstimate> key;  ///< for write_chorale() alone
  std::uint64_t seed = 0;
  SamplingOptions sampling;      ///< guidance and repetition_penalty mean nothing here
  int particles = 32;            ///< drafts that are written side by side, 1 … 1024
  Progress* progress = nullptr;  ///< told of every four quarters that are done, may be null
};

struct Chorale {
  VoiceGrid grid;
  double nats_per_token = 0;  ///< of the tokens that were drawn, as the model sees them
};

/// Four voices in their ranges, uncrossed, without parallel fifths and octaves wherever there is a choice. Laid out as
/// Bach's are: the last bar is full, the first may be an upbeat of one to three quarters, so that there are fewer
/// sixteenths than 16 a bar; a third of the long ones sing their first part twice; the last chord, two to four quarters
/// long, is the tonic's if one of forty endings reaches it. The same options give the same chorale.
/// Error{usage} for an option out of range.
Chorale write_chorale(const KeyedModel& model, const ChoraleOptions& options);

/// Alto, tenor and bass below the soprano [sixteenths], MIDI pitches or kGridRest, by a particle filter: harmonizations
/// are written side by side, and those in which the soprano's next notes are likely go on (Gordon et al. 1993).
/// Error{bad_input} for an empty soprano, one above 4,096 sixteenths, or a pitch that a voice cannot have.
Chorale harmonize(const KeyedModel& model, std::span<const std::int8_t> soprano, const ChoraleOptions& options);

/// `steps` sixteenths that go on from `before` and lead to `after`; either may be empty, and where there is no `after`
/// an ending is written. Drafts are written side by side, the one goes on after which the first beats of `after` are
/// likeliest. \return the new sixteenths alone. Error{bad_input} above 16,384 sixteenths in all.
Chorale write_between(const KeyedModel& model, std::span<const VoicePitches> before, std::size_t steps,
                      std::span<const VoicePitches> after, const ChoraleOptions& options);

}  // namespace euterpe
