#pragma once
/// Answers kept in the catalog: what a model once said of a track is not computed again.
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.hpp"
#include "recognize/recognize.hpp"

namespace euterpe {

/// SHA-256 of a file's content, from the catalog's memory where the file is as ingest saw it.
std::string content_id(Catalog& catalog, const std::filesystem::path& file);

struct TrackRecognition {
  Recognition recognition;
  bool stored = false;  ///< nothing was computed
};

/// What is stored of a track under the models at hand, the rest computed from `file` and stored, in one transaction.
/// A track that can have no answer (silence) is remembered as such. A file whose content is no longer the track's is an
/// Error{bad_input}; else throws as Recognizer::recognize and Catalog do. Thread-safe.
TrackRecognition recognize_track(Recognizer& recognizer, Catalog& catalog, const TrackRecord& track,
                                 const std::filesystem::path& file);

struct StoredAnswers {
  std::vector<Answer> answers;  ///< of the models at hand, in the order of recognizer_models()
  std::string none;             ///< why there is no answer, where that is stored
  std::size_t others = 0;       ///< records of other models, and of programs that answered otherwise
};
/// What is stored of a track; nothing is computed. Without any model of its kind all records are others.
StoredAnswers stored_answers(Recognizer& recognizer, Catalog& catalog, const TrackRecord& track);

/// The k tracks of the catalog nearest to it by nearest_embeddings(), among those recognized with the same encoder;
/// `self` is left out.
std::vector<std::pair<std::string, double>> similar_recognized(Catalog& catalog, const Recognition& recognition,
                                                               std::size_t k, const std::string& self = {});

}  // namespace euterpe
