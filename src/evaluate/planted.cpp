#include "evaluate/planted.hpp"

#include <algorithm>
#include <cmath>

namespace euterpe {

Score cut_passage(const Score& score, std::int64_t from, std::int64_t to) {
  Score out;
  out.ticks_per_quarter = score.ticks_per_quarter;
  out.meters = {score.meter_at(from)};
  out.meters.front().tick = 0;
  for (const Track& track : score.tracks) {
    Track part;
    part.name = track.name;
    part.program = track.program;
    part.drums = track.drums;
    for (Note n : track.notes) {
      if (n.start < from || n.start >= to) continue;
      n.duration = std::min(n.end(), to) - n.start;
      n.start -= from;
      part.notes.push_back(n);
    }
    out.tracks.push_back(std::move(part));
  }
  return out;
}

std::vector<Score> bar_windows(const Score& score, int bars) {
  const auto lines = score.bar_lines();
  const std::size_t length = static_cast<std::size_t>(bars), all = lines.size() - 1;
  std::vector<Score> out;
  for (std::size_t i = 0; i < all; i += length) {
    const std::size_t end = std::min(i + length, all);
    if (2 * (end - i) < length && !out.empty()) break;
    Score window = cut_passage(score, lines[i], lines[end]);
    if (window.note_count() > 0) out.push_back(std::move(window));
  }
  return out;
}

Score plant_passage(Score host, const Score& passage, const Planting& how) {
  const auto bars = host.bar_lines();
  const std::int64_t begin = bars[std::min(static_cast<std::size_t>(how.at_bar), bars.size() - 1)];
  const double scale = how.stretch * host.ticks_per_quarter / passage.ticks_per_quarter;
  const auto time = [&](std::int64_t tick) {
    return begin + static_cast<std::int64_t>(std::llround(static_cast<double>(tick) * scale));
  };
  const auto passage_bars = passage.bar_lines();
  const std::int64_t end = time(passage_bars.back());
  for (Track& track : host.tracks)
    std::erase_if(track.notes, [&](const Note& n) { return n.end() > begin && n.start < end; });
  for (const Track& part : passage.tracks) {
    if (part.notes.empty()) continue;
    if (host.tracks.empty() || !how.one_track || part.drums) {
      host.tracks.push_back({});
      host.tracks.back().program = part.program;
      host.tracks.back().drums = part.drums;
    }
    Track& track = how.one_track && !part.drums ? host.tracks.front() : host.tracks.back();
    for (Note n : part.notes) {
      const std::int64_t until = time(n.end());
      n.start = time(n.start);
      n.duration = std::max<std::int64_t>(1, until - n.start);
      int pitch = n.pitch + (part.drums ? 0 : how.semitones);
      if (pitch < 0) pitch += 12;
      if (pitch > 127) pitch -= 12;
      n.pitch = static_cast<std::uint8_t>(pitch);
      if (how.one_track && !part.drums && !track.notes.empty()) n.channel = track.notes.front().channel;
      track.notes.push_back(n);
    }
  }
  host.sort();
  return host;
}

}  // namespace euterpe
