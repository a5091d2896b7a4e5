#include "compose/writing_context.hpp"

#include "score/remi_passages.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

Token mark(Mark m) { return V::token(TokenKind::mark, static_cast<int>(m)); }

void append(std::vector<Token>& to, std::span<const Token> from) { to.insert(to.end(), from.begin(), from.end()); }
void append(std::vector<Token>& to, RemiBars bars) {
  for (const auto& bar : bars) append(to, std::span<const Token>(bar));
}

std::size_t length(RemiBars bars) {
  std::size_t n = 0;
  for (const auto& bar : bars) n += bar.size();
  return n;
}

/// The last bars that hold no more than `most` tokens.
RemiBars tail(RemiBars bars, std::size_t most) {
  std::size_t from = bars.size(), size = 0;
  while (from > 0 && size + bars[from - 1].size() <= most) size += bars[--from].size();
  return bars.subspan(from);
}

/// The same as tokens; of a last bar that is longer than that alone, what stands last.
void append_tail(std::vector<Token>& to, RemiBars bars, std::size_t most) {
  const RemiBars last = tail(bars, most);
  append(to, last);
  if (last.empty() && !bars.empty()) append(to, std::span(bars.back()).last(std::min(most, bars.back().size())));
}

/// The first ones.
RemiBars head(RemiBars bars, std::size_t most) {
  std::size_t to = 0, size = 0;
  while (to < bars.size() && size + bars[to].size() <= most) size += bars[to++].size();
  return bars.first(to);
}

/// Tokens that the bars to be written will hardly exceed, judged by those around them; no more than half of `room`.
std::size_t room_for_gap(const WritingPlan& plan, std::size_t room) {
  constexpr std::size_t kNear = 4, kMore = 8;  // bars; tokens
  const RemiBars before = RemiBars(plan.before).last(std::min(kNear, plan.before.size())),
                 after = RemiBars(plan.after).first(std::min(kNear, plan.after.size()));
  const std::size_t bar = (length(before) + length(after)) / (before.size() + after.size());
  return std::min(room / 2, (bar + kMore) * static_cast<std::size_t>(plan.bars) * 3 / 2);
}

std::vector<std::vector<Token>> counted_in_piece(const WritingPlan& plan, RemiBars written) {
  std::vector<std::vector<Token>> bars(written.begin(), written.end());
  for (auto& bar : bars) {
    const auto left = std::find_if(bar.begin(), bar.end(), [](Token t) { return V::kind(t) == TokenKind::left; });
    if (left == bar.end()) continue;
    if (const auto in_piece = left_in_piece(plan, V::value(*left)))
      *left = *in_piece;
    else
      bar.erase(left);
  }
  return bars;
}

/// What stands before and what was written, in order of time; of the latter what comes last.
std::vector<Token> in_time_context(const WritingPlan& plan, std::span<const Token> header, RemiBars written,
                                   std::size_t most_before, std::size_t most_written) {
  std::vector<Token> out(header.begin(), header.end());
  const RemiBars before = tail(plan.before, most_before);
  if (before.size() < plan.before.size()) out.erase(out.begin());
  append(out, before);
  append_tail(out, written, most_written);
  return out;
}

}  // namespace

std::vector<Token> writing_context(const WritingPlan& plan, std::span<const Token> header, RemiBars written,
                                   std::size_t context, bool in_time) {
  std::vector<Token> out(header.begin(), header.end());
  const std::size_t room = context - std::min(context, out.size() + 3);
  if (!plan.after.empty()) {
    const std::size_t gap = room_for_gap(plan, room), around = room - gap;
    const std::size_t last = gap * 3 / 4;  // of what was written, once the context was full
    if (in_time)
      return in_time_context(plan, header, counted_in_piece(plan, written),
                             around - std::min(around, room_beyond(context)), last);
    // What one side does not need the other may have.
    const auto side = [&](RemiBars other) { return std::max(around / 2, around - std::min(around, length(other))); };
    append(out, tail(plan.before, side(plan.after)));
    out.push_back(mark(Mark::suffix));
    append(out, head(plan.after, side(plan.before)));
    out.push_back(mark(Mark::middle));
    append_tail(out, written, last);
    return out;
  }
  if (!plan.melody.empty()) {
    // The melody from the first bar that is still remembered: of what has room, a third is past.
    const RemiBars past = tail(written, room / 3);
    const RemiBars ahead = head(RemiBars(plan.melody).subspan(written.size() - past.size()), room / 3);
    out.push_back(mark(Mark::melody));
    for (const auto& bar : ahead) append(out, melody_of_bar(bar));
    out.push_back(mark(Mark::middle));
    append_tail(out, written, room / 3);
    return out;
  }
  std::vector<std::vector<Token>> all(plan.before);
  all.insert(all.end(), written.begin(), written.end());
  if (all.empty()) return out;
  if (length(all) <= room * 3 / 4) {
    append(out, all);
    return out;
  }
  out.erase(out.begin());
  append_tail(out, all, std::min(room, context / 2));
  return out;
}

std::vector<Token> hearing_context(const WritingPlan& plan, std::span<const Token> header, RemiBars written,
                                   std::size_t most) {
  const std::size_t room = most - std::min(most, header.size());
  const auto bars = counted_in_piece(plan, written);
  return in_time_context(plan, header, bars, room - std::min(room, length(bars)), room);
}

std::int64_t gap_in(const WritingPlan& plan, std::span<const Token> context, std::size_t written) {
  const auto grid_of = [](int meter) { return remi_meters()[static_cast<std::size_t>(meter)].grid(); };
  std::int64_t gap = 0;
  bool middle = false;
  for (const Token t : context) {
    middle = middle || t == mark(Mark::middle);
    if (middle && V::kind(t) == TokenKind::bar) gap += grid_of(V::value(t));
  }
  for (int bar = static_cast<int>(written); bar < plan.bars && plan.meter_of(bar) >= 0; ++bar)
    gap += grid_of(plan.meter_of(bar));
  return gap;
}

std::optional<Token> left_in_piece(const WritingPlan& plan, int left_in_gap) {
  const auto left = static_cast<std::size_t>(left_in_gap) + plan.after.size();
  if (left >= kLeftBars) return {};
  return V::token(TokenKind::left, static_cast<int>(left));
}

}  // namespace euterpe
