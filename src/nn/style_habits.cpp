#include "nn/style_habits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kTempoQuantiles = 9;
constexpr double kOdd = 0.05;   // of its pieces, at either end of density: no contour is taken from them
constexpr double kRare = 0.02;  // of a style's bars, at either end: they belong to the outermost classes
constexpr std::array<const char*, kBarTraits> kTraitNames{"density", "polyphony", "height"};

double quantile(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(std::lround(q * static_cast<double>(sorted.size() - 1)))];
}

template <class Values>
void read_numbers(const nlohmann::json& from, const char* key, Values& to) {
  const auto list = from.is_object() ? from.find(key) : from.end();
  bool fits = list != from.end() && list->is_array() && list->size() == to.size();
  for (std::size_t i = 0; fits && i < to.size(); ++i) {
    fits = (*list)[i].is_number();
    if (fits) to[i] = (*list)[i];
  }
  if (!fits)
    throw Error(Category::bad_input, "load_model",
                fmt::format("habits of a style: {} must be {} numbers", key, to.size()));
}

}  // namespace

std::optional<BarTraitValues> bar_traits(const GridBar& bar) {
  if (bar.notes.empty()) return {};
  const int steps = grid_meters()[static_cast<std::size_t>(bar.meter)].steps;
  std::vector<int> sounding(static_cast<std::size_t>(steps));
  double pitch = 0;
  for (const BarNote& n : bar.notes) {
    pitch += n.pitch;
    for (int s = n.onset; s < std::min(steps, n.onset + n.length); ++s) ++sounding[static_cast<std::size_t>(s)];
  }
  double sum = 0, some = 0;
  for (const int n : sounding) sum += n, some += n > 0;
  const auto notes = static_cast<double>(bar.notes.size());
  return BarTraitValues{notes * 16 / steps, sum / std::max(1.0, some), pitch / notes};
}

int StyleHabits::bar_class(BarTrait trait, double value) const {
  const auto& e = edges[trait];
  return static_cast<int>(std::upper_bound(e.begin(), e.end(), value) - e.begin());
}

int StyleHabits::draw_meter(Random& random) const { return static_cast<int>(random.weighted(meters)); }
int StyleHabits::draw_moved(Random& random) const { return static_cast<int>(random.weighted(moved)) - 6; }

std::vector<std::array<int, kBarTraits>> StyleHabits::draw_contour(std::size_t bars, Random& random) const {
  const BarContour& contour = contours[random.below(contours.size())];
  const std::size_t length = contour[0].size();
  const std::size_t first = length > bars ? random.below(length - bars + 1) : 0;
  std::vector<std::array<int, kBarTraits>> out(bars);
  for (std::size_t b = 0; b < bars; ++b)
    for (std::size_t t = 0; t < kBarTraits; ++t) out[b][t] = contour[t][(first + b) % length] - '0';
  return out;
}

double StyleHabits::draw_tempo(Random& random) const {
  const double at = random.uniform() * static_cast<double>(tempos.size() - 1);
  const auto i = static_cast<std::size_t>(at);
  return tempos[i] + (at - static_cast<double>(i)) * (tempos[i + 1] - tempos[i]);
}

StyleHabits style_habits(std::span<const BarGrid* const> pieces) {
  StyleHabits out;
  out.meters.resize(grid_meters().size());
  std::vector<double> tempos;
  std::vector<std::pair<double, const BarGrid*>> by_density;
  std::array<std::vector<double>, kBarTraits> values;
  const double share = 1 / static_cast<double>(pieces.size());
  for (const BarGrid* piece : pieces) {
    out.meters[static_cast<std::size_t>(piece->bars.front().meter)] += share;
    out.minor += piece->minor ? share : 0;
    out.moved[static_cast<std::size_t>(piece->moved + 6)] += share;
    tempos.push_back(piece->tempo);
    double notes = 0;
    for (const GridBar& bar : piece->bars) {
      notes += static_cast<double>(bar.notes.size());
      if (const auto traits = bar_traits(bar))
        for (std::size_t t = 0; t < kBarTraits; ++t) values[t].push_back((*traits)[t]);
    }
    by_density.emplace_back(notes / static_cast<double>(piece->bars.size()), piece);
  }
  std::sort(tempos.begin(), tempos.end());
  for (std::size_t i = 0; i < kTempoQuantiles; ++i)
    out.tempos.push_back(quantile(tempos, static_cast<double>(i) / (kTempoQuantiles - 1)));
  for (std::size_t t = 0; t < kBarTraits; ++t) {
    std::sort(values[t].begin(), values[t].end());
    // Equal steps, not equal numbers: nearly all chorales' bars have the same polyphony, and eight classes of it would
    // be one.
    const double low = quantile(values[t], kRare), step = (quantile(values[t], 1 - kRare) - low) / kBarClasses;
    for (int c = 0; c < kBarClasses; ++c) {
      if (c > 0) out.edges[t][static_cast<std::size_t>(c - 1)] = low + step * c;
      out.middles[t][static_cast<std::size_t>(c)] = low + step * (c + 0.5);
    }
  }
  std::sort(by_density.begin(), by_density.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const std::size_t kept = std::min(by_density.size(), kMostContours);
  for (std::size_t i = 0; i < kept; ++i) {
    // One piece of two hundred may be unlike all others; of 64 contours it would be too many.
    const double at = kOdd + (1 - 2 * kOdd) * (static_cast<double>(i) + 0.5) / static_cast<double>(kept);
    const BarGrid& piece = *by_density[static_cast<std::size_t>(at * static_cast<double>(by_density.size()))].second;
    BarContour contour;
    for (std::size_t b = 0; b < std::min(piece.bars.size(), kLongestContour); ++b) {
      const auto traits = bar_traits(piece.bars[b]);
      for (std::size_t t = 0; t < kBarTraits; ++t)
        contour[t] += static_cast<char>('0' + (traits ? out.bar_class(static_cast<BarTrait>(t), (*traits)[t]) : 0));
    }
    out.contours.push_back(std::move(contour));
  }
  return out;
}

nlohmann::json to_json(const StyleHabits& h) {
  nlohmann::json out{
      {"meters", h.meters}, {"minor", h.minor}, {"moved", h.moved}, {"tempos", h.tempos}, {"contours", h.contours}};
  for (std::size_t t = 0; t < kBarTraits; ++t) out[kTraitNames[t]] = {{"edges", h.edges[t]}, {"middles", h.middles[t]}};
  return out;
}

StyleHabits read_style_habits(const nlohmann::json& habits) {
  StyleHabits out;
  out.meters.resize(grid_meters().size());
  out.tempos.resize(kTempoQuantiles);
  read_numbers(habits, "meters", out.meters);
  read_numbers(habits, "moved", out.moved);
  read_numbers(habits, "tempos", out.tempos);
  std::array<double, 1> minor{};
  read_numbers({{"minor", nlohmann::json::array({habits.value("minor", nlohmann::json())})}}, "minor", minor);
  out.minor = minor[0];
  for (std::size_t t = 0; t < kBarTraits; ++t) {
    const nlohmann::json trait = habits.value(kTraitNames[t], nlohmann::json::object());
    read_numbers(trait, "edges", out.edges[t]);
    read_numbers(trait, "middles", out.middles[t]);
  }
  const nlohmann::json contours = habits.value("contours", nlohmann::json::array());
  for (std::size_t i = 0; contours.is_array() && i < std::min(contours.size(), kMostContours); ++i) {
    const nlohmann::json& row = contours[i];
    bool fits = row.is_array() && row.size() == kBarTraits;
    BarContour contour;
    for (std::size_t t = 0; fits && t < kBarTraits; ++t) {
      fits = row[t].is_string();
      if (!fits) break;
      contour[t] = row[t].get<std::string>();
      fits = !contour[t].empty() && contour[t].size() == contour[0].size() &&
             contour[t].find_first_not_of("01234567") == std::string::npos;
    }
    if (!fits) throw Error(Category::bad_input, "load_model", fmt::format("habits of a style: contour {} is none", i));
    out.contours.push_back(std::move(contour));
  }
  if (out.contours.empty()) throw Error(Category::bad_input, "load_model", "habits of a style: contours are missing");
  const auto weights = [](const auto& list) {
    double sum = 0;
    for (const double x : list) sum += x >= 0 ? x : NAN;
    return sum > 0;
  };
  const auto tempo = [](double t) { return t > 0 && t < 1000; };
  if (!weights(out.meters) || !weights(out.moved) || !std::all_of(out.tempos.begin(), out.tempos.end(), tempo))
    throw Error(Category::bad_input, "load_model", "habits of a style: shares or tempos that cannot be");
  return out;
}

}  // namespace euterpe
