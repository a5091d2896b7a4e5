#include "evaluate/memorised.hpp"

#include <algorithm>

#include "base/parallel.hpp"

namespace euterpe {
namespace {

using Notes = std::vector<GridNote>;

/// The notes that begin in [from, from + length).
std::span<const GridNote> notes_in(const Notes& notes, int from, int length) {
  const auto before = [](const GridNote& n, int t) { return n.onset < t; };
  const auto first = std::lower_bound(notes.begin(), notes.end(), from, before);
  const auto last = std::lower_bound(first, notes.end(), from + length, before);
  return {first, last};
}

std::uint64_t hash_of(std::span<const GridNote> window, int from, int length) {
  std::uint64_t hash = 1469598103934665603ULL;
  const auto mix = [&](int value) { hash = (hash ^ static_cast<std::uint64_t>(value + 1024)) * 1099511628211ULL; };
  for (const GridNote& n : window) {
    mix(n.onset - from);
    mix(std::min(n.length, from + length - n.onset));
    mix(n.pitch - window.front().pitch);
  }
  return hash;
}

bool equal(std::span<const GridNote> a, int a_from, std::span<const GridNote> b, int b_from, int length) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].onset - a_from != b[i].onset - b_from || a[i].pitch - a[0].pitch != b[i].pitch - b[0].pitch ||
        std::min(a[i].length, a_from + length - a[i].onset) != std::min(b[i].length, b_from + length - b[i].onset))
      return false;
  return true;
}

}  // namespace

const std::vector<MemorisedWindows::Place>& MemorisedWindows::places(int length) {
  const auto [at, fresh] = places_.try_emplace(length);
  if (!fresh) return at->second;
  std::vector<std::vector<Place>> of_piece(training_.size());
  parallel_for(training_.size(), [&](std::size_t piece) {
    const Notes& notes = training_[piece];
    if (notes.empty()) return;
    for (int from = notes.front().onset - length + 1; from <= notes.back().onset; ++from) {
      const auto window = notes_in(notes, from, length);
      if (window.size() >= kFewestNotes)
        of_piece[piece].push_back({hash_of(window, from, length), static_cast<std::uint32_t>(piece), from});
    }
  });
  auto& all = at->second;
  for (const auto& part : of_piece) all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end(), [](const Place& a, const Place& b) { return a.hash < b.hash; });
  return all;
}

MemorisedWindows::Count MemorisedWindows::count(std::span<const BarredPassage> set, int bars) {
  Count out;
  for (const BarredPassage& passage : set) {
    const int length = bars * passage.bar;
    const auto& known = places(length);
    for (int from = 0; from + length <= passage.bars * passage.bar; from += passage.bar) {
      const auto window = notes_in(passage.notes, from, length);
      if (window.size() < kFewestNotes) continue;
      ++out.windows;
      const std::uint64_t hash = hash_of(window, from, length);
      auto place = std::lower_bound(known.begin(), known.end(), hash,
                                    [](const Place& p, std::uint64_t h) { return p.hash < h; });
      for (; place != known.end() && place->hash == hash; ++place)
        if (equal(window, from, notes_in(training_[place->piece], place->from, length), place->from, length)) {
          ++out.known;
          break;
        }
    }
  }
  return out;
}

}  // namespace euterpe
