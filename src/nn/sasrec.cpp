#include <torch/torch.h>

#include "nn/sasrec.hpp"

#include <algorithm>

#include "nn/declared_size.hpp"
#include "nn/note_encoder_module.hpp"
#include "nn/transformer_module.hpp"

namespace euterpe {

struct SasRec::Network {
  TransformerModule module;
};

SasRec::SasRec(const TransformerOptions& options, const Safetensors& weights)
    : options_(transformer_options(to_json(options))) {
  check_declared_size(weights, parameter_count(options_), "load_sasrec");
  network_ = std::make_shared<Network>(Network{TransformerModule(options_)});
  load_parameters(*network_->module, weights);
  network_->module->eval();
}

std::vector<float> SasRec::encode(std::span<const std::span<const int>> histories) const {
  const auto width = static_cast<std::size_t>(options_.d_model), context = static_cast<std::size_t>(options_.context);
  std::vector<float> out(histories.size() * width);
  std::vector<std::int64_t> items, begins{0};
  std::vector<std::size_t> whose;
  for (std::size_t h = 0; h < histories.size(); ++h) {
    const std::size_t first = items.size();
    // From its end, since what is no item does not count.
    for (auto item = histories[h].rbegin(); item != histories[h].rend() && items.size() - first < context; ++item)
      if (*item >= 0 && *item < options_.vocabulary) items.push_back(*item);
    if (items.size() == first) continue;
    std::reverse(items.begin() + static_cast<std::ptrdiff_t>(first), items.end());
    begins.push_back(static_cast<std::int64_t>(items.size()));
    whose.push_back(h);
  }
  if (whose.empty()) return out;
  torch::NoGradGuard guard;
  const auto int64s = [](std::vector<std::int64_t>& v) {
    return torch::from_blob(v.data(), {static_cast<std::int64_t>(v.size())}, torch::kInt64);
  };
  const torch::Tensor ends = int64s(begins);
  const torch::Tensor last = network_->module->hidden(int64s(items), ends, nullptr)
                                 .index_select(0, ends.narrow(0, 1, ends.numel() - 1) - 1)
                                 .contiguous();
  for (std::size_t i = 0; i < whose.size(); ++i)
    std::copy_n(last.data_ptr<float>() + i * width, width, out.data() + whose[i] * width);
  return out;
}

std::span<const float> SasRec::item_vectors() const {
  const torch::Tensor& e = network_->module->embedding;
  return {e.data_ptr<float>(), static_cast<std::size_t>(e.numel())};
}

}  // namespace euterpe
