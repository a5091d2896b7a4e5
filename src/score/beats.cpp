#include "score/beats.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kChromaEvery = 4;  ///< frames of kBeatHop a chroma frame

/// Share of the onsets on the sixteenths of the ticks at which a score is held to follow its ticks.
constexpr double kFollowed = 0.55;
/// Share of the clarity of the best path's beats that is clear enough for the tempo map's.
constexpr double kNearly = 0.85;

/// Mean probability by which shifted beats must sound clearer than those on the ticks.
constexpr double kNotated = 0.3;

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

/// How well onsets stand on the sixteenths of the ticks, all of them shifted by `shift` quarters (0 … 1/4).
struct Grid {
  double shift = 0;
  double share = 0;  ///< of the onsets that lie within a 48th of a quarter of a sixteenth: a sixth by chance
};

/// The best shift, in steps of a 96th of a quarter; share 0 where ticks are too coarse to tell.
Grid find_grid(const Score& score) {
  if (score.ticks_per_quarter < 48) return {};
  constexpr int kSteps = 24, kReach = 2;
  std::array<double, kSteps> histogram{};
  double all = 0;
  for (const Track& track : score.tracks)
    for (const Note& note : track.notes) {
      const double sixteenths = 4.0 * static_cast<double>(note.start) / score.ticks_per_quarter;
      const long step = std::lround((sixteenths - std::floor(sixteenths)) * kSteps);
      ++histogram[static_cast<std::size_t>(step % kSteps)];
      ++all;
    }
  Grid best;
  for (int step = 0; step < kSteps; ++step) {
    double sum = 0;
    for (int d = -kReach; d <= kReach; ++d) sum += histogram[static_cast<std::size_t>((step + d + kSteps) % kSteps)];
    if (sum / all > best.share + 1e-9) best = {step / (4.0 * kSteps), sum / all};
  }
  return best;
}

/// Mean probability of a beat at each of `beats` (± 2 frames) that lies within the odds, whose frame 0 is at `from`.
double support(const BeatLogOdds& odds, const std::vector<Beat>& beats, double from) {
  double sum = 0;
  std::size_t n = 0;
  for (const Beat& beat : beats) {
    const auto frame = std::lround((beat.time - from) / odds.hop);
    if (frame < 2 || frame + 2 >= static_cast<long>(odds.beat.size())) continue;
    double best = 0;
    for (long t = frame - 2; t <= frame + 2; ++t) {
      const auto i = static_cast<std::size_t>(t);
      best = std::max(best, 1 - 1 / (1 + std::exp(double{odds.beat[i]}) + std::exp(double{odds.downbeat[i]})));
    }
    sum += best;
    ++n;
  }
  return n > 0 ? sum / static_cast<double>(n) : 0;
}

/// What downbeats on the place `first` of bars of `bar` beats gain over no bars at all, in nats a bar.
double gain_of_bars(const BeatTrack& track, const BeatLogOdds& odds, double from, int bar, int first) {
  double sum = 0;
  int bars = 0;
  for (std::size_t i = static_cast<std::size_t>(first); i < track.beats.size(); i += static_cast<std::size_t>(bar)) {
    const auto frame = std::lround((track.beats[i].time - from) / odds.hop);
    if (frame < 0 || frame >= static_cast<long>(odds.beat.size())) continue;
    sum += odds.downbeat[static_cast<std::size_t>(frame)] - odds.beat[static_cast<std::size_t>(frame)];
    ++bars;
  }
  return bars > 0 ? sum / bars : 0;
}

/// Bars where downbeats are heard: of 4 or 3 beats, or of `beats_per_bar` if it is not 0.
void hear_bars(BeatTrack& track, const BeatLogOdds& odds, double from, int beats_per_bar) {
  double best = -1e9;
  int bar = beats_per_bar;
  for (const int length : {4, 3})
    for (int place = 0; place < length && beats_per_bar == 0; ++place) {
      const double gain = gain_of_bars(track, odds, from, length, place);
      if (gain > best) best = gain, bar = length;
    }
  track.beats_per_bar = bar;
  place_bars(track.beats, bar, odds, from);
}

/// Whether downbeats are heard on another beat of equal notated bars, more clearly by a nat a bar.
bool bars_are_elsewhere(const BeatTrack& track, const BeatLogOdds& odds, double from) {
  const int bar = track.beats_per_bar;
  for (std::size_t i = 1; i < track.beats.size(); ++i)
    if (track.beats[i].position != track.beats[i - 1].position % bar + 1) return false;
  const int written = (bar - track.beats.front().position + 1) % bar;
  const double gain = gain_of_bars(track, odds, from, bar, written);
  for (int place = 0; place < bar; ++place)
    if (gain_of_bars(track, odds, from, bar, place) > gain + 1) return true;
  return false;
}

/// Beats on the ticks of the time signatures, all of them shifted by `shift` quarters.
BeatTrack beats_of_ticks(const Score& score, double shift) {
  BeatTrack track;
  const std::size_t notes = score.note_count();
  const std::int64_t end = score.end_tick();
  if (notes == 0 || static_cast<std::size_t>(end / score.ticks_per_quarter) / 25 > notes + 100) return track;
  std::int64_t first = end;
  for (const Track& part : score.tracks)
    for (const Note& note : part.notes) first = std::min(first, note.start);
  const TempoMap tempo(score);
  const auto offset = static_cast<std::int64_t>(std::llround(shift * score.ticks_per_quarter));
  std::map<int, int> bars;
  const std::vector<std::int64_t> lines = score.bar_lines();
  for (std::size_t bar = 0; bar + 1 < lines.size(); ++bar) {
    if (lines[bar + 1] + offset <= first) continue;
    const TimeSignature& meter = score.meter_at(lines[bar]);
    const int notes_a_beat = meter.denominator >= 8 && meter.numerator > 3 && meter.numerator % 3 == 0 ? 3 : 1;
    ++bars[meter.numerator / notes_a_beat];
    int position = 0;
    for (std::int64_t k = 0;; ++k) {
      // From the bar line on, so that beats that are no whole ticks do not drift.
      const std::int64_t tick = lines[bar] + k * notes_a_beat * 4 * score.ticks_per_quarter / meter.denominator;
      if (tick + offset >= end || tick >= lines[bar + 1]) break;
      track.beats.push_back({tempo.seconds_at(Ticks(tick + offset)).value, ++position});
    }
  }
  int most = 0;
  for (const auto& [length, count] : bars)
    if (count > most) most = count, track.beats_per_bar = length;
  track.tempo = median_tempo(track.beats);
  track.confidence = 1;
  return track;
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

BeatTrack notated_beats(const Score& score) { return beats_of_ticks(score, 0); }

BeatTrack score_beats(const Score& score) {
  BeatTrack track = notated_beats(score);
  const std::vector<TimedNote> notes = timed_notes(score);
  if (track.beats.empty()) return track_beats(notes);
  // The first ten minutes tell what kind of file it is.
  std::vector<TimedNote> begin(notes.begin(), first_from(notes, notes.front().start + 600));
  const double from = begin.front().start;
  for (TimedNote& note : begin) {
    note.end = std::min(note.end, from + 600) - from;
    note.start -= from;
  }
  const BeatLogOdds odds = score_beat_network()(rhythm_channels(begin));
  const Grid grid = find_grid(score);
  const bool followed = grid.share >= kFollowed;
  double shift = 0, best = support(odds, track.beats, from);
  if (followed) {
    const bool on_ticks = std::min(grid.shift, 0.25 - grid.shift) <= 1.0 / 48;
    best += on_ticks ? kNotated : 0;
    for (int sixteenth = on_ticks ? 1 : 0; sixteenth < 4; ++sixteenth) {
      const double candidate = (on_ticks ? 0 : grid.shift) + sixteenth / 4.0;
      BeatTrack shifted = beats_of_ticks(score, candidate);
      const double found = support(odds, shifted.beats, from);
      if (found > best) best = found, shift = candidate, track = std::move(shifted);
    }
  } else if (best < kNearly * support(odds, decode_beats(odds).beats, 0)) {
    return track_beats(notes);
  }
  const bool meter = !score.meters.empty() && track.beats_per_bar > 1;
  if (!meter || shift != 0 || bars_are_elsewhere(track, odds, from))
    hear_bars(track, odds, from, meter ? track.beats_per_bar : 0);
  return track;
}

}  // namespace euterpe
