#include "compose/sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

float largest_allowed(std::span<const float> logits, std::span<const std::uint8_t> allowed) {
  EUTERPE_ASSERT(logits.size() == allowed.size());
  float largest = -INFINITY;
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (allowed[i]) largest = std::max(largest, logits[i]);
  EUTERPE_ASSERT(std::isfinite(largest));
  return largest;
}

}  // namespace

void check(const SamplingOptions& o) {
  auto require = [](bool ok, const char* option, double value, const char* rule) {
    if (!ok) throw Error(Category::usage, "compose", fmt::format("{} is {}, must be {}", option, value, rule));
  };
  require(o.temperature > 0 && o.temperature <= kHighestTemperature, "temperature", o.temperature,
          "above 0, at most 10");
  require(o.top_k >= 0, "top-k", o.top_k, "0 (off) or more");
  require(o.top_p > 0 && o.top_p <= 1, "top-p", o.top_p, "above 0, at most 1");
  require(o.min_p >= 0 && o.min_p < 1, "min-p", o.min_p, "at least 0, below 1");
  require(o.guidance >= 0 && o.guidance <= 10, "guidance", o.guidance, "0 to 10, 1 = off");
  require(o.repetition_penalty >= 0 && o.repetition_penalty <= 100, "repetition-penalty", o.repetition_penalty,
          "0 (off) to 100");
}

double log_probability(std::span<const float> logits, std::span<const std::uint8_t> allowed, int token) {
  const float largest = largest_allowed(logits, allowed);
  double total = 0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (allowed[i]) total += std::exp(double{logits[i]} - largest);
  return double{logits[static_cast<std::size_t>(token)]} - largest - std::log(total);
}

Sampler::Sampler(const SamplingOptions& options) : options_(options) { check(options); }

int Sampler::draw(std::span<const float> logits, std::span<const std::uint8_t> allowed, Random& random) {
  const float largest = largest_allowed(logits, allowed);
  candidates_.clear();
  double total = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!allowed[i]) continue;
    const double weight = std::exp((double{logits[i]} - largest) / options_.temperature);
    total += weight;
    candidates_.push_back({static_cast<int>(i), weight});
  }
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
  });
  std::size_t keep = candidates_.size();
  if (options_.top_k > 0) keep = std::min(keep, static_cast<std::size_t>(options_.top_k));
  double sum = 0;
  for (std::size_t i = 0; i < keep; ++i) {
    if (candidates_[i].weight < options_.min_p * candidates_.front().weight) keep = i;
    sum += candidates_[i].weight;
    if (sum >= options_.top_p * total) keep = std::min(keep, i + 1);
  }
  weights_.clear();
  for (std::size_t i = 0; i < std::max<std::size_t>(keep, 1); ++i) weights_.push_back(candidates_[i].weight);
  return candidates_[random.weighted(weights_)].token;
}

}  // namespace euterpe
