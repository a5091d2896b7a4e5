#include "train/passages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.hpp"
#include "base/files.hpp"
#include "corpus/passages.hpp"
#include "corpus/prepare.hpp"
#include "nn/model.hpp"
#include "score/passage_files.hpp"
#include "score/passage_index.hpp"

namespace euterpe {
namespace {

constexpr PassageIndexOptions kUsual;
constexpr std::array<Setting, 1> kSettings{
    {{"per-bar", kUsual.per_bar, "Runs of notes kept of a bar, about: more find rougher copies, in a larger file"}}};

constexpr double kFewest = 0.1, kMost = 1000;  // runs of a bar

/// The training pieces of the sets that the model's card names, as their publishers lay them out: with the timing that
/// the tokens lose.
nlohmann::json index_passages(const TrainingRequest& t) {
  PassageIndexOptions options;
  if (!(t["per-bar"] >= kFewest && t["per-bar"] <= kMost))
    throw Error(Category::usage, "train passages",
                fmt::format("--per-bar {}: runs kept of a bar are {} to {}", t["per-bar"], kFewest, kMost),
                fmt::format("{} is usual", kUsual.per_bar));
  const Model model = find_model(t.out.string());
  std::vector<Source> sources;
  for (const nlohmann::json& set : model.card.value("data", nlohmann::json::array())) {
    sources.push_back(source_from_dataset(set.value("name", ""), t.data));
    std::erase_if(sources.back().pieces, [&](const Piece& piece) { return t.forbidden.contains(piece.file); });
  }
  if (sources.empty())
    throw Error(Category::bad_input, "train passages", model.name + ": its card names no data that it learned from");
  options.per_bar = t["per-bar"];
  const auto bytes = training_passages(sources, options);
  write_file(model.folder / kPassageIndexName, bytes);
  drop_known_passages(model.folder);  // the card names the sets of the models before it too
  const PassageIndex index(bytes);
  return {{"model", model.name}, {"pieces", index.pieces()}, {"bytes", bytes.size()}, {"hash", index.hash()}};
}

}  // namespace

std::span<const TrainerRow> passage_trainers() {
  static constexpr std::array<TrainerRow, 1> rows{
      {{"passages", "Not a model: what the one in --out learned from, for the originality gate",
        "folder with all data sets", kSettings, index_passages}}};
  return rows;
}

}  // namespace euterpe
