#pragma once
/// The originality gate: every composed piece, from any model, passes it before anybody hears it.
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "nn/model.hpp"
#include "score/passage_index.hpp"
#include "score/passage_search.hpp"
#include "score/score.hpp"

namespace euterpe {

/// Similarity from which on a passage counts as a copy; chosen on validation pieces, see docs/originality.md.
inline constexpr double kCopySimilarity = 0.5;

struct GateOptions {
  double threshold = kCopySimilarity;  ///< above 1: off, the nearest passage is found and recorded all the same
  int attempts = 8;                    ///< pieces that are composed at most until one passes, ≥ 1
  std::set<std::string> except;        ///< names of pieces that may be repeated: the one that is continued
  std::vector<Score> given;            ///< what is gone on from: what it says itself may be said again
};

struct GateVerdict {
  bool original = true;
  std::optional<PassageMatch> nearest;  ///< nothing: not a run of notes is shared with any piece
  std::string where;                    ///< "corpus" or "catalog"; empty without a nearest one
};

class OriginalityGate {
 public:
  /// \param corpus indexes of the pieces that the model and those before it learned from, \param catalog of the user's
  /// scores; either may be absent.
  OriginalityGate(std::vector<PassageIndex> corpus, std::optional<PassageIndex> catalog, GateOptions options = {});
  /// Every index beside the model's card (score/passage_files.hpp), the inherited ones too, and the one beside another
  /// model that the card names; there may be none. Error{not_found} if that one is nowhere.
  /// Error{bad_input | newer_version}.
  static std::vector<PassageIndex> indexes_of(const Model& model);

  /// \param composed what was composed alone: without a prompt's bars, a given melody, or notes that stood around a gap
  GateVerdict judge(const Score& composed) const;
  /// Calls compose(1), compose(2) … until what it returns is original. \return the row for the provenance record, as
  /// record(). Error{refused} naming the passage if none is within options.attempts. Same scores, same answer.
  nlohmann::json admit(const std::function<Score(int attempt)>& compose) const;
  /// {original, threshold, similarity, attempts, nearest: {piece, where, bars, piece_bars, notes, of_notes, share,
  /// transposition, tempo_ratio} or null, corpus: {pieces, hash} or null, catalog: the same}; the hash of several
  /// indexes is that of their hashes, one after the other.
  nlohmann::json record(const GateVerdict& verdict, int attempts) const;

  const GateOptions& options() const { return options_; }

 private:
  GateVerdict nearest(const Score& composed) const;
  bool is_given(const Score& composed, const PassageMatch& match) const;

  std::vector<PassageIndex> indexes_;  ///< the corpus's, then the catalog's
  std::size_t of_corpus_;
  nlohmann::json corpus_, catalog_;  ///< as record() has them
  std::optional<PassageIndex> given_;
  GateOptions options_;
};

/// "bars 5-8 of pop909/262 (2 semitones up, 36 of 37 notes)"
std::string passage_text(const PassageMatch& match);

}  // namespace euterpe
