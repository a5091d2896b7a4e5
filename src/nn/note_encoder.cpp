#include <torch/torch.h>

#include "nn/note_encoder.hpp"

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "nn/declared_size.hpp"
#include "nn/note_encoder_module.hpp"

namespace euterpe {

NoteEncoder::NoteEncoder(const TransformerOptions& options, const Safetensors& file) : options_(options) {
  if (options.vocabulary != kNoteVocabulary)
    throw Error(Category::unsupported, "load_model", "the note encoder was trained for other attributes of notes",
                "Train it again: euterpe train score-encoder --data DIR --out DIR");
  check_declared_size(file, parameter_count(options), "load_note_encoder");
  auto network = std::make_shared<NoteEncoderModuleImpl>(options);
  load_parameters(*network, file);
  for (auto& p : network->parameters()) p.set_requires_grad(false);
  network_ = std::move(network);
}

std::vector<std::vector<float>> NoteEncoder::embed(std::span<const NoteTokens> windows) const {
  torch::NoGradGuard guard;
  constexpr std::size_t kNotesAtOnce = 2048;
  std::vector<std::vector<float>> out(windows.size());
  for (const auto& group : similar_lengths(windows, kNotesAtOnce)) {
    check_interrupt();
    std::vector<const NoteTokens*> part;
    for (const std::size_t i : group) part.push_back(&windows[i]);
    const NoteBatch batch = note_batch(part, options_);
    const int middle = options_.layers / 2;
    const auto half = network_->run(network_->embed(batch), batch, 0, middle, nullptr);
    const auto full = network_->run(half, batch, middle, options_.layers, nullptr);
    const auto ones = torch::ones({options_.d_model});
    const auto vectors = torch::cat({mean_over_notes(note_norm(half, ones), batch),
                                     mean_over_notes(note_norm(full, network_->final_norm), batch)},
                                    1)
                             .contiguous();
    const float* values = vectors.data_ptr<float>();
    for (std::size_t k = 0; k < group.size(); ++k)
      out[group[k]].assign(values + k * static_cast<std::size_t>(width()),
                           values + (k + 1) * static_cast<std::size_t>(width()));
  }
  return out;
}

std::vector<std::vector<std::size_t>> similar_lengths(std::span<const NoteTokens> windows, std::size_t notes) {
  std::vector<std::size_t> order(windows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return windows[a].size() > windows[b].size(); });
  std::vector<std::vector<std::size_t>> groups;
  std::size_t longest = 0;
  for (const std::size_t i : order) {
    if (groups.empty() || (groups.back().size() + 1) * longest > notes) {
      groups.emplace_back();
      longest = windows[i].size();
    }
    groups.back().push_back(i);
  }
  return groups;
}

}  // namespace euterpe
