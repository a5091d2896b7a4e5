#include "score/profile.hpp"

#include <algorithm>
#include <numeric>

#include "score/descriptors.hpp"
#include "score/key.hpp"
#include "score/notation.hpp"

namespace euterpe {
namespace {

template <std::size_t N>
void to_shares(std::array<double, N>& counts) {
  const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
  if (sum <= 0) return;
  for (double& count : counts) count /= sum;
}

/// Names the family of each note of a track in turn: a format 0 file has many instruments on one.
class Families {
 public:
  explicit Families(const Track& track) : track_(track) { programs_.fill(track.program); }

  std::string_view of(const Note& note) {
    for (; next_ < track_.events.size() && track_.events[next_].tick <= note.start; ++next_) {
      const ChannelEvent& e = track_.events[next_];
      if (e.status == 0xC0) programs_[e.channel] = e.data1;
    }
    return note.channel == 9 ? "Drums" : program_family(programs_[note.channel]);
  }

 private:
  const Track& track_;
  std::array<std::uint8_t, 16> programs_{};
  std::size_t next_ = 0;
};

}  // namespace

ScoreProfile profile(const Score& score) {
  ScoreProfile out;
  out.pitch_classes = pitch_class_durations(score);
  to_shares(out.pitch_classes);

  double notes = 0, onsets = 0, chords = 0;
  for (const Track& track : score.tracks) {
    Families families(track);
    int before = -1;
    for (std::size_t i = 0; i < track.notes.size();) {
      const std::int64_t onset = track.notes[i].start;
      int highest = -1, struck = 0;
      for (; i < track.notes.size() && track.notes[i].start == onset; ++i) {
        const Note& note = track.notes[i];
        out.instruments[std::string(families.of(note))] += 1;
        ++notes;
        if (note.channel == 9) continue;
        highest = std::max<int>(highest, note.pitch);
        ++struck;
      }
      if (highest < 0) continue;
      ++onsets;
      if (struck > 1) ++chords;
      constexpr int kOctave = 12;
      if (before >= 0)
        out.intervals[static_cast<std::size_t>(std::clamp(highest - before, -kOctave, kOctave) + kOctave)] += 1;
      before = highest;
    }
  }
  to_shares(out.intervals);
  for (auto& [family, count] : out.instruments) count /= notes;

  const auto grid = grid_notes(score);
  int end = 0;
  for (const GridNote& note : grid) end = std::max(end, note.onset + note.length);
  constexpr int kBar = 16;
  out.statistics = score_statistics(grid, (end + kBar - 1) / kBar);
  out.statistics["chord_onsets"] = onsets > 0 ? chords / onsets : 0;
  return out;
}

}  // namespace euterpe
