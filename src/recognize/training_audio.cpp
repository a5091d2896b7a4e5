#include "recognize/training_audio.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "nn/mlp.hpp"
#include "recognize/metrics.hpp"
#include "recognize/unknown.hpp"
#include "recognize/unknown_instruments.hpp"
#include "signal/audio_features.hpp"
#include "train/classifier.hpp"
#include "train/kernel_machine.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

/// Share of known music that may be called unknown. Mixtures are hard to tell from single instruments: more is risked.
constexpr double kFalseUnknown = 0.025, kInstrumentsFalseUnknown = 0.04;

constexpr Setting kStyleSettings[] = {
    {"gamma", 0.2, "Narrowness of the kernel over standardized descriptors"},
    {"ridge", 0.3, "How much of a label is taken for noise"},
    {"covariance", 0, "Share of the covariance of timbre beside the descriptors' 1; 0 = off"},
    {"separation", 0, "Share of what rings and what strikes, band by band; 0 = off"},
    {"embedding", 0, "Share of the audio encoder's embedding; 0 = off"},
    {"emotion-embedding", 0.3, "The same for the emotions, which look at nothing else beside the descriptors; 0 = off"},
    {"trees", 300, "Trees of the forest that foretells emotions beside the kernel; 0 = off"},
    {"calibration-folds", 5, "Folds, disjoint by artist, that the temperature is fitted on"},
    {"unknown", 1, "1: learn to tell what is unlike the training data (a minute or two); 0: all is known"},
};
constexpr Setting kInstrumentSettings[] = {
    {"gamma", 0.3, "Narrowness of the kernel over standardized descriptors"},
    {"ridge", 0.02, "How much of a label is taken for noise"},
    {"covariance", 1, "Share of the covariance of timbre beside the descriptors' 1; 0 = off"},
    {"separation", 0.5, "Share of what rings and what strikes, band by band; 0 = off"},
    {"embedding", 0.3, "Share of the audio encoder's embedding; 0 = off"},
    {"calibration-folds", 5, "Folds of recordings that the temperature is fitted on"},
    {"unknown", 1, "1: learn to tell what is unlike the training data (a minute or two); 0: all is known"},
};

/// Inputs and targets of the chosen clips, as a machine takes them.
struct Design {
  AudioInput input;
  std::vector<double> shares;     // of the input's parts
  std::vector<float> x, targets;  // [n × inputs], [n × outputs]
  std::vector<double> importance;
  std::vector<int> labels;
  std::size_t inputs = 0, outputs = 0;

  Design(const std::vector<std::pair<AudioPart, double>>& parts, std::size_t width, std::size_t wide)
      : input{{}, width}, outputs(wide) {
    for (const auto& [part, share] : parts) {
      input.parts.push_back(part);
      shares.push_back(share);
    }
    for (const std::size_t part : input.widths()) inputs += part;
  }

  void add(const LabeledClip& clip, std::span<const float> wanted) {
    const auto row = input(clip.evidence);
    x.insert(x.end(), row.begin(), row.end());
    targets.insert(targets.end(), wanted.begin(), wanted.end());
    labels.push_back(clip.label);
  }

  Design subset(std::span<const std::size_t> rows) const {
    Design chosen = *this;
    chosen.x.clear();
    chosen.targets.clear();
    chosen.labels.clear();
    const auto copy = [](const std::vector<float>& from, std::size_t row, std::size_t width, std::vector<float>& to) {
      const auto begin = from.begin() + static_cast<std::ptrdiff_t>(row * width);
      to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(width));
    };
    for (const std::size_t i : rows) {
      copy(x, i, inputs, chosen.x);
      copy(targets, i, outputs, chosen.targets);
      chosen.labels.push_back(labels[i]);
    }
    chosen.balance();
    return chosen;
  }

  /// Every class counts the same.
  void balance() {
    std::map<int, double> count;
    for (const int label : labels) count[label] += 1;
    importance.clear();
    for (const int label : labels) importance.push_back(1 / count[label]);
  }

  /// A machine without outputs where nothing is asked.
  AudioMachine fit(const AudioHeadOptions& options) const {
    if (outputs == 0) return {};
    return {fit_kernel_machine(inputs, x, targets, importance, {options.gamma, options.ridge, input.widths(), shares}),
            input};
  }
};

/// The second opinion on emotions. Empty where there are none.
RegressionForest fit_forest(const AudioClips& clips, std::span<const std::size_t> chosen, const Design& values,
                            const AudioHeadOptions& options) {
  if (values.outputs == 0 || options.trees <= 0) return {};
  std::vector<float> x;
  for (const std::size_t i : chosen) {
    const auto row = AudioHeads::forest_input()(clips.clips[i].evidence);
    x.insert(x.end(), row.begin(), row.end());
  }
  return RegressionForest::fit(x.size() / chosen.size(), x, values.targets,
                               {.trees = options.trees, .seed = options.seed});
}

double mean_nll(const std::vector<std::vector<float>>& outputs, const std::vector<int>& labels, double temperature) {
  double sum = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    sum -= std::log(std::max(1e-12, softmax(outputs[i], temperature)[static_cast<std::size_t>(labels[i])]));
  return sum / static_cast<double>(outputs.size());
}

/// The temperature of the lowest loss (Guo et al. 2017), by golden-section search in its logarithm.
double fit_temperature(const std::vector<std::vector<float>>& outputs, const std::vector<int>& labels) {
  constexpr double kGolden = 0.6180339887498949;
  double low = std::log(0.02), high = std::log(2.0);
  while (high - low > 1e-3) {
    const double a = high - kGolden * (high - low), b = low + kGolden * (high - low);
    if (mean_nll(outputs, labels, std::exp(a)) < mean_nll(outputs, labels, std::exp(b)))
      high = b;
    else
      low = a;
  }
  return std::exp((low + high) / 2);
}

/// By how much the values of a head, from output `first` of `values` on, are to stand farther from what is usual:
/// the slope of least squares of what listeners said on what was foretold, each label in units of its own deviation,
/// so that one number serves them all.
double fit_spread(const std::vector<std::vector<float>>& unseen, const Design& values, std::span<const float> usual,
                  std::size_t first, std::size_t labels) {
  double together = 0, squares = 0;
  for (std::size_t o = first; o < first + labels; ++o) {
    double own = 0, own_squares = 0, variance = 1e-12;
    for (std::size_t i = 0; i < unseen.size(); ++i) {
      const double foretold =
          static_cast<double>(unseen[i][unseen[i].size() - values.outputs + o]) - static_cast<double>(usual[o]);
      const double said = static_cast<double>(values.targets[i * values.outputs + o]) - static_cast<double>(usual[o]);
      own += foretold * said;
      own_squares += foretold * foretold;
      variance += said * said;
    }
    together += own / variance;
    squares += own_squares / variance;
  }
  return squares > 1e-9 ? std::clamp(together / squares, 0.5, 2.0) : 1.0;
}

nlohmann::json means(const AudioHeadReport& report) {
  nlohmann::json metrics{{"unseen_nll", report.unseen_nll}, {"unseen_accuracy", report.unseen_accuracy}};
  if (!report.unseen_pearson.empty())
    metrics["unseen_pearson"] = std::accumulate(report.unseen_pearson.begin(), report.unseen_pearson.end(), 0.0) /
                                static_cast<double>(report.unseen_pearson.size());
  return metrics;
}

/// Mean and deviation of each descriptor within each class, in its own units: what "reasons" are told from.
void put_class_statistics(Safetensors& weights, const AudioClips& clips) {
  const AudioInput input{{AudioPart::descriptors}, 0};
  const std::size_t d = audio_feature_names().size(), classes = clips.labels.size();
  std::vector<double> sum(classes * d), squares(classes * d), count(classes);
  std::vector<float> mean(classes * d), deviation(classes * d);
  for (const LabeledClip& clip : clips.clips) {
    const auto x = input(clip.evidence);
    const auto c = static_cast<std::size_t>(clip.label);
    count[c] += 1;
    for (std::size_t i = 0; i < d; ++i) {
      const auto v = static_cast<double>(x[i]);
      sum[c * d + i] += v;
      squares[c * d + i] += v * v;
    }
  }
  for (std::size_t c = 0; c < classes; ++c)
    for (std::size_t i = c * d; i < (c + 1) * d; ++i) {
      const double m = sum[i] / count[c];
      mean[i] = static_cast<float>(m);
      deviation[i] = static_cast<float>(std::sqrt(std::max(0.0, squares[i] / count[c] - m * m)));
    }
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(classes), static_cast<std::int64_t>(d)};
  weights.put("class_mean", shape, mean);
  weights.put("class_deviation", shape, deviation);
}

/// Absolute and without a slash at its end, so that it has a name and a parent.
fs::path plain(const fs::path& folder) { return fs::absolute(folder / "").lexically_normal().parent_path(); }

/// Adds to the row what it learned from beside the clips, for the card.
UnknownDetector fit_unknown(const AudioClips& clips, const fs::path& data, bool instruments, std::uint64_t seed,
                            nlohmann::json& sources) {
  const fs::path beside = plain(clips.folder).parent_path() / "noises";
  const fs::path noises = fs::is_directory(data / "noises") ? data / "noises" : beside;
  SoundExamples sounds = sound_examples(clips, noises, seed);
  sources = {"sounds made by rule"};
  if (fs::is_directory(noises)) sources.push_back("noises/, the half of it that is for training");
  if (instruments) {
    add_other_instruments(sounds, clips, seed);
    sources.push_back("the clips themselves, three to six at once");
    sources.push_back(
        "notes made by rule, played by FluidSynth with FluidR3 GM (MIT) or what $EUTERPE_SOUNDFONT names");
  }
  return UnknownDetector::fit(
      sounds.known, sounds.other,
      {.false_unknown = instruments ? kInstrumentsFalseUnknown : kFalseUnknown, .seed = seed, .progress = true});
}

/// Names and contents of the clips' files.
std::string manifest_hash(const AudioClips& clips) {
  std::vector<std::string> hashes(clips.clips.size());
  parallel_for(hashes.size(), [&](std::size_t i) { hashes[i] = sha256_file(clips.folder / clips.clips[i].file); });
  std::string manifest;
  for (std::size_t i = 0; i < hashes.size(); ++i) manifest += clips.clips[i].file + " " + hashes[i] + "\n";
  return sha256(manifest);
}

/// What a set's publisher says, for the card; a set is known by its own files or by its name.
struct Terms {
  std::string name, licence;
  bool commercial = true;
};

Terms terms_of(const AudioClips& clips) {
  if (clips.artists && clips.votes) return {"emotify", "CC-BY-NC-SA (Magnatune): non-commercial", false};
  const std::string name = plain(clips.folder).filename().string();
  static const std::vector<std::string> kInstruments{"Acoustic_guitar", "Bass_drum",       "Cello",  "Clarinet",
                                                     "Double_bass",     "Flute",           "Hi_hat", "Saxophone",
                                                     "Snare_drum",      "Violin_or_fiddle"};
  if (clips.labels == kInstruments)
    return {"instruments", "MIT as its repository says (Freesound recordings, each with its own licence)", true};
  return {name, "the user's own", true};
}

nlohmann::json train(const RecognizerTraining& training, const char* set, const char* name,
                     const AudioHeadOptions& options) {
  const AudioEncoder encoder = AudioEncoder::load();
  const auto width = static_cast<std::size_t>(encoder.width());
  const AudioClips clips = read_audio_clips(training.data, set, encoder, training.forbidden);
  if (!clips.artists && options.task == "style")
    spdlog::warn("{}: no artists.csv, so clips of one artist may stand on both sides of a split",
                 clips.folder.string());
  std::vector<std::size_t> all(clips.clips.size());
  std::iota(all.begin(), all.end(), 0);
  AudioHeadReport report;
  const AudioHeads heads = fit_audio_heads(clips, all, width, options, &report);

  Safetensors weights;
  heads.labels().machine.put(weights, "machine");
  if (heads.values().machine.outputs() > 0) heads.values().machine.put(weights, "values");
  if (!heads.forest().empty()) heads.forest().put(weights, "forest");
  put_class_statistics(weights, clips);
  nlohmann::json unlike = nlohmann::json::array();
  if (training["unknown"] > 0)
    fit_unknown(clips, training.data, options.task == "instrument", training.seed, unlike).put(weights);

  const Terms terms = terms_of(clips);
  const std::string manifest = manifest_hash(clips);
  nlohmann::json recipe = nlohmann::json::object();
  for (const auto& [setting, value] : training.settings) recipe[setting] = value;
  const nlohmann::json trained{{"seed", training.seed},
                               {"manifest_hash", manifest},
                               {"clips", clips.clips.size()},
                               {"settings", recipe},
                               {"encoder", encoder.model().hash}};
  const nlohmann::json metrics = means(report);
  nlohmann::json shown = metrics;
  shown["command"] = fmt::format("euterpe train {} --data DIR --seed {}", name, training.seed);
  nlohmann::json sources = nlohmann::json::array({{{"name", terms.name},
                                                   {"licence", terms.licence},
                                                   {"split", "all"},
                                                   {"pieces", clips.clips.size()},
                                                   {"hash", manifest}}});
  const auto& from = encoder.model().card;
  const bool embedded = heads.hear_embedding();
  if (embedded && from.is_object() && from.contains("data"))  // what it learned from is in the heads' answers, too
    for (const auto& row : from["data"]) sources.push_back(row);
  const auto named = [](const AudioInput& input) {
    nlohmann::json names = nlohmann::json::array();
    for (const AudioPart part : input.parts) names.push_back(to_string(part));
    return names;
  };
  nlohmann::json card_options{{"heads", to_json(heads.heads())},
                              {"labels", clips.labels},
                              {"descriptors", "audio.v1"},
                              {"inputs", named(heads.labels().input)},
                              {"embedding", width},
                              {"encoder", encoder.model().hash},
                              {"excerpt_seconds", kAudioExcerpt},
                              {"unknown_learned_from", unlike}};
  if (heads.values().machine.outputs() > 0) card_options["value_inputs"] = named(heads.values().input);
  if (heads.head("valence-arousal") != nullptr)
    card_options["valence-arousal"] =
        "not heard by anyone: the mean of the emotions' places in Russell's plane, weighted by the votes foretold";
  save_model(
      training.out, weights,
      {{"name", name},
       {"task", name},
       {"network", heads.forest().empty() ? "kernel-machine" : "kernel-machines, forest"},
       {"options", card_options},
       {"tokenizer", nullptr},
       {"data", sources},
       {"left_out", clips.forbidden ? nlohmann::json{{"may_train = no", clips.forbidden}} : nlohmann::json::object()},
       {"commercial", terms.commercial && (!embedded || (from.is_object() && from.value("commercial", false)))},
       {"training", trained},
       {"metrics", nlohmann::json::array({shown})}});
  return {{"training", trained}, {"metrics", metrics}, {"labels", clips.labels}};
}

}  // namespace

std::pair<double, double> valence_arousal(std::span<const double> votes) {
  // In the order of emotion_labels(): amazement near "delighted", solemnity near "calm" but neither pleasant nor not,
  // calmness at "calm", joyful activation at "excited", tension at "tense", sadness at "sad" …
  static constexpr std::array<std::pair<double, double>, 9> kPlaces{{{0.6, 0.4},
                                                                     {0.0, -0.4},
                                                                     {0.6, -0.4},
                                                                     {-0.2, -0.4},
                                                                     {0.6, -0.8},
                                                                     {0.2, 0.8},
                                                                     {0.8, 0.6},
                                                                     {-0.6, 0.8},
                                                                     {-0.8, -0.4}}};
  EUTERPE_ASSERT(votes.size() == kPlaces.size());
  double valence = 0, arousal = 0, sum = 0;
  for (std::size_t e = 0; e < votes.size(); ++e) {
    valence += votes[e] * kPlaces[e].first;
    arousal += votes[e] * kPlaces[e].second;
    sum += votes[e];
  }
  return sum > 0 ? std::pair{valence / sum, arousal / sum} : std::pair{0.0, 0.0};
}

std::vector<int> clip_folds(const AudioClips& clips, std::span<const std::size_t> chosen, int folds,
                            std::uint64_t seed) {
  Examples examples;
  for (const std::size_t i : chosen)
    examples.add(std::array{0.0f}, clips.clips[i].label, clips.clips[i].group, static_cast<int>(i));
  return group_folds(examples, static_cast<int>(clips.labels.size()), folds, seed);
}

AudioHeads fit_audio_heads(const AudioClips& clips, std::span<const std::size_t> chosen, std::size_t width,
                           const AudioHeadOptions& options, AudioHeadReport* report) {
  const std::size_t classes = clips.labels.size(), emotions = emotion_labels().size();
  std::vector<std::size_t> count(classes, 0);
  std::set<std::string> groups;
  bool votes = true;
  for (const std::size_t i : chosen) {
    ++count[static_cast<std::size_t>(clips.clips[i].label)];
    groups.insert(clips.clips[i].group);
    votes = votes && !clips.clips[i].votes.empty();
  }
  const char* const kLayout = "Give a folder that holds one folder of audio files for each label.";
  if (classes < 2)
    throw Error(Category::bad_input, "fit_audio_heads",
                fmt::format("{}: audio of one label found, two are the least", clips.folder.string()), kLayout);
  for (std::size_t c = 0; c < classes; ++c)
    if (count[c] == 0)
      throw Error(Category::bad_input, "fit_audio_heads",
                  fmt::format("{}: no clip of {} to learn from", clips.folder.string(), clips.labels[c]),
                  "Every label needs clips of several artists.");
  if (groups.size() < 2)
    throw Error(Category::bad_input, "fit_audio_heads", clips.folder.string() + ": all clips are of one artist",
                "Calibration needs clips of artists that were not learned from.");

  Design labels(options.parts, width, classes), values(options.value_parts, width, votes ? emotions + 2 : 0);
  for (const std::size_t i : chosen) {
    const LabeledClip& clip = clips.clips[i];
    std::vector<float> one_hot(classes, 0.0f);
    one_hot[static_cast<std::size_t>(clip.label)] = 1;
    labels.add(clip, one_hot);
    if (!votes) continue;
    std::vector<float> felt(clip.votes.begin(), clip.votes.end());
    const auto [valence, arousal] = valence_arousal(clip.votes);
    felt.push_back(static_cast<float>(valence));
    felt.push_back(static_cast<float>(arousal));
    values.add(clip, felt);
  }
  labels.balance();
  values.balance();

  std::vector<AudioHead> heads{{options.task, Answer::Kind::probabilities, clips.labels}};
  if (votes) {
    heads.push_back({"emotion", Answer::Kind::values, emotion_labels()});
    heads.push_back({"valence-arousal", Answer::Kind::values, {"valence", "arousal"}, 1, -1, 1});
  }
  const int folds = std::min(options.folds, static_cast<int>(groups.size()));
  const auto fold_of = clip_folds(clips, chosen, folds, options.seed);
  std::vector<std::vector<float>> unseen(chosen.size());
  std::optional<Progress> progress;
  if (report != nullptr) progress.emplace("fitting heads", static_cast<std::uint64_t>(folds) + 1, "fits");
  parallel_for(static_cast<std::size_t>(folds), [&](std::size_t fold) {
    std::vector<std::size_t> inside;
    for (std::size_t i = 0; i < chosen.size(); ++i)
      if (fold_of[i] != static_cast<int>(fold)) inside.push_back(i);
    std::vector<std::size_t> of;
    for (const std::size_t i : inside) of.push_back(chosen[i]);
    const Design own = votes ? values.subset(inside) : values;
    const AudioHeads fold_heads(heads, labels.subset(inside).fit(options), own.fit(options),
                                fit_forest(clips, of, own, options));
    for (std::size_t i = 0; i < chosen.size(); ++i)
      if (fold_of[i] == static_cast<int>(fold)) unseen[i] = fold_heads.outputs(clips.clips[chosen[i]].evidence);
    if (progress) progress->advance();
  });
  std::vector<std::vector<float>> scores;
  for (const auto& outputs : unseen)
    scores.emplace_back(outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(classes));
  heads.front().temperature = fit_temperature(scores, labels.labels);
  if (report != nullptr) {
    std::vector<Prediction> predictions;
    for (std::size_t i = 0; i < scores.size(); ++i)
      predictions.push_back({softmax(scores[i], heads.front().temperature), labels.labels[i]});
    report->unseen_nll = mean_nll(scores, labels.labels, heads.front().temperature);
    report->unseen_accuracy = accuracy(predictions);
    for (std::size_t e = 0; votes && e < emotions; ++e) {
      std::vector<double> foretold, felt;
      for (std::size_t i = 0; i < unseen.size(); ++i) {
        foretold.push_back(static_cast<double>(unseen[i][classes + e]));
        felt.push_back(clips.clips[chosen[i]].votes[e]);
      }
      report->unseen_pearson.push_back(pearson(foretold, felt));
    }
  }
  AudioMachine felt = values.fit(options);
  if (votes) {
    heads[1].spread = fit_spread(unseen, values, felt.machine.bias, 0, emotions);
    heads[2].spread = fit_spread(unseen, values, felt.machine.bias, emotions, 2);
  }
  return AudioHeads(std::move(heads), labels.fit(options), std::move(felt), fit_forest(clips, chosen, values, options));
}

AudioHeadOptions audio_head_options(const RecognizerTraining& training, const char* task) {
  AudioHeadOptions options;
  options.task = task;
  options.gamma = training["gamma"];
  options.ridge = training["ridge"];
  for (const AudioPart part : {AudioPart::covariance, AudioPart::separation, AudioPart::embedding})
    if (const double share = training[to_string(part)]; share > 0) options.parts.emplace_back(part, share);
  if (options.task == "style") {
    options.trees = static_cast<int>(training["trees"]);
    if (const double share = training["emotion-embedding"]; share > 0)
      options.value_parts.emplace_back(AudioPart::embedding, share);
  }
  options.folds = static_cast<int>(training["calibration-folds"]);
  options.seed = training.seed;
  if (!(options.gamma > 0) || !(options.ridge > 0) || options.folds < 2)
    throw Error(Category::usage, "train", "gamma and ridge are to be above 0, calibration-folds 2 or more");
  return options;
}

RecognizerTraining default_training(const RecognizerTrainer& trainer) {
  RecognizerTraining training;
  for (const Setting& setting : trainer.settings) training.settings[setting.name] = setting.fallback;
  return training;
}

const RecognizerTrainer& style_audio_trainer() {
  static const RecognizerTrainer row{
      "style-audio", "Style of a recording, and its emotions where votes are given",
      "Folder of audio, one subfolder a style (artists.csv: file,artist; votes.csv as Emotify has it)", kStyleSettings,
      [](const RecognizerTraining& t) { return train(t, "emotify", "style-audio", audio_head_options(t, "style")); }};
  return row;
}

const RecognizerTrainer& instrument_trainer() {
  static const RecognizerTrainer row{
      "instrument", "The instrument of a recording", "Folder of audio, one subfolder an instrument",
      kInstrumentSettings, [](const RecognizerTraining& t) {
        return train(t, "instruments", "instrument", audio_head_options(t, "instrument"));
      }};
  return row;
}

}  // namespace euterpe
