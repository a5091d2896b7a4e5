#pragma once
/// What `recognize` says of one file, as JSON and as text.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "catalog/catalog.hpp"
#include "recognize/explain.hpp"
#include "recognize/recognition.hpp"

namespace euterpe {

/// What is asked about, and what it is called in results.
struct RecognizeItem {
  std::filesystem::path path;
  std::string shown;
  std::optional<TrackRecord> track;  ///< of the catalog, where it is one
  std::optional<Error> error;        ///< why it cannot even be asked
};

struct RecognizedNeighbor {
  TrackRecord track;
  double similarity = 0;
};

struct RecognizeResult {
  RecognizeItem item;
  Recognition found;
  bool stored = false;
  std::vector<RecognizedNeighbor> similar;
  std::optional<Explanation> explanation;
  std::optional<Error> error, unexplained;  ///< no answer; an answer without the explanation that was asked for
};

struct RecognizeShown {
  bool curve = false, similar = false;
};

nlohmann::json to_json(const RecognizeResult& result, const RecognizeShown& shown);
/// Nothing for a result without an answer: its error is told on stderr.
void print_text(const RecognizeResult& result, const RecognizeShown& shown);

}  // namespace euterpe
