#include <torch/torch.h>

#include "nn/vae_module.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr double kMostLogVariance = 2, kLeastLogVariance = -10;

TransformerOptions block_options(const VaeOptions& o, int layers) {
  TransformerOptions out;
  out.vocabulary = 1;
  out.d_model = o.d_model;
  out.heads = o.heads;
  out.ff = o.ff;
  out.layers = layers;
  out.context = o.memory + kMostBarNotes + 1;
  out.dropout = 0;
  return out;
}

}  // namespace

BarBatch BarBatch::to(torch::Device device) const {
  return {meters.to(device), place.to(device), pitch.to(device), length.to(device), present.to(device), notes};
}

BarBatch bar_batch(std::span<const GridBar* const> bars) {
  std::size_t longest = 0;
  const auto count = [](const GridBar& bar) {
    return std::min(bar.notes.size(), static_cast<std::size_t>(kMostBarNotes));
  };
  for (const GridBar* bar : bars) longest = std::max(longest, count(*bar));
  const auto n = static_cast<std::int64_t>(bars.size()), width = static_cast<std::int64_t>(longest);
  BarBatch out;
  out.meters = torch::empty({n}, torch::kInt64);
  out.place = torch::full({n, width + 1}, -1, torch::kInt64);
  out.pitch = torch::zeros({n, width}, torch::kInt64);
  out.length = torch::zeros({n, width}, torch::kInt64);
  out.present = torch::zeros({n, width});
  auto* meters = out.meters.data_ptr<std::int64_t>();
  auto* place = out.place.data_ptr<std::int64_t>();
  auto* pitch = out.pitch.data_ptr<std::int64_t>();
  auto* length = out.length.data_ptr<std::int64_t>();
  auto* present = out.present.data_ptr<float>();
  for (std::int64_t b = 0; b < n; ++b) {
    const GridBar& bar = *bars[static_cast<std::size_t>(b)];
    meters[b] = bar.meter;
    const auto notes = static_cast<std::int64_t>(count(bar));
    for (std::int64_t i = 0; i < notes; ++i) {
      const BarNote& note = bar.notes[static_cast<std::size_t>(i)];
      place[b * (width + 1) + i] = note.onset * kGridParts + note.part;
      pitch[b * width + i] = note.pitch;
      length[b * width + i] = note.length - 1;
      present[b * width + i] = 1;
    }
    place[b * (width + 1) + notes] = kBarEnd;
    out.notes += notes;
  }
  return out;
}

VaeModuleImpl::VaeModuleImpl(const VaeOptions& o) : options(o), angles(block_options(o, o.decoder_layers)) {
  const std::int64_t d = o.d_model, meters = static_cast<std::int64_t>(grid_meters().size());
  const auto matrix = [&](const char* name, std::int64_t rows, std::int64_t columns, double scale) {
    return register_parameter(name, torch::randn({rows, columns}) * scale);
  };
  const double in = 1 / std::sqrt(static_cast<double>(d)), from_z = 1 / std::sqrt(static_cast<double>(o.latent));
  place = matrix("place", kGridPlaces, d, 0.5);
  pitch = matrix("pitch", kGridPitches, d, 0.5);
  length = matrix("length", kGridLengths, d, 0.5);
  meter = matrix("meter", meters, d, 0.5);
  for (int i = 0; i < o.encoder_layers; ++i)
    encoder.push_back(
        register_module("encoder" + std::to_string(i), TransformerBlock(block_options(o, o.encoder_layers))));
  encoder_norm = register_parameter("encoder_norm", torch::ones({d}));
  pool_in = matrix("pool_in", kNotePool * d, d, in);
  pool_out = matrix("pool_out", 2 * o.latent, (kBarQuarters + 1) * kNotePool * d, 0.5 * in);
  pool_bias = register_parameter("pool_bias", torch::zeros({2 * o.latent}));
  memory_in = matrix("memory_in", o.memory * d, o.latent, from_z);
  memory_bias = register_parameter("memory_bias", torch::randn({o.memory * d}) * 0.5);
  for (int i = 0; i < o.decoder_layers; ++i) {
    condition.push_back(matrix(("condition" + std::to_string(i)).c_str(), d, o.latent, 0.5 * from_z));
    if (o.told > 0)
      told_in.push_back(register_parameter("told" + std::to_string(i), torch::zeros({d, std::int64_t{o.told}})));
    decoder.push_back(
        register_module("decoder" + std::to_string(i), TransformerBlock(block_options(o, o.decoder_layers))));
  }
  decoder_norm = register_parameter("decoder_norm", torch::ones({d}));
  place_out = matrix("place_out", kGridPlaces + 1, d, in);
  pitch_mix = matrix("pitch_mix", d, d, in);
  pitch_out = matrix("pitch_out", kGridPitches, d, in);
  length_mix = matrix("length_mix", d, d, in);
  length_out = matrix("length_out", kGridLengths, d, in);
  steps = torch::empty({meters, 1}, torch::kInt64);
  for (std::int64_t m = 0; m < meters; ++m)
    steps.data_ptr<std::int64_t>()[m] = grid_meters()[static_cast<std::size_t>(m)].steps;
}

void VaeModuleImpl::set_compute(const TransformerCompute& compute) {
  for (auto& block : decoder) block->compute = compute;  // the encoder is small and looks both ways
}

torch::Tensor VaeModuleImpl::embed(const BarBatch& batch) const {
  const auto notes = batch.pitch.size(1);
  const auto places = batch.place.slice(1, 0, notes).clamp(0, kGridPlaces - 1);
  return (torch::embedding(place, places) + torch::embedding(pitch, batch.pitch) +
          torch::embedding(length, batch.length)) *
         batch.present.unsqueeze(-1);
}

torch::Tensor VaeModuleImpl::quarters_of(const BarBatch& batch) const {
  const auto onset =
      torch::div(batch.place.slice(1, 0, batch.pitch.size(1)).clamp(0, kGridPlaces - 1), kGridParts, "floor");
  return torch::div(onset * kBarQuarters, torch::embedding(steps, batch.meters), "floor").clamp_max(kBarQuarters - 1);
}

std::pair<torch::Tensor, torch::Tensor> VaeModuleImpl::rotary(std::int64_t first, std::int64_t time) const {
  const std::int64_t pairs = angles.pairs();
  torch::Tensor cosine = torch::empty({time, pairs}), sine = torch::empty_like(cosine);
  for (std::int64_t i = 0; i < time; ++i)
    angles.turn(static_cast<int>(first + i), {}, cosine.data_ptr<float>() + i * pairs,
                sine.data_ptr<float>() + i * pairs);
  return {cosine.to(place.device()), sine.to(place.device())};
}

std::pair<torch::Tensor, torch::Tensor> VaeModuleImpl::encode(const BarBatch& batch) const {
  // The meter stands first, so that a silent bar has something to say.
  auto x = torch::cat({torch::embedding(meter, batch.meters).unsqueeze(1), embed(batch)}, 1);
  const auto present = torch::cat({torch::ones({batch.meters.size(0), 1}, x.options()), batch.present}, 1);
  const auto mask = torch::zeros_like(present).masked_fill(present == 0, -1e9).view({x.size(0), 1, 1, x.size(1)});
  const auto [cosine, sine] = rotary(0, x.size(1));
  for (const auto& block : encoder) x = block.ptr()->run(x, cosine, sine, mask, nullptr);
  const auto y = torch::gelu(mixed_linear(fused_norm(x, encoder_norm), pool_in)) * present.unsqueeze(-1);
  // Sums, not means: how often something occurs must not be lost. One for the bar's meter, one for each quarter of it.
  const auto quarters = torch::one_hot(quarters_of(batch), kBarQuarters).to(y.dtype());  // [bars × notes × quarters]
  const auto sums = torch::matmul(quarters.transpose(1, 2), y.slice(1, 1)).flatten(1);
  const auto out = torch::linear(torch::cat({y.select(1, 0), sums * 0.5}, 1), pool_out, pool_bias);
  const auto halves = out.chunk(2, -1);
  return {halves[0], halves[1].clamp(kLeastLogVariance, kMostLogVariance)};
}

/// What is added to the residual stream before a layer of the decoder, [bars × 1 × d].
torch::Tensor VaeModuleImpl::conditioned(std::size_t layer, const torch::Tensor& z, const torch::Tensor& told) const {
  torch::Tensor out = torch::linear(z, condition[layer]);
  if (told.defined()) out = out + torch::linear(told, told_in[layer]);
  return out.unsqueeze(1);
}

torch::Tensor VaeModuleImpl::memory(const torch::Tensor& z, const torch::Tensor& meters) const {
  return torch::linear(z, memory_in, memory_bias).view({z.size(0), options.memory, options.d_model}) +
         torch::embedding(meter, meters).unsqueeze(1);
}

torch::Tensor VaeModuleImpl::reconstruction_nats(const BarBatch& batch, const torch::Tensor& z,
                                                 const torch::Tensor& told, const Dropout* dropout) const {
  const auto bars = z.size(0), notes = batch.pitch.size(1);
  auto x = torch::cat({memory(z, batch.meters), embed(batch)}, 1);
  const auto [cosine, sine] = rotary(0, x.size(1));
  for (std::size_t l = 0; l < decoder.size(); ++l) {
    const Dropout masks = dropout ? dropout->at(l + 1) : Dropout{};
    x = decoder[l].ptr()->run(x + conditioned(l, z, told), cosine, sine, {}, dropout ? &masks : nullptr);
  }
  // What stands at the last place of the memory says the first note.
  const auto h = fused_norm(x.slice(1, options.memory - 1), decoder_norm);  // [bars × notes + 1 × d]
  const auto nats = [&](const torch::Tensor& logits, const torch::Tensor& targets) {
    namespace F = torch::nn::functional;
    return F::cross_entropy(logits.reshape({-1, logits.size(-1)}), targets.reshape({-1}),
                            F::CrossEntropyFuncOptions().ignore_index(-1).reduction(torch::kNone))
        .view({bars, -1})
        .sum(1);
  };
  const auto absent = batch.present == 0;
  const auto place_nats = nats(torch::linear(h, place_out), batch.place);
  const auto here =
      h.slice(1, 0, notes) + torch::embedding(place, batch.place.slice(1, 0, notes).clamp(0, kGridPlaces - 1));
  const auto pitch_nats =
      nats(torch::linear(torch::gelu(torch::linear(here, pitch_mix)), pitch_out), batch.pitch.masked_fill(absent, -1));
  const auto length_nats = nats(
      torch::linear(torch::gelu(torch::linear(here + torch::embedding(pitch, batch.pitch), length_mix)), length_out),
      batch.length.masked_fill(absent, -1));
  return place_nats + pitch_nats + length_nats;
}

namespace {

/// Rows of the likeliest, or drawn, classes. \param logits [rows × classes], −inf for what may not be
std::vector<std::int64_t> draw(const torch::Tensor& logits, const BarDrawing& how, std::span<Random> randoms) {
  const bool draws = how.temperature > 0;
  auto scores = draws ? torch::softmax(logits / how.temperature, -1) : logits;
  if (draws && how.min_p > 0) {
    scores = scores.masked_fill(scores < how.min_p * scores.amax(-1, true), 0);
    scores = scores / scores.sum(-1, true);
  }
  scores = scores.contiguous();
  const auto rows = scores.size(0), classes = scores.size(1);
  const float* p = scores.data_ptr<float>();
  std::vector<std::int64_t> out(static_cast<std::size_t>(rows));
  for (std::int64_t r = 0; r < rows; ++r, p += classes) {
    std::int64_t chosen = std::max_element(p, p + classes) - p;
    if (draws) {
      double left = randoms[static_cast<std::size_t>(r)].uniform();
      for (std::int64_t c = 0; c < classes; ++c) {
        if (p[c] <= 0) continue;
        chosen = c;
        if ((left -= p[c]) < 0) break;
      }
    }
    out[static_cast<std::size_t>(r)] = chosen;
  }
  return out;
}

}  // namespace

std::vector<GridBar> VaeModuleImpl::decode(const torch::Tensor& z, std::span<const int> meters, const BarDrawing& how,
                                           Random& random, const torch::Tensor& told) const {
  torch::NoGradGuard guard;
  constexpr float kNever = -1e30F;
  const auto bars = z.size(0), d = std::int64_t{options.d_model}, heads = std::int64_t{options.heads}, head = d / heads;
  const auto longest = options.memory + kMostBarNotes;
  std::vector<GridBar> out(static_cast<std::size_t>(bars));
  std::vector<Random> randoms;  // one a bar, so that a bar does not depend on those beside it
  for (std::int64_t b = 0; b < bars; ++b) {
    randoms.push_back(Random::stream(random.next(), static_cast<std::uint64_t>(b)));
    out[static_cast<std::size_t>(b)].meter = meters[static_cast<std::size_t>(b)];
  }
  const auto meter_ids = torch::empty({bars}, torch::kInt64);
  for (std::int64_t b = 0; b < bars; ++b) meter_ids.data_ptr<std::int64_t>()[b] = meters[static_cast<std::size_t>(b)];
  std::vector<torch::Tensor> keys, values, conditions;
  for (std::size_t l = 0; l < decoder.size(); ++l) {
    keys.push_back(torch::empty({bars, heads, longest, head}));
    values.push_back(torch::empty({bars, heads, longest, head}));
    conditions.push_back(conditioned(l, z, told));
  }
  const auto [cosine, sine] = rotary(0, longest);
  const auto rotated = [&](const torch::Tensor& x, std::int64_t at, std::int64_t time) {
    const auto halves = x.chunk(2, -1);
    const auto c = cosine.slice(0, at, at + time), s = sine.slice(0, at, at + time);
    return torch::cat({halves[0] * c - halves[1] * s, halves[1] * c + halves[0] * s}, -1);
  };
  const auto step = [&](torch::Tensor x, std::int64_t at) {  // x [bars × time × d], places at …
    const auto time = x.size(1);
    for (std::size_t l = 0; l < decoder.size(); ++l) {
      const auto& block = *decoder[l].ptr();
      x = x + conditions[l];
      const auto split = torch::linear(fused_norm(x, block.attention_norm), block.qkv)
                             .view({bars, time, 3, heads, head})
                             .permute({2, 0, 3, 1, 4});
      keys[l].slice(2, at, at + time).copy_(rotated(split[1], at, time));
      values[l].slice(2, at, at + time).copy_(split[2]);
      auto scores = torch::matmul(rotated(split[0], at, time) / std::sqrt(static_cast<double>(head)),
                                  keys[l].slice(2, 0, at + time).transpose(-2, -1));
      if (time > 1) scores = scores + torch::full({time, at + time}, kNever).triu(at + 1);
      const auto mixed = torch::matmul(torch::softmax(scores, -1), values[l].slice(2, 0, at + time))
                             .transpose(1, 2)
                             .reshape({bars, time, d});
      x = x + torch::linear(mixed, block.attention_out);
      x = x + torch::linear(fused_swiglu(torch::linear(fused_norm(x, block.ff_norm), block.ff_in)), block.ff_out);
    }
    return fused_norm(x.slice(1, time - 1), decoder_norm).squeeze(1);
  };
  auto h = step(memory(z, meter_ids), 0);
  std::vector<char> open(static_cast<std::size_t>(bars), 1);
  for (std::int64_t i = 0; i < kMostBarNotes; ++i) {
    // Notes go on in order, within the bar.
    auto logits = torch::linear(h, place_out).contiguous();
    float* row = logits.data_ptr<float>();
    for (std::size_t b = 0; b < out.size(); ++b, row += kGridPlaces + 1) {
      const int bar_steps = grid_meters()[static_cast<std::size_t>(out[b].meter)].steps;
      const BarNote last = out[b].notes.empty() ? BarNote{} : out[b].notes.back();
      const std::int64_t first = out[b].notes.empty() ? 0 : last.onset * kGridParts + last.part;
      for (std::int64_t p = 0; p < kGridPlaces; ++p)
        if (p < first || p >= bar_steps * kGridParts) row[p] = kNever;
      if (!out[b].notes.empty() && last.pitch == 0) row[first] = kNever;  // nothing lies below
    }
    const auto places = draw(logits, how, randoms);
    bool any = false;
    auto place_ids = torch::zeros({bars}, torch::kInt64), pitch_ids = torch::zeros({bars}, torch::kInt64),
         length_ids = torch::zeros({bars}, torch::kInt64);
    for (std::int64_t b = 0; b < bars; ++b) {
      auto& o = open[static_cast<std::size_t>(b)];
      const std::int64_t p = places[static_cast<std::size_t>(b)];
      if (p == kBarEnd) o = 0;
      any = any || o;
      place_ids.data_ptr<std::int64_t>()[b] = std::min(p, kGridPlaces - 1);
    }
    if (!any) break;
    const auto place_vectors = torch::embedding(place, place_ids);
    const auto here = h + place_vectors;
    logits = torch::linear(torch::gelu(torch::linear(here, pitch_mix)), pitch_out).contiguous();
    row = logits.data_ptr<float>();
    for (std::size_t b = 0; b < out.size(); ++b, row += kGridPitches) {
      if (out[b].notes.empty()) continue;
      const BarNote& last = out[b].notes.back();
      if (places[b] != last.onset * kGridParts + last.part) continue;
      std::fill(row + last.pitch, row + kGridPitches, kNever);  // from the highest down
    }
    const auto pitches = draw(logits, how, randoms);
    for (std::int64_t b = 0; b < bars; ++b)
      pitch_ids.data_ptr<std::int64_t>()[b] = pitches[static_cast<std::size_t>(b)];
    const auto pitch_vectors = torch::embedding(pitch, pitch_ids);
    const auto lengths =
        draw(torch::linear(torch::gelu(torch::linear(here + pitch_vectors, length_mix)), length_out), how, randoms);
    for (std::size_t b = 0; b < out.size(); ++b) {
      length_ids.data_ptr<std::int64_t>()[b] = lengths[b];
      if (!open[b]) continue;
      out[b].notes.push_back({static_cast<int>(places[b] / kGridParts), static_cast<int>(places[b] % kGridParts),
                              static_cast<int>(pitches[b]), static_cast<int>(lengths[b]) + 1});
    }
    if (i + 1 < kMostBarNotes)
      h = step((place_vectors + pitch_vectors + torch::embedding(length, length_ids)).unsqueeze(1), options.memory + i);
  }
  return out;
}

}  // namespace euterpe
