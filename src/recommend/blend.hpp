#pragma once
/// Several recommenders as one: each one's scores over all items made to mean 0 and deviation 1, then added by weight.
#include <memory>
#include <span>
#include <vector>

#include "recommend/models.hpp"

namespace euterpe {

/// Mean and what to multiply with to make the deviation 1; 0 where all are the same, which tells no item from another.
struct Standardized {
  double mean = 0, scale = 0;
  explicit Standardized(std::span<const float> scores);
  double of(float score) const { return scale * (static_cast<double>(score) - mean); }
};

class Blend : public ItemModel {
 public:
  /// \param parts two, fitted on the same histories as this one is to be
  explicit Blend(std::vector<std::shared_ptr<const ItemModel>> parts) : parts_(std::move(parts)) {}
  void fit(const std::vector<History>&, int) override {}
  /// weight: of the second part, 0 … 1; the first has the rest
  void configure(const Settings& settings) override;
  void score(std::span<const int> history, std::span<float> scores) const override;
  /// The parts' own reasons, in units of the blended score.
  std::vector<float> reasons(std::span<const int> history, int item, int items) const override;

 private:
  double weight_of(std::size_t part) const { return part == 0 ? 1 - weight_ : weight_; }
  std::vector<std::shared_ptr<const ItemModel>> parts_;
  double weight_ = 0.5;
};

}  // namespace euterpe
