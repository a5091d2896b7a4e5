#pragma once
/// Which shipped model composes what is asked, where none is named.
#include <string>

#include "compose/compose.hpp"

namespace euterpe {

inline constexpr const char* kDefaultComposer = "composer";  ///< knows every style
inline constexpr const char* kChoraleComposer = "chorale";   ///< knows four voices, and them better
inline constexpr const char* kVaeComposer = "vae";           ///< knows bars as points that lie near each other

/// The model of four voices for style "chorale", unless something is asked that it has not learned (chords, density,
/// another meter, a piece of other than four voices …); the autoencoder of bars to vary, transfer or blend pieces and
/// for polyphony; for everything else the default composer.
std::string default_composer(const ComposeOptions& options);

}  // namespace euterpe
