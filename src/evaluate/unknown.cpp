#include "recognize/unknown.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <regex>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "corpus/noises.hpp"
#include "evaluate/task.hpp"
#include "media/decode.hpp"
#include "recognize/audio_heads.hpp"
#include "recognize/training_audio.hpp"
#include "recognize/unknown_sounds.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr int kMostExcerpts = 4;  // of a long recording
constexpr int kResamples = 2000;

/// What one recording is said to be, `unknown` from 0 to 1.
struct Heard {
  std::string source;  ///< "speech", "birds", "noises"; "animals", "music", "instruments": not in the task's number
  std::vector<std::vector<std::vector<float>>> excerpts;  ///< audio_views() of each
};

/// What a recording among librosa's examples is, by its name and by the text beside it.
std::string example_source(const fs::path& path) {
  std::string text = path.filename().string();
  const std::string stem = text.substr(0, text.find(".hq.ogg"));
  if (const fs::path note = path.parent_path() / (stem + ".txt"); fs::exists(note)) text += " " + read_text(note);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto says = [&](const char* pattern) { return std::regex_search(text, std::regex(pattern)); };
  if (says("librispeech|\\bread by\\b|\\bspeech\\b|\\bspoken\\b")) return "speech";
  if (says("\\bbirds?\\b")) return "birds";
  if (says("\\bwhales?\\b|\\bhowl|\\bbark|\\bdogs?\\b")) return "animals";
  return "music";
}

/// Excerpts in the middle of equal parts, as many as are heard by who asks for a file.
std::vector<std::vector<std::vector<float>>> views_of(const fs::path& path) {
  const double duration = probe_audio(path).duration;
  const int parts = std::clamp(static_cast<int>(duration / kAudioExcerpt), 1, kMostExcerpts);
  std::vector<std::vector<std::vector<float>>> excerpts;
  for (int i = 0; i < parts; ++i) {
    const double start = std::max(0.0, (i + 0.5) * duration / parts - kAudioExcerpt / 2);
    const AudioBuffer audio = decode(path, {kEncoderRate, 1, start, kAudioExcerpt});
    if (audio.duration() >= Seconds(0.25)) excerpts.push_back(audio_views(audio));
  }
  return excerpts;
}

/// Recordings that are not the music of emotify/, as far as their folders are there.
std::vector<Heard> hear_others(const fs::path& root) {
  std::vector<std::pair<fs::path, std::string>> files;
  for (const char* folder : {"librosa", "noises", "instruments"}) {
    if (!fs::is_directory(root / folder)) continue;
    for (const fs::path& path : walk_files({root / folder})) {
      const std::string name = path.filename().string();
      if (!is_audio_name(path) || name.starts_with("rir")) continue;
      if (folder == std::string("noises") && noise_is_for_training(name)) continue;
      files.emplace_back(path, folder == std::string("librosa") ? example_source(path) : folder);
    }
  }
  std::vector<Heard> heard(files.size());
  Progress progress("hearing what is no music", files.size(), "files");
  parallel_for(files.size(), [&](std::size_t i) {
    heard[i].source = files[i].second;
    try {
      heard[i].excerpts = views_of(files[i].first);
    } catch (const Error& error) {
      if (error.category() == Category::interrupted) throw;
      spdlog::warn("left out {}", error.in(files[i].first.string()).what());
    }
    progress.advance();
  });
  std::erase_if(heard, [](const Heard& one) { return one.excerpts.empty(); });
  return heard;
}

double unknown_of(const UnknownDetector& detector, const Heard& recording) {
  double mean = 0;
  for (const auto& views : recording.excerpts)
    mean += detector.unknown(views) / static_cast<double>(recording.excerpts.size());
  return mean;
}

/// Chance that one of `high` lies above one of `low`; ties count half.
double area(const std::vector<double>& low, std::vector<double> high) {
  std::ranges::sort(high);
  double sum = 0;
  for (const double v : low) {
    const auto [from, to] = std::ranges::equal_range(high, v);
    sum += static_cast<double>(high.end() - to) + 0.5 * static_cast<double>(to - from);
  }
  return sum / static_cast<double>(low.size()) / static_cast<double>(high.size());
}

/// One detector's numbers for one set of music: {group, unknown} of each piece and the others by source.
struct Scores {
  std::map<std::string, std::vector<double>> music;  ///< by artist
  std::map<std::string, std::vector<double>> others;

  std::vector<double> pooled_music() const {
    std::vector<double> all;
    for (const auto& [artist, values] : music) all.insert(all.end(), values.begin(), values.end());
    return all;
  }
};

bool counts(const std::string& source) { return source == "speech" || source == "birds" || source == "noises"; }

/// Mean over the detectors of the area between their music and their others of `source` (all that count if empty).
double mean_area(const std::vector<Scores>& folds, const std::string& source) {
  double sum = 0;
  for (const Scores& fold : folds) {
    std::vector<double> others;
    for (const auto& [name, values] : fold.others)
      if (source.empty() ? counts(name) : name == source) others.insert(others.end(), values.begin(), values.end());
    sum += area(fold.pooled_music(), others) / static_cast<double>(folds.size());
  }
  return sum;
}

template <class T>
double share_unknown(const T& values) {
  return static_cast<double>(std::ranges::count_if(values, [](double v) { return v >= 0.5; })) /
         static_cast<double>(values.size());
}

/// Artists and other recordings drawn anew with replacement: what other music and other noises of the kind might give.
std::vector<double> resampled_areas(const std::vector<Scores>& folds, std::uint64_t seed) {
  std::vector<double> areas(kResamples);
  parallel_for(areas.size(), [&](std::size_t i) {
    Random random = Random::stream(seed, i);
    std::map<std::string, std::vector<std::size_t>> drawn;  // the same recordings for every fold's detector
    for (const auto& [source, values] : folds.front().others)
      for (std::size_t k = 0; k < values.size(); ++k) drawn[source].push_back(random.below(values.size()));
    std::vector<Scores> sample;
    for (const Scores& fold : folds) {
      Scores& one = sample.emplace_back();
      std::vector<const std::vector<double>*> artists;
      for (const auto& [artist, values] : fold.music) artists.push_back(&values);
      for (std::size_t k = 0; k < artists.size(); ++k) {
        const auto& values = *artists[random.below(artists.size())];
        auto& pool = one.music[""];
        pool.insert(pool.end(), values.begin(), values.end());
      }
      for (const auto& [source, rows] : drawn)
        for (const std::size_t row : rows) one.others[source].push_back(fold.others.at(source)[row]);
    }
    areas[i] = mean_area(sample, "");
  });
  std::ranges::sort(areas);
  return areas;
}

nlohmann::json report_of(const std::vector<Scores>& folds, std::uint64_t seed) {
  std::vector<double> music;
  for (const Scores& fold : folds) {
    const auto part = fold.pooled_music();
    music.insert(music.end(), part.begin(), part.end());
  }
  std::size_t others = 0;
  nlohmann::json by_source = nlohmann::json::object();
  for (const auto& [source, values] : folds.front().others) {
    if (counts(source)) others += values.size();
    double share = 0;
    for (const Scores& fold : folds) share += share_unknown(fold.others.at(source)) / static_cast<double>(folds.size());
    by_source[source] = {{"n", values.size()}, {"auroc", mean_area(folds, source)}, {"called_unknown", share}};
  }
  const auto areas = resampled_areas(folds, seed);
  double mean = 0, squares = 0;
  for (const double a : areas) mean += a / kResamples;
  for (const double a : areas) squares += (a - mean) * (a - mean) / (kResamples - 1);
  return {{"n_music", music.size()},
          {"n_other", others},
          {"auroc", mean_area(folds, "")},
          {"auroc_se", std::sqrt(squares)},
          {"auroc_95", {areas[kResamples / 40], areas[kResamples - 1 - kResamples / 40]}},
          {"false_unknown", share_unknown(music)},
          {"by_source", by_source}};
}

Scores scores_of(const UnknownDetector& detector, const AudioClips& clips, const std::vector<std::size_t>& chosen,
                 const std::vector<Heard>& others) {
  Scores scores;
  for (const std::size_t i : chosen)
    scores.music[clips.clips[i].group].push_back(detector.unknown(clips.clips[i].evidence.views));
  for (const Heard& one : others) scores.others[one.source].push_back(unknown_of(detector, one));
  return scores;
}

std::vector<Scores> by_folds(const AudioClips& clips, const std::vector<Heard>& others,
                             const EvaluateOptions& options) {
  std::vector<std::size_t> all(clips.clips.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto fold_of = clip_folds(clips, all, options.folds, options.seed);
  const SoundExamples sounds = sound_examples(clips, options.data / "noises", options.seed);
  std::map<std::string, int> fold_of_artist;
  for (std::size_t i = 0; i < all.size(); ++i) fold_of_artist[clips.clips[i].group] = fold_of[i];
  std::vector<Scores> folds;
  Progress progress("folds", static_cast<std::uint64_t>(options.folds), "folds");
  for (int fold = 0; fold < options.folds; ++fold) {
    std::vector<std::size_t> inside, outside;
    for (std::size_t i = 0; i < sounds.known.size(); ++i)
      if (fold_of_artist.at(sounds.known.groups[i]) != fold) inside.push_back(i);
    for (std::size_t i = 0; i < all.size(); ++i)
      if (fold_of[i] == fold) outside.push_back(i);
    const auto detector = UnknownDetector::fit(sounds.known.subset(inside), sounds.other,
                                               {.seed = options.seed + static_cast<std::uint64_t>(fold)});
    folds.push_back(scores_of(detector, clips, outside, others));
    progress.advance();
  }
  return folds;
}

}  // namespace

nlohmann::json evaluate_unknown(const EvaluateOptions& options) {
  const auto others = hear_others(options.data);
  if (std::ranges::none_of(others, [](const Heard& one) { return counts(one.source); }))
    throw Error(Category::not_found, "evaluate unknown", options.data.string() + ": no noises/ and no librosa/",
                "Give the folder that holds emotify/, noises/ and librosa/.");
  const AudioEncoder encoder = AudioEncoder::load();
  const AudioClips clips = read_audio_clips(options.data, "emotify", encoder);
  if (options.folds > 0) {
    nlohmann::json report = report_of(by_folds(clips, others, options), options.seed);
    report["model"] = {{"name", "unknown, trained anew for each fold"}, {"hash", nullptr}};
    return report;
  }
  const Model model = find_model(options.model.empty() ? "style-audio" : options.model);
  const auto detector = UnknownDetector::from(model.weights());
  if (detector.empty())
    throw Error(Category::unsupported, "evaluate unknown", model.name + " does not tell what is unlike its data",
                "Train it again.");
  std::vector<std::size_t> all(clips.clips.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  nlohmann::json report = report_of({scores_of(detector, clips, all, others)}, options.seed);
  report["model"] = {{"name", model.name}, {"hash", model.hash}};
  return report;
}

}  // namespace euterpe
