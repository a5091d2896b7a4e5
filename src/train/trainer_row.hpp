#pragma once
/// What a row of a table of trainers says: `train NAME`, its options, recipes and help derive from it.
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace euterpe {

/// SHA-256 of files that may not be learned from, as forbidden_tracks() of the corpus gives them.
using Forbidden = std::set<std::string>;

/// One number of a recipe: --learning-rate on the command line, `learning-rate = 0.001` in TOML.
struct Setting {
  const char* name;
  double fallback;
  const char* help;
};
/// Fallback of a setting whose own default depends on another, such as the network: the help says what it is.
inline constexpr double kItsOwn = std::numeric_limits<double>::quiet_NaN();

/// One word of a recipe: --network dense, `network = "dense"`.
struct WordSetting {
  const char* name;
  const char* fallback;
  const char* help;
  std::span<const char* const> known;  ///< words that may be given; empty = any
};

struct TrainingRequest {
  std::filesystem::path data;  ///< folder with the data set, or with all data sets
  std::filesystem::path out;   ///< model.safetensors and card.json go here
  std::filesystem::path run;   ///< checkpoints and metrics; what an interrupted run left here is resumed
  std::uint64_t seed = 1;
  Forbidden forbidden;
  std::map<std::string, double, std::less<>> settings;    ///< every setting of the trainer's row
  std::map<std::string, std::string, std::less<>> words;  ///< every one of them that is a word

  double operator[](std::string_view name) const { return settings.find(name)->second; }
  /// The same for a setting whose fallback is kItsOwn.
  double get(std::string_view name, double its_own) const {
    const double given = (*this)[name];
    return std::isnan(given) ? its_own : given;
  }
  const std::string& word(std::string_view name) const { return words.find(name)->second; }
};

struct TrainerRow {
  const char* name;  ///< `train NAME`
  const char* summary;
  const char* data;  ///< what --data is to hold, for the help
  std::span<const Setting> settings;
  /// Trains, writes the model, returns what the command prints: {training, metrics, …}.
  nlohmann::json (*train)(const TrainingRequest&);
  const char* model = nullptr;  ///< the shipped model's name where it is not `name`
  std::span<const WordSetting> words = {};
};

}  // namespace euterpe
