#include <torch/torch.h>

#include "nn/latent_prior.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "nn/latent_prior_module.hpp"
#include "nn/note_encoder_module.hpp"
#include "score/skyline.hpp"

namespace euterpe {
namespace {

struct OptionRow {
  const char* name;
  int LatentPriorOptions::*field;
  int least, most;
};
constexpr std::array<OptionRow, 9> kRows{{{"d_model", &LatentPriorOptions::d_model, 16, 2048},
                                          {"heads", &LatentPriorOptions::heads, 1, 64},
                                          {"ff", &LatentPriorOptions::ff, 16, 8192},
                                          {"layers", &LatentPriorOptions::layers, 1, 24},
                                          {"flow_width", &LatentPriorOptions::flow_width, 16, 4096},
                                          {"flow_blocks", &LatentPriorOptions::flow_blocks, 1, 24},
                                          {"latent", &LatentPriorOptions::latent, 2, 1024},
                                          {"styles", &LatentPriorOptions::styles, 1, 64},
                                          {"context", &LatentPriorOptions::context, 2, 1024}}};

}  // namespace

LatentPriorOptions latent_prior_options(const nlohmann::json& options) {
  LatentPriorOptions out;
  for (const OptionRow& row : kRows) {
    const auto value = options.is_object() ? options.find(row.name) : options.end();
    if (value == options.end() || !value->is_number_integer() || *value < row.least || *value > row.most)
      throw Error(Category::bad_input, "load_prior",
                  fmt::format("the option {} must be a whole number from {} to {}", row.name, row.least, row.most));
    out.*row.field = value->get<int>();
  }
  if (out.d_model % (2 * out.heads) != 0 || out.d_model % 16 != 0 || out.ff % 16 != 0 || out.flow_width % 16 != 0)
    throw Error(Category::bad_input, "load_prior",
                fmt::format("d_model {} must be a multiple of 16 and of twice the {} heads, ff {} and flow_width {} of "
                            "16",
                            out.d_model, out.heads, out.ff, out.flow_width));
  return out;
}

nlohmann::json to_json(const LatentPriorOptions& options) {
  nlohmann::json out;
  for (const OptionRow& row : kRows) out[row.name] = options.*row.field;
  return out;
}

std::int64_t parameter_count(const LatentPriorOptions& o) {
  const std::int64_t d = o.d_model, w = o.flow_width, z = o.latent;
  const std::int64_t block = 4 * d * d + 3 * d * o.ff + 2 * d;
  const std::int64_t flow = w * (1 + 2 * w + 2 * w + w);
  return wish_rows(o) * d + d * 2 * kMelodyValues + d * z + o.layers * block + d + w * (z + d + kTimeValues) +
         o.flow_blocks * flow + z * w + 2 * z;
}

std::vector<MelodyShape> melody_shapes(const BarGrid& grid) {
  const std::vector<int> line = skyline(grid), bars = bar_lengths(grid);
  const std::vector<Chroma> chroma = half_bar_chroma(line, bars);
  constexpr float kMiddle = 66, kOctave = 12;
  std::vector<MelodyShape> out(bars.size());
  std::size_t step = 0;
  for (std::size_t b = 0; b < bars.size(); ++b) {
    const std::size_t end = step + static_cast<std::size_t>(bars[b]),
                      middle = step + static_cast<std::size_t>(bars[b]) / 2;
    for (std::size_t half = 0; half < 2; ++half) {
      float pitches = 0, sounding = 0;
      const std::size_t last = half == 0 ? middle : end;
      const auto steps = static_cast<float>(last - step);
      for (; step < last; ++step)
        if (line[step] >= 0) pitches += static_cast<float>(line[step]), ++sounding;
      for (std::size_t c = 0; c < 12; ++c) out[b][12 * half + c] = chroma[2 * b + half][c] / steps;
      out[b][24 + half] = sounding > 0 ? (pitches / sounding - kMiddle) / kOctave : 0;
    }
  }
  return out;
}

LatentPrior::LatentPrior(const LatentPriorOptions& options, const Safetensors& file) : options_(options) {
  auto network = std::make_shared<LatentPriorModuleImpl>(options);
  load_parameters(*network, file, "prior.");
  for (auto& p : network->parameters()) p.set_requires_grad(false);
  network_ = std::move(network);
}

std::vector<std::vector<float>> LatentPrior::draw(std::span<const LatentWish> wishes, const LatentDrawing& how,
                                                  const LatentFinish& finish) const {
  torch::NoGradGuard guard;
  const std::int64_t latent = options_.latent;
  const auto width = static_cast<std::size_t>(latent);
  std::vector<std::vector<float>> out(wishes.size());
  std::size_t longest = 0;
  for (const LatentWish& w : wishes) longest = std::max(longest, w.bars.size());
  const bool guided = how.guidance != 1;
  EUTERPE_ASSERT(finish || (how.candidates == 1 && how.until == 1));
  const auto candidates = static_cast<std::size_t>(how.candidates);
  std::vector<Random> randoms;
  for (const LatentWish& w : wishes) randoms.push_back(Random::stream(w.seed, 0x7072696f));
  for (std::size_t bar = 0; bar < longest; ++bar) {
    // Pieces that write this bar, and the bars before it that the network sees.
    std::vector<std::size_t> now;
    for (std::size_t p = 0; p < wishes.size(); ++p)
      if (bar < wishes[p].bars.size()) now.push_back(p);
    if (now.empty()) continue;
    const std::size_t seen = std::min(bar + 1, static_cast<std::size_t>(options_.context));
    const std::size_t from = bar + 1 - seen;
    std::vector<LatentWish> windows;
    const auto rows = static_cast<std::int64_t>(now.size());
    auto before = torch::zeros({rows, static_cast<std::int64_t>(seen), latent});
    auto known = torch::zeros({rows, static_cast<std::int64_t>(seen), 1});
    for (std::size_t i = 0; i < now.size(); ++i) {
      const LatentWish& w = wishes[now[i]];
      LatentWish window;
      window.style = w.style;
      window.minor = w.minor;
      // The bar after this one is asked for too: its melody is known.
      const auto begin = w.bars.begin() + static_cast<std::ptrdiff_t>(from);
      const auto end = w.bars.begin() + static_cast<std::ptrdiff_t>(std::min(w.bars.size(), bar + 2));
      window.bars.assign(begin, end);
      windows.push_back(std::move(window));
      for (std::size_t t = 0; t < seen; ++t) {
        if (from + t == 0) continue;
        const float* z = out[now[i]].data() + (from + t - 1) * width;
        std::copy(z, z + width, before.data_ptr<float>() + (i * seen + t) * width);
        known.data_ptr<float>()[i * seen + t] = 1;
      }
    }
    before = network_->standardized(before) * known;
    const auto said = [&](bool asked) {
      WishBatch batch = wish_batch(windows, options_, asked);
      batch.classes = batch.classes.slice(1, 0, static_cast<std::int64_t>(seen));
      batch.melody = batch.melody.slice(1, 0, static_cast<std::int64_t>(seen));
      return network_->context(batch, before).select(1, static_cast<std::int64_t>(seen) - 1);
    };
    const auto context = said(true);
    const auto with = context.repeat_interleave(how.candidates, 0);
    const auto without = guided ? said(false).repeat_interleave(how.candidates, 0) : torch::Tensor();
    auto x = torch::empty({rows * how.candidates, latent});
    auto start = torch::zeros({rows * how.candidates});
    float* noise = x.data_ptr<float>();
    for (std::size_t i = 0; i < now.size(); ++i) {
      const LatentWish& w = wishes[now[i]];
      const double kept = w.near.empty() ? 0 : 1 - std::clamp(w.amount, 0.0, 1.0);
      for (std::size_t c = 0; c < candidates; ++c) {
        start.data_ptr<float>()[i * candidates + c] = static_cast<float>(kept);
        for (std::size_t k = 0; k < width; ++k, ++noise)
          *noise = static_cast<float>((1 - kept) * how.temperature * randoms[now[i]].normal());
      }
      if (w.near.empty()) continue;
      std::vector<float> z(w.near.begin() + static_cast<std::ptrdiff_t>(bar * width),
                           w.near.begin() + static_cast<std::ptrdiff_t>((bar + 1) * width));
      const auto first = static_cast<std::int64_t>(i * candidates);
      x.slice(0, first, first + how.candidates)
          .add_(kept * network_->standardized(torch::from_blob(z.data(), {latent})));
    }
    const auto pace = (how.until - start).clamp_min(0) / how.steps;
    const auto flow = [&](const torch::Tensor& at, const torch::Tensor& time) {
      const auto v = network_->velocity(at, time, with);
      if (!guided) return v;
      const auto plain = network_->velocity(at, time, without);
      return plain + how.guidance * (v - plain);
    };
    for (int s = 0; s < how.steps; ++s) {
      const auto time = start + pace * s;
      const auto middle = x + 0.5 * pace.unsqueeze(1) * flow(x, time);
      x = x + pace.unsqueeze(1) * flow(middle, time + 0.5 * pace);
    }
    x = network_->restored(x).contiguous();
    const auto told =
        finish ? torch::cat({context, time_waves(torch::full({rows}, how.until))}, 1).contiguous() : torch::Tensor();
    for (std::size_t i = 0; i < now.size(); ++i) {
      const std::span all(x.data_ptr<float>() + i * candidates * width, candidates * width);
      std::vector<float>& piece = out[now[i]];
      if (!finish) {
        piece.insert(piece.end(), all.begin(), all.end());
        continue;
      }
      const auto values = static_cast<std::size_t>(told.size(1));
      const std::vector<float> z = finish({now[i], bar, all, {told.data_ptr<float>() + i * values, values}});
      EUTERPE_ASSERT(z.size() == width);
      piece.insert(piece.end(), z.begin(), z.end());
    }
  }
  return out;
}

}  // namespace euterpe
