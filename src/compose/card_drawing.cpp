#include "compose/card_drawing.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace euterpe {

CardDrawing::CardDrawing(const std::string& model, const std::string& style, const nlohmann::json& sampling)
    : model_(model), style_(style) {
  if (sampling.is_object()) row_ = sampling.value(style, nlohmann::json::object());
}

void CardDrawing::read(const char* name, double& value, double least, double most) const {
  const auto at = row_.is_object() ? row_.find(name) : row_.end();
  if (!row_.is_object() || at == row_.end()) return;
  if (!at->is_number() || !(at->get<double>() >= least && at->get<double>() <= most))
    throw Error(
        Category::bad_input, "compose",
        fmt::format("{}: how its card draws {}: {} must be a number from {} to {}", model_, style_, name, least, most));
  value = at->get<double>();
}

void CardDrawing::read(const char* name, int& value, double least, double most) const {
  double number = value;
  read(name, number, least, most);
  value = static_cast<int>(number);
}

}  // namespace euterpe
