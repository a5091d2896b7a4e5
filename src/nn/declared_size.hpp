#pragma once
/// A card says how large a network is; its file says how much is there.
#include <cstdint>

#include "nn/safetensors.hpp"

namespace euterpe {

/// Error{bad_input} where `declared` numbers are more than twice what the whole file holds: a card that does not belong
/// to its weights, told before a network of that size is allocated. Which tensor is missing or misshapen is for the
/// network itself to say. \param operation names who asks
void check_declared_size(const Safetensors& file, std::int64_t declared, const char* operation);

}  // namespace euterpe
