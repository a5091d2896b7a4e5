#include "train/passages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
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

constexpr std::array<WordSetting, 1> kWords{
    {{"known-by",
      "",
      "A model whose index has all of these pieces: it is named in the card, and none is written",
      {}}}};

/// The card names the index of `knower`, and the model's own are removed. Error{usage} naming a piece that stands in
/// none.
nlohmann::json name_index_of(const Model& knower, const std::vector<Source>& sources, Model model) {
  const std::filesystem::path file = knower.folder / kPassageIndexName;
  const PassageIndex index(file);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < index.pieces(); ++i) names.insert(index.name(i));
  std::size_t pieces = 0;
  for (const Source& source : sources)
    for (const Piece& piece : source.pieces) {
      if (piece.split != "train") continue;
      ++pieces;
      if (!names.contains(piece.id))
        throw Error(Category::usage, "train passages", fmt::format("{} does not know {}", file.string(), piece.id),
                    "leave --known-by out, and the model gets an index of its own");
    }
  model.card[kPassagesElsewhere] = sha256_file(file);
  save_model(model.folder, model.weights(), model.card);
  for (const auto& own : passage_files(model.folder)) std::filesystem::remove(own);
  return {
      {"model", model.name}, {"pieces", pieces}, {"known_by", knower.name}, {"hash", model.card[kPassagesElsewhere]}};
}

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
  if (const std::string& knower = t.word("known-by"); !knower.empty())
    return name_index_of(find_model(knower), sources, model);
  options.per_bar = t["per-bar"];
  const auto bytes = training_passages(sources, options);
  write_file(model.folder / kPassageIndexName, bytes);
  if (model.card.contains(kPassagesElsewhere)) {  // it has its own now
    nlohmann::json card = model.card;
    card.erase(kPassagesElsewhere);
    save_model(model.folder, model.weights(), card);
  }
  drop_known_passages(model.folder);  // the card names the sets of the models before it too
  const PassageIndex index(bytes);
  return {{"model", model.name}, {"pieces", index.pieces()}, {"bytes", bytes.size()}, {"hash", index.hash()}};
}

}  // namespace

std::span<const TrainerRow> passage_trainers() {
  static constexpr std::array<TrainerRow, 1> rows{
      {{"passages", "Not a model: what the one in --out learned from, for the originality gate",
        "folder with all data sets", kSettings, index_passages, nullptr, kWords}}};
  return rows;
}

}  // namespace euterpe
