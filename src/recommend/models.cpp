#include "recommend/models.hpp"

#include <algorithm>
#include <tuple>

#include "base/error.hpp"
#include "recommend/sasrec_model.hpp"

namespace euterpe {
namespace {

double get(const Settings& settings, const char* key) {
  const auto found = settings.find(key);
  EUTERPE_ASSERT(found != settings.end());
  return found->second;
}

/// The same for everyone: how many have heard it.
class Popularity : public ItemModel {
 public:
  void fit(const std::vector<History>& histories, int items) override { counts_ = count_listeners(histories, items); }
  void configure(const Settings&) override {}
  void score(std::span<const int>, std::span<float> scores) const override {
    std::copy(counts_.begin(), counts_.end(), scores.begin());
  }

 protected:
  std::vector<float> counts_;
};

/// What this listener has played most; among the never played, the popular.
class PersonalPopularity : public Popularity {
 public:
  void fit(const std::vector<History>& histories, int items) override {
    Popularity::fit(histories, items);
    for (float& count : counts_) count /= static_cast<float>(histories.size() + 1);
  }
  void score(std::span<const int> history, std::span<float> scores) const override {
    Popularity::score(history, scores);
    for (const int item : history) scores[static_cast<std::size_t>(item)] += 1;
  }
};

class LinearModel : public ItemModel {
 public:
  /// The terms whose sum the score is.
  std::vector<float> reasons(std::span<const int> history, int item, int) const override {
    std::vector<float> out(history.size());
    std::map<int, std::size_t> latest;
    for (std::size_t i = 0; i < history.size(); ++i) latest[history[i]] = i;
    for (const WeighedItem& heard : weigh(history, recency_))
      if (heard.item < weights_.items) out[latest.at(heard.item)] = heard.weight * weights_.view().at(heard.item, item);
    return out;
  }
  void score(std::span<const int> history, std::span<float> scores) const override {
    std::fill(scores.begin(), scores.end(), 0.f);
    weights_.view().add_scores(weigh(history, recency_), scores);
  }

 protected:
  ItemWeights weights_;
  Recency recency_;
};

class ItemKnn : public LinearModel {
 public:
  void fit(const std::vector<History>& histories, int items) override {
    histories_ = histories;
    items_ = items;
    refit();
  }
  void configure(const Settings& settings) override {
    recency_ = {get(settings, "half_life"), get(settings, "floor")};
    const auto neighbours = static_cast<int>(get(settings, "neighbours"));
    const double shrinkage = get(settings, "shrinkage");
    const bool changed = neighbours != neighbours_ || shrinkage != shrinkage_;
    neighbours_ = neighbours;
    shrinkage_ = shrinkage;
    if (changed && items_ > 0) refit();
  }

 private:
  void refit() { weights_ = fit_item_knn(histories_, items_, neighbours_, shrinkage_); }
  std::vector<History> histories_;
  int items_ = 0, neighbours_ = 100;
  double shrinkage_ = 10;
};

/// EASE with recency; with the setting "transition" also what follows what.
class Ease : public LinearModel {
 public:
  void fit(const std::vector<History>& histories, int items) override {
    fitter_ = std::make_unique<EaseFitter>(histories, items);
    weights_ = fitter_->fit(settings_);
  }
  void configure(const Settings& settings) override {
    const EaseSettings before = settings_;
    settings_ = ease_settings(settings);
    recency_ = settings_.recency;
    const auto fitted = [](const EaseSettings& s) {
      return std::tuple(s.lambda, s.popularity_exponent, s.transition, s.transition_lambda, s.past, s.future);
    };
    if (fitter_ && fitted(before) != fitted(settings_)) weights_ = fitter_->fit(settings_);
  }

 private:
  std::unique_ptr<EaseFitter> fitter_;
  EaseSettings settings_;
};

template <class Model>
std::unique_ptr<ItemModel> make() {
  return std::make_unique<Model>();
}

}  // namespace

std::vector<float> ItemModel::reasons(std::span<const int> history, int item, int items) const {
  std::vector<float> scores(static_cast<std::size_t>(items));
  const auto score_of = [&](std::span<const int> of) {
    score(of, scores);
    return scores[static_cast<std::size_t>(item)];
  };
  const float whole = score_of(history);
  std::vector<float> out(history.size());
  for (std::size_t i = 0; i < history.size(); ++i) {
    History without(history.begin(), history.end());
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    out[i] = whole - score_of(without);
  }
  return out;
}

const std::vector<ModelRow>& recommend_models() {
  static const std::vector<ModelRow> table{
      {"popularity", "how many have heard it", make<Popularity>, {}},
      {"personal-popularity", "what the listener plays most, then the popular", make<PersonalPopularity>, {}},
      {"item-knn",
       "cosine between items (Sarwar et al. 2001), with recency",
       make<ItemKnn>,
       {{"half_life", {4, 2, 8, 16}},
        {"floor", {0.2, 0, 0.1, 0.4, 1}},
        {"neighbours", {200, 50, 100, 400}},
        {"shrinkage", {10, 0, 5, 20, 40}}}},
      {"ease",
       "EASE (Steck 2019) with recency",
       make<Ease>,
       {{"half_life", {4, 1, 2, 8, 16}},
        {"floor", {0.2, 0, 0.1, 0.4, 1}},
        {"popularity_exponent", {0, -0.15, -0.3, -0.45}},
        {"lambda", {200, 50, 100, 300, 500, 1000}}}},
      {"ease-sequence",
       "EASE with recency and what follows what (after Choi et al. 2021)",
       make<Ease>,
       {{"half_life", {4, 1, 2, 8}},
        {"floor", {0.2, 0, 0.1, 0.4, 1}},
        {"popularity_exponent", {-0.3, 0, -0.15, -0.45}},
        {"transition", {0.2, 0, 0.1, 0.4, 0.8}},
        {"lambda", {200, 100, 300, 500, 1000}},
        {"transition_lambda", {30, 10, 100}},
        {"past", {1, 0.5, 2}},
        {"future", {3, 1.5, 6}}}},
      {"sasrec",
       "self-attention over the history (Kang and McAuley 2018), softmax over all items",
       make_sasrec,
       {{"epochs", {60, 20, 40, 80, 100}}, {"dropout", {0.4, 0.2, 0.6}}}},
      {"blend",
       "ease and sasrec, their scores standardized and added by weight",
       nullptr,
       {{"weight", {0.5, 0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 1}}},
       {"ease", "sasrec"}},
  };
  return table;
}

EaseSettings ease_settings(const Settings& settings) {
  EaseSettings result;
  result.lambda = get(settings, "lambda");
  result.popularity_exponent = get(settings, "popularity_exponent");
  result.transition = 0;
  if (settings.contains("transition")) {
    result.transition = get(settings, "transition");
    result.transition_lambda = get(settings, "transition_lambda");
    result.past = get(settings, "past");
    result.future = get(settings, "future");
  }
  result.recency = {get(settings, "half_life"), get(settings, "floor")};
  return result;
}

const ModelRow& recommend_model(const std::string& name) {
  std::string names;
  for (const ModelRow& row : recommend_models()) {
    if (name == row.name) return row;
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  throw Error(Category::usage, "recommend_model", "no recommendation model is called '" + name + "'",
              "there are: " + names);
}

}  // namespace euterpe
