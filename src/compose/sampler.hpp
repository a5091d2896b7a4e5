#pragma once
/// Draws the next token from a model's logits.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/random.hpp"

namespace euterpe {

inline constexpr double kHighestTemperature = 10;

struct SamplingOptions {
  double temperature = 1.0;  ///< > 0; below 1 safer, above 1 bolder
  int top_k = 0;             ///< keep the k most likely, 0 = off
  double top_p = 0.98;       ///< keep the smallest set that holds this probability (Holtzman et al. 2020), 1 = off
  double min_p = 0.0;        ///< drop what is less likely than this share of the likeliest, 0 = off
  /// Logits u + guidance · (c − u) of the model with (c) and without (u) what was asked (Ho and Salimans 2022): 1 =
  /// off, above 1 what was asked counts for more, at twice the time.
  double guidance = 1.0;
  /// Taken from the logit of a token that would go on repeating an earlier bar word for word, for each such bar; 0 =
  /// off.
  double repetition_penalty = 0.0;
};

/// What is asked of the drawing; what is not is as is usual for the model and the style.
struct SamplingWishes {
  std::optional<double> temperature, top_p, guidance;
  int top_k = 0;
  double min_p = 0, repetition_penalty = 0;

  SamplingOptions over(const SamplingOptions& usual) const {
    return {temperature.value_or(usual.temperature),
            top_k,
            top_p.value_or(usual.top_p),
            min_p,
            guidance.value_or(usual.guidance),
            repetition_penalty};
  }
};

/// Error{usage} naming the option that is out of range.
void check(const SamplingOptions& options);

/// Natural logarithm of the probability that a model with these logits [vocabulary] gives `token` among the allowed
/// ones: at temperature 1, nothing cut.
double log_probability(std::span<const float> logits, std::span<const std::uint8_t> allowed, int token);

class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options);
  /// \param logits [vocabulary]; \param allowed [vocabulary], 0 = may not be drawn; at least one must be allowed
  int draw(std::span<const float> logits, std::span<const std::uint8_t> allowed, Random& random);

 private:
  SamplingOptions options_;
  struct Candidate {
    int token;
    double weight;
  };
  std::vector<Candidate> candidates_;
  std::vector<double> weights_;
};

}  // namespace euterpe
