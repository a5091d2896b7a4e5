#include <torch/torch.h>

#include "nn/sasrec.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "nn/declared_size.hpp"
#include "nn/note_encoder_module.hpp"
#include "nn/transformer_module.hpp"
#include "nn/vector_index.hpp"

namespace euterpe {
struct SasRec::Network {
  TransformerModule module;
  torch::Tensor content_map;  ///< [content × d_model], undefined where it was not learned
};

SasRec::SasRec(const TransformerOptions& options, const Safetensors& weights)
    : options_(transformer_options(to_json(options))) {
  std::int64_t mapped = 0;
  if (const auto map = weights.tensors.find(kContentMap); map != weights.tensors.end()) {
    if (map->second.shape.size() != 2 || map->second.shape[0] < 1 || map->second.shape[1] != options_.d_model)
      throw Error(Category::bad_input, "load_sasrec", "its map from content is not as wide as its vectors");
    mapped = map->second.shape[0] * map->second.shape[1];
  }
  check_declared_size(weights, parameter_count(options_) + mapped, "load_sasrec");
  network_ = std::make_shared<Network>(Network{TransformerModule(options_), {}});
  load_parameters(*network_->module, weights);
  if (mapped > 0) {
    const auto& shape = weights.at(kContentMap).shape;
    network_->content_map = torch::tensor(weights.floats(kContentMap)).view({shape[0], shape[1]});
  }
  for (torch::Tensor& parameter : network_->module->parameters()) parameter.requires_grad_(false);
}

int SasRec::content_width() const {
  return network_->content_map.defined() ? static_cast<int>(network_->content_map.size(0)) : 0;
}

std::vector<float> SasRec::by_content(std::span<const float> content) const {
  EUTERPE_ASSERT(content_width() > 0 && content.size() % static_cast<std::size_t>(content_width()) == 0);
  torch::NoGradGuard guard;
  const auto items = static_cast<std::int64_t>(content.size()) / content_width();
  const torch::Tensor given =
      torch::from_blob(const_cast<float*>(content.data()), {items, std::int64_t{content_width()}}, torch::kFloat32);
  const torch::Tensor out = torch::mm(given, network_->content_map).contiguous();
  return {out.data_ptr<float>(), out.data_ptr<float>() + out.numel()};
}

/// Histories as the network reads them, one after the other.
struct SasRec::Sequences {
  torch::Tensor items, begins;                  ///< int64 [steps], [sequences + 1]
  std::vector<std::size_t> history;             ///< of each sequence
  std::vector<std::vector<std::size_t>> place;  ///< of its items in that history

  torch::Tensor ends() const { return begins.narrow(0, 1, begins.numel() - 1) - 1; }
};

SasRec::Sequences SasRec::sequences(std::span<const std::span<const int>> histories) const {
  Sequences out;
  std::vector<std::int64_t> items, begins{0};
  for (std::size_t h = 0; h < histories.size(); ++h) {
    std::vector<std::size_t> place;
    for (std::size_t i = histories[h].size(); i > 0 && place.size() < static_cast<std::size_t>(options_.context); --i)
      if (histories[h][i - 1] >= 0 && histories[h][i - 1] < options_.vocabulary) place.push_back(i - 1);
    if (place.empty()) continue;
    std::reverse(place.begin(), place.end());
    for (const std::size_t i : place) items.push_back(histories[h][i]);
    begins.push_back(static_cast<std::int64_t>(items.size()));
    out.history.push_back(h);
    out.place.push_back(std::move(place));
  }
  out.items = torch::tensor(items, torch::kInt64);
  out.begins = torch::tensor(begins, torch::kInt64);
  return out;
}

std::vector<float> SasRec::encode(std::span<const std::span<const int>> histories) const {
  const auto width = static_cast<std::size_t>(options_.d_model);
  std::vector<float> out(histories.size() * width);
  const Sequences all = sequences(histories);
  if (all.history.empty()) return out;
  torch::NoGradGuard guard;
  TransformerModule& network = network_->module;
  const torch::Tensor last = network->run_ragged(network->read(all.items, network->embedding), all.begins, nullptr)
                                 .index_select(0, all.ends())
                                 .contiguous();
  for (std::size_t i = 0; i < all.history.size(); ++i)
    std::copy_n(last.data_ptr<float>() + i * width, width, out.data() + all.history[i] * width);
  return out;
}

std::vector<float> SasRec::attributions(std::span<const int> history, std::span<const float> vector) const {
  EUTERPE_ASSERT(vector.size() == static_cast<std::size_t>(options_.d_model));
  std::vector<float> out(history.size());
  const Sequences one = sequences(std::span(&history, 1));
  if (one.history.empty()) return out;
  torch::AutoGradMode on(true);
  TransformerModule& network = network_->module;
  const torch::Tensor table = network->embedding.detach();
  const torch::Tensor x = network->read(one.items, table).requires_grad_(true);
  const torch::Tensor user = network->run_ragged(x, one.begins, nullptr).index_select(0, one.ends()).squeeze(0);
  const torch::Tensor item =
      torch::from_blob(const_cast<float*>(vector.data()), {std::int64_t{options_.d_model}}, torch::kFloat32);
  const torch::Tensor gradient = torch::autograd::grad({(user * item).sum()}, {x})[0];
  const torch::Tensor parts = (gradient * x.detach()).sum(1).contiguous();
  for (std::size_t i = 0; i < one.place[0].size(); ++i) out[one.place[0][i]] = parts.data_ptr<float>()[i];
  return out;
}

void SasRec::score(std::span<const int> history, std::span<float> scores) const {
  score_vectors(item_vectors(), encode(std::span(&history, 1)), scores);
}

std::span<const float> SasRec::item_vectors() const {
  const torch::Tensor& e = network_->module->embedding;
  return {e.data_ptr<float>(), static_cast<std::size_t>(e.numel())};
}

}  // namespace euterpe
