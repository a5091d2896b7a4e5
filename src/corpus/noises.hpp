#pragma once
/// Which recorded noises may be learned from.
#include <string_view>

namespace euterpe {

/// Whether the noise file of this name (without folder: "n17.wav") is for learning, be it mixed into music or shown as
/// what is no music; the other half is heard by tests alone. Its SHA-256, taken as a number, is even.
bool noise_is_for_training(std::string_view file_name);

}  // namespace euterpe
