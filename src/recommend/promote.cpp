#include "recommend/promote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "catalog/lookup.hpp"
#include "catalog/similar.hpp"
#include "recommend/affinity.hpp"
#include "recommend/kept_fit.hpp"
#include "recommend/ranking.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kContentStandIns = 10;     // tracks that sound alike and have listens
constexpr std::size_t kHeldPositions = 3;        // a listener's latest listens, on which probabilities are learned
constexpr std::size_t kMostTracks = 2000;        // tracks and
constexpr std::size_t kMostListeners = 2000;     // listeners to learn them from, evenly picked
constexpr std::size_t kMostContentTracks = 200;  // each asks for its neighbours among all embeddings

/// What stands for a track whose own listens say nothing: (item, weight), empty if there is none.
using StandIns = std::vector<StandIn>;

/// The catalog as a promotion sees it.
class Room {
 public:
  /// \param listens of the catalog, not empty. A promotion is often of what is new, so the fit knows every listen.
  Room(Catalog& catalog, const std::vector<Listen>& listens)
      : catalog_(catalog),
        fit_(kept_fit(catalog, listens, 1)),
        recommender_(catalog),
        listeners_(listeners_of(listens)) {
    for (TrackRecord& track : catalog.tracks()) {
      std::string id = track.id;
      tracks_.emplace(std::move(id), std::move(track));
    }
    for (const Listener& listener : listeners_) histories_.push_back(numbers_of(listener.tracks, fit_.items));
    for (std::size_t item = 0; item < fit_.items.size(); ++item)
      if (const TrackRecord* known = record(fit_.items[item]); known && !known->artist.empty())
        by_artist_[known->artist].push_back(static_cast<int>(item));
  }

  const Recommender& recommender() const { return recommender_; }
  Catalog& catalog() const { return catalog_; }
  const Fit& fit() const { return fit_; }
  const std::vector<Listener>& listeners() const { return listeners_; }
  const std::vector<History>& histories() const { return histories_; }
  const TrackRecord* record(const std::string& id) const {
    const auto found = tracks_.find(id);
    return found == tracks_.end() ? nullptr : &found->second;
  }
  bool may_recommend(const std::string& id) const { return !record(id) || catalog_.rights(id).may_recommend; }
  /// Item number of a track, or nothing.
  std::optional<int> item(const std::string& id) const {
    const auto found = std::lower_bound(fit_.items.begin(), fit_.items.end(), id);
    if (found == fit_.items.end() || *found != id) return {};
    return static_cast<int>(found - fit_.items.begin());
  }

  std::string resolve(std::string_view name) const {
    if (item(std::string(name))) return std::string(name);
    if (std::string id = TrackNames(catalog_).find(name); !id.empty()) return id;
    return find_track(catalog_, name).id;
  }

  /// The artist's other tracks that are listened to.
  StandIns by_artist(const std::string& id) const {
    StandIns result;
    const TrackRecord* known = record(id);
    const auto found = known ? by_artist_.find(known->artist) : by_artist_.end();
    if (found == by_artist_.end()) return result;
    for (const int item : found->second)
      if (fit_.items[static_cast<std::size_t>(item)] != id) result.push_back({item, 1});
    return result;
  }

  /// What sounds most alike and is listened to, by cosine.
  StandIns by_content(const std::string& id) const {
    StandIns result;
    for (const auto& [other, cosine] : alike(id))
      if (const auto number = item(other); number && result.size() < kContentStandIns)
        result.push_back({*number, cosine});
    return result;
  }

  /// Tracks that sound alike with their cosines above 0, best first.
  std::vector<std::pair<std::string, double>> alike(const std::string& id) const {
    const auto own = record(id) ? catalog_.descriptors(id) : std::nullopt;
    if (!own || own->embedding.empty()) return {};
    auto& space = spaces_[own->embedding_space];
    if (space.empty())
      for (const auto& [other, track] : tracks_)
        if (auto found = catalog_.descriptors(other); found && found->embedding_space == own->embedding_space)
          space.emplace_back(other, std::move(found->embedding));
    auto nearest = nearest_embeddings(space, own->embedding, space.size());
    std::erase_if(nearest, [&](const auto& one) { return one.first == id || !(one.second > 0); });
    return nearest;
  }

 private:
  Catalog& catalog_;
  Fit fit_;  ///< before the recommender, which then reads the same
  Recommender recommender_;
  std::vector<Listener> listeners_;
  std::vector<History> histories_;  ///< beside listeners_
  std::unordered_map<std::string, TrackRecord> tracks_;
  std::unordered_map<std::string, std::vector<int>> by_artist_;
  mutable std::map<std::string, std::vector<std::pair<std::string, std::vector<float>>>> spaces_;
};

/// One row a way to judge a track: the first that says anything about it is taken, and the probabilities are learned on
/// other tracks judged in the same way.
struct Basis {
  const char* name;
  TrackWeights (*weights)(const Room& room, const ItemWeightsView& model, const std::string& track);
  std::size_t most_tracks;  ///< to learn from
};

TrackWeights through(const ItemWeightsView& model, const StandIns& stand_ins) {
  return stand_ins.empty() ? TrackWeights{} : look_alike(model, stand_ins);
}

const std::vector<Basis>& bases() {
  static const std::vector<Basis> table{
      {"listens",
       [](const Room& room, const ItemWeightsView& model, const std::string& track) {
         const auto item = room.item(track);
         return item ? column_of(model, *item) : TrackWeights{};
       },
       kMostTracks},
      {"artist",
       [](const Room& room, const ItemWeightsView& model, const std::string& track) {
         return through(model, room.by_artist(track));
       },
       kMostTracks},
      {"content",
       [](const Room& room, const ItemWeightsView& model, const std::string& track) {
         return through(model, room.by_content(track));
       },
       kMostContentTracks},
  };
  return table;
}

/// Every so-manieth of n, at most `most`.
std::vector<std::size_t> evenly(std::size_t n, std::size_t most) {
  std::vector<std::size_t> picked;
  const std::size_t count = std::min(n, most);
  for (std::size_t k = 0; k < count; ++k) picked.push_back(k * n / count);
  return picked;
}

/// Each listener's latest listens are left out of a fit, which is then asked about tracks that the listener had not
/// heard: those among the latest were listened to.
std::vector<Response> held_out_responses(const Room& room, const Basis& basis) {
  std::vector<History> known;  // items that the model does not know yet tell it nothing
  const auto items = static_cast<int>(room.fit().items.size());
  for (History history : room.histories()) {
    std::erase_if(history, [&](int item) { return item >= items; });
    known.push_back(std::move(history));
  }
  const HeldOut held_out = hold_out(known, kHeldPositions);
  const Fit fit = fit_histories(held_out.fit, items);
  struct Asked {
    std::vector<WeighedItem> weighed;
    std::set<int> before, after;
  };
  std::vector<Asked> asked;
  for (const std::size_t u : evenly(known.size(), kMostListeners)) {
    const History& before = held_out.fit[u];
    const auto cut = known[u].begin() + static_cast<std::ptrdiff_t>(before.size());
    if (cut == known[u].end()) continue;
    asked.push_back({weigh(before, fit.recency), {before.begin(), before.end()}, {cut, known[u].end()}});
  }
  std::vector<Response> responses;
  const ItemWeightsView model = fit.weights();
  for (const std::size_t item : evenly(static_cast<std::size_t>(items), basis.most_tracks)) {
    check_interrupt();
    const TrackWeights weights = basis.weights(room, model, room.fit().items[item]);
    if (!says_anything(weights)) continue;
    const int track = static_cast<int>(item);
    for (const Asked& one : asked)
      if (!one.before.contains(track))
        responses.push_back({track, affinity(one.weighed, weights), one.after.contains(track)});
  }
  return responses;
}

/// What listeners did with tracks of this catalog that they were shown. Rows of unknown listeners and tracks are passed
/// over.
std::vector<Response> shown_responses(const Room& room, const Basis& basis, const std::vector<Impression>& impressions,
                                      const std::string& promoted) {
  const TrackNames names(room.catalog());
  std::unordered_map<std::string_view, std::size_t> listeners;
  for (std::size_t u = 0; u < room.listeners().size(); ++u) listeners.emplace(room.listeners()[u].name, u);
  std::map<std::string, std::vector<const Impression*>> by_track;
  for (const Impression& one : impressions) {
    const std::string id = names.find(one.item);
    by_track[id.empty() ? one.item : id].push_back(&one);
  }
  std::vector<Response> responses;
  int number = 0;
  for (const auto& [track, shown] : by_track) {
    const TrackWeights weights = basis.weights(room, room.fit().weights(), track);
    if (track == promoted || !says_anything(weights)) continue;
    const int item = room.item(track).value_or(-1);
    for (const Impression* one : shown) {
      const auto user = listeners.find(one->user);
      if (user == listeners.end()) continue;
      History history = room.histories()[user->second];
      std::erase(history, item);  // what came of the impression must not speak for it
      responses.push_back({number, affinity(weigh(history, room.fit().recency), weights), one->reward > 0});
    }
    ++number;
  }
  return responses;
}

std::vector<Reason> reasons_of(const Room& room, const std::vector<WeighedItem>& history, const TrackWeights& weights,
                               std::size_t count) {
  std::vector<Reason> parts;
  for (const WeighedItem& heard : history) {
    const auto item = static_cast<std::size_t>(heard.item);
    if (item >= weights.size()) continue;
    const std::string& id = room.fit().items[item];
    const TrackRecord* known = room.record(id);
    parts.push_back(
        {id, known ? known->title : "", static_cast<double>(heard.weight) * static_cast<double>(weights[item]), 0});
  }
  return heaviest(std::move(parts), count);
}

void find_audience(const Room& room, const TrackWeights& weights, const PromoteOptions& options,
                   PromoteAnswer& answer) {
  std::vector<std::pair<double, std::size_t>> ranked;
  for (std::size_t u = 0; u < room.listeners().size(); ++u) {
    const auto& heard = room.listeners()[u].tracks;
    const bool has_heard = std::find(heard.begin(), heard.end(), answer.track) != heard.end();
    answer.already_listeners += has_heard;
    if (has_heard && !options.include_listeners) continue;
    ranked.emplace_back(affinity(weigh(room.histories()[u], room.fit().recency), weights), u);
  }
  if (ranked.empty())
    throw Error(Category::not_found, "promote",
                fmt::format("nobody is left to promote to: all {} listeners have heard it", answer.already_listeners),
                "--include-listeners shows it to them again");
  answer.candidates = ranked.size();
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  if (ranked.size() > options.impressions) ranked.resize(options.impressions);
  if (ranked.size() < options.impressions)
    answer.note = fmt::format("{} impressions were asked for, but there are {} listeners to show it to",
                              options.impressions, ranked.size());
  for (const auto& [score, u] : ranked)
    answer.audience.push_back(
        {room.listeners()[u].name,
         score,
         {},
         reasons_of(room, weigh(room.histories()[u], room.fit().recency), weights, options.reasons)});
}

void predict_reach(const Room& room, const Basis& basis, const PromoteOptions& options, PromoteAnswer& answer) {
  const bool own = options.responses.empty();
  std::vector<Response> responses =
      own ? held_out_responses(room, basis) : shown_responses(room, basis, options.responses, answer.track);
  try {
    const ResponseModel model(std::move(responses), options.seed);
    std::vector<double> affinities;
    for (AudienceMember& member : answer.audience) {
      member.probability = model.probability(member.affinity);
      affinities.push_back(member.affinity);
    }
    answer.reach = model.reach(affinities);
    answer.calibrated_on = own ? "held-out listens" : "responses";
  } catch (const Error& error) {
    if (error.category() != Category::bad_input) throw;
    answer.note += (answer.note.empty() ? "" : "; ") + std::string("no reach is given: ") + error.detail();
  }
}

/// First what the listeners' model says, then what sounds alike.
void find_neighbours(const Room& room, const TrackWeights& weights, std::size_t count, PromoteAnswer& answer) {
  std::set<std::string> named{answer.track};
  const auto offer = [&](const std::string& id, double score, const char* basis) {
    if (answer.beside.size() >= count || !room.may_recommend(id) || !named.insert(id).second) return;
    const TrackRecord* known = room.record(id);
    answer.beside.push_back({id, known ? known->title : "", known ? known->artist : "", score, basis, {}});
  };
  std::vector<bool> excluded(weights.size());
  for (std::size_t item = 0; item < weights.size(); ++item) excluded[item] = !(weights[item] > 0);
  for (const int item : best_items(weights, excluded, weights.size())) {
    if (answer.beside.size() >= count) return;
    offer(room.fit().items[static_cast<std::size_t>(item)],
          static_cast<double>(weights[static_cast<std::size_t>(item)]), "listens");
  }
  for (const auto& [id, cosine] : room.alike(answer.track)) offer(id, cosine, "content");
}

void keep_ledger(const Room& room, const PromoteOptions& options, PromoteAnswer& answer) {
  Progress progress("lists before and after", answer.audience.size(), "listeners");
  std::vector<TrackList> lists;
  for (const AudienceMember& member : answer.audience) {
    check_interrupt();
    TrackList list;
    for (const Recommendation& track :
         room.recommender().for_user(member.user, {.count = options.list_length, .reasons = 0}).tracks)
      list.push_back(track.track);
    lists.push_back(std::move(list));
    progress.advance();
  }
  answer.tracks = exposure_ledger(lists, answer.track, options.position - 1);
  answer.artists = exposure_ledger(lists, answer.track, options.position - 1, [&](const std::string& id) {
    const TrackRecord* known = room.record(id);
    return known && !known->artist.empty() ? known->artist : id;
  });
}

}  // namespace

PromoteAnswer promote(Catalog& catalog, std::string_view track, const PromoteOptions& options) {
  EUTERPE_ASSERT(options.impressions > 0 && options.list_length > 0 && options.position > 0);
  const std::vector<Listen> listens = catalog.listens();
  if (listens.empty())
    throw Error(Category::not_found, "promote", "the catalog holds no listens, so there is nobody to promote to",
                "`ingest --listens FILE` takes a listening log");
  const Room room(catalog, listens);
  PromoteAnswer answer;
  answer.track = room.resolve(track);
  if (const TrackRecord* known = room.record(answer.track)) {
    answer.title = known->title;
    answer.artist = known->artist;
  }
  if (!room.may_recommend(answer.track))
    throw Error(Category::refused, "promote",
                fmt::format("the rights of '{}' say that it may not be recommended",
                            answer.title.empty() ? answer.track : answer.title),
                "`rights show TRACK` shows them, `rights set TRACK --may-recommend yes` changes that");
  for (const Basis& basis : bases()) {
    const TrackWeights weights = basis.weights(room, room.fit().weights(), answer.track);
    if (!says_anything(weights)) continue;
    answer.basis = basis.name;
    find_audience(room, weights, options, answer);
    predict_reach(room, basis, options, answer);
    find_neighbours(room, weights, options.count, answer);
    keep_ledger(room, options, answer);
    return answer;
  }
  throw Error(
      Category::not_found, "promote",
      "nothing links this track to a listener: no listens shared with other tracks, none of its artist's tracks "
      "and nothing that sounds alike is listened to",
      "`ingest` it with its artist's name, or listens of tracks that sound like it");
}

}  // namespace euterpe
