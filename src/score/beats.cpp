#include "score/beats.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kChromaEvery = 4;  ///< frames of kBeatHop a chroma frame

/// Lowest pitch of each register of RhythmChannels but the first.
constexpr std::array<int, RhythmChannels::kOnsets - 1> kRegisters{43, 52, 60, 67, 76};

std::size_t register_of(const TimedNote& note) {
  if (note.drums) {
    // Bass drum, snare and toms, cymbals: where their sound lies.
    if (note.pitch <= 36) return 0;
    if (note.pitch <= 41 || note.pitch == 43 || note.pitch == 45) return 3;
    return 5;
  }
  return static_cast<std::size_t>(std::upper_bound(kRegisters.begin(), kRegisters.end(), note.pitch) -
                                  kRegisters.begin());
}

std::vector<TimedNote>::const_iterator first_from(const std::vector<TimedNote>& notes, double time) {
  return std::lower_bound(notes.begin(), notes.end(), time,
                          [](const TimedNote& note, double t) { return note.start < t; });
}

}  // namespace

std::vector<TimedNote> timed_notes(const Score& score) {
  const TempoMap tempo(score);
  std::vector<TimedNote> notes;
  for (const Track& track : score.tracks)
    for (const Note& n : track.notes)
      notes.push_back({tempo.seconds_at(Ticks(n.start)).value, tempo.seconds_at(Ticks(n.end())).value, n.pitch,
                       n.velocity, track.drums || n.channel == 9});
  std::stable_sort(notes.begin(), notes.end(),
                   [](const TimedNote& a, const TimedNote& b) { return a.start < b.start; });
  return notes;
}

RhythmChannels rhythm_channels(const std::vector<TimedNote>& notes) {
  double end = 0;
  for (const TimedNote& note : notes) end = std::max(end, note.end);
  const auto n = static_cast<std::size_t>(end / kBeatHop) + 2;
  const std::size_t m = n / kChromaEvery + 1;
  RhythmChannels channels;
  for (auto& row : channels.onsets) row.assign(n, 0);
  std::vector<float> all(12 * m), bass(12 * m);
  for (const TimedNote& note : notes) {
    const float loud = static_cast<float>(note.velocity) / 127;
    const double at = note.start / kBeatHop;
    const auto t = static_cast<std::size_t>(at);
    const auto part = static_cast<float>(at - static_cast<double>(t));
    auto& row = channels.onsets[register_of(note)];
    row[t] += (1 - part) * loud;
    row[t + 1] += part * loud;
    if (note.drums) continue;
    // A struck string fades: to half in about a second.
    const std::size_t from = std::min(m - 1, t / kChromaEvery);
    const std::size_t to =
        std::min(m, 1 + static_cast<std::size_t>(note.end / (kBeatHop * static_cast<double>(kChromaEvery))));
    float level = loud;
    for (std::size_t i = from; i < to; ++i) {
      all[static_cast<std::size_t>(note.pitch % 12) * m + i] += level;
      if (note.pitch < 55) bass[static_cast<std::size_t>(note.pitch % 12) * m + i] += level;
      level *= 0.97F;
    }
  }
  const auto frames = [](double seconds) {
    return static_cast<std::size_t>(std::lround(seconds / (kBeatHop * static_cast<double>(kChromaEvery))));
  };
  const std::array<std::vector<float>, RhythmChannels::kChanges> coarse{
      chroma_change(all, m, frames(0.4)), chroma_change(all, m, frames(1.2)), chroma_change(bass, m, frames(0.4))};
  for (std::size_t c = 0; c < coarse.size(); ++c) {
    channels.changes[c].resize(n);
    for (std::size_t t = 0; t < n; ++t) channels.changes[c][t] = coarse[c][t / kChromaEvery];
  }
  return channels;
}

BeatTrack track_beats(const std::vector<TimedNote>& notes) {
  double end = 0;
  for (const TimedNote& note : notes) end = std::max(end, note.end);
  return track_in_windows(end, [&](double from, double to) {
    std::vector<TimedNote> part;
    for (auto note = first_from(notes, from); note != notes.end() && note->start < to; ++note)
      part.push_back({note->start - from, std::min(note->end, to) - from, note->pitch, note->velocity, note->drums});
    BeatTrack track;
    if (part.empty()) return track;
    track = decode_beats(score_beat_network()(rhythm_channels(part)));
    for (Beat& beat : track.beats) beat.time += from;
    return track;
  });
}

}  // namespace euterpe
