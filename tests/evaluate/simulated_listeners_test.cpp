#include "evaluate/simulated_listeners.hpp"

#include <gtest/gtest.h>

#include <set>

namespace euterpe {
namespace {

std::vector<std::pair<std::string, std::string>> three_styles() {
  std::vector<std::pair<std::string, std::string>> tracks;
  for (const char* style : {"chorale", "folk", "pop"}) {
    for (int i = 0; i < 20; ++i) tracks.emplace_back(style + std::to_string(i), style);
  }
  return tracks;
}

std::string style_of(const std::string& track) { return track.substr(0, track.find_first_of("0123456789")); }

TEST(SimulatedListeners, HearMostOfWhatTheyPrefer) {
  double preferred = 0, heard = 0, all = 0;
  for (const auto& listener : simulate_listeners(three_styles(), {})) {
    const auto best = std::max_element(listener.preference.begin(), listener.preference.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    preferred += best->second;
    for (const Listen& listen : listener.listens) heard += style_of(listen.track) == best->first;
    all += static_cast<double>(listener.listens.size());
  }
  EXPECT_GT(preferred / 200, 0.5);
  EXPECT_NEAR(heard / all, preferred / 200, 0.1);
}

TEST(SimulatedListeners, HearNoTrackTwiceAndGoForwardInTime) {
  const auto listeners = simulate_listeners(three_styles(), {.listeners = 50, .least = 30, .most = 60});
  ASSERT_EQ(listeners.size(), 50U);
  for (const auto& listener : listeners) {
    std::set<std::string> tracks;
    for (std::size_t i = 0; i < listener.listens.size(); ++i) {
      EXPECT_TRUE(tracks.insert(listener.listens[i].track).second);
      EXPECT_EQ(listener.listens[i].user, listener.name);
      if (i > 0) {
        EXPECT_GT(listener.listens[i].time, listener.listens[i - 1].time);
      }
    }
    EXPECT_GE(tracks.size(), 30U);
    EXPECT_LE(tracks.size(), 40U);  // two thirds of 60
  }
}

TEST(SimulatedListeners, OfOneSeedAreTheSame) {
  const auto one = simulate_listeners(three_styles(), {.listeners = 5, .seed = 7});
  const auto two = simulate_listeners(three_styles(), {.listeners = 5, .seed = 7});
  const auto other = simulate_listeners(three_styles(), {.listeners = 5, .seed = 8});
  const auto tracks = [](const std::vector<SimulatedListener>& all) {
    std::vector<std::string> ids;
    for (const auto& listener : all) {
      for (const Listen& listen : listener.listens) ids.push_back(listen.track);
    }
    return ids;
  };
  EXPECT_EQ(tracks(one), tracks(two));
  EXPECT_NE(tracks(one), tracks(other));
}

TEST(SimulatedListeners, NeedAtLeastThreeTracks) {
  EXPECT_TRUE(simulate_listeners({{"a", "pop"}, {"b", "pop"}}, {}).empty());
  for (const auto& listener : simulate_listeners({{"a", "pop"}, {"b", "pop"}, {"c", "folk"}}, {})) {
    EXPECT_EQ(listener.listens.size(), 2U);
  }
}

}  // namespace
}  // namespace euterpe
