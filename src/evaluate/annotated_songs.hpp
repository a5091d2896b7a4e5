#pragma once
/// Songs with annotations beside them, in POP909's layout, and means over songs with their standard errors.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/task.hpp"

namespace euterpe {

struct AnnotatedSong {
  std::string name;            ///< "001"
  std::filesystem::path midi;  ///< NNN/NNN.mid
  std::filesystem::path annotation;
};

/// Every NNN/NNN.mid below options.data that has `annotation` ("chord_midi.txt") beside it, in the order of names, of
/// the split that is asked for: "test" if none is, "all" for every song; at most options.limit. Throws
/// Error{usage | not_found}.
std::vector<AnnotatedSong> annotated_songs(const EvaluateOptions& options, const std::string& annotation);

/// Mean of values, each with its weight ≥ 0, and the standard error of that ratio over songs (linearized; Cochran 1977,
/// section 6.3). 0 where nothing weighs; the error is 0 for one song.
struct WeightedMean {
  double mean = 0, standard_error = 0;
};
WeightedMean weighted_mean(const std::vector<std::pair<double, double>>& values_and_weights);

/// Sets key and key + "_se".
void put(nlohmann::json& report, const std::string& key, const WeightedMean& value);

/// Whether --source asks for "score" or "audio": both if it is not given. Throws Error{usage} for another word.
bool measures(const EvaluateOptions& options, const std::string& source);

}  // namespace euterpe
