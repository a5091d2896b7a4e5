#include "compose/usual_sampling.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace euterpe {

UsualSampling::UsualSampling(const nlohmann::json& card) {
  try {
    emotion_guidance_ = card.value("emotion_guidance", 1.0);
    SamplingOptions guided;
    guided.guidance = emotion_guidance_;
    check(guided);
    const nlohmann::json styles = card.value("sampling", nlohmann::json::object());
    for (const auto& [style, row] : styles.items()) {
      SamplingOptions options;
      options.temperature = row.value("temperature", options.temperature);
      options.top_p = row.value("top_p", options.top_p);
      check(options);
      styles_[style] = options;
    }
  } catch (const nlohmann::json::exception& e) {
    throw Error(Category::bad_input, "compose",
                fmt::format("{}: its card's sampling: {}", card.value("name", ""), e.what()));
  } catch (const Error& e) {
    throw Error(Category::bad_input, "compose",
                fmt::format("{}: its card's sampling: {}", card.value("name", ""), e.detail()));
  }
}

SamplingOptions UsualSampling::with(const SamplingWishes& asked, const std::string& style, bool emotion) const {
  const auto found = styles_.find(style);
  SamplingOptions usual = found == styles_.end() ? SamplingOptions() : found->second;
  if (emotion) usual.guidance = emotion_guidance_;
  return asked.over(usual);
}

}  // namespace euterpe
