#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "corpus/datasets.hpp"
#include "evaluate/beat_metrics.hpp"
#include "evaluate/task.hpp"
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
namespace fs = std::filesystem;

constexpr int kRate = 22050, kHop = 512;

struct Song {
  fs::path midi, beats;
};

std::vector<Song> find_songs(const EvaluateOptions& options) {
  const std::string split = options.split.empty() ? "test" : options.split;
  if (split != "all" && split != "train" && split != "valid" && split != "test")
    throw Error(Category::usage, "evaluate beat", split + ": no such split", "train, valid, test or all");
  std::vector<Song> songs;
  for (const auto& entry : fs::directory_iterator(options.data)) {
    const std::string number = entry.path().filename().string();
    const Song song{entry.path() / (number + ".mid"), entry.path() / "beat_midi.txt"};
    if (!fs::is_regular_file(song.midi) || !fs::is_regular_file(song.beats)) continue;
    if (split == "all" || split_of("pop909/" + number) == split) songs.push_back(song);
  }
  std::sort(songs.begin(), songs.end(), [](const Song& a, const Song& b) { return a.midi < b.midi; });
  if (options.limit > 0 && songs.size() > static_cast<std::size_t>(options.limit))
    songs.resize(static_cast<std::size_t>(options.limit));
  if (songs.empty())
    throw Error(Category::not_found, "evaluate beat", options.data.string() + ": no song of split " + split,
                "the folder holds NNN/NNN.mid and NNN/beat_midi.txt, as POP909 has them");
  return songs;
}

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
std::vector<Beat> reference_beats(const fs::path& path) {
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

/// One figure a song.
struct Figures {
  std::vector<double> f, baseline, downbeat, cmlt, amlt, meter;
  explicit Figures(std::size_t n) : f(n), baseline(n), downbeat(n), cmlt(n), amlt(n), meter(n) {}

  void measure(std::size_t i, const std::vector<Beat>& reference, const BeatTrack& track,
               const std::vector<double>& baseline_beats) {
    const auto truth = times(reference, false), found = times(track.beats, false);
    f[i] = beat_f_measure(truth, found);
    baseline[i] = beat_f_measure(truth, baseline_beats);
    downbeat[i] = beat_f_measure(times(reference, true), times(track.beats, true));
    const BeatContinuity continuity = beat_continuity(truth, found);
    cmlt[i] = continuity.cmlt;
    amlt[i] = continuity.amlt;
    meter[i] = usual_bar(reference) == track.beats_per_bar ? 1 : 0;
  }

  nlohmann::json report() const {
    nlohmann::json out{{"n", f.size()}};
    const auto add = [&](const char* key, const std::vector<double>& x) {
      double mean = 0, square = 0;
      for (const double v : x) mean += v / static_cast<double>(x.size());
      for (const double v : x) square += (v - mean) * (v - mean);
      out[key] = mean;
      const auto n = static_cast<double>(x.size());
      out[std::string(key) + "_se"] = x.size() > 1 ? std::sqrt(square / (n - 1) / n) : 0.0;
    };
    add("f_measure", f);
    add("baseline", baseline);
    add("downbeat_f_measure", downbeat);
    add("cmlt", cmlt);
    add("amlt", amlt);
    add("meter_accuracy", meter);
    return out;
  }
};

nlohmann::json measure_scores(const std::vector<Song>& songs) {
  Figures figures(songs.size());
  Progress progress("beats of scores", songs.size(), "songs");
  parallel_for(songs.size(), [&](std::size_t i) {
    const Score score = read_midi(songs[i].midi).score;
    const auto notes = timed_notes(score);
    const auto baseline = reference_algorithm(note_envelope(notes));
    figures.measure(i, reference_beats(songs[i].beats), track_beats(notes), baseline);
    progress.advance();
  });
  return figures.report();
}

nlohmann::json measure_audio(const std::vector<Song>& songs) {
  Figures figures(songs.size());
  Progress progress("beats of audio", songs.size(), "songs");
  parallel_for(songs.size(), [&](std::size_t i) {
    SynthesisOptions options;
    options.sample_rate = kRate;
    options.channels = 1;
    const AudioBuffer audio = synthesize(read_midi(songs[i].midi).score, options);
    const Matrix mel = mel_spectrogram(power_spectrogram(audio.channel(0), kRate), kRate);
    const auto baseline = reference_algorithm(onset_strength(power_to_db(mel), 3, BandAggregate::median));
    figures.measure(i, reference_beats(songs[i].beats), track_beats(audio.channel(0)), baseline);
    progress.advance();
  });
  return figures.report();
}

}  // namespace

nlohmann::json evaluate_beat(const EvaluateOptions& options) {
  const auto source = options.extra.find("source");
  const std::string only = source == options.extra.end() ? "" : source->second;
  if (!only.empty() && only != "score" && only != "audio")
    throw Error(Category::usage, "evaluate beat", only + ": no such source", "score or audio");
  const auto songs = find_songs(options);
  nlohmann::json report{{"split", options.split.empty() ? "test" : options.split}, {"trimmed_seconds", kBeatTrim}};
  if (only != "audio") report.update(measure_scores(songs));
  if (only != "score") report["audio"] = measure_audio(songs);
  return report;
}

}  // namespace euterpe
