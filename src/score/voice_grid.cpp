#include "score/voice_grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/files.hpp"

namespace euterpe {
namespace {

constexpr int kTicksPerStep = 120;
constexpr int kChoir = 52;  // General MIDI program, choir aahs

VoicePitches read_step(const nlohmann::json& json, const std::string& where) {
  if (!json.is_array() || json.size() != 4)
    throw Error(Category::bad_input, "read_voice_grids", where + ": expected four pitches");
  VoicePitches step{};
  for (std::size_t v = 0; v < 4; ++v) {
    if (!json[v].is_number()) throw Error(Category::bad_input, "read_voice_grids", where + ": expected numbers");
    const double value = json[v].get<double>();
    if (value != kGridRest && !(value >= kLowestVoice && value <= kHighestVoice && value == std::floor(value)))
      throw Error(
          Category::bad_input, "read_voice_grids",
          fmt::format("{}: pitch {} is neither {} … {} nor −1 for a rest", where, value, kLowestVoice, kHighestVoice));
    step[v] = static_cast<std::int8_t>(value);
  }
  return step;
}

double mean_pitch(const Track& track) {
  double sum = 0;
  for (const Note& n : track.notes) sum += n.pitch;
  return sum / static_cast<double>(track.notes.size());
}

}  // namespace

std::map<std::string, std::vector<VoiceGrid>> read_voice_grids(const std::filesystem::path& path) {
  const std::filesystem::path file = std::filesystem::is_directory(path) ? path / "Jsb16thSeparated.json" : path;
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(read_text(file));
  } catch (const nlohmann::json::exception& e) {
    throw Error(Category::bad_input, "read_voice_grids", file.string() + ": " + e.what());
  }
  if (!json.is_object())
    throw Error(Category::bad_input, "read_voice_grids", file.string() + ": expected an object with a list a split");
  std::map<std::string, std::vector<VoiceGrid>> splits;
  for (const auto& [split, pieces] : json.items()) {
    const std::string place = fmt::format("{}: {}", file.string(), split);
    if (!pieces.is_array()) throw Error(Category::bad_input, "read_voice_grids", place + ": expected a list of pieces");
    auto& grids = splits[split];
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const std::string where = fmt::format("{}: piece {}", place, i);
      if (!pieces[i].is_array() || pieces[i].empty())
        throw Error(Category::bad_input, "read_voice_grids", where + ": expected a list of sixteenths");
      VoiceGrid grid{fmt::format("{}/{}", split, i), {}};
      for (std::size_t t = 0; t < pieces[i].size(); ++t)
        grid.steps.push_back(read_step(pieces[i][t], fmt::format("{}, sixteenth {}", where, t)));
      grids.push_back(std::move(grid));
    }
  }
  return splits;
}

std::vector<std::uint8_t> voice_row(const VoiceGrid& grid) {
  std::vector<std::uint8_t> row;
  row.reserve(4 * grid.steps.size());
  for (const VoicePitches& step : grid.steps)
    for (const std::int8_t pitch : step) row.push_back(pitch == kGridRest ? 0 : static_cast<std::uint8_t>(pitch));
  return row;
}

VoiceGrid voice_grid_of_row(std::span<const std::uint8_t> row) {
  EUTERPE_ASSERT(row.size() % 4 == 0);
  VoiceGrid grid;
  for (std::size_t i = 0; i < row.size(); i += 4) {
    VoicePitches& step = grid.steps.emplace_back();
    for (std::size_t v = 0; v < 4; ++v) step[v] = row[i + v] == 0 ? kGridRest : static_cast<std::int8_t>(row[i + v]);
  }
  return grid;
}

VoiceGrid voice_grid(const Score& score, std::size_t most) {
  std::vector<const Track*> voices;
  for (const Track& track : score.tracks)
    if (!track.drums && !track.notes.empty()) voices.push_back(&track);
  if (voices.size() != 4)
    throw Error(Category::bad_input, "voice_grid", fmt::format("{} voices, expected four", voices.size()),
                "put each voice on a track of its own");
  std::stable_sort(voices.begin(), voices.end(),
                   [](const Track* a, const Track* b) { return mean_pitch(*a) > mean_pitch(*b); });
  const double ticks = score.ticks_per_quarter / 4.0;
  const auto step_of = [&](std::int64_t tick) {
    return static_cast<std::int64_t>(std::llround(static_cast<double>(tick) / ticks));
  };
  VoiceGrid grid;
  const std::int64_t length = step_of(score.end_tick());
  if (length > static_cast<std::int64_t>(most))
    throw Error(Category::bad_input, "voice_grid", fmt::format("{} sixteenths, at most {} can be taken", length, most));
  grid.steps.assign(static_cast<std::size_t>(length), {kGridRest, kGridRest, kGridRest, kGridRest});
  for (std::size_t v = 0; v < 4; ++v)
    for (const Note& n : voices[v]->notes) {
      if (n.pitch < kLowestVoice || n.pitch > kHighestVoice)
        throw Error(
            Category::bad_input, "voice_grid",
            fmt::format("pitch {} at tick {}: voices are {} … {}", n.pitch, n.start, kLowestVoice, kHighestVoice));
      for (std::int64_t t = step_of(n.start); t < std::min(step_of(n.end()), length); ++t)
        grid.steps[static_cast<std::size_t>(t)][v] = static_cast<std::int8_t>(n.pitch);
    }
  return grid;
}

Score voice_score(const VoiceGrid& grid, double bpm) {
  static constexpr std::array<const char*, 4> kNames{"Soprano", "Alto", "Tenor", "Bass"};
  Score score;
  score.ticks_per_quarter = 4 * kTicksPerStep;
  score.tempos.push_back({0, static_cast<std::uint32_t>(std::llround(60e6 / bpm))});
  score.meters.push_back({0, 4, 4});
  for (std::size_t v = 0; v < 4; ++v) {
    Track& track = add_track(score, kNames[v], kChoir, static_cast<int>(v));
    for (std::size_t t = 0; t < grid.steps.size();) {
      const std::int8_t pitch = grid.steps[t][v];
      std::size_t end = t + 1;
      while (end < grid.steps.size() && grid.steps[end][v] == pitch) ++end;
      if (pitch != kGridRest)
        track.notes.push_back({static_cast<std::int64_t>(t) * kTicksPerStep,
                               static_cast<std::int64_t>(end - t) * kTicksPerStep, static_cast<std::uint8_t>(pitch), 80,
                               static_cast<std::uint8_t>(v)});
      t = end;
    }
  }
  score.sort();
  return score;
}

}  // namespace euterpe
