#pragma once
/// Several recommenders as one: each one's scores over all items made to mean 0 and deviation 1, then added by weight.
#include <memory>
#include <vector>

#include "recommend/models.hpp"

namespace euterpe {

class Blend : public ItemModel {
 public:
  /// \param parts two, fitted on the same histories as this one is to be
  explicit Blend(std::vector<std::shared_ptr<const ItemModel>> parts) : parts_(std::move(parts)) {}
  void fit(const std::vector<History>&, int) override {}
  /// weight: of the second part, 0 … 1; the first has the rest
  void configure(const Settings& settings) override;
  void score(std::span<const int> history, std::span<float> scores) const override;

 private:
  std::vector<std::shared_ptr<const ItemModel>> parts_;
  double weight_ = 0.5;
};

}  // namespace euterpe
