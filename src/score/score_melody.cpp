#include "score/score_melody.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

/// What tells a part that sings from one that accompanies.
struct PartTraits {
  double alone = 0;     ///< share of its notes (by length) that begin with no other of its own sounding
  double on_top = 0;    ///< share of its notes (by length) that begin as the highest of all parts
  double pitch = 0;     ///< mean, octaves above middle C
  double coverage = 0;  ///< share of the piece's sounding time in which it sounds
  double density = 0;   ///< natural logarithm of 0.1 + notes a quarter while it sounds
};

std::vector<PartTraits> part_traits(const Score& score) {
  struct Event {
    std::int64_t tick;
    bool on;  // ends come before beginnings at one tick
    std::size_t track;
    const Note* note;
  };
  std::vector<Event> events;
  for (std::size_t k = 0; k < score.tracks.size(); ++k) {
    if (score.tracks[k].drums) continue;
    for (const Note& n : score.tracks[k].notes) {
      if (n.duration <= 0) continue;
      events.push_back({n.start, true, k, &n});
      events.push_back({n.end(), false, k, &n});
    }
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.tick != b.tick ? a.tick < b.tick : a.on < b.on; });
  struct Tally {
    double length = 0, alone = 0, on_top = 0, pitch = 0, sounding = 0;
    int count = 0;
    std::int64_t since = 0;
  };
  std::vector<Tally> tallies(score.tracks.size());
  std::array<int, 128> sounding{};
  double total = 0;
  int count = 0;
  std::int64_t since = 0;
  for (std::size_t i = 0; i < events.size();) {
    const std::int64_t now = events[i].tick;
    const std::size_t from = i;
    for (; i < events.size() && events[i].tick == now; ++i) {
      const Event& e = events[i];
      Tally& t = tallies[e.track];
      const int change = e.on ? 1 : -1;
      if (e.on && t.count == 0) t.since = now;
      if (!e.on && t.count == 1) t.sounding += static_cast<double>(now - t.since);
      if (e.on && count == 0) since = now;
      if (!e.on && count == 1) total += static_cast<double>(now - since);
      sounding[e.note->pitch] += change;
      t.count += change;
      count += change;
    }
    int highest = 127;
    while (highest >= 0 && sounding[static_cast<std::size_t>(highest)] == 0) --highest;
    for (std::size_t j = from; j < i; ++j) {
      if (!events[j].on) continue;
      Tally& t = tallies[events[j].track];
      const auto length = static_cast<double>(events[j].note->duration);
      t.length += length;
      t.pitch += length * (events[j].note->pitch - 60) / 12;
      if (t.count == 1) t.alone += length;
      if (events[j].note->pitch == highest) t.on_top += length;
    }
  }
  std::vector<PartTraits> out(tallies.size());
  for (std::size_t k = 0; k < tallies.size(); ++k) {
    const Tally& t = tallies[k];
    if (t.length <= 0) continue;
    const auto notes = static_cast<double>(score.tracks[k].notes.size());
    out[k] = {t.alone / t.length, t.on_top / t.length, t.pitch / t.length, t.sounding / total,
              std::log(0.1 + notes * score.ticks_per_quarter / t.sounding)};
  }
  return out;
}

/// Logistic regression on the parts of pop909, Nottingham and the chorales (training pieces), the sets weighing 3 : 1
/// : 1.
double singing(const PartTraits& t) {
  return 6.4 * t.alone + 4.1 * t.on_top - 0.5 * t.pitch + 2.0 * t.coverage + 0.5 * t.density;
}

std::optional<std::size_t> singing_part(const Score& score) {
  constexpr double kMostlyAlone = 0.5, kSure = 0.5;
  const std::vector<PartTraits> traits = part_traits(score);
  std::optional<std::size_t> best;
  double sum = 0;
  for (std::size_t k = 0; k < traits.size(); ++k)
    if (traits[k].coverage > 0 && (!best || singing(traits[k]) > singing(traits[*best]))) best = k;
  if (!best || traits[*best].alone < kMostlyAlone) return std::nullopt;
  for (const PartTraits& t : traits)
    if (t.coverage > 0) sum += std::exp(singing(t) - singing(traits[*best]));
  return 1 / sum >= kSure ? best : std::nullopt;
}

/// The highest notes, one at a time: a note below one that sounds on for at least half of it only accompanies.
std::vector<Note> highest_line(std::vector<Note> notes) {
  std::erase_if(notes, [](const Note& n) { return n.duration <= 0; });
  std::sort(notes.begin(), notes.end(),
            [](const Note& a, const Note& b) { return a.start != b.start ? a.start < b.start : a.pitch > b.pitch; });
  std::vector<Note> line;
  for (const Note& n : notes) {
    if (!line.empty()) {
      Note& last = line.back();
      if (n.start == last.start) continue;
      if (n.pitch < last.pitch && last.end() - n.start >= n.duration / 2 && last.end() > n.start) continue;
      last.duration = std::min(last.duration, n.start - last.start);
    }
    line.push_back(n);
  }
  return line;
}

/// Where the melody rests the highest line falls into the accompaniment: further below its upper quartile than melodies
/// commonly reach.
void leave_out_accompaniment(std::vector<Note>& line) {
  constexpr int kReach = 14;  // semitones
  if (line.empty()) return;
  std::vector<int> pitches;
  for (const Note& n : line) pitches.push_back(n.pitch);
  const auto quartile = pitches.begin() + static_cast<std::ptrdiff_t>(pitches.size() * 3 / 4);
  std::nth_element(pitches.begin(), quartile, pitches.end());
  std::erase_if(line, [&](const Note& n) { return n.pitch < *quartile - kReach; });
}

}  // namespace

ScoreMelody score_melody(const Score& score) {
  ScoreMelody out;
  out.track = singing_part(score);
  out.notes = highest_line(out.track ? score.tracks[*out.track].notes : score.merged_notes());
  if (!out.track) leave_out_accompaniment(out.notes);
  return out;
}

MelodyTrack melody_track(const Score& score, const ScoreMelody& melody, double hop) {
  MelodyTrack out{hop, {}};
  if (melody.notes.empty()) return out;
  const TempoMap tempo(score);
  constexpr double kMostFrames = 4e6;
  while (tempo.seconds_at(Ticks(melody.notes.back().end())).value > kMostFrames * out.hop) out.hop *= 2;
  auto frame = [&](std::int64_t tick) {
    return static_cast<std::size_t>(std::ceil(tempo.seconds_at(Ticks(tick)).value / out.hop - 1e-9));
  };
  out.hz.assign(frame(melody.notes.back().end()), 0);
  for (const Note& n : melody.notes)
    std::fill(out.hz.begin() + static_cast<std::ptrdiff_t>(frame(n.start)),
              out.hz.begin() + static_cast<std::ptrdiff_t>(frame(n.end())),
              static_cast<float>(440 * std::exp2((n.pitch - 69) / 12.0)));
  return out;
}

}  // namespace euterpe
