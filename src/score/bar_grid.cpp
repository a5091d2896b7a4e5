#include "score/bar_grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "base/error.hpp"
#include "score/harmony.hpp"
#include "score/score_melody.hpp"
#include "score/struck_again.hpp"

namespace euterpe {
namespace {

constexpr std::array kMeters{GridMeter{4, 4, 16}, GridMeter{3, 4, 12}, GridMeter{6, 8, 12}, GridMeter{2, 4, 8}};
constexpr int kTicksPerQuarter = 480, kStepTicks = kTicksPerQuarter / 4;

std::optional<int> meter_number(const TimeSignature& m) {
  if (m.numerator == 2 && m.denominator == 2) return 0;
  for (std::size_t i = 0; i < kMeters.size(); ++i)
    if (m.numerator == kMeters[i].numerator && m.denominator == kMeters[i].denominator) return static_cast<int>(i);
  return {};
}

struct Line {
  std::int64_t tick;
  std::optional<int> meter;
};

/// Every bar of the score with its meter, and the end.
std::vector<Line> lines_of(const Score& score) {
  std::vector<Line> out;
  for (const std::int64_t tick : score.bar_lines()) out.push_back({tick, meter_number(score.meter_at(tick))});
  return out;
}

struct PartNote {
  Note note;
  int part;
};

std::vector<PartNote> parted(const Score& score) {
  const ScoreMelody melody = score_melody(score);
  std::vector<PartNote> out;
  for (std::size_t t = 0; t < score.tracks.size(); ++t) {
    if (score.tracks[t].drums) continue;
    for (const Note& n : score.tracks[t].notes) {
      if (n.channel == 9) continue;  // of a file with all parts on one track
      bool sings = melody.track == t;
      if (!melody.track)
        sings = std::any_of(melody.notes.begin(), melody.notes.end(),
                            [&](const Note& m) { return m.start == n.start && m.pitch == n.pitch; });
      out.push_back({n, sings ? kGridMelody : kGridAccompaniment});
    }
  }
  return out;
}

std::vector<BarGrid> stretches(const Score& score, const std::vector<Line>& lines) {
  const std::vector<PartNote> notes = parted(score);
  if (notes.empty()) return {};
  const KeyEstimate key = estimate_global_key(score);
  const int up = moved_home(key);
  const double steps = 4.0 / score.ticks_per_quarter;
  const auto step = [&](std::int64_t tick) { return std::lround(static_cast<double>(tick) * steps); };
  std::vector<BarGrid> out;
  std::vector<std::pair<std::size_t, std::size_t>> place(lines.size());  // stretch and bar in it
  for (std::size_t b = 0; b + 1 < lines.size(); ++b) {
    if (!lines[b].meter) continue;
    if (b == 0 || !lines[b - 1].meter) {
      out.emplace_back();
      out.back().minor = key.minor;
      out.back().moved = up;
      if (!score.tempos.empty()) out.back().tempo = score.tempos.front().bpm();
    }
    place[b] = {out.size() - 1, out.back().bars.size()};
    out.back().bars.push_back({*lines[b].meter, {}});
  }
  for (const PartNote& p : notes) {
    // A note a hair before the bar line is meant on it.
    const long start = step(p.note.start);
    auto after = std::upper_bound(lines.begin(), lines.end() - 1, start,
                                  [&](long s, const Line& line) { return s < step(line.tick); });
    const auto b = static_cast<std::size_t>(after - lines.begin() - 1);
    const int pitch = p.note.pitch + up;
    if (!lines[b].meter || pitch < 0 || pitch > 127) continue;
    GridBar& bar = out[place[b].first].bars[place[b].second];
    const long onset = start - step(lines[b].tick);
    if (onset >= kMeters[static_cast<std::size_t>(bar.meter)].steps) continue;  // behind the last bar line
    const long length = std::clamp<long>(step(p.note.end()) - start, 1, kLongestGridNote);
    bar.notes.push_back({static_cast<int>(onset), p.part, pitch, static_cast<int>(length)});
  }
  for (BarGrid& grid : out)
    for (GridBar& bar : grid.bars) sort_grid_bar(bar);
  return out;
}

}  // namespace

std::span<const GridMeter> grid_meters() { return kMeters; }

std::optional<int> grid_meter(std::string_view name) {
  for (std::size_t i = 0; i < kMeters.size(); ++i)
    if (fmt::format("{}/{}", kMeters[i].numerator, kMeters[i].denominator) == name) return static_cast<int>(i);
  if (name == "2/2") return 0;
  return {};
}

void sort_grid_bar(GridBar& bar) {
  const auto order = [](const BarNote& n) { return std::tuple(n.onset, n.part, -n.pitch, -n.length); };
  std::sort(bar.notes.begin(), bar.notes.end(),
            [&](const BarNote& a, const BarNote& b) { return order(a) < order(b); });
  const auto same = [](const BarNote& a, const BarNote& b) {
    return a.onset == b.onset && a.part == b.part && a.pitch == b.pitch;
  };
  bar.notes.erase(std::unique(bar.notes.begin(), bar.notes.end(), same), bar.notes.end());
}

int moved_home(const KeyEstimate& key) {
  const int up = ((key.minor ? 9 : 0) - key.tonic + 12) % 12;
  return up > 5 ? up - 12 : up;
}

BarGrid bar_grid(const Score& score) {
  if (score.merged_notes().empty())
    throw Error(Category::bad_input, "bar_grid", "no note with a pitch: the score is empty or has drums alone");
  const std::vector<Line> lines = lines_of(score);
  for (std::size_t b = 0; b + 1 < lines.size(); ++b)
    if (!lines[b].meter) {
      const TimeSignature& m = score.meter_at(lines[b].tick);
      throw Error(Category::unsupported, "bar_grid",
                  fmt::format("bar {} is in {}/{}", b + 1, m.numerator, m.denominator),
                  "bars of 4/4, 2/2, 3/4, 6/8 and 2/4 can be said");
    }
  return stretches(score, lines).front();
}

std::vector<BarGrid> bar_grid_stretches(const Score& score) { return stretches(score, lines_of(score)); }

Score grid_score(const BarGrid& grid) {
  Score score;
  score.ticks_per_quarter = kTicksPerQuarter;
  score.tempos = {{0, static_cast<std::uint32_t>(std::lround(60e6 / grid.tempo))}};
  KeyEstimate key;
  key.minor = grid.minor;
  key.tonic = (((grid.minor ? 9 : 0) - grid.moved) % 12 + 12) % 12;
  score.keys = {key_signature(key)};
  add_track(score, "Melody", 0, 0);
  add_track(score, "Accompaniment", 0, 1);
  std::int64_t begin = 0;
  int meter = -1;
  for (const GridBar& bar : grid.bars) {
    const GridMeter& m = kMeters[static_cast<std::size_t>(bar.meter)];
    if (bar.meter != meter) {
      TimeSignature signature;
      signature.tick = begin;
      signature.numerator = static_cast<std::uint8_t>(m.numerator);
      signature.denominator = static_cast<std::uint8_t>(m.denominator);
      score.meters.push_back(signature);
      meter = bar.meter;
    }
    for (const BarNote& n : bar.notes) {
      const int pitch = n.pitch - grid.moved;
      if (pitch < 0 || pitch > 127) continue;
      Note note;
      note.start = begin + n.onset * kStepTicks;
      note.duration = n.length * kStepTicks;
      note.pitch = static_cast<std::uint8_t>(pitch);
      note.channel = static_cast<std::uint8_t>(n.part);
      score.tracks[static_cast<std::size_t>(n.part)].notes.push_back(note);
    }
    begin += m.steps * kStepTicks;
  }
  for (Track& track : score.tracks) cut_where_struck_again(track.notes);
  score.sort();
  return score;
}

BarGrid grid_bars(const BarGrid& grid, std::size_t first, std::size_t count) {
  BarGrid out = grid;
  const auto begin = grid.bars.begin() + static_cast<std::ptrdiff_t>(std::min(first, grid.bars.size()));
  out.bars.assign(
      begin, begin + static_cast<std::ptrdiff_t>(std::min(count, static_cast<std::size_t>(grid.bars.end() - begin))));
  return out;
}

}  // namespace euterpe
