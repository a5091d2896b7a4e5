#include "compose/performance.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/random.hpp"
#include "score/remi_vocabulary.hpp"
#include "score/struck_again.hpp"

namespace euterpe {
namespace {

/// General MIDI programs for the parts of a style, in order; the last serves all further parts.
struct Ensemble {
  std::string_view style;
  std::array<std::uint8_t, 4> programs;
};
constexpr std::uint8_t kPiano = 0, kNylonGuitar = 24, kViolin = 40, kFlute = 73, kElectricPiano = 4;
constexpr std::array kEnsembles{
    Ensemble{"folk", {kViolin, kNylonGuitar, kFlute, kNylonGuitar}},
    Ensemble{"pop", {kFlute, kElectricPiano, kPiano, kPiano}},
};

constexpr double kMelodyLevel = 88, kAccompanimentLevel = 68;
constexpr double kDownbeat = 10, kBeat = 4, kOffbeat = -6, kPhraseSwell = 7;
constexpr double kPhraseBars = 4;

void set_program(Track& track, std::uint8_t program) {
  track.program = program;
  for (ChannelEvent& e : track.events)
    if (e.status == 0xC0) e.data1 = program;
}

bool has_dynamics(const Track& track) {
  return std::any_of(track.notes.begin(), track.notes.end(),
                     [&](const Note& n) { return n.velocity != track.notes.front().velocity; });
}

bool on_grid(const Track& track, int ticks_per_quarter) {
  return std::all_of(track.notes.begin(), track.notes.end(),
                     [&](const Note& n) { return n.start * kGridPerQuarter % ticks_per_quarter == 0; });
}

constexpr double kDrift = 0.003, kDriftKept = 0.85;  // seconds a note, and the share of it that the next one keeps
constexpr double kSpread = 0.004;                    // between neighboring notes of a chord, from the lowest up
constexpr double kLoudness = 2.5;                    // standard deviation of a note's velocity
constexpr std::uint8_t kPan = 10;                    // the controller of the place between left and right

/// Parts are seated alternately to the left and to the right, the first in the middle, drums too.
void seat(Track& track, std::size_t part) {
  if (track.drums || track.notes.empty()) return;
  for (const ChannelEvent& e : track.events)
    if (e.status == 0xB0 && e.data1 == kPan) return;
  constexpr std::array<std::uint8_t, 5> kSeats{64, 44, 84, 32, 96};
  track.events.insert(track.events.begin(), {0, 0xB0, track.notes.front().channel, kPan, kSeats[part % kSeats.size()]});
}

}  // namespace

void perform(Score& score, std::string_view style, std::size_t first_track) {
  const auto ensemble =
      std::find_if(kEnsembles.begin(), kEnsembles.end(), [&](const Ensemble& e) { return e.style == style; });
  const bool all_piano = std::all_of(score.tracks.begin() + static_cast<std::ptrdiff_t>(first_track),
                                     score.tracks.end(), [](const Track& t) { return t.drums || t.program == kPiano; });
  if (ensemble != kEnsembles.end() && all_piano) {
    // Where a melody was given, its player is chosen: the others begin with the second chair.
    std::size_t part = first_track > 0 ? 1 : 0;
    for (std::size_t i = first_track; i < score.tracks.size(); ++i)
      if (!score.tracks[i].drums)
        set_program(score.tracks[i], ensemble->programs[std::min(part++, ensemble->programs.size() - 1)]);
  }
  const auto lines = score.bar_lines();
  for (std::size_t i = first_track; i < score.tracks.size(); ++i) {
    if (has_dynamics(score.tracks[i])) continue;
    // A chorale's four voices are equals; elsewhere the first part carries the tune.
    const double level = style == "chorale" ? (i == 0 ? kMelodyLevel - 6 : kMelodyLevel - 12)
                         : i == 0           ? kMelodyLevel
                                            : kAccompanimentLevel;
    for (Note& note : score.tracks[i].notes) {
      const auto after = std::upper_bound(lines.begin(), lines.end(), note.start);
      const auto bar = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, after - lines.begin() - 1));
      const std::int64_t place = note.start - lines[bar];
      const double accent = place == 0 ? kDownbeat : place % score.ticks_per_quarter == 0 ? kBeat : kOffbeat;
      const double phrase = std::fmod(static_cast<double>(bar), kPhraseBars) / kPhraseBars;
      const double swell = kPhraseSwell * std::sin(3.141592653589793 * (phrase + 0.125));
      note.velocity = static_cast<std::uint8_t>(std::clamp(level + accent + swell, 20.0, 120.0));
    }
  }
}

Score played(const Score& score) {
  Score out = score;
  std::size_t part = 0;
  for (std::size_t i = 0; i < out.tracks.size(); ++i) {
    Track& track = out.tracks[i];
    if (track.notes.empty()) continue;
    if (!on_grid(track, out.ticks_per_quarter)) {
      ++part;
      continue;
    }
    if (!track.drums) seat(track, part++);
    Random random = Random::stream(0x706c6179, i);
    double drift = 0;
    std::int64_t onset = -1;
    std::size_t above = 0;
    for (Note& note : track.notes) {  // in order of onset, then of pitch
      const bool chord = note.start == onset;
      above = chord ? above + 1 : 0;
      if (!chord) drift = kDriftKept * drift + kDrift * random.normal();
      onset = note.start;
      // Drummers keep time; their hands meet.
      const double off = track.drums ? 0.4 * drift : drift + kSpread * static_cast<double>(above);
      const Seconds at = score.seconds_at(Ticks(note.start));
      const std::int64_t end = note.end();
      note.start = score.tick_at(Seconds(std::max(0.0, at.value + std::clamp(off, -kMostPlayed, kMostPlayed)))).value;
      note.duration = std::max<std::int64_t>(1, end - note.start);
      note.velocity =
          static_cast<std::uint8_t>(std::clamp(std::lround(note.velocity + kLoudness * random.normal()), 1L, 127L));
    }
    cut_where_struck_again(track.notes);
  }
  out.sort();
  return out;
}

}  // namespace euterpe
