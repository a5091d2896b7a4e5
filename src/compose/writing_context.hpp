#pragma once
/// What a model reads of a piece that is given, or that has outgrown its context.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "compose/writing_plan.hpp"

namespace euterpe {

/// A sequence of bars, each of tokens that begin with Bar.
using RemiBars = std::span<const std::vector<Token>>;

/// Tokens that are kept free for what is heard of the bars behind a gap.
inline std::size_t room_beyond(std::size_t context) { return context / 8; }

/// Header, as much of what is given as there is room for beside what is to be written, and the last bars of what was
/// written. Bos stays out of what begins in the middle of a piece, as in training.
/// \param header Bos, controls and parts \param written bars so far \param context tokens that the model can read
/// \param in_time a gap is read without what stands behind it, and Left counts the bars of the piece
std::vector<Token> writing_context(const WritingPlan& plan, std::span<const Token> header, RemiBars written,
                                   std::size_t context, bool in_time);

/// What is read before the bars behind a gap are heard, `most` tokens: first of all the whole of what was written, so
/// that fills are judged by all their bars, then as many bars before it as there is room for.
std::vector<Token> hearing_context(const WritingPlan& plan, std::span<const Token> header, RemiBars written,
                                   std::size_t most);

/// Grid steps from where the middle begins in such a context to where the gap ends. \param written bars so far
std::int64_t gap_in(const WritingPlan& plan, std::span<const Token> context, std::size_t written);

/// What Left says in order of time: it counts the bars of the piece, not those of the gap. Nothing where the end is
/// far.
std::optional<Token> left_in_piece(const WritingPlan& plan, int left_in_gap);

}  // namespace euterpe
