#pragma once
/// Writes several pieces side by side: their decoders share each read of the weights, and a prompt that several have in
/// common is read once.
#include <span>

#include "base/progress.hpp"
#include "compose/writer.hpp"

namespace euterpe {

/// Writes all to the end; each piece is what it would be alone. \param writers of one network, none begun
/// \param randoms one a writer \param progress told of every bar that is done, may be null
/// Interruptible.
void write_together(std::span<Writer> writers, std::span<Random> randoms, Progress* progress = nullptr);

}  // namespace euterpe
