#pragma once
/// One key cannot be held and struck at once.
#include <vector>

#include "score/score.hpp"

namespace euterpe {

/// Brings the notes of one player into order, and lets a note that still sounds when its pitch begins again end there,
/// after a tick at least.
void cut_where_struck_again(std::vector<Note>& notes);

}  // namespace euterpe
