#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <optional>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "evaluate/audio_answers.hpp"
#include "evaluate/task.hpp"
#include "media/decode.hpp"
#include "recognize/metrics.hpp"
#include "recognize/saliency_audio.hpp"
#include "recognize/saliency_score.hpp"
#include "recognize/score_heads.hpp"
#include "recognize/style_score.hpp"
#include "recognize/training.hpp"
#include "recognize/training_audio.hpp"
#include "recognize/training_score_heads.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

constexpr const char *kAudioSet = "emotify", *kAudioTask = "style";
constexpr double kExcerpt = 10.0;                         // seconds, from the middle of a clip
constexpr int kClips = 60, kPieces = 60, kEmotions = 40;  // explained where --limit does not say
constexpr int kPasses = 320;                              // of the model for one explanation
constexpr int kDraws = 8;                                 // random fifths for each salient one

/// What masking did to one clip or passage.
struct Falls {
  int fold = 0;
  double salient = 0, random = 0;
  int passes = 0;
};

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

/// Standard errors are those over the folds' means where there are folds, else over the items.
nlohmann::json report_of(const std::vector<Falls>& falls) {
  std::vector<double> salient, random;
  std::map<int, std::pair<std::vector<double>, std::vector<double>>> folds;
  int passes = 0;
  for (const Falls& f : falls) {
    salient.push_back(f.salient);
    random.push_back(f.random);
    folds[f.fold].first.push_back(f.salient);
    folds[f.fold].second.push_back(f.random);
    passes += f.passes;
  }
  std::vector<double> fold_salient, fold_random;
  for (const auto& [fold, values] : folds) {
    fold_salient.push_back(mean_of(values.first));
    fold_random.push_back(mean_of(values.second));
  }
  const bool by_fold = folds.size() > 1;
  const double a = mean_of(salient), b = mean_of(random);
  return {{"n", falls.size()},
          {"drop_salient", a},
          {"drop_salient_se", standard_error(by_fold ? fold_salient : salient)},
          {"drop_random", b},
          {"drop_random_se", standard_error(by_fold ? fold_random : random)},
          {"ratio", b > 0 ? nlohmann::json(a / b) : nlohmann::json(nullptr)},
          {"forward_passes", falls.empty() ? 0.0 : static_cast<double>(passes) / static_cast<double>(falls.size())}};
}

/// Falls of the explained label's probability: without the salient share, and without random ones.
Falls falls_of(const Saliency& found, const MaskedAnswer& answer, const SaliencyOptions& options) {
  std::vector<std::uint8_t> mask(found.weights.size(), 0);
  for (const std::size_t i : found.salient) mask[i] = 1;
  Falls falls;
  falls.salient = found.probability - answer(mask)[found.label];
  falls.random = random_fall(mask.size(), found.label, found.probability, answer, options.share, kDraws,
                             options.seed ^ 0x72616e646f6dULL);
  falls.passes = found.passes;
  return falls;
}

Falls explain_clip(const fs::path& path, const AudioAnswer& answer, std::uint64_t seed) {
  const double duration = probe_audio(path).duration;
  const AudioBuffer audio = decode(path, {kEncoderRate, 1, std::max(0.0, (duration - kExcerpt) / 2), kExcerpt});
  SaliencyOptions options;
  options.passes = kPasses;
  options.seed = seed;
  options.threads = 1;  // clips are explained side by side
  const AudioSaliency found = explain_audio(audio, answer, options);
  const MaskableAudio maskable(audio);
  return falls_of(
      found, [&](std::span<const std::uint8_t> cells) { return answer(maskable.without(cells)); }, options);
}

/// At most `most` of 0 … n − 1, drawn by `seed`, in order.
std::vector<std::size_t> drawn(std::size_t n, int most, std::uint64_t seed) {
  std::vector<std::size_t> all(n);
  for (std::size_t i = 0; i < n; ++i) all[i] = i;
  Random(seed).shuffle(all);
  all.resize(std::min(n, static_cast<std::size_t>(most)));
  std::sort(all.begin(), all.end());
  return all;
}

/// Heads for recordings as a black box over audio.
AudioAnswer style_of(const AudioHeads& heads, const AudioEncoder& encoder) {
  const AudioHead* style = heads.head(kAudioTask);
  if (style == nullptr)
    throw Error(Category::unsupported, "evaluate explain", heads.model().name + " has no head for style");
  return [&heads, &encoder, style](const AudioBuffer& audio) {
    for (const Answer& answer : heads.answers(audio_evidence(audio, encoder)))
      if (answer.task == kAudioTask) return numbers_of(answer, style->labels);
    return std::vector<double>(style->labels.size(), 0.0);
  };
}

/// Clips of each fold beside heads that have not learned from its artists; without folds the shipped model.
nlohmann::json explain_recordings(const EvaluateOptions& options) {
  const fs::path folder = fs::is_directory(options.data / kAudioSet) ? options.data / kAudioSet : options.data;
  const AudioEncoder encoder = AudioEncoder::load();
  std::vector<fs::path> clips;
  std::vector<int> fold_of;
  std::vector<AudioHeads> heads;
  nlohmann::json model;
  if (options.folds > 0) {
    const AudioClips set = read_audio_clips(folder, kAudioSet, encoder);
    std::vector<std::size_t> all(set.clips.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    fold_of = clip_folds(set, all, options.folds, options.seed);
    AudioHeadOptions own = audio_head_options(default_training(style_audio_trainer()), kAudioTask);
    for (int fold = 0; fold < options.folds; ++fold) {
      std::vector<std::size_t> inside;
      for (const std::size_t i : all)
        if (fold_of[i] != fold) inside.push_back(i);
      own.seed = options.seed + static_cast<std::uint64_t>(fold);
      heads.push_back(fit_audio_heads(set, inside, static_cast<std::size_t>(encoder.width()), own));
    }
    for (const LabeledClip& clip : set.clips) clips.push_back(set.folder / clip.file);
    model = {{"name", "style-audio, trained anew for each fold"}, {"hash", nullptr}};
  } else {
    heads.push_back(AudioHeads::load(options.model.empty() ? "style-audio" : options.model));
    heads.front().expect_encoder(encoder.model().hash);
    for (const fs::path& path : walk_files({folder}))
      if (is_audio_name(path)) clips.push_back(path);
    fold_of.assign(clips.size(), 0);
    model = {{"name", heads.front().model().name}, {"hash", heads.front().model().hash}};
  }
  const auto chosen = drawn(clips.size(), options.limit > 0 ? options.limit : kClips, options.seed);
  std::vector<Falls> falls(chosen.size());
  Progress progress("explaining recordings", chosen.size(), "clips");
  parallel_for(chosen.size(), [&](std::size_t k) {
    const std::size_t i = chosen[k];
    falls[k] = explain_clip(clips[i], style_of(heads[static_cast<std::size_t>(fold_of[i])], encoder), options.seed + i);
    falls[k].fold = fold_of[i];
    progress.advance();
  });
  nlohmann::json report = report_of(falls);
  report["model"] = model;
  report["cells"] = "16 mel bands by half a second, of 10 s in the middle of each clip";
  return report;
}

Score score_of(std::span<const GridNote> notes) {
  Score score;
  score.ticks_per_quarter = 4;
  Track& track = add_track(score, "", 0, 0);
  for (const GridNote& note : notes)
    track.notes.push_back({note.onset, note.length, static_cast<std::uint8_t>(note.pitch), 80, 0, 64});
  score.sort();
  return score;
}

nlohmann::json explain_notes(const std::vector<Score>& scores, const ScoreAnswer& answer, const Model& model,
                             std::uint64_t seed) {
  std::vector<Falls> falls(scores.size());
  Progress progress("explaining scores", scores.size(), "scores");
  parallel_for(scores.size(), [&](std::size_t i) {
    SaliencyOptions options;
    options.passes = kPasses;
    options.seed = seed + i;
    options.threads = 1;
    const ScoreSaliency found = explain_score(scores[i], answer, options);
    falls[i] = falls_of(
        found,
        [&](std::span<const std::uint8_t> without) { return answer(without_notes(scores[i], found.notes, without)); },
        options);
    progress.advance();
  });
  nlohmann::json report = report_of(falls);
  report["model"] = {{"name", model.name}, {"hash", model.hash}};
  return report;
}

/// Style of passages of the pieces that the shipped model has not learned from.
nlohmann::json explain_style(const EvaluateOptions& options) {
  const StyleScoreModel model = StyleScoreModel::load("style-score");
  const StylePassages set = read_style_passages(options.data, options.split.empty() ? "test" : options.split);
  std::vector<Score> scores;
  for (const std::size_t i : drawn(set.passages.size(), options.limit > 0 ? options.limit : kPieces, options.seed))
    scores.push_back(score_of(set.passages[i].notes));
  return explain_notes(
      scores, [&](const Score& score) { return model.probabilities(grid_notes(score)); }, model.model(), options.seed);
}

/// Emotion of clips that the shipped model has not learned from.
nlohmann::json explain_emotion(const EvaluateOptions& options) {
  const ScoreHeads heads = ScoreHeads::load(model_name(ScoreTask::emotion));
  std::optional<ScoreEncoder> encoder;
  if (heads.wants_embedding()) encoder = ScoreEncoder::load();
  std::vector<Score> held;
  for (LabeledScore& item : read_labeled(ScoreTask::emotion, options.data).items)
    if (!is_learned_from(ScoreTask::emotion, item)) held.push_back(std::move(item.score));
  std::vector<Score> scores;
  for (const std::size_t i : drawn(held.size(), options.limit > 0 ? options.limit : kEmotions, options.seed))
    scores.push_back(std::move(held[i]));
  return explain_notes(
      scores,
      [&](const Score& score) {
        return heads.probabilities(task_evidence(score, ScoreTask::emotion, encoder ? &*encoder : nullptr));
      },
      heads.model(), options.seed);
}

bool has_any(const fs::path& folder, std::initializer_list<const char*> names) {
  return std::ranges::any_of(names, [&](const char* name) { return fs::is_directory(folder / name); });
}

/// Style where the folder holds sets of style, and beside it emotion where it holds, or is, a set of emotion.
nlohmann::json explain_scores(const EvaluateOptions& options) {
  const bool style = has_any(options.data, {"jsb", "nottingham", "pop909", "classical"});
  const bool emotion = has_any(options.data, {"emopia"}) || fs::exists(options.data / "clips.csv");
  if (!style) return explain_emotion(options);
  nlohmann::json report = explain_style(options);
  if (emotion) report["quadrant"] = explain_emotion(options);
  return report;
}

}  // namespace

nlohmann::json evaluate_explain(const EvaluateOptions& options) {
  const auto wanted = options.extra.find("source");
  const std::string source = wanted == options.extra.end() ? "" : wanted->second;
  if (!source.empty() && source != "audio" && source != "score")
    throw Error(Category::usage, "evaluate explain", "--source " + source + ": expected audio or score");
  if (source == "score") return explain_scores(options);
  nlohmann::json report = explain_recordings(options);
  if (source.empty() && has_any(options.data, {"jsb", "nottingham", "pop909", "classical"}))
    report["score"] = explain_scores(options);
  return report;
}

}  // namespace euterpe
