#pragma once
/// The promotion service over a catalog: to whom a track should be shown, how many of them will listen, beside what to
/// place it, and what that takes from other tracks.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"
#include "recommend/exposure.hpp"
#include "recommend/impressions.hpp"
#include "recommend/reach.hpp"
#include "recommend/recommend.hpp"

namespace euterpe {

struct PromoteOptions {
  std::size_t impressions = 100;   ///< listeners that the track is shown to, one impression each; ≥ 1
  std::size_t count = 10;          ///< tracks to place it beside, at most; 0 = none
  std::size_t reasons = 3;         ///< at most so many reasons for each listener; 0 = none
  bool include_listeners = false;  ///< false: who has heard the track is left out
  std::size_t list_length = 10;    ///< of the lists in which exposure is counted, ≥ 1
  std::size_t position = 1;        ///< place in those lists that the promotion gives the track, from 1
  /// What listeners did with tracks they were shown; a reward above 0 is a listen. Empty: the catalog's own held-out
  /// listens stand for it.
  std::vector<Impression> responses;
  std::uint64_t seed = 0;  ///< of the reach's interval
};

struct AudienceMember {
  std::string user;
  double affinity = 0;                ///< comparable within one track
  std::optional<double> probability;  ///< of listening; none where the listens are too few to tell
  std::vector<Reason> reasons;        ///< exact parts of the affinity, heaviest first
};

struct PromoteAnswer {
  std::string track, title, artist;      ///< id, or a foreign id of the listens; empty titles for the latter
  std::string basis;                     ///< "listens", "artist" (its other tracks) or "content" (what sounds alike)
  std::vector<AudienceMember> audience;  ///< those shown, best first, ties by name; at most `impressions`
  std::size_t candidates = 0;            ///< listeners that the track could be shown to
  std::size_t already_listeners = 0;     ///< who have heard it
  std::optional<Reach> reach;            ///< of the audience; none where the listens are too few to tell
  std::string calibrated_on;             ///< "held-out listens" or "responses"; empty without a reach
  std::vector<Recommendation> beside;    ///< tracks whose listens speak most for it, then what sounds alike
  std::vector<ExposureChange> tracks, artists;  ///< the ledger over the audience's lists
  std::string note;                             ///< what the caller should know, may be empty
};

/// \param track id, foreign id of the listens, path, title or the beginning of an id
/// Affinity is the catalog's linear model (see Recommender). A track without listens that say anything is judged by the
/// listeners of its artist's other tracks, else by those of the ten tracks that sound most alike. Errors: not_found for
/// an unknown track, a catalog without listens, a track that nothing links to a listener, or nobody left to show it to;
/// refused if its rights say that it may not be recommended; usage where a name fits several tracks.
PromoteAnswer promote(Catalog& catalog, std::string_view track, const PromoteOptions& options = {});

}  // namespace euterpe
