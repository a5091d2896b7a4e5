#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "media/decode.hpp"
#include "nn/model.hpp"
#include "recognize/style_audio.hpp"
#include "recognize/training.hpp"
#include "signal/audio_features.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

/// file → artist from artists.csv; empty where there is no such file.
std::map<std::string, std::string> read_artists(const fs::path& folder) {
  std::map<std::string, std::string> artists;
  const fs::path path = folder / "artists.csv";
  if (!fs::exists(path)) return artists;
  std::istringstream in(read_text(path));
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::size_t comma = line.rfind(',');
    if (line.empty() || number == 1) continue;
    if (comma == std::string::npos)
      throw Error(Category::bad_input, "read_style_clips",
                  fmt::format("{}:{}: expected file,artist, found \"{}\"", path.string(), number, line));
    artists[line.substr(0, comma)] = line.substr(comma + 1);
  }
  return artists;
}

/// `data` may be the root that holds the set.
fs::path clips_folder(const fs::path& data) { return fs::is_directory(data / "emotify") ? data / "emotify" : data; }

/// The set whose terms are known by its own files; anything else is the user's own music.
bool is_emotify(const fs::path& folder) {
  return fs::exists(folder / "votes.csv") && fs::exists(folder / "artists.csv");
}

}  // namespace

StyleClips read_style_clips(const fs::path& data, const Forbidden& forbidden) {
  const fs::path folder = clips_folder(data);
  if (!fs::is_directory(folder))
    throw Error(Category::not_found, "read_style_clips", folder.string() + ": there is no such folder",
                "Give a folder that holds one folder of audio files for each style.");
  StyleClips clips;
  std::vector<std::pair<fs::path, std::string>> files;  // path, style
  for (const fs::path& path : walk_files({folder})) {
    const fs::path relative = path.lexically_relative(folder);
    if (!is_audio_name(path) || relative.begin() == std::prev(relative.end())) continue;
    if (!forbidden.empty() && forbidden.contains(sha256_file(path))) {
      ++clips.forbidden;
      continue;
    }
    files.emplace_back(path, relative.begin()->string());
    clips.labels.push_back(files.back().second);
  }
  std::sort(clips.labels.begin(), clips.labels.end());
  clips.labels.erase(std::unique(clips.labels.begin(), clips.labels.end()), clips.labels.end());
  if (clips.labels.size() < 2)
    throw Error(Category::bad_input, "read_style_clips",
                fmt::format("{}: audio of {} style{} found, two are the least", folder.string(), clips.labels.size(),
                            clips.labels.size() == 1 ? "" : "s"),
                "Give a folder that holds one folder of audio files for each style.");
  const auto artists = read_artists(folder);
  if (artists.empty())
    spdlog::warn("{}: no artists.csv, so clips of one artist may stand on both sides of a split", folder.string());

  std::vector<std::vector<std::vector<float>>> views(files.size());
  Progress progress("hearing clips", files.size(), "clips");
  parallel_for(files.size(), [&](std::size_t i) {
    try {
      views[i] = audio_views(decode(files[i].first, {kStyleRate, 1, 0, kStyleExcerpt}));
    } catch (const Error& error) {
      spdlog::warn("left out {}", error.in(files[i].first.string()).what());
    }
    progress.advance();
  });
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string name = files[i].first.lexically_relative(folder).generic_string();
    const auto artist = artists.find(name);
    const auto label =
        std::lower_bound(clips.labels.begin(), clips.labels.end(), files[i].second) - clips.labels.begin();
    for (const auto& view : views[i])
      clips.examples.add(view, static_cast<int>(label), artist == artists.end() ? name : artist->second,
                         static_cast<int>(clips.files.size()));
    if (!views[i].empty()) clips.files.push_back(name);
  }
  return clips;
}

ClassifierOptions style_audio_options(int classes, std::uint64_t seed) {
  ClassifierOptions options;
  options.classes = classes;
  options.hidden = {48, 24};
  options.members = 2;
  options.input_noise = 0.3;
  options.dropout = 0.4;
  options.label_smoothing = 0.05;
  options.weight_decay = 0.1;
  options.batch = 64;
  options.epochs = 60;
  options.patience = 12;
  options.seed = seed;
  return options;
}

nlohmann::json train_style_audio(const fs::path& data, const fs::path& out, std::uint64_t seed,
                                 const Forbidden& forbidden) {
  const StyleClips clips = read_style_clips(data, forbidden);
  const bool emotify = is_emotify(clips_folder(data));
  ClassifierReport report;
  const MlpEnsemble network = train_classifier_by_group(
      clips.examples, style_audio_options(static_cast<int>(clips.labels.size()), seed), kStyleAudioFolds, &report);
  Safetensors weights;
  network.put(weights);
  const nlohmann::json metrics{{"unseen_artist_nll", report.valid_nll},
                               {"unseen_artist_accuracy", report.valid_accuracy}};
  std::string manifest;
  for (const std::string& file : clips.files) manifest += file + "\n";
  const nlohmann::json training{{"seed", seed},
                                {"manifest_hash", sha256(manifest)},
                                {"clips", clips.files.size()},
                                {"epochs", report.epochs},
                                {"members", network.members.size()},
                                {"temperature", report.temperature}};
  nlohmann::json shown = metrics;
  shown["command"] = fmt::format("euterpe train style-audio --data DIR --seed {}", seed);
  const nlohmann::json source{{"name", emotify ? "emotify" : fs::absolute(data).lexically_normal().filename().string()},
                              {"licence", emotify ? "CC-BY-NC-SA (Magnatune): non-commercial" : "the user's own"},
                              {"split", "all"},
                              {"pieces", clips.files.size()},
                              {"hash", sha256(manifest)}};
  save_model(
      out, weights,
      {{"name", "style-audio"},
       {"task", "style-audio"},
       {"network", "mlp"},
       {"options", {{"labels", clips.labels}, {"descriptors", "audio.v1"}, {"excerpt_seconds", kStyleExcerpt}}},
       {"tokenizer", nullptr},
       {"data", nlohmann::json::array({source})},
       {"left_out", clips.forbidden ? nlohmann::json{{"may_train = no", clips.forbidden}} : nlohmann::json::object()},
       {"commercial", !emotify},
       {"training", training},
       {"metrics", nlohmann::json::array({shown})}});
  return {{"training", training}, {"metrics", metrics}, {"labels", clips.labels}};
}

}  // namespace euterpe
