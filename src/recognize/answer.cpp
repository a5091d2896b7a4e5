#include "recognize/answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kShown = 4;  // values in words

std::string listed(const Answer& answer, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(most, answer.values.size()); ++i)
    text += fmt::format("{}{} {:.2f}", i > 0 ? ", " : "", answer.values[i].first, answer.values[i].second);
  return text;
}

}  // namespace

void put_in_order(Answer& answer) {
  std::sort(answer.values.begin(), answer.values.end(), [&](const auto& a, const auto& b) {
    if (answer.task == kValenceArousal) return a.first > b.first;
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
}

std::string in_words(const Answer& answer) {
  const bool probable = answer.kind == Answer::Kind::probabilities;
  const std::string numbers = listed(answer, answer.values.size() <= kShown ? kShown : kShown - 1);
  if (answer.unknown < kUnknown) return numbers;
  return fmt::format("unknown {:.2f} ({}{})", answer.unknown, probable ? "nearest: " : "", numbers);
}

std::string best_label(const Answer& answer) {
  return answer.unknown >= kUnknown || answer.values.empty() ? "unknown" : answer.values.front().first;
}

Answer mean_answer(const std::vector<Answer>& parts) {
  EUTERPE_ASSERT(!parts.empty());
  Answer mean = parts.front();
  std::map<std::string, double> sum;
  mean.unknown = 0;
  const auto n = static_cast<double>(parts.size());
  for (const Answer& part : parts) {
    for (const auto& [label, value] : part.values) sum[label] += value / n;
    mean.unknown += part.unknown / n;
  }
  mean.values.assign(sum.begin(), sum.end());
  put_in_order(mean);
  return mean;
}

void to_json(nlohmann::json& json, const Answer& answer) {
  json = {{"task", answer.task},
          {"kind", answer.kind == Answer::Kind::probabilities ? "probabilities" : "values"},
          {"unknown", answer.unknown},
          {"values", nlohmann::json::object()},
          {"model", {{"name", answer.model}, {"hash", answer.model_hash}}},
          {"commercial", answer.commercial}};
  if (answer.kind == Answer::Kind::probabilities) json["answer"] = best_label(answer);
  for (const auto& [label, value] : answer.values) json["values"][label] = value;
}

void from_json(const nlohmann::json& json, Answer& answer) {
  answer.task = json.at("task").get<std::string>();
  answer.kind = json.at("kind") == "probabilities" ? Answer::Kind::probabilities : Answer::Kind::values;
  answer.unknown = json.at("unknown").get<double>();
  answer.values.clear();
  for (const auto& [label, value] : json.at("values").items()) answer.values.emplace_back(label, value.get<double>());
  put_in_order(answer);
  answer.model = json.at("model").at("name").get<std::string>();
  answer.model_hash = json.at("model").at("hash").get<std::string>();
  answer.commercial = json.at("commercial").get<bool>();
}

}  // namespace euterpe
