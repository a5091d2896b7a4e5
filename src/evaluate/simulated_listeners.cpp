#include "evaluate/simulated_listeners.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

constexpr std::int64_t kFirstListen = 1704067200;  // 2024-01-01, so that equal seeds give equal logs on any day

struct Shelf {
  std::string style;
  std::vector<std::string> tracks;  // most popular first
};

std::vector<Shelf> shelves_of(const std::vector<std::pair<std::string, std::string>>& tracks, Random& random) {
  std::map<std::string, std::vector<std::string>> by_style;
  for (const auto& [id, style] : tracks) by_style[style].push_back(id);
  std::vector<Shelf> shelves;
  for (auto& [style, ids] : by_style) {
    std::sort(ids.begin(), ids.end());
    random.shuffle(ids);
    shelves.push_back({style, ids});
  }
  return shelves;
}

}  // namespace

std::vector<SimulatedListener> simulate_listeners(const std::vector<std::pair<std::string, std::string>>& tracks,
                                                  const SimulationOptions& options) {
  EUTERPE_ASSERT(options.listeners >= 0 && options.least >= 1 && options.most >= options.least);
  std::vector<SimulatedListener> listeners;
  if (tracks.size() < 3) return listeners;
  Random shelving = Random::stream(options.seed, 0);
  const std::vector<Shelf> shelves = shelves_of(tracks, shelving);
  const std::size_t limit = std::max<std::size_t>(2, tracks.size() * 2 / 3);

  for (int i = 0; i < options.listeners; ++i) {
    Random random = Random::stream(options.seed, static_cast<std::uint64_t>(i) + 1);
    SimulatedListener listener;
    listener.name = fmt::format("simulated-{:03}", i + 1);
    std::vector<double> preference;
    double sum = 0;
    for (std::size_t s = 0; s < shelves.size(); ++s) {
      preference.push_back(std::exp(options.loyalty * random.normal()));
      sum += preference.back();
    }
    for (std::size_t s = 0; s < shelves.size(); ++s) listener.preference[shelves[s].style] = preference[s] / sum;

    std::vector<std::vector<double>> weights;  // of the tracks not yet heard
    for (const Shelf& shelf : shelves) {
      weights.emplace_back();
      for (std::size_t r = 0; r < shelf.tracks.size(); ++r) {
        weights.back().push_back(std::pow(static_cast<double>(r + 1), -options.popularity));
      }
    }
    const auto range = static_cast<std::uint64_t>(options.most - options.least + 1);
    const std::size_t count = std::min(limit, static_cast<std::size_t>(options.least) + random.below(range));
    std::vector<std::size_t> left;
    for (const Shelf& shelf : shelves) left.push_back(shelf.tracks.size());
    std::int64_t time = kFirstListen + static_cast<std::int64_t>(random.below(86400 * 30));
    while (listener.listens.size() < count) {
      const std::size_t s = random.weighted(preference);
      const std::size_t r = random.weighted(weights[s]);
      listener.listens.push_back({listener.name, shelves[s].tracks[r], time});
      weights[s][r] = 0;
      if (--left[s] == 0) preference[s] = 0;
      time += 180 + static_cast<std::int64_t>(random.below(86400));
    }
    listeners.push_back(std::move(listener));
  }
  return listeners;
}

}  // namespace euterpe
