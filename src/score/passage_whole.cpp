#include "score/passage_whole.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "score/passage_lines.hpp"
#include "score/passage_prints.hpp"

namespace euterpe {
namespace {

constexpr double kLongest = 36;  // quarters in the score: four bars of four quarters in more than double values
constexpr double kSlowest = 0.45, kFastest = 2.2;  // tempo ratios, as in passage_search.cpp
constexpr double kSameRatio = 1.15;                // a print knows its span to a sixteenth
constexpr double kSlack = 0.3;                     // quarters, for the same reason
constexpr double kEnoughBars = 3.95;               // to be a copy even where nothing varies
constexpr std::size_t kMostHits = 1024;            // of one bar of a piece: a figure without end fits many places

/// A print found in the score.
struct Hit {
  const BarPrint* print;
  double bar;  ///< sixteenths
  double from, to, ratio;
  int transposition;
  std::size_t begin, end;  ///< notes of the score
};

/// Hits that follow each other in both.
struct Chain {
  std::size_t first;    ///< hit
  std::uint32_t until;  ///< on the axis
  std::size_t end;      ///< notes of the score
  double to;
};

/// Whether `b` stands after `a` in the score as it does in the piece, without a bar or a note between them.
bool follows(const Hit& a, const Hit& b) {
  if (b.transposition != a.transposition || b.print->axis <= a.print->axis ||
      b.print->axis > a.print->axis + a.print->length || b.begin < a.begin || b.begin > a.end || b.end < a.end)
    return false;
  if (b.ratio > a.ratio * kSameRatio || a.ratio > b.ratio * kSameRatio) return false;
  // The first onset may come anywhere in its bars that leaves room for the span.
  const auto room = [](const BarPrint& p) { return (double{1} * p.length - p.span) / kPrintPerQuarter; };
  const double step = (b.print->axis - a.print->axis) / kPrintPerQuarter, came = (b.from - a.from) * a.ratio;
  return came * kSameRatio >= step - room(*a.print) - kSlack && came <= (step + room(*b.print) + kSlack) * kSameRatio;
}

}  // namespace

std::vector<WholePassage> find_whole_passages(const Score& score, std::span<const PassageIndex* const> indexes) {
  const auto notes = print_notes(score);
  std::map<std::pair<std::size_t, std::size_t>, std::vector<Hit>> hits;
  std::map<std::pair<std::size_t, std::uint32_t>, std::size_t> hits_of_print;
  for (std::size_t i = 0; i < notes.size(); ++i) {
    if (i > 0 && notes[i].time == notes[i - 1].time) continue;
    PrintSums sums;
    for (std::size_t j = i; j < notes.size() && notes[j].time - notes[i].time <= kLongest; ++j) {
      sums.add(notes[j]);
      if ((j + 1 < notes.size() && notes[j + 1].time == notes[j].time) || sums.last() <= sums.first()) continue;
      const std::uint32_t key = sums.key();
      for (std::size_t look = 0; look < 2 * indexes.size(); ++look) {
        const std::size_t x = look / 2;
        const std::uint32_t wanted = key ^ (look % 2 == 0 ? 0 : kFourBars);
        for (const std::uint32_t p : indexes[x]->prints_with(wanted)) {
          const BarPrint& print = indexes[x]->prints()[p];
          const double ratio = print.span / kPrintPerQuarter / (sums.last() - sums.first());
          if (print.key != wanted || ratio < kSlowest || ratio > kFastest ||
              !same_moments(sums.moments(), print.moments))
            continue;
          auto& of_piece = hits[{x, indexes[x]->piece_at(print.axis)}];
          if (std::size_t& n = hits_of_print[{x, p}]; n++ < kMostHits)
            of_piece.push_back({&print, print.length / (look % 2 == 0 ? 2.0 : 4.0), sums.first(), sums.last(), ratio,
                                sums.lowest() - int{print.lowest}, i, j + 1});
        }
      }
    }
  }
  std::vector<WholePassage> out;
  for (auto& [where, found] : hits) {
    const PassageIndex& index = *indexes[where.first];
    const auto& piece = index.piece(where.second);
    std::stable_sort(found.begin(), found.end(), [](const Hit& a, const Hit& b) {
      return std::pair(a.print->axis, a.print) < std::pair(b.print->axis, b.print);
    });
    std::vector<std::size_t> prints;  // where the hits of each begin; they stand in the order of `from`
    std::uint32_t longest = 0;
    for (std::size_t j = 0; j < found.size(); ++j) {
      if (j == 0 || found[j].print != found[j - 1].print) prints.push_back(j);
      longest = std::max(longest, std::uint32_t{found[j].print->length});
    }
    std::vector<Chain> chains;
    WholePassage best;
    std::uint32_t most = 0;
    std::size_t print = 0;
    for (std::size_t j = 0; j < found.size(); ++j) {
      const Hit& hit = found[j];
      print += print + 1 < prints.size() && prints[print + 1] == j;
      Chain chain{j, hit.print->axis + hit.print->length, hit.end, hit.to};
      std::size_t before = print;
      while (before > 0 && found[prints[before - 1]].print->axis + longest >= hit.print->axis) --before;
      for (; before < print; ++before) {
        const auto end = found.begin() + static_cast<std::ptrdiff_t>(prints[before + 1]);
        auto near = std::lower_bound(found.begin() + static_cast<std::ptrdiff_t>(prints[before]), end,
                                     hit.from - kLongest, [](const Hit& h, double from) { return h.from < from; });
        for (; near != end && near->from <= hit.from; ++near) {
          const Chain& other = chains[static_cast<std::size_t>(near - found.begin())];
          if (found[other.first].print->axis < found[chain.first].print->axis && follows(*near, hit))
            chain = {other.first, std::max(other.until, chain.until), std::max(other.end, hit.end),
                     std::max(other.to, hit.to)};
        }
      }
      chains.push_back(chain);
      const Hit& first = found[chain.first];
      const std::uint32_t length = chain.until - first.print->axis;
      if (length <= most) continue;
      const std::size_t onsets = count_onsets(notes, first.begin, chain.end, kPassageTogether / first.ratio);
      const double bars = length / first.bar;
      if (onsets < print_onsets_needed(bars) || (bars < kEnoughBars && !are_varied(notes, first.begin, chain.end)))
        continue;
      most = length;
      best = {where.first,
              where.second,
              first.from,
              chain.to,
              (first.print->axis - piece.first) / kPrintPerQuarter,
              (chain.until - piece.first) / kPrintPerQuarter,
              onsets,
              first.transposition,
              first.ratio};
    }
    if (most > 0) out.push_back(best);
  }
  return out;
}

}  // namespace euterpe
