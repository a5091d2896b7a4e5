#pragma once
/// How a model's tokens are best drawn: what was chosen on validation pieces stands in its card.
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "compose/sampler.hpp"

namespace euterpe {

class UsualSampling {
 public:
  /// From "sampling": {STYLE: {"temperature": …, "top_p": …}} and "emotion_guidance" of a card; what does not stand
  /// there is as in SamplingOptions. Error{bad_input} naming what is out of range.
  explicit UsualSampling(const nlohmann::json& card);
  /// What was asked, and the rest as is usual. \param emotion one was asked for, which counts for more than one token
  /// in a thousand
  SamplingOptions with(const SamplingWishes& asked, const std::string& style, bool emotion) const;

 private:
  std::map<std::string, SamplingOptions> styles_;
  double emotion_guidance_ = 1;
};

}  // namespace euterpe
