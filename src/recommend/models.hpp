#pragma once
/// The recommenders that `evaluate recommend` compares: a new one is a class and ONE row of the table.
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "recommend/ease.hpp"
#include "recommend/interactions.hpp"

namespace euterpe {

using Settings = std::map<std::string, double>;

class ItemModel {
 public:
  virtual ~ItemModel() = default;
  /// Learns from histories of items below `items`, with the settings last configured.
  virtual void fit(const std::vector<History>& histories, int items) = 0;
  /// The same where many settings will be configured next.
  virtual void fit_to_choose(const std::vector<History>& histories, int items) { fit(histories, items); }
  /// Of what it draws at random when it is fitted next.
  virtual void seed(std::uint64_t) {}
  /// Takes settings (keys of its row's grid); a fitted model works out anew what depends on those that changed.
  virtual void configure(const Settings& settings) = 0;
  /// Overwrites scores [items]: higher is better, comparable within one history. Thread-safe. An empty history is
  /// allowed.
  virtual void score(std::span<const int> history, std::span<float> scores) const = 0;
  /// How much each listen of the history speaks for `item`, [history.size()], in units of its score: what the score
  /// loses without that listen, or what the model says of it more cheaply. Of an item heard twice the latest listen
  /// may bear it all. Thread-safe.
  /// \param items their number, as it was fitted with
  virtual std::vector<float> reasons(std::span<const int> history, int item, int items) const;
};

struct ModelRow {
  const char* name;
  const char* summary;
  std::unique_ptr<ItemModel> (*make)();  ///< null for a blend
  /// Each setting with the values to choose among; the first is where the search begins.
  std::vector<std::pair<std::string, std::vector<double>>> grid;
  std::vector<const char*> parts = {};  ///< of a blend (recommend/blend.hpp): rows above it
};

const std::vector<ModelRow>& recommend_models();
/// The settings of the rows "ease" and "ease-sequence" as a fit takes them.
EaseSettings ease_settings(const Settings& settings);
/// Error{usage} listing what there is.
const ModelRow& recommend_model(const std::string& name);

}  // namespace euterpe
