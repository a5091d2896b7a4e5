#pragma once
/// SASRec as learned from a catalog's listens, kept in CATALOG/models/sasrec/.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/similar.hpp"
#include "nn/sasrec.hpp"

namespace euterpe {

struct SequenceFit {
  SasRec model;
  std::vector<std::string> items;  ///< id of each item number, ascending
  /// Of its scores beside those of the item-to-item fit, both standardized (recommend/blend.hpp): 0–1.
  double weight = 0;
  std::vector<std::uint64_t> listens;  ///< listen_hash() of everything learned from, ascending
  /// How embeddings of `embedding_space` become the content that places a track that nobody has heard; no space = it
  /// has not learned to.
  std::string embedding_space;
  EmbeddingStandard standard;
};

struct SequenceTraining {
  /// Checkpoints and curves, removed at the end; a run that was interrupted there is resumed if listens and options
  /// are still the same, else begun anew. Empty = beside the model.
  std::filesystem::path run;
  std::int64_t most_epochs = 100;  ///< how many there are is chosen by validation
  double dropout = 0.5;
  int width = 64, layers = 2;
  int context = 0;    ///< listens of a history that count; 0 = twice a usual history, 20 … 200
  std::string loss;   ///< of SasRecTraining; empty = "softmax", above 20,000 items "sampled"
  int negatives = 0;  ///< of losses that draw them; 0 = 4,096 for "sampled", else 256
  bool bf16 = false;
  std::uint64_t seed = 1;
};

struct SequenceReport {
  std::size_t listeners = 0, listens = 0, items = 0, placed = 0;  ///< placed: items with content
  std::int64_t epochs = 0;
  std::size_t queries = 0;                           ///< held-out listens that epochs and weight were chosen by
  double linear_ndcg = 0, model_ndcg = 0, ndcg = 0;  ///< NDCG@10 of them: item-to-item alone, SASRec alone, both
  double weight = 0;
  double seconds = 0;
};

/// Learns from the listens without each listener's last one, by which the number of epochs and the weight beside the
/// item-to-item fit are chosen; then from all of them, and keeps that. Until then what was kept stands. Content is that
/// of tracks that may be learned from. Error{not_found} where there are no listens, Error{usage} as train_sasrec().
SequenceReport train_sequence(Catalog& catalog, const SequenceTraining& options);

/// What is kept, if it is whole and each of the listens that it learned from is still there: a warning in the log
/// otherwise. \param hashes listen_hash() of the catalog's listens, ascending
std::optional<SequenceFit> kept_sequence(const Catalog& catalog, const std::vector<std::uint64_t>& hashes);

}  // namespace euterpe
