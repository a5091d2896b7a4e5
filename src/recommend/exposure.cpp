#include "recommend/exposure.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace euterpe {

double exposure_at(std::size_t rank) { return 1 / std::log2(static_cast<double>(rank) + 2); }

TrackList promoted_list(const TrackList& list, std::string_view track, std::size_t rank) {
  if (list.empty()) return list;
  const auto place = static_cast<std::ptrdiff_t>(std::min(rank, list.size() - 1));
  const auto now = std::find(list.begin(), list.end(), track);
  if (now - list.begin() <= place) return list;
  TrackList result = list;
  result.erase(now == list.end() ? result.end() - 1 : result.begin() + (now - list.begin()));
  result.insert(result.begin() + place, std::string(track));
  return result;
}

std::vector<ExposureChange> exposure_ledger(std::span<const TrackList> lists, std::string_view track, std::size_t rank,
                                            const std::function<std::string(const std::string&)>& group_of) {
  std::map<std::string, ExposureChange> changes;
  const auto count = [&](const TrackList& list, double ExposureChange::*side) {
    for (std::size_t place = 0; place < list.size(); ++place) {
      const std::string name = group_of ? group_of(list[place]) : list[place];
      ExposureChange& change = changes[name];
      change.name = name;
      change.*side += exposure_at(place);
    }
  };
  for (const TrackList& list : lists) {
    count(list, &ExposureChange::before);
    count(promoted_list(list, track, rank), &ExposureChange::after);
  }
  std::vector<ExposureChange> ledger;
  for (auto& [name, change] : changes) ledger.push_back(std::move(change));
  std::stable_sort(ledger.begin(), ledger.end(), [](const ExposureChange& a, const ExposureChange& b) {
    return std::abs(a.change()) > std::abs(b.change());
  });
  return ledger;
}

double ledger_sum(std::span<const ExposureChange> ledger) {
  double sum = 0;
  for (const ExposureChange& change : ledger) sum += change.change();
  return sum;
}

}  // namespace euterpe
