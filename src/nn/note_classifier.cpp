#include <torch/torch.h>

#include "nn/note_classifier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "nn/mlp.hpp"
#include "nn/note_classifier_module.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kNotesAtOnce = 2048;

}  // namespace

nlohmann::json to_json(const NoteClassifierShape& shape) {
  nlohmann::json heads = nlohmann::json::array();
  for (const NoteHead& h : shape.heads)
    heads.push_back({{"name", h.name}, {"outputs", h.outputs}, {"probabilities", h.probabilities}});
  return {{"heads", heads},
          {"trained_layers", shape.trained_layers},
          {"window", shape.window},
          {"windows", shape.windows},
          {"hide", shape.hide}};
}

NoteClassifierShape note_classifier_shape(const nlohmann::json& json) {
  NoteClassifierShape shape;
  try {
    for (const auto& h : json.at("heads"))
      shape.heads.push_back({h.at("name"), h.at("outputs"), h.at("probabilities")});
    shape.trained_layers = json.at("trained_layers");
    shape.window = json.at("window");
    shape.windows = json.at("windows");
    shape.hide = json.at("hide");
  } catch (const nlohmann::json::exception& e) {
    throw Error(Category::bad_input, "note_classifier", std::string("options of the card: ") + e.what());
  }
  constexpr int kMostOutputs = 4096;
  const bool heads = std::all_of(shape.heads.begin(), shape.heads.end(),
                                 [](const NoteHead& h) { return h.outputs >= 1 && h.outputs <= kMostOutputs; });
  if (shape.heads.empty() || !heads || shape.window < 1 || shape.windows < 1)
    throw Error(Category::bad_input, "note_classifier", "options of the card: a size is out of range");
  return shape;
}

NoteClassifierModuleImpl::NoteClassifierModuleImpl(const TransformerOptions& options, const NoteClassifierShape& s)
    : shape(s) {
  EUTERPE_ASSERT(s.trained_layers >= 0 && s.trained_layers <= options.layers);
  encoder = register_module("encoder", NoteEncoderModule(options));
  query = register_parameter("query", torch::randn({kQueries, options.d_model}) * 0.02);
  for (std::size_t i = 0; i < s.heads.size(); ++i) {
    // Zero heads: the first answer is even, and the first steps do not shake the pretrained blocks.
    weights.push_back(register_parameter(fmt::format("weight{}", i), torch::zeros({s.heads[i].outputs, width()})));
    biases.push_back(register_parameter(fmt::format("bias{}", i), torch::zeros({s.heads[i].outputs})));
  }
}

torch::Tensor NoteClassifierModuleImpl::pool(const torch::Tensor& x, const NoteBatch& batch) const {
  const auto normed = note_norm(x, encoder->final_norm);
  const auto scores = torch::matmul(normed, query.t()) + batch.mask.squeeze(1).transpose(1, 2);  // [batch × notes × Q]
  const auto chosen = torch::matmul(torch::softmax(scores, 1).transpose(1, 2), normed);          // [batch × Q × d]
  return torch::cat({mean_over_notes(normed, batch), chosen.flatten(1)}, 1);
}

torch::Tensor NoteClassifierModuleImpl::head(std::size_t index, const torch::Tensor& pooled) const {
  return torch::linear(pooled, weights[index], biases[index]);
}

std::vector<std::pair<std::string, torch::Tensor>> NoteClassifierModuleImpl::own_parameters() const {
  std::vector<std::pair<std::string, torch::Tensor>> own;
  for (const auto& p : named_parameters(false)) own.emplace_back(p.key(), p.value());
  if (shape.trained_layers > 0) own.emplace_back("encoder.final_norm", encoder->final_norm);
  if (first() == 0) own.emplace_back("encoder.embedding", encoder->embedding);
  for (int i = first(); i < encoder->options.layers; ++i)
    for (const auto& p : encoder->blocks[static_cast<std::size_t>(i)].ptr()->named_parameters())
      own.emplace_back(fmt::format("encoder.block{}.{}", i, p.key()), p.value());
  return own;
}

void NoteClassifierModuleImpl::put(Safetensors& file, const std::string& prefix) const {
  for (const auto& [name, value] : own_parameters()) {
    const auto t = value.detach().contiguous();
    file.put(prefix + name, t.sizes().vec(), std::span(t.data_ptr<float>(), static_cast<std::size_t>(t.numel())),
             t.dim() > 1 ? DType::bf16 : DType::f32);
  }
}

NoteClassifier::NoteClassifier(const NoteEncoder& encoder, const NoteClassifierShape& shape, const Safetensors& file,
                               const std::string& prefix)
    : shape_(shape) {
  const TransformerOptions& options = encoder.options();
  if (shape.trained_layers < 0 || shape.trained_layers > options.layers ||
      shape.window > static_cast<std::size_t>(options.context))
    throw Error(Category::bad_input, "note_classifier", "the classifier does not fit its encoder",
                "Train it again on this encoder.");
  auto network = std::make_shared<NoteClassifierModuleImpl>(options, shape);
  torch::NoGradGuard guard;
  auto mine = network->encoder->named_parameters();
  for (const auto& p : encoder.network()->named_parameters()) mine[p.key()].copy_(p.value());
  for (auto& [name, value] : network->own_parameters()) {
    const auto size = value.sizes().vec();
    auto values = file.finite(prefix + name, size);
    value.copy_(torch::from_blob(values.data(), size, torch::kFloat32));
  }
  for (auto& p : network->parameters()) p.set_requires_grad(false);
  network_ = std::move(network);
}

void NoteClassifier::put(Safetensors& file, const std::string& prefix) const { network_->put(file, prefix); }

int NoteClassifier::embedding_width() const { return network_->width(); }

std::vector<std::vector<float>> NoteClassifier::embeddings(std::span<const NoteTokens> windows) const {
  torch::NoGradGuard guard;
  std::vector<std::vector<float>> out(windows.size());
  const auto width = static_cast<std::size_t>(embedding_width());
  for (const auto& group : similar_lengths(windows, kNotesAtOnce)) {
    check_interrupt();
    std::vector<const NoteTokens*> part;
    for (const std::size_t i : group) part.push_back(&windows[i]);
    const NoteEncoderModule& encoder = network_->encoder;
    const NoteBatch batch = note_batch(part, encoder->options);
    const auto pooled =
        network_->pool(encoder->run(encoder->embed(batch), batch, 0, encoder->options.layers, nullptr), batch)
            .contiguous();
    const float* values = pooled.data_ptr<float>();
    for (std::size_t k = 0; k < group.size(); ++k) out[group[k]].assign(values + k * width, values + (k + 1) * width);
  }
  return out;
}

std::vector<std::vector<std::vector<float>>> NoteClassifier::outputs(std::span<const NoteTokens> windows) const {
  torch::NoGradGuard guard;
  std::vector<std::vector<std::vector<float>>> out;
  for (auto& embedding : embeddings(windows)) {
    const auto pooled = torch::from_blob(embedding.data(), {1, embedding_width()}, torch::kFloat32);
    auto& heads = out.emplace_back();
    for (std::size_t h = 0; h < shape_.heads.size(); ++h) {
      const auto values = network_->head(h, pooled).contiguous();
      heads.emplace_back(values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
    }
  }
  return out;
}

std::vector<NoteTokens> NoteClassifier::windows_of(std::span<const SequenceNote> piece) const {
  std::vector<NoteTokens> windows;
  for (const auto& [begin, end] : note_windows(piece.size(), shape_.window, shape_.windows))
    windows.push_back(note_tokens(piece.subspan(begin, end - begin), {.hide = shape_.hide}));
  return windows;
}

std::vector<std::vector<double>> NoteClassifier::piece(std::span<const SequenceNote> notes, double temperature) const {
  if (notes.empty()) throw Error(Category::bad_input, "recognize", "the score has no notes");
  const auto windows = outputs(windows_of(notes));
  std::vector<std::vector<double>> out;
  for (std::size_t h = 0; h < shape_.heads.size(); ++h) {
    std::vector<double> mean(static_cast<std::size_t>(shape_.heads[h].outputs), 0.0);
    for (const auto& window : windows) {
      const auto& values = window[h];
      const auto p = shape_.heads[h].probabilities ? softmax(values, temperature) : std::vector<double>{};
      for (std::size_t k = 0; k < mean.size(); ++k)
        mean[k] +=
            (p.empty() ? double{values[k]} : std::log(std::max(p[k], 1e-30))) / static_cast<double>(windows.size());
    }
    if (shape_.heads[h].probabilities) mean = softmax(std::vector<float>(mean.begin(), mean.end()));
    out.push_back(std::move(mean));
  }
  return out;
}

}  // namespace euterpe
