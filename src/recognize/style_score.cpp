#include "recognize/style_score.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace euterpe {

std::vector<std::string> style_labels(const Model& model, const MlpEnsemble& network, std::string_view task,
                                      std::size_t descriptors) {
  const std::string found = model.card.value("task", "");
  if (found != task)
    throw Error(Category::unsupported, "load_model",
                fmt::format("{}: its task is \"{}\", not \"{}\"", model.name, found, task),
                "`euterpe models` lists what there is.");
  if (network.inputs() != descriptors)
    throw Error(Category::unsupported, "load_model",
                fmt::format("{}: it expects {} descriptors, this program computes {}", model.name, network.inputs(),
                            descriptors),
                fmt::format("Train it again: euterpe train {} --data DIR --out DIR", task));
  std::vector<std::string> labels;
  if (const auto options = model.card.find("options"); options != model.card.end() && options->contains("labels"))
    for (const auto& label : (*options)["labels"])
      if (label.is_string()) labels.push_back(label.get<std::string>());
  if (labels.size() != network.outputs())
    throw Error(Category::bad_input, "load_model",
                fmt::format("{}: the card names {} labels, the network has {} outputs", model.name, labels.size(),
                            network.outputs()),
                "The card and the weights do not belong together.");
  return labels;
}

StyleScoreModel::StyleScoreModel(MlpEnsemble network, std::vector<std::string> labels)
    : network_(std::move(network)), labels_(std::move(labels)) {
  EUTERPE_ASSERT(network_.outputs() == labels_.size() && network_.inputs() == score_feature_names().size());
}

StyleScoreModel StyleScoreModel::load(std::string_view name) {
  Model model = find_model(name);
  MlpEnsemble network = MlpEnsemble::from(model.weights());
  auto labels = style_labels(model, network, "style-score", score_feature_names().size());
  StyleScoreModel loaded(std::move(network), std::move(labels));
  loaded.model_ = std::move(model);
  return loaded;
}

std::vector<double> StyleScoreModel::probabilities(std::span<const GridNote> passage) const {
  return network_.probabilities(score_features(passage));
}

std::vector<float> StyleScoreModel::embedding(std::span<const GridNote> passage) const {
  return network_.members.front().hidden(score_features(passage));
}

std::vector<double> StyleScoreModel::piece_probabilities(std::span<const GridNote> notes) const {
  if (notes.size() < kStyleMinNotes)
    throw Error(Category::bad_input, "recognize",
                fmt::format("{} pitched note{}: too few to tell a style (at least {})", notes.size(),
                            notes.size() == 1 ? "" : "s", kStyleMinNotes));
  auto windows = style_windows(notes);
  // Notes so far apart that no window holds enough of them: judge them together.
  if (windows.empty()) windows.emplace_back(notes.begin(), notes.end());
  std::vector<double> mean(labels_.size(), 0.0);
  double weight = 0;
  for (const auto& window : windows) {
    const auto p = probabilities(window);
    const auto n = static_cast<double>(window.size());
    for (std::size_t i = 0; i < p.size(); ++i) mean[i] += n * p[i];
    weight += n;
  }
  for (double& p : mean) p /= weight;
  return mean;
}

std::vector<std::vector<GridNote>> style_windows(std::span<const GridNote> notes) {
  std::vector<std::vector<GridNote>> windows;
  for (std::size_t begin = 0; begin < notes.size();) {
    const int base = notes.front().onset - notes.front().onset % 16;
    const int from = base + (notes[begin].onset - base) / kStyleWindow * kStyleWindow;
    std::size_t end = begin;
    while (end < notes.size() && notes[end].onset < from + kStyleWindow) ++end;
    auto window = grid_window(notes.subspan(begin, end - begin), from, from + kStyleWindow);
    const bool last = end == notes.size();
    const bool long_enough = !last || windows.empty() || window.back().onset >= kStyleWindow / 2;
    if (window.size() >= kStyleMinNotes && long_enough) windows.push_back(std::move(window));
    begin = end;
  }
  return windows;
}

std::vector<std::vector<float>> style_views(const Score& score) {
  const auto notes = grid_notes(score);
  std::vector<std::vector<float>> views;
  if (notes.size() < kStyleMinNotes) return views;
  for (const auto& window : style_windows(notes)) views.push_back(score_features(window));
  if (views.empty()) views.push_back(score_features(notes));
  return views;
}

}  // namespace euterpe
