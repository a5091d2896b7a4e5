#pragma once
/// A variational autoencoder of bars (Kingma and Welling 2014): each bar of a BarGrid becomes a vector of latents by
/// itself, and a learned prior says which vectors follow each other in a style.
///
///     encoder  q(z | bar)    a Transformer over the bar's notes, normal with a diagonal covariance
///     decoder  p(bar | z)    a causal Transformer that writes note by note, conditioned on z in every layer
///     prior    p(z₁ … z_T | style, meter, attributes, melody)    nn/latent_prior.hpp
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "nn/safetensors.hpp"
#include "score/bar_grid.hpp"

namespace euterpe {

struct VaeModuleImpl;

inline constexpr int kMostBarNotes = 64;  ///< of a bar; what is beyond is left out, the last in order first

struct VaeOptions {
  int d_model = 160, heads = 5, ff = 416;
  int encoder_layers = 1, decoder_layers = 4;
  int latent = 128;  ///< dimensions of a bar's z
  int memory = 8;    ///< places before the notes through which the decoder reads z
  int told = 0;      ///< numbers that it can be told of a bar beside z: told_values() of the prior, or none
};
/// Error{bad_input} naming the option that is missing or out of range.
VaeOptions vae_options(const nlohmann::json& options);
nlohmann::json to_json(const VaeOptions& options);
std::int64_t parameter_count(const VaeOptions& options);

/// How the decoder draws from its distributions.
struct BarDrawing {
  double temperature = 0;  ///< 0 = the likeliest
  double min_p = 0;        ///< what is less likely than this share of the likeliest is not drawn (Nguyen et al. 2024)
};

/// Row-major [bars × dimensions].
struct BarLatents {
  int dimensions = 0;
  std::vector<float> mean, log_variance;
  std::size_t bars() const { return mean.size() / static_cast<std::size_t>(dimensions); }
  std::span<const float> bar(std::size_t i) const {
    return std::span(mean).subspan(i * static_cast<std::size_t>(dimensions), static_cast<std::size_t>(dimensions));
  }
  /// KL(q(z | bar) ‖ N(0, 1)) of each dimension of a bar, nats: ½ (μ² + σ² − 1 − ln σ²).
  std::vector<double> kl(std::size_t i) const;
};

class Vae {
 public:
  /// Error{bad_input} naming the tensor that is missing or misshapen.
  Vae(const VaeOptions& options, const Safetensors& file);

  const VaeOptions& options() const { return options_; }
  /// Thread-safe; a bar's latents do not depend on the bars beside it.
  BarLatents encode(std::span<const GridBar> bars) const;
  /// \param z row-major [bars × latent] \param meters of the bars, numbers of grid_meters()
  /// Notes stand within the bar and in order. Thread-safe.
  /// \param told of z that is not finished, row-major [bars × told]: what a LatentFinish is handed
  std::vector<GridBar> decode(std::span<const float> z, std::span<const int> meters, const BarDrawing& how,
                              Random& random, std::span<const float> told = {}) const;
  /// −log p(bar | z) of each bar, nats. \param z row-major [bars × latent] \param told as above. Thread-safe.
  std::vector<double> nats(std::span<const GridBar> bars, std::span<const float> z,
                           std::span<const float> told = {}) const;

 private:
  VaeOptions options_;
  std::shared_ptr<const VaeModuleImpl> network_;
};

}  // namespace euterpe
