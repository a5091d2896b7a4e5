#include "compose/performance.hpp"

#include <algorithm>
#include <array>
#include <cmath>

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

}  // namespace

void perform(Score& score, std::string_view style) {
  const auto ensemble =
      std::find_if(kEnsembles.begin(), kEnsembles.end(), [&](const Ensemble& e) { return e.style == style; });
  const bool all_piano = std::all_of(score.tracks.begin(), score.tracks.end(),
                                     [](const Track& t) { return t.drums || t.program == kPiano; });
  if (ensemble != kEnsembles.end() && all_piano) {
    std::size_t part = 0;
    for (Track& track : score.tracks)
      if (!track.drums) set_program(track, ensemble->programs[std::min(part++, ensemble->programs.size() - 1)]);
  }
  const auto lines = score.bar_lines();
  for (std::size_t i = 0; i < score.tracks.size(); ++i) {
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

}  // namespace euterpe
