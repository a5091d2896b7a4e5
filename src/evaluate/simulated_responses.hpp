#pragma once
/// SIMULATED: listeners who answer what they are shown with known probabilities, so that an estimate can be held
/// against the truth. Who they are and what they like is made from a real listening log; how often they listen is made
/// up.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "recommend/interactions.hpp"

namespace euterpe {

/// logit P(listen) = level + taste · T + item · I + listener · L + pair · E, where over all pairs of the log's
/// listeners and kept items T is the low-rank part of the log without its row and column means (mean 0, variance 1), I
/// an item's standardized log number of listeners, and L (of a listener) and E (of a pair) are standard normal.
struct ResponseSimulation {
  int items = 200;         ///< the most heard are kept, ties by number; fewer where the log has fewer
  int rank = 16;           ///< of T
  double mean = 0.1;       ///< of P over all pairs, 0–1, from which `level` follows
  double taste = 1.2;      ///< 0 = nobody has a taste
  double item = 0.7;       ///< 0 = all items alike
  double listener = 0.5;   ///< 0 = all equally ready to listen
  double pair = 0.5;       ///< what no log could tell; 0 = off
  std::uint64_t seed = 0;  ///< of L and E
};

struct SimulatedResponses {
  std::size_t users = 0;
  std::vector<int> items;          ///< the kept items' numbers in the log, most heard first
  std::vector<float> probability;  ///< P(listen | shown), [users × items.size()]
  float at(std::size_t user, std::size_t item) const { return probability[user * items.size() + item]; }
};

/// \param histories of items below `items`, one a listener. Error{bad_input} with fewer than two listeners or items.
SimulatedResponses simulate_responses(const std::vector<History>& histories, int items,
                                      const ResponseSimulation& options);

/// Subtracts the mean and divides by the deviation (1 where that is 0), in place.
void standardize(std::span<double> values);

}  // namespace euterpe
