#include "score/score_description.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "score/beat_evidence.hpp"
#include "score/score_melody.hpp"

namespace euterpe {
namespace {

using Figures = std::map<std::string, double>;

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

float sum(const PitchClassWeights& weights) { return std::accumulate(weights.begin(), weights.end(), 0.0F); }

/// Onsets of each beat: all, and those that no other note shares.
struct Onsets {
  int notes = 0, alone = 0;
};

/// Also counts where in the beat they fall.
std::vector<Onsets> count_onsets(const std::vector<Note>& notes, const BeatEvidence& evidence, std::int64_t together,
                                 Figures& out) {
  std::vector<Onsets> beats(evidence.beats.size());
  double on_beat = 0, on_half = 0, moments = 0;
  std::size_t beat = 0;
  for (std::size_t i = 0; i < notes.size();) {
    std::size_t j = i + 1;
    while (j < notes.size() && notes[j].start - notes[i].start <= together) ++j;
    const std::int64_t tick = notes[i].start;
    while (beat + 1 < beats.size() && evidence.ticks[beat + 1] <= tick) ++beat;
    const double length = static_cast<double>(evidence.ticks[beat + 1] - evidence.ticks[beat]);
    const double sixteenth = std::round(4 * static_cast<double>(tick - evidence.ticks[beat]) / length);
    // A note just before the beat belongs to the beat that it meets.
    const std::size_t meets = sixteenth == 4 && beat + 1 < beats.size() ? beat + 1 : beat;
    ++moments;
    if (sixteenth == 0 || sixteenth == 4) ++on_beat;
    if (sixteenth == 2) ++on_half;
    beats[meets].notes += static_cast<int>(j - i);
    if (j - i == 1) ++beats[meets].alone;
    i = j;
  }
  out["onsets_on_beat"] = share(on_beat, moments);
  out["onsets_on_half_beat"] = share(on_half, moments);
  out["onsets_between"] = share(moments - on_beat - on_half, moments);
  return beats;
}

void put_texture(const BeatEvidence& evidence, const std::vector<Onsets>& onsets, Figures& out) {
  constexpr float kOneAtATime = 1.1F;  // legato overlaps a little
  double one = 0, together = 0, alone = 0, sounding = 0, notes = 0;
  for (std::size_t t = 0; t < evidence.beats.size(); ++t) {
    const float any = sum(evidence.beats[t].bass), all = sum(evidence.beats[t].all);
    if (any <= 0) continue;
    sounding += any;
    notes += all;
    if (all <= kOneAtATime * any)
      ++one;
    else
      ++(2 * onsets[t].alone > onsets[t].notes ? alone : together);
  }
  const double beats = one + together + alone;
  out["polyphony"] = share(notes, sounding);
  out["texture_monophonic"] = share(one, beats);
  out["texture_homophonic"] = share(together, beats);
  out["texture_polyphonic"] = share(alone, beats);
}

void put_range(const std::vector<Note>& notes, const std::string& lowest, const std::string& highest,
               const std::string& range, Figures& out) {
  const auto [low, high] =
      std::minmax_element(notes.begin(), notes.end(), [](const Note& a, const Note& b) { return a.pitch < b.pitch; });
  out[lowest] = notes.empty() ? 0 : low->pitch;
  out[highest] = notes.empty() ? 0 : high->pitch;
  out[range] = out[highest] - out[lowest];
}

/// Ticks in which any of the notes sounds; they are in order of time.
double sounding_ticks(const std::vector<Note>& notes) {
  std::int64_t total = 0, until = 0;
  for (const Note& n : notes) {
    total += std::max<std::int64_t>(0, n.end() - std::max(n.start, until));
    until = std::max(until, n.end());
  }
  return static_cast<double>(total);
}

}  // namespace

std::map<std::string, double> describe(const Score& score) {
  Figures out;
  const std::vector<Note> notes = score.merged_notes();
  const BeatEvidence evidence = beat_evidence(score);
  const auto count = static_cast<double>(notes.size());
  out["notes_per_second"] = share(static_cast<double>(score.note_count()), score.duration().value);
  out["notes_per_beat"] = share(count, static_cast<double>(evidence.beats.size()));
  put_range(notes, "ambitus_lowest", "ambitus_highest", "ambitus", out);
  put_texture(evidence, count_onsets(notes, evidence, score.ticks_per_quarter / 16, out), out);

  const ScoreMelody melody = score_melody(score);
  put_range(melody.notes, "melody_lowest", "melody_highest", "melody_range", out);
  out["melody_share"] = share(sounding_ticks(melody.notes), sounding_ticks(notes));

  double velocity = 0, squares = 0;
  for (const Note& n : notes) velocity += n.velocity;
  velocity = share(velocity, count);
  for (const Note& n : notes) squares += (n.velocity - velocity) * (n.velocity - velocity);
  out["velocity_mean"] = velocity;
  out["velocity_deviation"] = std::sqrt(share(squares, count));
  return out;
}

}  // namespace euterpe
