#include <torch/torch.h>

#include "nn/note_encoder_module.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

/// Angle a unit of each rotary pair: half of the pairs turn by index (Su et al. 2021), a quarter by time with
/// wavelengths from a beat to 64, a quarter by pitch with the octave, the fifth and wide distances.
struct Angles {
  std::vector<float> index, time, pitch;

  explicit Angles(int half) {
    const int quarter = half / 4;
    constexpr double kTurn = 2 * 3.14159265358979323846;
    for (int i = 0; i < half - 2 * quarter; ++i)
      index.push_back(static_cast<float>(std::pow(kRopeBase, -static_cast<double>(i) / (half - 2 * quarter))));
    for (int i = 0; i < quarter; ++i)
      time.push_back(static_cast<float>(kTurn / std::pow(4.0, quarter < 2 ? 0.0 : 3.0 * i / (quarter - 1))));
    // One turn an octave, seven turns an octave (neighbors on the circle of fifths stand side by side), then wider.
    for (int i = 0; i < quarter; ++i)
      pitch.push_back(static_cast<float>(i == 0   ? kTurn / 12
                                         : i == 1 ? kTurn * 7 / 12
                                                  : kTurn / (12 * std::pow(4.0, i - 1))));
  }
};

}  // namespace

NoteBatch note_batch(std::span<const NoteTokens* const> windows, const TransformerOptions& options) {
  const auto batch = static_cast<std::int64_t>(windows.size());
  std::size_t longest = 0;
  for (const NoteTokens* w : windows) {
    EUTERPE_ASSERT(w->size() > 0 && w->size() <= static_cast<std::size_t>(options.context));
    longest = std::max(longest, w->size());
  }
  const auto notes = static_cast<std::int64_t>(longest);
  const int half = options.d_model / options.heads / 2;
  const Angles angles(half);
  NoteBatch out;
  out.classes = torch::empty({batch, notes, static_cast<std::int64_t>(kNoteAttributes)}, torch::kInt64);
  out.mask = torch::zeros({batch, 1, 1, notes});
  out.present = torch::zeros({batch, notes, 1});
  torch::Tensor angle = torch::zeros({batch, 1, notes, half});
  auto* classes = out.classes.data_ptr<std::int64_t>();
  auto *mask = out.mask.data_ptr<float>(), *present = out.present.data_ptr<float>(), *turn = angle.data_ptr<float>();
  for (const NoteTokens* w : windows) {
    classes = std::copy(w->classes.begin(), w->classes.end(), classes);
    for (std::size_t i = 0; i < longest; ++i, ++mask, ++present, turn += half) {
      if (i >= w->size()) {
        *mask = -INFINITY;
        for (std::size_t a = 0; a < kNoteAttributes; ++a) *classes++ = note_class_offset(static_cast<NoteAttribute>(a));
        continue;
      }
      *present = 1;
      float* t = turn;
      for (const float f : angles.index) *t++ = f * static_cast<float>(i);
      for (const float f : angles.time) *t++ = std::fmod(f * w->time[i], 6.28318530718f);
      for (const float f : angles.pitch) *t++ = f * (w->pitch[i] - kNoPitch);
    }
  }
  out.cosine = angle.cos();
  out.sine = angle.sin();
  return out;
}

NoteEncoderModuleImpl::NoteEncoderModuleImpl(const TransformerOptions& o) : options(o) {
  EUTERPE_ASSERT(o.vocabulary == kNoteVocabulary);
  embedding = register_parameter("embedding", torch::randn({o.vocabulary, o.d_model}) * 0.02);
  for (int i = 0; i < o.layers; ++i)
    blocks.push_back(register_module("block" + std::to_string(i), TransformerBlock(o)));
  final_norm = register_parameter("final_norm", torch::ones({o.d_model}));
}

torch::Tensor NoteEncoderModuleImpl::embed(const NoteBatch& batch) const {
  const auto rows = batch.classes.view({-1, static_cast<std::int64_t>(kNoteAttributes)});
  constexpr int kSum = 0;
  const auto offsets = torch::arange(0, rows.numel(), static_cast<std::int64_t>(kNoteAttributes), torch::kInt64);
  const auto sum = std::get<0>(torch::embedding_bag(embedding, rows.reshape({-1}), offsets, false, kSum));
  // Ten vectors of 0.02 each are brought to the scale that the blocks' norms expect.
  return sum.view({batch.classes.size(0), batch.classes.size(1), options.d_model}) *
         std::sqrt(static_cast<double>(options.d_model) / kNoteAttributes);
}

torch::Tensor NoteEncoderModuleImpl::run(torch::Tensor x, const NoteBatch& batch, int from, int to,
                                         Random* random) const {
  if (random && from == 0) x = fast_dropout(x, options.dropout, *random);
  for (int i = from; i < to; ++i)
    x = blocks[static_cast<std::size_t>(i)].ptr()->forward(x, batch.cosine, batch.sine, batch.mask, options.dropout,
                                                           random);
  return x;
}

torch::Tensor NoteEncoderModuleImpl::predict(const torch::Tensor& x) const {
  return torch::linear(note_norm(x, final_norm), embedding);
}

torch::Tensor note_norm(const torch::Tensor& x, const torch::Tensor& weight) {
  return x * torch::rsqrt(x.square().mean(-1, true) + kNormEpsilon) * weight;
}

torch::Tensor mean_over_notes(const torch::Tensor& x, const NoteBatch& batch) {
  return (x * batch.present).sum(1) / batch.present.sum(1);
}

void load_parameters(torch::nn::Module& module, const Safetensors& file, const std::string& prefix) {
  torch::NoGradGuard guard;
  for (auto& p : module.named_parameters()) {
    const auto shape = p.value().sizes().vec();
    auto values = file.finite(prefix + p.key(), shape);
    p.value().copy_(torch::from_blob(values.data(), shape, torch::kFloat32));
  }
}

void put_parameters(const torch::nn::Module& module, Safetensors& file, const std::string& prefix) {
  for (const auto& p : module.named_parameters()) {
    const auto t = p.value().detach().to(torch::kCPU, torch::kFloat32).contiguous();
    // bf16 keeps float's range, so no scale is needed; norms and biases are tiny and stay exact.
    file.put(prefix + p.key(), t.sizes().vec(), std::span(t.data_ptr<float>(), static_cast<std::size_t>(t.numel())),
             t.dim() > 1 ? DType::bf16 : DType::f32);
  }
}

}  // namespace euterpe
