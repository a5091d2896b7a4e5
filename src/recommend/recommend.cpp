#include "recommend/recommend.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/error.hpp"
#include "catalog/similar.hpp"
#include "recommend/kept_fit.hpp"
#include "recommend/listen_scores.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kContentSeeds = 5;  // latest listens whose sound is sought again

}  // namespace

std::vector<Reason> heaviest(std::vector<Reason> parts, std::size_t count) {
  std::erase_if(parts, [](const Reason& part) { return !(part.weight > 0); });
  double sum = 0;
  for (const Reason& part : parts) sum += part.weight;
  std::stable_sort(parts.begin(), parts.end(), [](const Reason& a, const Reason& b) { return a.weight > b.weight; });
  if (parts.size() > count) parts.resize(count);
  for (Reason& part : parts) part.share = part.weight / sum;
  return parts;
}

struct Recommender::State {
  Catalog& catalog;
  ListenScores listens;
  std::unordered_map<std::string, TrackRecord> tracks;
  std::vector<std::pair<std::string, int>> popular;  ///< (track, distinct listeners), most first

  /// Collects tracks best first while they pass the filters.
  struct Collector {
    const State& state;
    const RecommendOptions& options;
    std::unordered_set<std::string> left_out;  ///< heard, or named already
    RecommendAnswer answer;

    bool full() const { return answer.tracks.size() >= options.count; }
    void offer(Recommendation candidate) {
      if (full() || !left_out.insert(candidate.track).second) return;
      if (const auto known = state.tracks.find(candidate.track); known != state.tracks.end()) {
        if (!state.catalog.rights(candidate.track).may_recommend) {
          ++answer.left_out_by_rights;
          return;
        }
        candidate.title = known->second.title;
        candidate.artist = known->second.artist;
      }
      for (Reason& reason : candidate.reasons)
        if (const auto known = state.tracks.find(reason.track); known != state.tracks.end())
          reason.title = known->second.title;
      answer.tracks.push_back(std::move(candidate));
    }
  };

  /// Adds what the listens say. \param history track ids, oldest first
  void add_by_listens(const std::vector<std::string>& history, Collector& to) const {
    const ListenScores::Asked asked_of = listens.ask(history);
    const std::vector<float>& scores = asked_of.scores;
    std::vector<bool> excluded(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i)
      excluded[i] = !(scores[i] > 0) || to.left_out.contains(listens.items()[i]);
    std::size_t asked = to.options.count + 100, offered = 0;  // some may fall to the filter of rights
    while (!to.full()) {
      const std::vector<int> best = best_items(scores, excluded, asked);
      for (; offered < best.size() && !to.full(); ++offered) {
        const auto item = static_cast<std::size_t>(best[offered]);
        Recommendation candidate;
        candidate.track = listens.items()[item];
        candidate.score = scores[item];
        candidate.basis = "listens";
        if (to.options.reasons > 0) {
          std::vector<Reason> parts;
          for (ListenScores::Part& part : listens.parts(asked_of, item))
            parts.push_back({std::move(part.track), {}, part.weight, 0});
          candidate.reasons = heaviest(std::move(parts), to.options.reasons);
        }
        to.offer(std::move(candidate));
      }
      if (best.size() < asked) return;
      asked *= 4;
    }
  }

  /// Adds tracks that sound like the seeds (latest first): Σ cosine · recency, over the seeds of one embedding space
  /// each.
  void add_by_content(const std::vector<std::string>& seeds, Collector& to) const {
    std::map<std::string, std::vector<Reason>> parts;
    const std::size_t wanted = to.options.count + to.left_out.size() + 100;
    for (std::size_t age = 0; age < seeds.size(); ++age) {
      const auto descriptors = catalog.descriptors(seeds[age]);
      if (!descriptors || descriptors->embedding.empty()) continue;
      for (const auto& [track, cosine] : similar_tracks(catalog, *descriptors, wanted))
        if (track != seeds[age] && cosine > 0)
          parts[track].push_back(
              {seeds[age], {}, cosine * std::exp2(-static_cast<double>(age) / listens.fit().recency.half_life), 0});
    }
    std::vector<Recommendation> candidates;
    for (auto& [track, reasons] : parts) {
      Recommendation candidate;
      candidate.track = track;
      candidate.basis = "content";
      for (const Reason& reason : reasons) candidate.score += reason.weight;
      candidate.reasons = heaviest(std::move(reasons), to.options.reasons);
      candidates.push_back(std::move(candidate));
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Recommendation& a, const Recommendation& b) { return a.score > b.score; });
    for (Recommendation& candidate : candidates) to.offer(std::move(candidate));
  }

  void add_popular(Collector& to) const {
    for (const auto& [track, listeners] : popular) {
      if (to.full()) return;
      to.offer({track, {}, {}, static_cast<double>(listeners), "popularity", {}});
    }
  }
};

namespace {

ListenScores scores_of(Catalog& catalog, const std::vector<Listen>& listens, bool refit) {
  Fit fit = kept_fit(catalog, listens, refit ? 0 : kMostGrowth);
  return {catalog, std::move(fit), kept_sequence(catalog, listen_hashes(listens))};
}

}  // namespace

Recommender::Recommender(Catalog& catalog, bool refit) {
  const std::vector<Listen> listens = catalog.listens();
  state_.reset(new State{catalog, scores_of(catalog, listens, refit), {}, {}});
  for (TrackRecord& track : catalog.tracks()) {
    std::string id = track.id;
    state_->tracks.emplace(std::move(id), std::move(track));
  }
  std::map<std::string, int> listeners;
  std::set<std::string_view> heard_by_user;
  for (std::size_t i = 0; i < listens.size(); ++i) {
    const Listen& listen = listens[i];
    if (i > 0 && listens[i - 1].user != listen.user) heard_by_user.clear();
    if (heard_by_user.insert(listen.track).second) ++listeners[listen.track];
  }
  state_->popular.assign(listeners.begin(), listeners.end());
  std::stable_sort(state_->popular.begin(), state_->popular.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
}

Recommender::~Recommender() = default;
Recommender::Recommender(Recommender&&) noexcept = default;

RecommendAnswer Recommender::for_user(std::string_view user, const RecommendOptions& options) const {
  std::vector<std::string> history;
  for (Listen& listen : state_->catalog.listens_of(user)) history.push_back(std::move(listen.track));
  if (history.empty()) {
    RecommendAnswer answer = popular(options);
    answer.note = "no listens of '" + std::string(user) +
                  "' are known, so these are what most listen to; --like TRACK starts from a track instead";
    return answer;
  }
  State::Collector collector{*state_, options, {}, {}};
  collector.answer.model = state_->listens.model();
  collector.answer.listens = history.size();
  if (!options.include_heard) collector.left_out.insert(history.begin(), history.end());
  state_->add_by_listens(history, collector);
  if (!collector.full()) {
    std::vector<std::string> seeds;
    for (std::size_t i = history.size(); i > 0 && seeds.size() < kContentSeeds; --i)
      if (state_->tracks.contains(history[i - 1]) &&
          std::find(seeds.begin(), seeds.end(), history[i - 1]) == seeds.end())
        seeds.push_back(history[i - 1]);
    state_->add_by_content(seeds, collector);
  }
  if (!collector.full()) state_->add_popular(collector);
  if (collector.answer.tracks.empty() && options.count > 0)
    collector.answer.note = "everything that may be recommended has been heard already";
  return std::move(collector.answer);
}

RecommendAnswer Recommender::like(std::string_view track, const RecommendOptions& options) const {
  std::string id(track);
  if (!state_->tracks.contains(id) &&
      !std::binary_search(state_->listens.items().begin(), state_->listens.items().end(), id)) {
    const std::optional<TrackRecord> found = state_->catalog.track(track);
    if (!found)
      throw Error(Category::not_found, "recommend", "no track and no listen is called '" + id + "'",
                  "`catalog list` shows the tracks; the beginning of an id is enough");
    id = found->id;
  }
  State::Collector collector{*state_, options, {id}, {}};
  collector.answer.model = state_->listens.model();
  state_->add_by_content({id}, collector);
  if (!collector.full()) state_->add_by_listens({id}, collector);
  if (collector.answer.tracks.empty() && options.count > 0)
    collector.answer.note =
        "nothing sounds like this track, and nobody has heard it together with another that may be recommended";
  return std::move(collector.answer);
}

RecommendAnswer Recommender::popular(const RecommendOptions& options) const {
  if (state_->popular.empty())
    throw Error(Category::not_found, "recommend", "the catalog holds no listens to recommend from",
                "`ingest --listens FILE` takes a listening log; `recommend --like TRACK` needs none");
  State::Collector collector{*state_, options, {}, {}};
  collector.answer.model = "none";
  state_->add_popular(collector);
  return std::move(collector.answer);
}

}  // namespace euterpe
