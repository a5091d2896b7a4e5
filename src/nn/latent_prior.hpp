#pragma once
/// The learned prior over the latents of bars (nn/vae.hpp): p(z_t | z_1 … z_{t−1}, what is asked of the bars).
///
/// A causal Transformer reads the bars so far and what is asked; from what it says a small network moves noise to the
/// next bar's latents along a learned flow: flow matching (Lipman et al. 2023) in an autoregressive model without
/// vector quantization (Li et al. 2024).
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "nn/safetensors.hpp"
#include "nn/style_habits.hpp"
#include "score/bar_grid.hpp"

namespace euterpe {

struct LatentPriorModuleImpl;

inline constexpr int kBarsLeft = 4;  ///< before the end, that the prior is told of
inline constexpr int kMelodyValues = 2 * 12 + 2;
inline constexpr int kTimeValues = 32;  ///< sines and cosines of the flow's time

/// The melody of a bar as it is asked for: the share of each half bar in which the highest voice sounds each pitch
/// class, and the mean pitch of each half, (pitch − 66) / 12.
using MelodyShape = std::array<float, kMelodyValues>;

std::vector<MelodyShape> melody_shapes(const BarGrid& grid);

/// What is asked of one bar; what is not asked the prior chooses.
struct BarWish {
  int meter = 0;                                   ///< of grid_meters()
  std::array<int, kBarTraits> traits{-1, -1, -1};  ///< 0 … kBarClasses − 1, −1 = not asked
  int left = -1;       ///< bars that follow, told from kBarsLeft − 1 down to 0; −1 = not said
  bool first = false;  ///< nothing stands before it
  std::optional<MelodyShape> melody;
};

struct LatentPriorOptions {
  int d_model = 160, heads = 5, ff = 416, layers = 3;
  int flow_width = 256, flow_blocks = 3;
  int latent = 128;
  int styles = 1;
  int context = 64;  ///< bars that it sees
};
/// Error{bad_input} naming the option that is missing or out of range.
LatentPriorOptions latent_prior_options(const nlohmann::json& options);
nlohmann::json to_json(const LatentPriorOptions& options);
std::int64_t parameter_count(const LatentPriorOptions& options);
/// What a decoder can be told of latents on their way along the flow: what the bars before and the wishes say, and the
/// time.
inline int told_values(const LatentPriorOptions& options) { return options.d_model + kTimeValues; }

/// One piece to be drawn.
struct LatentWish {
  int style = 0;              ///< −1 = not said
  std::optional<bool> minor;  ///< the mode, where it is said
  std::vector<BarWish> bars;
  std::vector<float> near;  ///< [bars × latent], what is varied; empty = drawn from nothing
  double amount = 1;        ///< of what is varied: the share of the flow that is gone anew
  std::uint64_t seed = 0;
};

struct LatentDrawing {
  int steps = 12;          ///< of the midpoint method along the flow
  double guidance = 1;     ///< above 1 what is asked counts for more (Ho and Salimans 2022), at twice the time
  double temperature = 1;  ///< standard deviation of the noise that is moved
  int candidates = 1;      ///< drawings of each bar, of which one goes on
  double until = 1;        ///< where the flow ends, 0 … 1: the decoder goes the rest of the way
};

/// What a piece's next bar may become.
struct DrawnLatents {
  std::size_t wish = 0, bar = 0;  ///< of which piece, and its number in it
  std::span<const float> z;       ///< row-major [candidates × latent]
  std::span<const float> told;    ///< [told_values()] of the bars before, of what is asked, and of where the flow ended
};
/// Makes a bar of them. \return the latents with which the piece goes on, [latent]
using LatentFinish = std::function<std::vector<float>(const DrawnLatents& drawn)>;

class LatentPrior {
 public:
  /// Error{bad_input} naming the tensor that is missing or misshapen.
  LatentPrior(const LatentPriorOptions& options, const Safetensors& file);
  const LatentPriorOptions& options() const { return options_; }
  /// Latents of each wish, [bars × latent]; those of a wish do not depend on the wishes beside it. Thread-safe.
  /// \param finish called for each bar; may be empty where there is one candidate, and the flow goes to its end
  std::vector<std::vector<float>> draw(std::span<const LatentWish> wishes, const LatentDrawing& how,
                                       const LatentFinish& finish = {}) const;

 private:
  LatentPriorOptions options_;
  std::shared_ptr<const LatentPriorModuleImpl> network_;
};

}  // namespace euterpe
