#include "recommend/sasrec_model.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "train/sasrec.hpp"

namespace euterpe {
namespace {

class SasRecModel : public ItemModel {
 public:
  void configure(const Settings& settings) override {
    const auto get = [&](const char* key) {
      const auto found = settings.find(key);
      EUTERPE_ASSERT(found != settings.end());
      return found->second;
    };
    const double dropout = get("dropout");
    epochs_ = static_cast<std::int64_t>(get("epochs"));
    dropout_ = dropout;
    if (choosing_) current_ = stage();
  }
  void seed(std::uint64_t seed) override { seed_ = seed; }

  void fit(const std::vector<History>& histories, int items) override {
    take(histories, items);
    choosing_ = false;
    const SasRecReport report = train_sasrec(histories_, items, training(epochs_));
    current_.emplace(report.network, report.weights);
  }

  void fit_to_choose(const std::vector<History>& histories, int items) override {
    take(histories, items);
    choosing_ = true;
    current_ = stage();
  }

  std::vector<float> reasons(std::span<const int> history, int item, int) const override {
    EUTERPE_ASSERT(current_.has_value());
    const auto width = static_cast<std::size_t>(current_->options().d_model);
    return current_->attributions(history,
                                  current_->item_vectors().subspan(static_cast<std::size_t>(item) * width, width));
  }

  void score(std::span<const int> history, std::span<float> scores) const override {
    EUTERPE_ASSERT(current_.has_value());
    current_->score(history, scores);
  }

 private:
  void take(const std::vector<History>& histories, int items) {
    histories_ = histories;
    items_ = items;
    stages_.clear();
    context_ = usual_context(histories);
  }

  SasRecTraining training(std::int64_t epochs) const {
    SasRecTraining t;
    t.network.dropout = dropout_;
    t.network.context = context_;
    t.epochs = epochs;
    t.final_rate = 1;  // so that a run of fewer epochs is the beginning of a longer one
    t.seed = seed_;
    t.run = run_.path();
    std::filesystem::remove_all(t.run);
    return t;
  }

  /// What it is after the epochs that are set, with the dropout that is set.
  const SasRec& stage() {
    std::map<std::int64_t, std::optional<SasRec>>& stages = stages_[dropout_];
    if (stages.empty()) {
      for (const auto& [name, values] : recommend_model("sasrec").grid)
        if (name == "epochs")
          for (const double value : values) stages[static_cast<std::int64_t>(value)];
      SasRecTraining t = training(stages.rbegin()->first);
      t.evaluate_every = stages.begin()->first;
      std::int64_t epoch = 0;
      train_sasrec(histories_, items_, t, [&](const SasRec& model) {
        epoch += t.evaluate_every;
        if (const auto at = stages.find(epoch); at != stages.end()) at->second = model;
        return 0.0;
      });
    }
    return stages.at(epochs_).value();
  }

  std::vector<History> histories_;
  int items_ = 0, context_ = 50;
  std::int64_t epochs_ = 1;
  double dropout_ = 0;
  std::uint64_t seed_ = 1;
  bool choosing_ = false;
  /// By dropout and epochs, while settings are chosen.
  std::map<double, std::map<std::int64_t, std::optional<SasRec>>> stages_;
  std::optional<SasRec> current_;
  TemporaryFolder run_;
};

}  // namespace

std::unique_ptr<ItemModel> make_sasrec() { return std::make_unique<SasRecModel>(); }

}  // namespace euterpe
