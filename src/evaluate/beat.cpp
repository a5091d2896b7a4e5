/// Beats of POP909's songs against beat_midi.txt. As mir_eval does, beats of the first five seconds are left out, in
/// the annotation and in what is found. The figures of scores are of the notes in seconds alone; `with_tempo_map` has
/// those of score_beats(), which looks at the tempo map and the bar lines too.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "evaluate/annotated_songs.hpp"
#include "evaluate/beat_metrics.hpp"
#include "media/synthesize.hpp"
#include "score/annotation_formats.hpp"
#include "score/beats.hpp"
#include "score/midi.hpp"
#include "signal/beat.hpp"
#include "signal/beat_tracking.hpp"
#include "signal/mel.hpp"
#include "signal/onset.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {
constexpr int kRate = 22050, kHop = 512;

std::vector<double> times(const std::vector<Beat>& beats, bool downbeats) {
  std::vector<double> out;
  for (const Beat& beat : beats)
    if (!downbeats || beat.position == 1) out.push_back(beat.time);
  return trim_beats(std::move(out));
}

/// Beats of the commonest bar, 0 without bars.
int usual_bar(const std::vector<Beat>& beats) {
  std::map<int, int> lengths;
  for (std::size_t i = 1; i < beats.size(); ++i)
    if (beats[i].position == 1 && beats[i - 1].position > 0) ++lengths[beats[i - 1].position];
  int bar = 0, most = 0;
  for (const auto& [length, count] : lengths)
    if (count > most) most = count, bar = length;
  return bar;
}

/// POP909's second column marks every second or third beat, the third column every fourth or sixth: songs in three have
/// bars of six there. A bar of three is what is heard.
std::vector<Beat> reference_beats(const std::filesystem::path& path) {
  std::vector<Beat> beats = read_beats(path);
  if (usual_bar(beats) == 6)
    for (Beat& beat : beats)
      if (beat.position > 3) beat.position -= 3;
  return beats;
}

/// Onset envelope of the notes, for the reference algorithm: velocity of what begins in each frame.
std::vector<float> note_envelope(const std::vector<TimedNote>& notes) {
  double end = 0;
  for (const TimedNote& note : notes) end = std::max(end, note.end);
  std::vector<float> envelope(static_cast<std::size_t>(end * kRate / kHop) + 2);
  for (const TimedNote& note : notes)
    envelope[static_cast<std::size_t>(std::lround(note.start * kRate / kHop))] +=
        static_cast<float>(note.velocity) / 127;
  return envelope;
}

std::vector<double> reference_algorithm(std::span<const float> envelope) {
  std::vector<double> out;
  for (const std::size_t frame : beat_track(envelope, kRate, kHop).frames)
    out.push_back(static_cast<double>(frame) * kHop / kRate);
  return trim_beats(std::move(out));
}

using Values = std::vector<std::pair<double, double>>;

struct Found {
  Values f, baseline, downbeat, cmlt, amlt, meter;

  explicit Found(std::size_t n) : f(n), baseline(n), downbeat(n), cmlt(n), amlt(n), meter(n) {}
  void set(std::size_t song, const std::vector<Beat>& reference, const BeatTrack& track,
           const std::vector<double>& baseline_beats) {
    const auto truth = times(reference, false), found = times(track.beats, false);
    f[song] = {beat_f_measure(truth, found), 1};
    baseline[song] = {beat_f_measure(truth, baseline_beats), 1};
    downbeat[song] = {beat_f_measure(times(reference, true), times(track.beats, true)), 1};
    const BeatContinuity continuity = beat_continuity(truth, found);
    cmlt[song] = {continuity.cmlt, 1};
    amlt[song] = {continuity.amlt, 1};
    meter[song] = {usual_bar(reference) == track.beats_per_bar ? 1 : 0, 1};
  }
  void report(nlohmann::json& out) const {
    put(out, "f_measure", weighted_mean(f));
    put(out, "baseline", weighted_mean(baseline));
    put(out, "downbeat_f_measure", weighted_mean(downbeat));
    put(out, "cmlt", weighted_mean(cmlt));
    put(out, "amlt", weighted_mean(amlt));
    put(out, "meter_accuracy", weighted_mean(meter));
  }
};

}  // namespace

nlohmann::json evaluate_beat(const EvaluateOptions& options) {
  const auto songs = annotated_songs(options, "beat_midi.txt");
  const bool from_score = measures(options, "score"), from_audio = measures(options, "audio");
  Found heard(songs.size()), recordings(songs.size());
  Values notated(songs.size()), notated_downbeat(songs.size());
  Progress progress("beat", songs.size(), "songs");
  parallel_for(songs.size(), [&](std::size_t i) {
    check_interrupt();
    const std::vector<Beat> reference = reference_beats(songs[i].annotation);
    const Score score = read_midi(songs[i].midi).score;
    if (from_score) {
      const std::vector<TimedNote> notes = timed_notes(score);
      heard.set(i, reference, track_beats(notes), reference_algorithm(note_envelope(notes)));
      const BeatTrack track = score_beats(score);
      notated[i] = {beat_f_measure(times(reference, false), times(track.beats, false)), 1};
      notated_downbeat[i] = {beat_f_measure(times(reference, true), times(track.beats, true)), 1};
    }
    if (from_audio) {
      const AudioBuffer audio = synthesize(score, {.sample_rate = kRate, .channels = 1});
      const std::span<const float> mono = audio.channel(0);
      const Matrix mel = mel_spectrogram(power_spectrogram(mono, kRate), kRate);
      recordings.set(i, reference, track_beats(mono),
                     reference_algorithm(onset_strength(power_to_db(mel), 3, BandAggregate::median)));
    }
    progress.advance();
  });
  nlohmann::json report{
      {"split", options.split.empty() ? "test" : options.split}, {"n", songs.size()}, {"trimmed_seconds", kBeatTrim}};
  if (from_score) {
    heard.report(report);
    report["with_tempo_map"] = nlohmann::json::object();
    put(report["with_tempo_map"], "f_measure", weighted_mean(notated));
    put(report["with_tempo_map"], "downbeat_f_measure", weighted_mean(notated_downbeat));
  }
  if (from_audio) {
    report["audio"] = {{"n", songs.size()}};
    recordings.report(report["audio"]);
  }
  return report;
}

}  // namespace euterpe
