#include "score/drum_descriptors.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <span>
#include <utility>

namespace euterpe {
namespace {

constexpr std::size_t kDrums = 12, kSixteenths = 16;
constexpr std::array<const char*, kDrums> kNames{"kick",     "snare",     "side_stick", "closed_hat",
                                                 "open_hat", "pedal_hat", "low_tom",    "mid_tom",
                                                 "high_tom", "crash",     "ride",       "bell"};

/// 22 and 26 are edges of an electronic hi-hat, 58 is the rim of its low tom; what is not named is a cymbal.
std::size_t drum_of(int key) {
  static constexpr std::array<std::pair<int, std::size_t>, 23> kKeys{
      {{35, 0}, {36, 0}, {38, 1}, {40, 1}, {37, 2}, {22, 3}, {42, 3}, {26, 4}, {46, 4},  {44, 5},  {41, 6}, {43, 6},
       {58, 6}, {45, 7}, {47, 7}, {48, 8}, {50, 8}, {49, 9}, {57, 9}, {55, 9}, {51, 10}, {59, 10}, {53, 11}}};
  for (const auto& [midi, drum] : kKeys)
    if (midi == key) return drum;
  return 9;
}

struct Strike {
  double quarter;
  std::size_t drum;
  double loudness;  // 0 … 1
};

std::vector<Strike> strikes(const Score& score) {
  std::vector<Strike> all;
  for (const Track& track : score.tracks)
    if (track.drums)
      for (const Note& note : track.notes)
        all.push_back(
            {static_cast<double>(note.start) / score.ticks_per_quarter, drum_of(note.pitch), note.velocity / 127.0});
  std::sort(all.begin(), all.end(), [](const Strike& a, const Strike& b) { return a.quarter < b.quarter; });
  return all;
}

double tempo_at(const Score& score, double quarter) {
  double bpm = 120;
  for (const Tempo& tempo : score.tempos) {
    if (static_cast<double>(tempo.tick) > quarter * score.ticks_per_quarter && &tempo != &score.tempos.front()) break;
    bpm = tempo.bpm();
  }
  return bpm;
}

struct Features {
  void add(std::string name, double value) {
    names.push_back(std::move(name));
    values.push_back(std::isfinite(value) ? static_cast<float>(value) : 0.0f);
  }
  std::vector<std::string> names;
  std::vector<float> values;
};

bool near(double x, double place) {
  const double d = std::abs(x - place);
  return std::min(d, 1 - d) < 0.055;
}

/// Mean and deviation of loudness and of lateness, shares of ghost notes and of places within the beat.
void add_hand(Features& out, const std::string& name, std::span<const Strike> notes) {
  double n = 0, loud = 0, loud2 = 0, late = 0, late2 = 0, ghosts = 0, swung = 0, half = 0, third = 0, quarter = 0;
  for (const Strike& s : notes) {
    const double off = s.quarter * 4 - std::round(s.quarter * 4), within = s.quarter - std::floor(s.quarter);
    n += 1;
    loud += s.loudness, loud2 += s.loudness * s.loudness;
    late += off, late2 += off * off;
    ghosts += s.loudness < 0.35;
    swung += near(within, 2.0 / 3), half += near(within, 0.5), third += near(within, 1.0 / 3);
    quarter += near(within, 0.25) || near(within, 0.75);
  }
  n = std::max(1.0, n);
  out.add(name + ".loudness", loud / n);
  out.add(name + ".loudness_deviation", std::sqrt(std::max(0.0, loud2 / n - loud / n * loud / n)));
  out.add(name + ".late", late / n);
  out.add(name + ".late_deviation", std::sqrt(std::max(0.0, late2 / n - late / n * late / n)));
  out.add(name + ".ghosts", ghosts / n);
  out.add(name + ".swung", swung / n);
  out.add(name + ".half_beats", half / n);
  out.add(name + ".thirds", third / n);
  out.add(name + ".sixteenths", quarter / n);
}

Features describe(std::span<const Strike> all, double from, double to, double bpm) {
  std::vector<Strike> notes;
  for (const Strike& s : all)
    if (s.quarter >= from && s.quarter < to) notes.push_back({s.quarter - from, s.drum, s.loudness});
  std::array<std::array<double, kSixteenths>, kDrums> onsets{}, loudness{};
  std::vector<bool> bars(static_cast<std::size_t>(std::clamp((to - from) / 4, 0.0, 65536.0)) + 2, false);
  for (const Strike& s : notes) {
    const auto at = static_cast<std::size_t>(std::max(0.0, std::round(s.quarter * 4)));
    onsets[s.drum][at % kSixteenths] += 1;
    loudness[s.drum][at % kSixteenths] += s.loudness;
    bars[std::min(bars.size() - 1, at / kSixteenths)] = true;
  }
  const double played = std::max<double>(1, static_cast<double>(std::count(bars.begin(), bars.end(), true)));
  Features out;
  out.add("tempo", notes.empty() ? 0 : std::log2(bpm / 100));
  out.add("density", static_cast<double>(notes.size()) / played);
  for (std::size_t d = 0; d < kDrums; ++d) {
    const std::string name = kNames[d];
    double sum = 0;
    for (const double c : onsets[d]) sum += c;
    out.add(name + ".per_bar", sum / played);
    for (std::size_t i = 0; i < kSixteenths; ++i) out.add(name + ".on." + std::to_string(i), loudness[d][i] / played);
  }
  const auto only = [&](std::size_t drum) {
    std::vector<Strike> part;
    std::copy_if(notes.begin(), notes.end(), std::back_inserter(part), [&](const Strike& s) { return s.drum == drum; });
    return part;
  };
  add_hand(out, "all", notes);
  for (const std::size_t drum : {0, 1, 3, 10}) add_hand(out, std::string(kNames[drum]) + ".hand", only(drum));
  if (notes.empty()) std::fill(out.values.begin(), out.values.end(), 0.0f);
  return out;
}

}  // namespace

std::vector<float> drum_features(const Score& score, double from, double to) {
  return describe(strikes(score), from, to, tempo_at(score, from)).values;
}

const std::vector<std::string>& drum_feature_names() {
  static const std::vector<std::string> names = describe({}, 0, 4, 120).names;
  return names;
}

std::vector<std::vector<float>> drum_windows(const Score& score, double quarters, std::size_t least, std::size_t most) {
  constexpr double kEarly = 0.1;  // quarters: a downbeat that is played early belongs to its bar
  const std::vector<Strike> all = strikes(score);
  if (all.empty() || most == 0) return {};
  // [begin, end) of each window's strikes; empty stretches are leapt over.
  std::vector<std::pair<double, std::span<const Strike>>> windows;
  for (std::size_t i = 0; i < all.size();) {
    const double from = std::floor((all[i].quarter + kEarly) / quarters) * quarters - kEarly;
    std::size_t end = i;
    while (end < all.size() && all[end].quarter < from + quarters) ++end;
    if (end == i) ++end;  // rounding put it into the window before
    if (end - i >= least) windows.emplace_back(from, std::span(all).subspan(i, end - i));
    i = end;
  }
  std::vector<std::vector<float>> features;
  const std::size_t n = std::min(most, windows.size());
  for (std::size_t k = 0; k < n; ++k) {
    const auto& [from, part] = windows[k * windows.size() / n];
    // Positions count from the bar line; what is early falls on its first sixteenth.
    std::vector<Strike> shifted(part.begin(), part.end());
    for (Strike& s : shifted) s.quarter = std::max(0.0, s.quarter - from - kEarly);
    features.push_back(describe(shifted, 0, quarters + 1, tempo_at(score, from + kEarly)).values);
  }
  return features;
}

std::size_t drum_note_count(const Score& score) {
  std::size_t n = 0;
  for (const Track& track : score.tracks) n += track.drums ? track.notes.size() : 0;
  return n;
}

}  // namespace euterpe
