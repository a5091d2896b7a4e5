#include "cli/recognize_result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace euterpe {
namespace {

nlohmann::json to_json(const Error& error) {
  return {{"category", name(error.category())}, {"detail", error.detail()}};
}

nlohmann::json numbers(const Answer& answer) {
  nlohmann::json values = nlohmann::json::object();
  for (const auto& [label, value] : answer.values) values[label] = value;
  return values;
}

}  // namespace

nlohmann::json to_json(const RecognizeResult& result, const RecognizeShown& shown) {
  nlohmann::json out{{"file", result.item.shown}};
  if (result.item.track) out["track"] = result.item.track->id;
  if (result.error) {
    out["error"] = to_json(*result.error);
    return out;
  }
  const Recognition& found = result.found;
  out["kind"] = found.kind;
  out["duration"] = found.duration;
  out["stored"] = result.stored;
  out["answers"] = nlohmann::json::object();
  for (const Answer& answer : found.answers) {
    nlohmann::json row = answer;
    row.erase("task");
    out["answers"][answer.task] = std::move(row);
  }
  if (shown.curve) {
    out["curve"] = nlohmann::json::array();
    for (const Segment& segment : found.curve) {
      nlohmann::json row{{"begin", segment.begin}, {"end", segment.end}};
      for (const Answer& answer : segment.answers) row[answer.task] = numbers(answer);
      out["curve"].push_back(std::move(row));
    }
  }
  if (shown.similar) {
    out["similar"] = nlohmann::json::array();
    for (const RecognizedNeighbor& n : result.similar)
      out["similar"].push_back({{"track", n.track.id},
                                {"similarity", n.similarity},
                                {"title", n.track.title},
                                {"artist", n.track.artist},
                                {"path", n.track.path}});
  }
  if (result.explanation) out["explanation"] = result.explanation->numbers;
  if (result.unexplained) out["explanation"] = {{"error", to_json(*result.unexplained)}};
  if (!found.warnings.empty()) out["warnings"] = found.warnings;
  return out;
}

namespace {

std::string minutes(double seconds) {
  const long whole = static_cast<long>(seconds);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

/// One answer of a segment; in parentheses where the whole is unknown and this is but the nearest.
std::string in_curve(const Answer& answer, const Recognition& found) {
  const Answer* whole = found.find(answer.task);
  const std::string text = fmt::format("{} {:.2f}", answer.values[0].first, answer.values[0].second);
  return whole && whole->unknown >= kUnknown ? "(" + text + ")" : text;
}

}  // namespace

void print_text(const RecognizeResult& result, const RecognizeShown& shown) {
  if (result.error) return;
  const Recognition& found = result.found;
  fmt::print("{}  ({}, {})\n", result.item.shown, found.kind, minutes(found.duration));
  // Longer texts go on in the next line.
  const auto line = [](std::string_view label, std::string_view text) {
    constexpr std::size_t kWidth = 80;
    while (text.size() > kWidth) {
      const std::size_t space = text.rfind(' ', kWidth);
      if (space == std::string_view::npos) break;
      fmt::print("  {:<16} {}\n", label, text.substr(0, space));
      text.remove_prefix(space + 1);
      label = "";
    }
    fmt::print("  {:<16} {}\n", label, text);
  };
  std::vector<std::string> limited;
  for (const Answer& answer : found.answers) {
    line(answer.task, in_words(answer));
    if (!answer.commercial && std::find(limited.begin(), limited.end(), answer.model) == limited.end())
      limited.push_back(answer.model);
  }
  if (!limited.empty()) line("terms", fmt::format("not for commercial use: {}", fmt::join(limited, ", ")));
  if (shown.curve)
    for (const Segment& segment : found.curve) {
      std::string text = fmt::format("{:>6}-{:<6}", minutes(segment.begin), minutes(segment.end));
      for (const Answer& answer : segment.answers)
        if (!answer.values.empty() && answer.task != kValenceArousal)
          text += fmt::format(" {:<18}", in_curve(answer, found));
      text.erase(text.find_last_not_of(' ') + 1);
      line(&segment == &found.curve.front() ? "curve" : "", text);
    }
  for (const RecognizedNeighbor& n : result.similar)
    line(&n == &result.similar.front() ? "similar" : "",
         fmt::format("{:5.2f}  {:.12}  {}", n.similarity, n.track.id,
                     n.track.artist.empty() ? n.track.title : n.track.artist + ": " + n.track.title));
  if (result.explanation) {
    line("because", result.explanation->about);
    for (const std::string& sentence : result.explanation->sentences) line("", sentence);
    for (const std::string& place : result.explanation->places)
      line(&place == &result.explanation->places.front() ? "weighed most" : "", place);
  }
}

}  // namespace euterpe
