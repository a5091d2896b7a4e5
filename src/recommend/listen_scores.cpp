#include "recommend/listen_scores.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/error.hpp"
#include "nn/vector_index.hpp"
#include "recommend/blend.hpp"

namespace euterpe {
namespace {

/// Where each of `ids` (ascending) stands in `all` (ascending, holds them).
std::vector<std::size_t> places(const std::vector<std::string>& ids, const std::vector<std::string>& all) {
  std::vector<std::size_t> out;
  out.reserve(ids.size());
  std::size_t at = 0;
  for (const std::string& id : ids) {
    while (all[at] != id) ++at;
    out.push_back(at);
  }
  return out;
}

std::optional<std::size_t> number_of(std::size_t place, const std::vector<std::size_t>& places) {
  const auto found = std::lower_bound(places.begin(), places.end(), place);
  if (found == places.end() || *found != place) return {};
  return static_cast<std::size_t>(found - places.begin());
}

}  // namespace

ListenScores::ListenScores(Catalog& catalog, Fit fit, std::optional<SequenceFit> sequence)
    : fit_(std::move(fit)), sequence_(std::move(sequence)), items_(fit_.items) {
  if (!sequence_) return;
  std::vector<std::pair<std::string, std::size_t>> rows;  // a track and its row of `vectors`
  const std::span<const float> learned = sequence_->model.item_vectors();
  for (std::size_t i = 0; i < sequence_->items.size(); ++i) rows.emplace_back(sequence_->items[i], i);
  std::vector<float> vectors(learned.begin(), learned.end());
  if (!sequence_->embedding_space.empty()) {
    std::vector<float> content;
    for (const TrackRecord& track : catalog.tracks()) {
      if (std::binary_search(sequence_->items.begin(), sequence_->items.end(), track.id)) continue;
      const auto found = catalog.descriptors(track.id);
      if (!found || found->embedding_space != sequence_->embedding_space ||
          found->embedding.size() != sequence_->standard.mean.size())
        continue;
      const std::vector<double> unit = sequence_->standard.apply(found->embedding);
      content.insert(content.end(), unit.begin(), unit.end());
      rows.emplace_back(track.id, rows.size());
    }
    const std::vector<float> placed = sequence_->model.by_content(content);
    vectors.insert(vectors.end(), placed.begin(), placed.end());
  }
  std::sort(rows.begin(), rows.end());
  std::vector<std::string> ids;
  const auto width = static_cast<std::size_t>(sequence_->model.options().d_model);
  for (const auto& [id, row] : rows) {
    ids.push_back(id);
    vectors_.insert(vectors_.end(), vectors.begin() + static_cast<std::ptrdiff_t>(row * width),
                    vectors.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
  }
  items_.insert(items_.end(), ids.begin(), ids.end());
  std::sort(items_.begin(), items_.end());
  items_.erase(std::unique(items_.begin(), items_.end()), items_.end());
  linear_place_ = places(fit_.items, items_);
  sequence_place_ = places(ids, items_);
}

std::string ListenScores::model() const { return sequence_ ? fit_.model + "+sasrec" : fit_.model; }

ListenScores::Asked ListenScores::ask(std::vector<std::string> history) const {
  Asked asked;
  asked.tracks = std::move(history);
  asked.weighed = weigh(numbers_of(asked.tracks, fit_.items), fit_.recency);
  std::vector<float> linear(fit_.items.size(), 0.f);
  fit_.weights().add_scores(asked.weighed, linear);
  if (!sequence_) {
    asked.scores = std::move(linear);
    return asked;
  }
  asked.sequence = numbers_of(asked.tracks, sequence_->items);
  const std::span<const int> one(asked.sequence);
  const std::vector<float> user = sequence_->model.encode(std::span(&one, 1));
  std::vector<float> learned(sequence_place_.size());
  score_vectors(vectors_, user, learned);
  const Standardized by_items(linear), by_sequence(learned);
  asked.linear_scale = (1 - sequence_->weight) * by_items.scale;
  asked.sequence_scale = sequence_->weight * by_sequence.scale;
  asked.scores.assign(items_.size(), 0.f);
  for (std::size_t i = 0; i < linear.size(); ++i)
    asked.scores[linear_place_[i]] += static_cast<float>((1 - sequence_->weight) * by_items.of(linear[i]));
  for (std::size_t i = 0; i < learned.size(); ++i)
    asked.scores[sequence_place_[i]] += static_cast<float>(sequence_->weight * by_sequence.of(learned[i]));
  return asked;
}

std::vector<ListenScores::Part> ListenScores::parts(const Asked& asked, std::size_t item) const {
  std::map<std::string, double> sum;
  const auto linear = sequence_ ? number_of(item, linear_place_) : std::optional(item);
  if (linear)
    for (const WeighedItem& heard : asked.weighed)
      if (heard.item < fit_.weights().items && heard.item != static_cast<int>(*linear))
        sum[fit_.items[static_cast<std::size_t>(heard.item)]] +=
            asked.linear_scale *
            static_cast<double>(heard.weight * fit_.weights().at(heard.item, static_cast<int>(*linear)));
  if (const auto row = sequence_ ? number_of(item, sequence_place_) : std::nullopt) {
    const auto width = static_cast<std::size_t>(sequence_->model.options().d_model);
    const std::vector<float> its =
        sequence_->model.attributions(asked.sequence, std::span(vectors_).subspan(*row * width, width));
    for (std::size_t i = 0; i < its.size(); ++i)
      if (asked.tracks[i] != items_[item]) sum[asked.tracks[i]] += asked.sequence_scale * static_cast<double>(its[i]);
  }
  std::vector<Part> out;
  for (const auto& [track, weight] : sum) out.push_back({track, weight});
  return out;
}

}  // namespace euterpe
