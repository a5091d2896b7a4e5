#include "base/error.hpp"
#include "base/parallel.hpp"
#include "compose/chorale.hpp"
#include "evaluate/task.hpp"
#include "nn/voice_contexts.hpp"
#include "score/voice_leading.hpp"

namespace euterpe {
namespace {

struct Totals {
  VoiceLeading sum;
  void add(const VoiceLeading& v) {
    sum.motions += v.motions;
    sum.parallels += v.parallels;
    sum.notes += v.notes;
    sum.in_range += v.in_range;
  }
  double parallels_per_1000() const {
    return 1000.0 * static_cast<double>(sum.parallels) / static_cast<double>(std::max<std::size_t>(1, sum.motions));
  }
  double range() const {
    return static_cast<double>(sum.in_range) / static_cast<double>(std::max<std::size_t>(1, sum.notes));
  }
};

}  // namespace

nlohmann::json evaluate_harmonize(const EvaluateOptions& options) {
  if (options.folds > 0)
    throw Error(Category::usage, "evaluate harmonize", "--folds: the chorales have a published split, there are none");
  const std::string split = options.split.empty() ? "test" : options.split;
  const auto splits = read_voice_grids(options.data);
  const auto found = splits.find(split);
  if (found == splits.end() || found->second.empty())
    throw Error(Category::usage, "evaluate harmonize", "--split " + split + ": no such pieces");
  std::vector<VoiceGrid> grids = found->second;
  if (options.limit > 0 && grids.size() > static_cast<std::size_t>(options.limit))
    grids.resize(static_cast<std::size_t>(options.limit));
  const Model shipped = find_model(options.model.empty() ? "chorale" : options.model);
  const KeyedModel model = KeyedModel::load(voice_domain(), shipped);

  std::vector<VoiceGrid> written(grids.size());
  std::vector<double> nats(grids.size());
  parallel_for(grids.size(), [&](std::size_t i) {
    std::vector<std::int8_t> soprano;
    for (const VoicePitches& step : grids[i].steps) soprano.push_back(step[0]);
    ChoraleOptions wish;
    wish.seed = options.seed + i;
    written[i] = harmonize(model, soprano, wish).grid;
    std::vector<double> by_choice;
    model.nats(voice_row(grids[i]), &by_choice);
    for (std::size_t k = 0; k < by_choice.size(); ++k)
      if (k % kGridVoices != 0) nats[i] += by_choice[k];
  });
  Totals generated, real;
  double sum = 0;
  std::size_t tokens = 0;
  for (std::size_t i = 0; i < grids.size(); ++i) {
    generated.add(voice_leading(written[i]));
    real.add(voice_leading(grids[i]));
    sum += nats[i];
    tokens += (kGridVoices - 1) * grids[i].steps.size();
  }
  return {{"split", split},
          {"model", {{"name", shipped.name}, {"hash", shipped.hash}}},
          {"pieces", grids.size()},
          {"parallels_per_1000", {{"generated", generated.parallels_per_1000()}, {"real", real.parallels_per_1000()}}},
          {"motions", {{"generated", generated.sum.motions}, {"real", real.sum.motions}}},
          {"range_respected", generated.range()},
          {"range_respected_real", real.range()},
          {"nll_of_real", sum / static_cast<double>(tokens)}};
}

}  // namespace euterpe
