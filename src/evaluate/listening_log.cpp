#include "evaluate/listening_log.hpp"

#include <fmt/format.h>

#include <string>

#include "base/error.hpp"

namespace euterpe {

std::filesystem::path find_listening_log(const std::filesystem::path& data) {
  if (!std::filesystem::exists(data))
    throw Error(Category::not_found, "find_listening_log", data.string() + " does not exist",
                "--data takes a listening log or the folder of one");
  if (!std::filesystem::is_directory(data)) return data;
  std::filesystem::path log;
  std::vector<std::filesystem::path> texts;
  for (const auto& entry : std::filesystem::directory_iterator(data)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != ".txt" || stem.ends_with("_sample")) continue;
    texts.push_back(entry.path());
    if (stem == "train" || std::filesystem::exists(data / (stem + "_sample.txt"))) log = entry.path();
  }
  if (log.empty() && texts.size() == 1) log = texts.front();
  if (log.empty())
    throw Error(Category::not_found, "find_listening_log",
                fmt::format("{}: {} .txt files, none with its NAME_sample.txt or called train.txt", data.string(),
                            texts.size()),
                "name the log itself: --data FILE");
  return log;
}

ListeningLog read_listening_log(const std::filesystem::path& data) {
  const std::vector<LogLine> lines = read_log(find_listening_log(data));
  ItemNumbers numbers;
  for (const LogLine& line : lines) numbers.add(line.items);
  numbers.finish();
  ListeningLog log;
  log.items = numbers.count();
  for (const LogLine& line : lines) log.histories.push_back(numbers.numbers(line.items));
  return log;
}

}  // namespace euterpe
