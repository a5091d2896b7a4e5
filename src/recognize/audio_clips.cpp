#include "recognize/audio_clips.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "corpus/csv_table.hpp"
#include "media/decode.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

/// file → mean vote of each emotion.
std::map<std::string, std::vector<double>> read_votes(const fs::path& path) {
  const CsvTable table(path, {"file", "amazement", "solemnity", "tenderness", "nostalgia", "calmness", "power",
                              "joyful_activation", "tension", "sadness"});
  std::map<std::string, std::vector<double>> sums;
  std::map<std::string, double> listeners;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    auto& sum = sums[table.at(row, 0)];
    sum.resize(emotion_labels().size(), 0.0);
    for (std::size_t e = 0; e < sum.size(); ++e) {
      const std::string& vote = table.at(row, e + 1);
      if (vote != "0" && vote != "1")
        throw Error(Category::bad_input, "read_audio_clips",
                    fmt::format("{}, line {}: {} is to be 0 or 1, not \"{}\"", path.string(), row + 2,
                                emotion_labels()[e], vote));
      sum[e] += vote == "1";
    }
    listeners[table.at(row, 0)] += 1;
  }
  for (auto& [file, sum] : sums)
    for (double& v : sum) v /= listeners[file];
  return sums;
}

AudioBuffer middle_of(const fs::path& path) {
  const double duration = probe_audio(path).duration;
  return decode(path, {kEncoderRate, 1, std::max(0.0, (duration - kAudioExcerpt) / 2), kAudioExcerpt});
}

}  // namespace

const std::vector<std::string>& emotion_labels() {
  static const std::vector<std::string> labels{"amazement", "solemnity",         "tenderness", "nostalgia", "calmness",
                                               "power",     "joyful_activation", "tension",    "sadness"};
  return labels;
}

AudioClips read_audio_clips(const fs::path& data, const std::string& set, const AudioEncoder& encoder,
                            const std::set<std::string>& forbidden) {
  AudioClips result;
  result.folder = fs::is_directory(data / set) ? data / set : data;
  const fs::path& folder = result.folder;
  const char* const kLayout = "Give a folder that holds one folder of audio files for each label.";
  if (!fs::is_directory(folder))
    throw Error(Category::not_found, "read_audio_clips", folder.string() + ": there is no such folder", kLayout);
  std::vector<fs::path> files;
  for (const fs::path& path : walk_files({folder})) {
    const fs::path relative = path.lexically_relative(folder);
    if (!is_audio_name(path) || relative.begin() == std::prev(relative.end())) continue;
    if (!forbidden.empty() && forbidden.contains(sha256_file(path))) {
      ++result.forbidden;
      continue;
    }
    files.push_back(path);
    result.labels.push_back(relative.begin()->string());
  }
  std::ranges::sort(files);
  std::ranges::sort(result.labels);
  result.labels.erase(std::unique(result.labels.begin(), result.labels.end()), result.labels.end());
  if (result.labels.empty())
    throw Error(Category::bad_input, "read_audio_clips", folder.string() + ": no subfolder holds audio", kLayout);

  std::map<std::string, std::string> artist;
  result.artists = fs::exists(folder / "artists.csv");
  if (result.artists) {
    const CsvTable table(folder / "artists.csv", {"file", "artist"});
    for (std::size_t row = 0; row < table.rows(); ++row) artist[table.at(row, 0)] = table.at(row, 1);
  }
  result.votes = fs::exists(folder / "votes.csv");
  std::map<std::string, std::vector<double>> votes;
  if (result.votes) votes = read_votes(folder / "votes.csv");

  std::vector<LabeledClip> clips(files.size());
  Progress progress("hearing clips", files.size(), "clips");
  parallel_for(files.size(), [&](std::size_t i) {
    LabeledClip& clip = clips[i];
    clip.file = files[i].lexically_relative(folder).generic_string();
    const std::string label = files[i].lexically_relative(folder).begin()->string();
    clip.label = static_cast<int>(std::ranges::lower_bound(result.labels, label) - result.labels.begin());
    const auto who = artist.find(clip.file);
    clip.group = who == artist.end() ? clip.file : who->second;
    if (const auto vote = votes.find(clip.file); vote != votes.end()) clip.votes = vote->second;
    try {
      clip.evidence = audio_evidence(middle_of(files[i]), encoder);
    } catch (const Error& error) {
      if (error.category() == Category::interrupted) throw;
      spdlog::warn("left out {}", error.in(files[i].string()).what());
    }
    progress.advance();
  });
  for (LabeledClip& clip : clips)
    if (!clip.evidence.views.empty()) result.clips.push_back(std::move(clip));
  if (result.clips.empty())
    throw Error(Category::bad_input, "read_audio_clips", folder.string() + ": none of its files could be heard");
  const auto strangers =
      std::ranges::count_if(result.clips, [&](const LabeledClip& c) { return !artist.contains(c.file); });
  if (result.artists && strangers > 0)
    spdlog::warn("{}: artists.csv does not name {} of {} clips; each of them counts as an artist of its own",
                 folder.string(), strangers, result.clips.size());
  return result;
}

}  // namespace euterpe
