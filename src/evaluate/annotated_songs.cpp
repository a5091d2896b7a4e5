#include "evaluate/annotated_songs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/files.hpp"
#include "corpus/datasets.hpp"

namespace euterpe {
namespace fs = std::filesystem;

std::vector<AnnotatedSong> annotated_songs(const EvaluateOptions& options, const std::string& annotation) {
  const std::string split = options.split.empty() ? "test" : options.split;
  if (split != "train" && split != "valid" && split != "test" && split != "all")
    throw Error(Category::usage, "evaluate", fmt::format("--split {}: no such part", split),
                "train, valid, test or all");
  std::vector<AnnotatedSong> songs;
  bool any = false;
  for (const fs::path& midi : walk_files({options.data})) {
    const std::string name = midi.stem().string();
    if (midi.extension() != ".mid" || name != midi.parent_path().filename()) continue;
    const fs::path beside = midi.parent_path() / annotation;
    if (!fs::exists(beside)) continue;
    any = true;
    if (split == "all" || split == split_of("pop909/" + name)) songs.push_back({name, midi, beside});
  }
  if (!any)
    throw Error(Category::not_found, "evaluate",
                fmt::format("{}: no NNN/NNN.mid with {} beside it", options.data.string(), annotation));
  if (songs.empty())
    throw Error(Category::not_found, "evaluate", fmt::format("{}: no song is in {}", options.data.string(), split));
  std::sort(songs.begin(), songs.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  if (options.limit > 0 && songs.size() > static_cast<std::size_t>(options.limit))
    songs.resize(static_cast<std::size_t>(options.limit));
  return songs;
}

WeightedMean weighted_mean(const std::vector<std::pair<double, double>>& values_and_weights) {
  double sum = 0, total = 0, squares = 0;
  for (const auto& [value, weight] : values_and_weights) {
    sum += value * weight;
    total += weight;
  }
  if (total <= 0) return {};
  const double mean = sum / total;
  for (const auto& [value, weight] : values_and_weights) squares += std::pow(weight * (value - mean), 2);
  const auto n = static_cast<double>(values_and_weights.size());
  return {mean, n > 1 ? std::sqrt(n / (n - 1) * squares) / total : 0};
}

void put(nlohmann::json& report, const std::string& key, const WeightedMean& value) {
  report[key] = value.mean;
  report[key + "_se"] = value.standard_error;
}

bool measures(const EvaluateOptions& options, const std::string& source) {
  const auto found = options.extra.find("source");
  if (found == options.extra.end()) return true;
  if (found->second != "score" && found->second != "audio")
    throw Error(Category::usage, "evaluate", fmt::format("--source {}: no such source", found->second),
                "score or audio; both if it is not given");
  return found->second == source;
}

}  // namespace euterpe
