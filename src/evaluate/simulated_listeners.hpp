#pragma once
/// Listeners made up for a demonstration. What is measured on them shows that the machinery works, not how well real
/// people are served.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.hpp"

namespace euterpe {

struct SimulationOptions {
  int listeners = 200;
  int least = 8, most = 20;  ///< listens each; at most two thirds of the tracks, and no track twice
  double loyalty = 1.6;      ///< spread of the preferences (standard deviation of their logarithms); 0 = all alike
  double popularity = 0.7;   ///< exponent of Zipf's law among the tracks of a style; 0 = all alike
  std::uint64_t seed = 0;
};

struct SimulatedListener {
  std::string name;                          ///< "simulated-007"
  std::map<std::string, double> preference;  ///< by style, sum 1
  std::vector<Listen> listens;               ///< in order of time
};

/// Each listener draws a preference over the styles (logistic-normal), then for each listen a style by that preference
/// and a track of it by popularity. \param tracks (track id, style). Fewer than 3 tracks give no listens.
std::vector<SimulatedListener> simulate_listeners(const std::vector<std::pair<std::string, std::string>>& tracks,
                                                  const SimulationOptions& options);

}  // namespace euterpe
