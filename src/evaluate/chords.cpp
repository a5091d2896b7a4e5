/// Chords of POP909's songs against chord_midi.txt: mir_eval's weighted chord symbol recall, all songs' seconds pooled.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "evaluate/annotated_songs.hpp"
#include "evaluate/chord_recall.hpp"
#include "media/synthesize.hpp"
#include "score/annotation_formats.hpp"
#include "score/harmony.hpp"
#include "score/midi.hpp"
#include "signal/audio_harmony.hpp"
#include "signal/frame_descriptors.hpp"

namespace euterpe {
namespace {

/// The baseline: of the 24 major and minor triads the one that most of what sounds belongs to.
Chord best_triad(const std::array<double, 12>& weights) {
  Chord best;
  double most = 0;
  for (const ChordQuality quality : {ChordQuality::major, ChordQuality::minor})
    for (int root = 0; root < 12; ++root) {
      double sum = 0;
      for (int i = 0; i < 12; ++i)
        if (chord_intervals(quality) >> i & 1) sum += weights[static_cast<std::size_t>((root + i) % 12)];
      if (sum > most) most = sum, best = {root, quality, 0};
    }
  return best;
}

std::vector<ChordSegment> beat_triads(const Score& score) {
  const BeatEvidence evidence = beat_evidence(score);
  std::vector<ChordSegment> chords;
  for (std::size_t t = 0; t < evidence.beats.size(); ++t) {
    std::array<double, 12> weights;
    std::copy(evidence.beats[t].all.begin(), evidence.beats[t].all.end(), weights.begin());
    chords.push_back({evidence.times[t], evidence.times[t + 1], best_triad(weights), 0});
  }
  return chords;
}

/// Of half seconds, for a recording does not say where its beats are.
std::vector<ChordSegment> half_second_triads(std::span<const float> mono22050) {
  constexpr std::size_t kFrames = 22;
  const FrameDescriptors frames = frame_descriptors(mono22050);
  std::vector<ChordSegment> chords;
  for (std::size_t t = 0; t < frames.frames(); t += kFrames) {
    const std::size_t end = std::min(t + kFrames, frames.frames());
    std::array<double, 12> weights{};
    for (std::size_t pc = 0; pc < 12; ++pc)
      for (std::size_t i = t; i < end; ++i) weights[pc] += frames.chroma.row(pc)[i];
    chords.push_back({static_cast<double>(t) * FrameDescriptors::kHopSeconds,
                      static_cast<double>(end) * FrameDescriptors::kHopSeconds, best_triad(weights), 0});
  }
  return chords;
}

constexpr std::array<std::pair<ChordComparison, const char*>, 3> kComparisons{
    {{ChordComparison::majmin, "wcsr_majmin"},
     {ChordComparison::root, "wcsr_root"},
     {ChordComparison::sevenths, "wcsr_sevenths"}}};

/// Recall of every song by each comparison, and of the baseline by majmin.
struct Found {
  std::array<std::vector<std::pair<double, double>>, kComparisons.size()> recall;
  std::vector<std::pair<double, double>> baseline;

  explicit Found(std::size_t songs) : baseline(songs) {
    for (auto& r : recall) r.resize(songs);
  }
  void set(std::size_t song, const std::vector<ChordSegment>& reference, const std::vector<ChordSegment>& chords,
           const std::vector<ChordSegment>& plain) {
    for (std::size_t k = 0; k < kComparisons.size(); ++k)
      recall[k][song] = chord_recall(reference, chords, kComparisons[k].first);
    baseline[song] = chord_recall(reference, plain, ChordComparison::majmin);
  }
  void report(nlohmann::json& out) const {
    for (std::size_t k = 0; k < kComparisons.size(); ++k) put(out, kComparisons[k].second, weighted_mean(recall[k]));
    put(out, "baseline", weighted_mean(baseline));
  }
};

}  // namespace

nlohmann::json evaluate_chords(const EvaluateOptions& options) {
  const auto songs = annotated_songs(options, "chord_midi.txt");
  const bool from_score = measures(options, "score"), from_audio = measures(options, "audio");
  Found scores(songs.size()), recordings(songs.size());
  Progress progress("chords", songs.size(), "songs");
  parallel_for(songs.size(), [&](std::size_t i) {
    check_interrupt();
    const std::vector<ChordSegment> reference = read_chord_lab(songs[i].annotation);
    const Score score = read_midi(songs[i].midi).score;
    if (from_score) scores.set(i, reference, estimate_chords(score), beat_triads(score));
    if (from_audio) {
      const AudioBuffer audio = synthesize(score, {.sample_rate = 22050, .channels = 1});
      recordings.set(i, reference, estimate_chords(audio.channel(0)), half_second_triads(audio.channel(0)));
    }
    progress.advance();
  });
  nlohmann::json report{{"split", options.split.empty() ? "test" : options.split}, {"n", songs.size()}};
  if (from_score) scores.report(report);
  if (from_audio) {
    report["audio"] = {{"n", songs.size()}};
    recordings.report(report["audio"]);
  }
  return report;
}

}  // namespace euterpe
