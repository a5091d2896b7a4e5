#pragma once
/// The recommendation service over a catalog: what a listener may want to hear next, and which listens say so.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"

namespace euterpe {

/// One listen that speaks for a recommended track.
struct Reason {
  std::string track;  ///< track id or foreign item id
  std::string title;  ///< empty for a foreign id
  double weight = 0;  ///< its exact part of the score (collaborative) or its cosine (content)
  double share = 0;   ///< weight ÷ sum of all positive parts, 0–1
};

/// The parts above 0, heaviest first, at most `count`, each with its share of all of them.
std::vector<Reason> heaviest(std::vector<Reason> parts, std::size_t count);

struct Recommendation {
  std::string track;            ///< track id, or a foreign item id that occurs in listens only
  std::string title, artist;    ///< empty for a foreign id
  double score = 0;             ///< comparable within one basis only
  std::string basis;            ///< "listens", "content" or "popularity"
  std::vector<Reason> reasons;  ///< the listens that weighed most, heaviest first; empty for "popularity"
};

struct RecommendOptions {
  std::size_t count = 10;      ///< at most so many; fewer where the catalog has no more
  bool include_heard = false;  ///< false: tracks in the listener's history are left out
  std::size_t reasons = 3;     ///< at most so many reasons each; 0 = none
};

struct RecommendAnswer {
  std::vector<Recommendation> tracks;  ///< "listens" first, then "content", then "popularity"; best first within each
  std::string note;         ///< what the caller should know ("no listens of 'x' yet: popular tracks"), may be empty
  std::string model;        ///< "ease", "item-knn", either with "+sasrec", or "none"
  std::size_t listens = 0;  ///< the listener's, at this moment
  std::size_t left_out_by_rights = 0;  ///< tracks that would have been named, had their rights allowed it
};

/// Fits once, answers many times. The fit (item-to-item weights) is kept in CATALOG/models/recommend.fit and made again
/// when the listens have grown by a tenth or some of its listens were erased; an answer always starts from the
/// listener's listens of this moment. Thread-safe after construction as far as the catalog is.
class Recommender {
 public:
  /// \param refit ignore a kept fit
  /// Tracks and popularity are those of this moment. A fit that cannot be kept or read is a warning in the log.
  explicit Recommender(Catalog& catalog, bool refit = false);
  ~Recommender();
  Recommender(Recommender&&) noexcept;

  /// Listens → EASE with recency (Steck 2019) → if that gives too few, tracks that sound like the latest listens →
  /// popular ones. A user without listens gets popular tracks and a note. Error{not_found} if there is nothing at all
  /// to recommend.
  RecommendAnswer for_user(std::string_view user, const RecommendOptions& options = {}) const;

  /// For a new listener who likes `track` (a track id, an unambiguous prefix of one, or a foreign id of the listens):
  /// tracks that sound alike; for a foreign id, that are heard together with it. Error{not_found} if it is neither.
  RecommendAnswer like(std::string_view track, const RecommendOptions& options = {}) const;

  /// Most distinct listeners first, ties by id.
  RecommendAnswer popular(const RecommendOptions& options = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace euterpe
