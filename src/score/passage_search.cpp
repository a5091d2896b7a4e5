#include "score/passage_search.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "score/passage_whole.hpp"

namespace euterpe {
namespace {

constexpr double kPerQuarter = 4;
constexpr double kLongestGap = 12;  // quarters between the beginnings of two runs of one passage, in either piece
constexpr double kSlowest = 0.45, kFastest = 2.2;  // tempo ratios: notated in half or double values, and some more
constexpr double kStep = 0.14;      // quarters that a place in the index is off, at most 1/8 and a little
constexpr double kSameTime = 0.75;  // quarters by which two lines of one passage may disagree

/// A run of the score found in a piece.
struct Hit {
  std::uint32_t index, piece;
  int transposition;
  std::uint32_t line;
  std::uint32_t onset;  ///< in the line
  std::uint32_t hash;
  double x, y;  ///< quarters in the score and in the piece
  double rarity;
  auto passage() const { return std::tie(index, piece, transposition); }
};

/// The heaviest way to a hit along one passage.
struct Way {
  std::size_t before;  ///< itself at the beginning
  std::size_t start;
  std::size_t notes;
  double weight;
};

/// A whole way.
struct Stretch {
  const PassageLine* line;
  const Hit *first, *last;
  std::size_t length, notes;
  double weight;  ///< a figure that it repeats counts once
  double ratio;
  double end() const { return line->onsets[last->onset + length - 1].time; }
  double source_at(double x) const { return first->y + ratio * (x - first->x); }
};

/// Whether `next` lies where the tempo of the passage from `start` to `last` puts it, as far as places are known.
bool in_time(const Hit& start, const Hit& last, const Hit& next) {
  const double dx = next.x - last.x, dy = next.y - last.y;
  if (dx <= 0 || dy <= 0 || dx > kLongestGap || dy > kLongestGap) return false;
  if (dy + 2 * kStep < kSlowest * dx || dy - 2 * kStep > kFastest * dx) return false;
  const double x = last.x - start.x;
  if (x <= 0) return true;
  const double far = (next.x - start.x) / x;
  return std::abs((last.y - start.y) * far - (next.y - start.y)) <= 2 * kStep * far;
}

/// In another tempo other notes seem to begin together, so the score is read with as many notions of it. Lines that
/// come out alike are kept once.
std::vector<PassageLine> lines_at_tempos(const Score& score) {
  std::vector<PassageLine> all = passage_lines(score);
  const std::size_t lines = all.size();
  for (const double tempo : {0.5, 0.75, 4.0 / 3, 2.0}) {
    auto more = passage_lines(score, kPassageTogether * tempo);
    for (std::size_t i = 0; i < lines; ++i) {
      bool known = false;
      for (std::size_t k = i; k < all.size() && !known; ++k)
        known =
            all[k].kind == more[i].kind && all[k].part == more[i].part && all[k].onsets.size() == more[i].onsets.size();
      if (!known) all.push_back(std::move(more[i]));
    }
  }
  return all;
}

std::vector<Hit> find_hits(std::span<const PassageLine> lines, std::span<const PassageIndex* const> indexes) {
  double pieces = 0;
  for (const PassageIndex* index : indexes) pieces += static_cast<double>(index->pieces());
  std::vector<Hit> hits, found;
  for (std::uint32_t l = 0; l < lines.size(); ++l) {
    // Each index has its own length of runs; most often all are equal.
    std::map<std::pair<int, int>, std::vector<PassageRun>> by_length;
    for (const PassageIndex* index : indexes) {
      auto& runs = by_length[{index->runs().melody, index->runs().texture}];
      if (runs.empty()) runs = passage_runs(lines[l], index->runs());
    }
    for (const auto& [lengths, runs] : by_length)
      for (const PassageRun& run : runs) {
        const PassageOnset& onset = lines[l].onsets[run.onset];
        found.clear();
        std::size_t holders = 0;
        for (std::uint32_t i = 0; i < indexes.size(); ++i) {
          const PassageIndex& index = *indexes[i];
          if (lengths != std::pair<int, int>(index.runs().melody, index.runs().texture)) continue;
          std::size_t last = index.pieces();
          const auto range = index.lookup(run.hash);
          for (std::size_t p = range.begin; p < range.end; ++p) {
            const auto place = index.place(p);
            const std::size_t piece = index.piece_at(place.axis);
            if (piece == index.pieces()) continue;
            holders += piece != last;
            last = piece;
            if (!same_rhythm(run.rhythm, place.rhythm)) continue;
            found.push_back({i, static_cast<std::uint32_t>(piece), onset.top - int{place.pitch}, l, run.onset, run.hash,
                             onset.time, (place.axis - index.piece(piece).first) / kPerQuarter, 1});
          }
        }
        if (pieces > 1)
          for (Hit& hit : found)
            hit.rarity = std::max(0.0, 1 - std::log(static_cast<double>(holders)) / std::log(pieces));
        hits.insert(hits.end(), found.begin(), found.end());
      }
  }
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
    return std::tuple(a.passage(), a.line, a.x, a.y) < std::tuple(b.passage(), b.line, b.x, b.y);
  });
  return hits;
}

/// The heaviest way to each hit, by dynamic programming. \param hits of one line, piece and transposition
std::vector<Way> follow(std::span<const Hit> hits, std::size_t length) {
  std::vector<Way> ways;
  for (std::size_t j = 0; j < hits.size(); ++j) {
    Way best{j, j, length, hits[j].rarity * static_cast<double>(length)};
    for (std::size_t i = j; i-- > 0;) {
      if (hits[j].x - hits[i].x > kLongestGap) break;
      if (!in_time(hits[ways[i].start], hits[i], hits[j])) continue;
      const std::size_t more = std::min<std::size_t>(length, hits[j].onset - hits[i].onset);
      const double weight = ways[i].weight + hits[j].rarity * static_cast<double>(more);
      if (weight > best.weight) best = {i, ways[i].start, ways[i].notes + more, weight};
    }
    ways.push_back(best);
  }
  return ways;
}

double weight_once(std::span<const Hit> hits, std::span<const Way> ways, std::size_t end, std::size_t length) {
  std::vector<std::size_t> way;
  for (std::size_t j = end;; j = ways[j].before) {
    way.push_back(j);
    if (ways[j].before == j) break;
  }
  std::vector<std::uint32_t> heard;
  double weight = 0;
  std::size_t covered = 0;  // onsets below this one are counted already
  for (auto j = way.rbegin(); j != way.rend(); ++j) {
    const Hit& hit = hits[*j];
    if (std::find(heard.begin(), heard.end(), hit.hash) != heard.end()) continue;
    heard.push_back(hit.hash);
    const std::size_t until = hit.onset + length;
    weight += hit.rarity * static_cast<double>(until - std::max<std::size_t>(covered, hit.onset));
    covered = until;
  }
  return weight;
}

/// Of the ways from each beginning the heaviest.
void add_stretches(std::span<const Hit> hits, const PassageLine& line, std::size_t length, std::vector<Stretch>& out) {
  const auto ways = follow(hits, length);
  std::vector<std::size_t> end_of(hits.size(), hits.size());
  for (std::size_t j = 0; j < hits.size(); ++j) {
    std::size_t& end = end_of[ways[j].start];
    if (end == hits.size() || ways[j].weight > ways[end].weight) end = j;
  }
  for (const std::size_t j : end_of) {
    if (j == hits.size()) continue;
    const Hit &first = hits[ways[j].start], &last = hits[j];
    out.push_back({&line, &first, &last, length, ways[j].notes, weight_once(hits, ways, j, length),
                   last.x > first.x ? (last.y - first.y) / (last.x - first.x) : 1.0});
  }
}

/// What the same passage weighs on a line of the other kind.
double support(const Stretch& main, std::span<const Stretch> all) {
  double most = 0;
  for (const Stretch& s : all) {
    if (s.line->kind == main.line->kind || s.weight <= most) continue;
    const double from = std::max(s.first->x, main.first->x), to = std::min(s.end(), main.end());
    if (from < to && std::abs(s.source_at(from) - main.source_at(from)) <= kSameTime &&
        std::abs(s.source_at(to) - main.source_at(to)) <= kSameTime)
      most = s.weight;
  }
  return most;
}

double bar_quarters(const PassageIndex::PieceEntry& piece) { return 4.0 * piece.numerator / piece.denominator; }

int bar_of(double quarters, const PassageIndex::PieceEntry& piece) {
  return static_cast<int>(std::floor(std::max(0.0, quarters) / bar_quarters(piece) + 1e-9)) + 1;
}

int bar_in(const Score& score, std::span<const std::int64_t> bars, double quarters) {
  const auto tick = static_cast<std::int64_t>(std::floor(quarters * score.ticks_per_quarter + 0.5));
  return static_cast<int>(std::upper_bound(bars.begin(), bars.end(), tick) - bars.begin());
}

}  // namespace

double passage_similarity(double weight, double share) { return share * (1 - std::exp2(-weight / kPassageHalf)); }

std::vector<PassageMatch> find_passages(const Score& score, std::span<const PassageIndex* const> indexes,
                                        std::size_t most) {
  const auto lines = lines_at_tempos(score);
  const auto hits = find_hits(lines, indexes);
  const auto bars = score.bar_lines();
  std::map<std::pair<std::uint32_t, std::uint32_t>, PassageMatch> best;
  std::vector<Stretch> stretches;
  for (std::size_t begin = 0; begin < hits.size();) {
    const std::size_t first = begin;
    const PassageIndex& index = *indexes[hits[first].index];
    stretches.clear();
    while (begin < hits.size() && hits[begin].passage() == hits[first].passage()) {
      std::size_t end = begin;
      while (end < hits.size() && hits[end].passage() == hits[first].passage() && hits[end].line == hits[begin].line)
        ++end;
      const PassageLine& line = lines[hits[begin].line];
      add_stretches(std::span(hits).subspan(begin, end - begin), line, index.runs().of(line.kind), stretches);
      begin = end;
    }
    for (const Stretch& s : stretches) {
      PassageMatch m;
      m.notes = s.notes;
      m.of_notes = s.last->onset + s.length - s.first->onset;
      m.share = static_cast<double>(m.notes) / static_cast<double>(m.of_notes);
      m.from = s.first->x;
      m.to = s.end();
      m.source_from = s.first->y;
      m.source_to = s.source_at(m.to);
      m.weight =
          (s.weight + support(s, stretches)) *
          std::min(1.0, (m.source_to - m.source_from) / (kPassageBars * bar_quarters(index.piece(s.first->piece))));
      m.similarity = passage_similarity(m.weight, m.share);
      PassageMatch& known = best[{s.first->index, s.first->piece}];
      if (m.similarity <= known.similarity) continue;
      const auto& piece = index.piece(s.first->piece);
      m.piece = index.name(s.first->piece);
      m.index = s.first->index;
      m.line = s.line->kind;
      m.tempo_ratio = s.ratio;
      m.bar_from = bar_in(score, bars, m.from);
      m.bar_to = bar_in(score, bars, m.to);
      m.source_bar_from = bar_of(m.source_from, piece);
      m.source_bar_to = bar_of(m.source_to, piece);
      m.transposition = s.first->transposition;
      known = std::move(m);
    }
  }
  for (const WholePassage& w : find_whole_passages(score, indexes)) {
    const PassageIndex& index = *indexes[w.index];
    const auto& piece = index.piece(w.piece);
    PassageMatch m;
    m.piece = index.name(w.piece);
    m.index = w.index;
    m.from = w.from;
    m.to = w.to;
    m.source_from = w.source_from;
    m.source_to = w.source_to;
    m.bar_from = bar_in(score, bars, m.from);
    m.bar_to = bar_in(score, bars, m.to);
    m.source_bar_from = bar_of(m.source_from, piece);
    m.source_bar_to = bar_of(m.source_to - 1 / kPerQuarter, piece);
    m.line = PassageLine::Kind::texture;
    m.whole = true;
    m.notes = m.of_notes = w.onsets;
    m.share = m.similarity = 1;
    m.weight = static_cast<double>(w.onsets);
    m.transposition = w.transposition;
    m.tempo_ratio = w.tempo_ratio;
    best[{static_cast<std::uint32_t>(w.index), static_cast<std::uint32_t>(w.piece)}] = std::move(m);
  }
  std::vector<PassageMatch> out;
  for (auto& [key, match] : best)
    if (match.similarity > 0) out.push_back(std::move(match));
  std::stable_sort(out.begin(), out.end(),
                   [](const PassageMatch& a, const PassageMatch& b) { return a.similarity > b.similarity; });
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace euterpe
