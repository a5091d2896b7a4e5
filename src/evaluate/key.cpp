/// Keys of POP909's songs against key_audio.txt. A song whose annotation modulates is compared by the key that lasts
/// longest in it; `mirex_over_time` compares second by second instead.
#include <algorithm>

#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "evaluate/annotated_songs.hpp"
#include "evaluate/key_score.hpp"
#include "media/synthesize.hpp"
#include "score/annotation_formats.hpp"
#include "score/harmony.hpp"
#include "score/midi.hpp"
#include "signal/audio_features.hpp"
#include "signal/audio_harmony.hpp"

namespace euterpe {
namespace {

using Values = std::vector<std::pair<double, double>>;

struct Found {
  Values score, exact, baseline, over_time;

  explicit Found(std::size_t songs) : score(songs), exact(songs), baseline(songs), over_time(songs) {}
  void set(std::size_t song, const std::vector<KeySegment>& reference, const KeyEstimate& key, const KeyEstimate& plain,
           const std::vector<KeySegment>& keys) {
    const KeyEstimate wanted = longest_key(reference);
    score[song] = {mirex_key_score(wanted, key), 1};
    exact[song] = {wanted.tonic == key.tonic && wanted.minor == key.minor ? 1 : 0, 1};
    baseline[song] = {mirex_key_score(wanted, plain), 1};
    over_time[song] = mirex_key_score(reference, keys);
  }
  void report(nlohmann::json& out) const {
    put(out, "mirex_score", weighted_mean(score));
    put(out, "baseline", weighted_mean(baseline));
    put(out, "exact", weighted_mean(exact));
    put(out, "mirex_over_time", weighted_mean(over_time));
  }
};

}  // namespace

nlohmann::json evaluate_key(const EvaluateOptions& options) {
  const auto songs = annotated_songs(options, "key_audio.txt");
  const bool from_score = measures(options, "score"), from_audio = measures(options, "audio");
  Found scores(songs.size()), recordings(songs.size());
  Progress progress("key", songs.size(), "songs");
  parallel_for(songs.size(), [&](std::size_t i) {
    check_interrupt();
    const std::vector<KeySegment> reference = read_key_lab(songs[i].annotation);
    const Score score = read_midi(songs[i].midi).score;
    if (from_score) {
      const std::vector<KeySegment> keys = estimate_keys(score);
      scores.set(i, reference, longest_key(keys), estimate_key(pitch_class_durations(score)), keys);
    }
    if (from_audio) {
      const AudioBuffer audio = synthesize(score, {.sample_rate = 22050, .channels = 1});
      const std::span<const float> mono = audio.channel(0);
      recordings.set(i, reference, estimate_global_key(mono), estimate_key(frame_descriptors(mono)),
                     estimate_keys(mono));
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
