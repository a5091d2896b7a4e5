#pragma once
/// Windows drawn from pieces so that no piece counts more than it must.
#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "base/random.hpp"

namespace euterpe {

template <class T>
struct DrawnWindows {
  std::vector<T> items;
  std::vector<std::size_t> piece;  ///< [items] which piece each is from
};

/// One window of each piece, then a second of each that has one, until there are `count` or no more.
/// \param windows of each piece
template <class T>
DrawnWindows<T> draw_in_turns(std::vector<std::vector<T>> windows, std::size_t count, Random& random) {
  for (std::vector<T>& of_piece : windows) random.shuffle(of_piece);
  std::vector<std::size_t> order(windows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  random.shuffle(order);
  DrawnWindows<T> out;
  for (std::size_t round = 0, taken = 1; taken > 0 && out.items.size() < count; ++round) {
    taken = 0;
    for (const std::size_t piece : order) {
      if (round >= windows[piece].size() || out.items.size() == count) continue;
      out.items.push_back(std::move(windows[piece][round]));
      out.piece.push_back(piece);
      ++taken;
    }
  }
  return out;
}

}  // namespace euterpe
