#include "base/error.hpp"
#include "base/parallel.hpp"
#include "evaluate/task.hpp"
#include "nn/voice_contexts.hpp"
#include "score/voice_grid.hpp"

namespace euterpe {

nlohmann::json evaluate_jsb16(const EvaluateOptions& options) {
  if (options.folds > 0)
    throw Error(Category::usage, "evaluate jsb16", "--folds: the chorales have a published split, there are no folds",
                "Leave --folds out; --split train, valid or test chooses the pieces.");
  const std::string split = options.split.empty() ? "valid" : options.split;
  const auto splits = read_voice_grids(options.data);
  const auto found = splits.find(split);
  if (found == splits.end() || found->second.empty())
    throw Error(Category::usage, "evaluate jsb16", "--split " + split + ": no such pieces in " + options.data.string());
  std::vector<VoiceGrid> grids = found->second;
  if (options.limit > 0 && grids.size() > static_cast<std::size_t>(options.limit))
    grids.resize(static_cast<std::size_t>(options.limit));
  const Model shipped = find_model(options.model.empty() ? "chorale" : options.model);
  const KeyedModel model = KeyedModel::load(voice_domain(), shipped);

  std::vector<double> nats(grids.size());
  parallel_for(grids.size(), [&](std::size_t i) { nats[i] = model.nats(voice_row(grids[i])); });
  double sum = 0, means = 0;
  std::size_t tokens = 0;
  for (std::size_t i = 0; i < grids.size(); ++i) {
    const std::size_t n = grids[i].steps.size() * kGridVoices;
    sum += nats[i];
    means += nats[i] / static_cast<double>(n);
    tokens += n;
  }
  return {{"split", split},
          {"model", {{"name", shipped.name}, {"hash", shipped.hash}}},
          {"pieces", grids.size()},
          {"tokens", tokens},
          {"nll_micro", sum / static_cast<double>(tokens)},
          {"nll_macro", means / static_cast<double>(grids.size())}};
}

}  // namespace euterpe
