#pragma once
/// Adam (Kingma and Ba 2015), for the programs in this folder.
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

class Adam {
 public:
  explicit Adam(std::size_t weights) : first_(weights), second_(weights) {}

  void step(std::vector<double>& weights, const std::vector<double>& gradient, double rate) {
    ++steps_;
    const double first_scale = 1 / (1 - std::pow(0.9, steps_)), second_scale = 1 / (1 - std::pow(0.999, steps_));
    for (std::size_t i = 0; i < weights.size(); ++i) {
      first_[i] = 0.9 * first_[i] + 0.1 * gradient[i];
      second_[i] = 0.999 * second_[i] + 0.001 * gradient[i] * gradient[i];
      weights[i] -= rate * first_[i] * first_scale / (std::sqrt(second_[i] * second_scale) + 1e-8);
    }
  }

 private:
  int steps_ = 0;
  std::vector<double> first_, second_;
};

/// Falls from 1 to 0 as `progress` goes from 0 to 1: what the rate is multiplied by.
inline double cosine_decay(double progress) { return 0.5 * (1 + std::cos(std::numbers::pi * progress)); }
