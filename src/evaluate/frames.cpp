#include "score/frames.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "evaluate/task.hpp"
#include "nn/frame_contexts.hpp"

namespace euterpe {
namespace {

constexpr std::array<const char*, 2> kSets{"jsb_chorales", "nottingham"};

struct FrameLikelihood {
  double nats = 0;
  std::size_t frames = 0, pieces = 0;
  Model model;
};

FrameLikelihood measure(const std::filesystem::path& file, const std::string& split, const EvaluateOptions& options) {
  auto splits = read_frames(file);
  std::vector<FramePiece>& pieces = splits[split];
  if (pieces.empty())
    throw Error(Category::usage, "evaluate frames", "--split " + split + ": no such pieces in " + file.string());
  if (options.limit > 0 && pieces.size() > static_cast<std::size_t>(options.limit))
    pieces.resize(static_cast<std::size_t>(options.limit));
  FrameLikelihood result;
  result.model = find_model(options.model.empty() ? "frames-" + file.stem().string() : options.model);
  const KeyedModel model = KeyedModel::load(frame_domain(), result.model);
  std::vector<double> nats(pieces.size());
  parallel_for(pieces.size(), [&](std::size_t i) { nats[i] = model.nats(frame_row(pieces[i])); });
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    result.nats += nats[i];
    result.frames += pieces[i].frames.size();
  }
  result.pieces = pieces.size();
  return result;
}

nlohmann::json report(const FrameLikelihood& r) {
  return {{"model", {{"name", r.model.name}, {"hash", r.model.hash}}},
          {"pieces", r.pieces},
          {"frames", r.frames},
          {"nll_per_frame", r.nats / static_cast<double>(r.frames)}};
}

}  // namespace

nlohmann::json evaluate_frames(const EvaluateOptions& options) {
  if (options.folds > 0)
    throw Error(Category::usage, "evaluate frames", "--folds: the frames have a published split, there are no folds",
                "Leave --folds out; --split train, valid or test chooses the pieces.");
  const std::string split = options.split.empty() ? "test" : options.split;
  if (!std::filesystem::is_directory(options.data)) {
    nlohmann::json out = report(measure(options.data, split, options));
    out["split"] = split;
    return out;
  }
  nlohmann::json sets = nlohmann::json::object(), models = nlohmann::json::array();
  double nats = 0;
  std::size_t frames = 0;
  for (const char* name : kSets) {
    const auto file = options.data / fmt::format("{}.json", name);
    if (!std::filesystem::exists(file)) continue;
    const FrameLikelihood r = measure(file, split, options);
    sets[name] = report(r);
    nats += r.nats;
    frames += r.frames;
    models.push_back(sets[name]["model"]);
  }
  if (sets.empty())
    throw Error(Category::not_found, "evaluate frames",
                options.data.string() + ": holds neither jsb_chorales.json nor nottingham.json");
  return {{"split", split},
          {"model", models.size() == 1 ? models[0] : nlohmann::json{{"name", "frames-SET"}, {"models", models}}},
          {"frames", frames},
          {"nll_per_frame", nats / static_cast<double>(frames)},
          {"sets", sets}};
}

}  // namespace euterpe
