#include <torch/torch.h>

#include "nn/vae.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "nn/note_encoder_module.hpp"
#include "nn/vae_module.hpp"

namespace euterpe {
namespace {

struct OptionRow {
  const char* name;
  int VaeOptions::*field;
  int least, most;
};
constexpr std::array<OptionRow, 8> kRows{{{"d_model", &VaeOptions::d_model, 16, 2048},
                                          {"heads", &VaeOptions::heads, 1, 64},
                                          {"ff", &VaeOptions::ff, 16, 8192},
                                          {"encoder_layers", &VaeOptions::encoder_layers, 1, 24},
                                          {"decoder_layers", &VaeOptions::decoder_layers, 1, 24},
                                          {"latent", &VaeOptions::latent, 2, 1024},
                                          {"memory", &VaeOptions::memory, 1, 64},
                                          {"told", &VaeOptions::told, 0, 4096}}};
constexpr std::size_t kBarsAtOnce = 256;

}  // namespace

VaeOptions vae_options(const nlohmann::json& options) {
  VaeOptions out;
  for (const OptionRow& row : kRows) {
    const auto value = options.is_object() ? options.find(row.name) : options.end();
    if (value == options.end() || !value->is_number_integer() || *value < row.least || *value > row.most)
      throw Error(Category::bad_input, "load_vae",
                  fmt::format("the option {} must be a whole number from {} to {}", row.name, row.least, row.most));
    out.*row.field = value->get<int>();
  }
  if (out.d_model % (2 * out.heads) != 0 || out.d_model % 16 != 0 || out.ff % 16 != 0)
    throw Error(Category::bad_input, "load_vae",
                fmt::format("d_model {} must be a multiple of 16 and of twice the {} heads, ff {} of 16", out.d_model,
                            out.heads, out.ff));
  return out;
}

nlohmann::json to_json(const VaeOptions& options) {
  nlohmann::json out;
  for (const OptionRow& row : kRows) out[row.name] = options.*row.field;
  return out;
}

std::int64_t parameter_count(const VaeOptions& o) {
  const std::int64_t d = o.d_model, z = o.latent, ff = o.ff;
  const std::int64_t block = 4 * d * d + 3 * d * ff + 2 * d;
  const std::int64_t tables =
      kGridPlaces + kGridPitches + kGridLengths + static_cast<std::int64_t>(grid_meters().size());
  const std::int64_t pool = kNotePool * d * d + 2 * z * (kBarQuarters + 1) * kNotePool * d + 2 * z;
  const std::int64_t read = o.memory * d * (z + 1) + o.decoder_layers * d * (z + o.told);
  const std::int64_t say = (kGridPlaces + 1 + kGridPitches + kGridLengths) * d + 2 * d * d;
  return tables * d + (o.encoder_layers + o.decoder_layers) * block + pool + read + say + 2 * d;
}

std::vector<double> BarLatents::kl(std::size_t i) const {
  std::vector<double> out(static_cast<std::size_t>(dimensions));
  for (std::size_t k = 0; k < out.size(); ++k) {
    const double m = mean[i * out.size() + k], l = log_variance[i * out.size() + k];
    out[k] = 0.5 * (m * m + std::exp(l) - 1 - l);
  }
  return out;
}

Vae::Vae(const VaeOptions& options, const Safetensors& file) : options_(options) {
  auto network = std::make_shared<VaeModuleImpl>(options);
  load_parameters(*network, file, "vae.");
  for (auto& p : network->parameters()) p.set_requires_grad(false);
  network_ = std::move(network);
}

BarLatents Vae::encode(std::span<const GridBar> bars) const {
  torch::NoGradGuard guard;
  BarLatents out;
  out.dimensions = options_.latent;
  for (std::size_t first = 0; first < bars.size(); first += kBarsAtOnce) {
    std::vector<const GridBar*> part;
    for (std::size_t i = first; i < std::min(bars.size(), first + kBarsAtOnce); ++i) part.push_back(&bars[i]);
    auto [mean, log_variance] = network_->encode(bar_batch(part));
    mean = mean.contiguous();
    log_variance = log_variance.contiguous();
    out.mean.insert(out.mean.end(), mean.data_ptr<float>(), mean.data_ptr<float>() + mean.numel());
    out.log_variance.insert(out.log_variance.end(), log_variance.data_ptr<float>(),
                            log_variance.data_ptr<float>() + log_variance.numel());
  }
  return out;
}

namespace {

/// Rows first … first + count of a row-major matrix; undefined where there is none.
torch::Tensor rows_of(std::span<const float> values, std::size_t first, std::size_t count, int width) {
  if (values.empty()) return {};
  const auto columns = static_cast<std::size_t>(width);
  return torch::from_blob(const_cast<float*>(values.data() + first * columns),
                          {static_cast<std::int64_t>(count), static_cast<std::int64_t>(width)});
}

}  // namespace

std::vector<GridBar> Vae::decode(std::span<const float> z, std::span<const int> meters, const BarDrawing& how,
                                 Random& random, std::span<const float> told) const {
  EUTERPE_ASSERT(z.size() == meters.size() * static_cast<std::size_t>(options_.latent));
  EUTERPE_ASSERT(told.empty() || told.size() == meters.size() * static_cast<std::size_t>(options_.told));
  std::vector<GridBar> out;
  for (std::size_t first = 0; first < meters.size(); first += kBarsAtOnce) {
    const std::size_t count = std::min(kBarsAtOnce, meters.size() - first);
    for (GridBar& bar : network_->decode(rows_of(z, first, count, options_.latent), meters.subspan(first, count), how,
                                         random, rows_of(told, first, count, options_.told)))
      out.push_back(std::move(bar));
  }
  return out;
}

std::vector<double> Vae::nats(std::span<const GridBar> bars, std::span<const float> z,
                              std::span<const float> told) const {
  torch::NoGradGuard guard;
  EUTERPE_ASSERT(z.size() == bars.size() * static_cast<std::size_t>(options_.latent));
  EUTERPE_ASSERT(told.empty() || told.size() == bars.size() * static_cast<std::size_t>(options_.told));
  std::vector<double> out;
  for (std::size_t first = 0; first < bars.size(); first += kBarsAtOnce) {
    std::vector<const GridBar*> part;
    for (std::size_t i = first; i < std::min(bars.size(), first + kBarsAtOnce); ++i) part.push_back(&bars[i]);
    const auto nats = network_
                          ->reconstruction_nats(bar_batch(part), rows_of(z, first, part.size(), options_.latent),
                                                rows_of(told, first, part.size(), options_.told))
                          .contiguous();
    for (std::size_t i = 0; i < part.size(); ++i) out.push_back(nats.data_ptr<float>()[i]);
  }
  return out;
}

}  // namespace euterpe
