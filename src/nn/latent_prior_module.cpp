#include <torch/torch.h>

#include "nn/latent_prior_module.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

/// Rows of the wish embedding by what they say; the first row of each says nothing.
struct WishRows {
  std::int64_t style, minor, meter, density, polyphony, height, left, first, count;
};
constexpr std::int64_t kWishes = 8;
WishRows rows_of(const LatentPriorOptions& o) {
  WishRows r{};
  r.style = 0;
  r.minor = r.style + 1 + o.styles;
  r.meter = r.minor + 3;
  r.density = r.meter + 1 + static_cast<std::int64_t>(grid_meters().size());
  r.polyphony = r.density + 1 + kBarClasses;
  r.height = r.polyphony + 1 + kBarClasses;
  r.left = r.height + 1 + kBarClasses;
  r.first = r.left + 1 + kBarsLeft;
  r.count = r.first + 2;
  return r;
}

TransformerOptions block_options(const LatentPriorOptions& o) {
  TransformerOptions out;
  out.vocabulary = 1;
  out.d_model = o.d_model;
  out.heads = o.heads;
  out.ff = o.ff;
  out.layers = o.layers;
  out.context = o.context;
  out.dropout = 0;
  return out;
}

constexpr int kTimeWaves = kTimeValues / 2;

}  // namespace

torch::Tensor time_waves(const torch::Tensor& time) {
  const auto frequencies = torch::exp(torch::linspace(0.0, std::log(64.0), kTimeWaves)).to(time.device());
  const auto angles = time.unsqueeze(1) * frequencies * 3.14159265;
  return torch::cat({torch::sin(angles), torch::cos(angles)}, 1);
}

std::int64_t wish_rows(const LatentPriorOptions& options) { return rows_of(options).count; }

WishBatch wish_batch(std::span<const LatentWish> wishes, const LatentPriorOptions& o, bool asked) {
  std::size_t longest = 0;
  for (const LatentWish& w : wishes) longest = std::max(longest, w.bars.size());
  const auto n = static_cast<std::int64_t>(wishes.size()), bars = static_cast<std::int64_t>(longest);
  const WishRows rows = rows_of(o);
  WishBatch out{torch::zeros({n, bars, kWishes}, torch::kInt64), torch::zeros({n, bars, 2 * kMelodyValues}),
                torch::zeros({n, bars})};
  auto* classes = out.classes.data_ptr<std::int64_t>();
  auto* melody = out.melody.data_ptr<float>();
  auto* present = out.present.data_ptr<float>();
  for (std::size_t p = 0; p < wishes.size(); ++p) {
    const LatentWish& w = wishes[p];
    for (std::size_t b = 0; b < longest; ++b) {
      const std::size_t at = p * longest + b;
      std::int64_t* c = classes + at * kWishes;
      const std::int64_t nothing[kWishes] = {rows.style,     rows.minor,  rows.meter, rows.density,
                                             rows.polyphony, rows.height, rows.left,  rows.first};
      std::copy(std::begin(nothing), std::end(nothing), c);
      if (b >= w.bars.size()) continue;
      const BarWish& bar = w.bars[b];
      present[at] = 1;
      c[2] += 1 + bar.meter;
      if (!asked) continue;
      if (w.style >= 0) c[0] += 1 + w.style;
      if (w.minor) c[1] += 1 + (*w.minor ? 1 : 0);
      for (std::size_t t = 0; t < kBarTraits; ++t) c[3 + t] += 1 + bar.traits[t];
      c[6] += bar.left >= 0 && bar.left < kBarsLeft ? 1 + bar.left : 0;
      c[7] += bar.first ? 1 : 0;
      for (std::size_t next = 0; next < 2 && b + next < w.bars.size(); ++next)
        if (const auto& m = w.bars[b + next].melody)
          std::copy(m->begin(), m->end(), melody + (2 * at + next) * kMelodyValues);
    }
  }
  return out;
}

LatentPriorModuleImpl::LatentPriorModuleImpl(const LatentPriorOptions& o) : options(o), angles(block_options(o)) {
  const std::int64_t d = o.d_model, w = o.flow_width;
  const auto matrix = [&](const std::string& name, std::int64_t rows, std::int64_t columns, double scale = 1) {
    return register_parameter(name, torch::randn({rows, columns}) * (scale / std::sqrt(static_cast<double>(columns))));
  };
  wish = register_parameter("wish", torch::randn({wish_rows(o), d}) * 0.3);
  melody_in = matrix("melody_in", d, 2 * kMelodyValues, 2);
  before_in = matrix("before_in", d, o.latent);
  for (int i = 0; i < o.layers; ++i)
    blocks.push_back(register_module("block" + std::to_string(i), TransformerBlock(block_options(o))));
  final_norm = register_parameter("final_norm", torch::ones({d}));
  flow_in = matrix("flow_in", w, o.latent);
  said_in = matrix("said_in", w, d);
  time_in = matrix("time_in", w, kTimeValues);
  for (int i = 0; i < o.flow_blocks; ++i) {
    const std::string name = "flow" + std::to_string(i);
    flow.push_back({register_parameter(name + "_norm", torch::ones({w})), matrix(name + "_in", 2 * w, w),
                    matrix(name + "_shift", 2 * w, w, 0.5), matrix(name + "_out", w, w, 0.3)});
  }
  flow_out = register_parameter("flow_out", torch::zeros({o.latent, w}));
  mean = register_parameter("mean", torch::zeros({o.latent}), false);
  deviation = register_parameter("deviation", torch::ones({o.latent}), false);
}

torch::Tensor LatentPriorModuleImpl::wish_vectors() const {
  const WishRows rows = rows_of(options);
  std::vector<torch::Tensor> parts{wish.slice(0, 0, rows.density)};
  for (const std::int64_t first : {rows.density, rows.polyphony, rows.height}) {
    parts.push_back(wish.slice(0, first, first + 1));
    parts.push_back(wish.slice(0, first + 1, first + 1 + kBarClasses).cumsum(0));
  }
  parts.push_back(wish.slice(0, rows.left));
  return torch::cat(parts);
}

torch::Tensor LatentPriorModuleImpl::context(const WishBatch& wishes, const torch::Tensor& before,
                                             const Dropout* dropout) const {
  auto x = torch::embedding(wish_vectors(), wishes.classes).sum(2) + torch::linear(wishes.melody, melody_in) +
           torch::linear(before, before_in);
  const std::int64_t time = x.size(1), pairs = angles.pairs();
  torch::Tensor cosine = torch::empty({time, pairs}), sine = torch::empty_like(cosine);
  for (std::int64_t i = 0; i < time; ++i)
    angles.turn(static_cast<int>(i), {}, cosine.data_ptr<float>() + i * pairs, sine.data_ptr<float>() + i * pairs);
  cosine = cosine.to(x.device());
  sine = sine.to(x.device());
  for (std::size_t l = 0; l < blocks.size(); ++l) {
    const Dropout masks = dropout ? dropout->at(l + 1) : Dropout{};
    x = blocks[l].ptr()->run(x, cosine, sine, {}, dropout ? &masks : nullptr);
  }
  return fused_norm(x, final_norm);
}

torch::Tensor LatentPriorModuleImpl::velocity(const torch::Tensor& x, const torch::Tensor& time,
                                              const torch::Tensor& said) const {
  const auto told = torch::silu(torch::linear(said, said_in) + torch::linear(time_waves(time), time_in));
  auto y = torch::linear(x, flow_in) + told;
  for (const FlowBlock& block : flow)
    y = y + torch::linear(
                fused_swiglu(torch::linear(fused_norm(y, block.norm), block.in) + torch::linear(told, block.shift)),
                block.out);
  return torch::linear(y, flow_out);
}

}  // namespace euterpe
