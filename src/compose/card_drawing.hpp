#pragma once
/// How a card says that the pieces of a style are drawn: "sampling": {STYLE: {NAME: number}}.
#include <nlohmann/json.hpp>
#include <string>

namespace euterpe {

inline constexpr int kMostCandidates = 256;

class CardDrawing {
 public:
  CardDrawing(const std::string& model, const std::string& style, const nlohmann::json& sampling);
  /// Leaves `value` as it is where the card does not say. Error{bad_input} where it is no number in that range.
  void read(const char* name, double& value, double least, double most) const;
  void read(const char* name, int& value, double least, double most) const;

 private:
  std::string model_, style_;
  nlohmann::json row_;
};

}  // namespace euterpe
