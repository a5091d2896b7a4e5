#include "recommend/kept_fit.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "recommend/ease.hpp"
#include "recommend/ranking.hpp"

namespace euterpe {
namespace {

constexpr int kMostItemsChosen = 600;        // up to here the options are chosen on the catalog's own listens: seconds
constexpr std::size_t kFewestQueries = 100;  // fewer held-out listens are too few to choose by
// Not "ease-sequence": imported logs often lack a true order within a day, and a model of what follows what then learns
// chance.
constexpr const char* kModelRow = "ease";

}  // namespace

History numbers_of(std::span<const std::string> tracks, const std::vector<std::string>& items) {
  std::unordered_map<std::string_view, std::size_t> unknown;
  History numbers;
  for (const std::string& track : tracks) {
    const auto found = std::lower_bound(items.begin(), items.end(), track);
    if (found != items.end() && *found == track)
      numbers.push_back(static_cast<int>(found - items.begin()));
    else
      numbers.push_back(static_cast<int>(items.size() + unknown.emplace(track, unknown.size()).first->second));
  }
  return numbers;
}

std::vector<Listener> listeners_of(const std::vector<Listen>& listens) {
  std::vector<Listener> listeners;
  for (const Listen& listen : listens) {
    if (listeners.empty() || listeners.back().name != listen.user) listeners.push_back({listen.user, {}});
    listeners.back().tracks.push_back(listen.track);
  }
  return listeners;
}

Fit fit_histories(const std::vector<History>& histories, int items) {
  Fit fit;
  if (items > kMostDenseItems) {
    fit.model = "item-knn";
    fit.recency = {4, 0};  // chosen by validation on LastFM, as EaseSettings' defaults are
    fit.owned = fit_item_knn(histories, items, 400, 0);
    return fit;
  }
  fit.model = kModelRow;
  EaseSettings settings;
  const HeldOut held_out = hold_out(histories, 2);
  if (items <= kMostItemsChosen && held_out.queries.size() >= kFewestQueries) {
    const ModelRow& row = recommend_model(kModelRow);
    settings = ease_settings(choose_settings(*row.make(), row, held_out, items).settings);
  }
  fit.recency = settings.recency;
  fit.owned = EaseFitter(histories, items).fit_once(settings);
  return fit;
}

std::vector<std::uint64_t> listen_hashes(const std::vector<Listen>& listens) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(listens.size());
  for (const Listen& listen : listens) hashes.push_back(listen_hash(listen.user, listen.track, listen.time));
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

Fit kept_fit(const Catalog& catalog, const std::vector<Listen>& listens, double most_growth) {
  const std::filesystem::path path = catalog.folder() / "models" / "recommend.fit";
  if (listens.empty()) {  // what was learned from erased listens goes with them
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    Fit none;
    none.model = "none";
    return none;
  }
  std::vector<std::uint64_t> hashes = listen_hashes(listens);
  if (most_growth > 0 && std::filesystem::exists(path)) {
    try {
      Fit fit = read_fit(path);
      const bool grown = static_cast<double>(hashes.size()) > most_growth * static_cast<double>(fit.listens.size());
      if (!grown && std::includes(hashes.begin(), hashes.end(), fit.listens.begin(), fit.listens.end())) return fit;
    } catch (const Error& error) {
      spdlog::warn("{}; fitting anew", error.what());
    }
  }
  std::set<std::string> names;
  for (const Listen& listen : listens) names.insert(listen.track);
  const std::vector<std::string> items(names.begin(), names.end());
  std::vector<History> histories;
  for (const Listener& listener : listeners_of(listens)) histories.push_back(numbers_of(listener.tracks, items));
  Fit fit = fit_histories(histories, static_cast<int>(items.size()));
  fit.items = items;
  fit.listens = std::move(hashes);
  if (fit.model == "item-knn")
    spdlog::warn("{} items are heard: more than the {} that EASE takes, so item-knn answers", fit.items.size(),
                 kMostDenseItems);
  try {
    std::filesystem::create_directories(path.parent_path());
    write_fit(path, fit);
  } catch (const std::exception& error) {
    spdlog::warn("the fit is not kept and will be made again next time: {}", error.what());
  }
  return fit;
}

}  // namespace euterpe
