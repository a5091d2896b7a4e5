#pragma once
/// Joins what was given and what was written.
#include <optional>

#include "score/score.hpp"

namespace euterpe {

/// The melody alone: the only track that plays, or the line that a listener would sing. Error{bad_input} if there is
/// none.
Score melody_of(const Score& score);

/// `piece` with the bars [from, from + bars) of `written` in place of its own; no `bars`: from there on to the end of
/// `written`. Everything else of the piece stays as it is. New notes go on at the loudness and on the channel of those
/// before them; a note that rings into a bar where its pitch begins again ends there. \param written decoded from
/// tokens of the piece, bar for bar; its parts are the piece's tracks that hold notes, in order (or, where the
/// tokenizer had to merge instruments, the first track with that instrument)
Score splice(const Score& piece, const Score& written, int from, std::optional<int> bars);

/// `written` with its first track replaced by `melody`, the only track of its score with notes; time is counted and
/// kept as there.
Score with_melody(const Score& melody, const Score& written);

}  // namespace euterpe
