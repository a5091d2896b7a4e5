#pragma once
/// What may be asked only of a network that has learned it: one list, by which every model says what it knows and every
/// wish beyond that is refused in the same words.
#include <span>
#include <string>
#include <vector>

#include "compose/compose.hpp"

namespace euterpe {

enum class Wish {
  go_on,      ///< ComposeOptions::prompt
  accompany,  ///< melody
  fill,       ///< gap_in
  vary,       ///< vary
  transfer,   ///< transfer
  blend,      ///< blend_from and blend_to
  chords,     ///< chords
  emotion,    ///< emotion
  density,    ///< density
  height,     ///< height
  polyphony,  ///< polyphony
};

/// All that is asked, in the order above.
std::vector<Wish> asked_wishes(const ComposeOptions& options);

/// Error{usage} naming the first wish that is not among `learned`, and a shipped model that knows it.
/// \param model its name
void require_learned(const ComposeOptions& options, std::span<const Wish> learned, const std::string& model);

}  // namespace euterpe
