#pragma once
/// Joins a prompt and what was written after it.
#include "score/score.hpp"

namespace euterpe {

/// The prompt as it is, followed by the bars of `written` from `prompt_bars` on. \param written the decoded sequence of
/// prompt and continuation on the grid; its parts are the prompt's tracks that hold notes, in order (or, where the
/// tokenizer had to merge instruments, the first track with that instrument).
Score continuation(const Score& prompt, const Score& written, int prompt_bars);

}  // namespace euterpe
