/// Measures what changed and rewrites the table of results: euterpe_results tools/results.toml docs/RESULTS.md
///
/// Each [[measure]] of the list is one `euterpe evaluate` command. Its report is kept under results/ by the hash of the
/// command, of the data's content and of the models that it measures, so that only what changed runs again.
#include <fmt/format.h>
#include <sys/wait.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/files.hpp"
#include "nn/model.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

struct Measure {
  std::string task, title, note;
  std::string data;                    ///< below $EUTERPE_DATA
  std::vector<std::string> arguments;  ///< further ones; a leading "@" stands for $EUTERPE_DATA/
  std::vector<std::string> models;     ///< whose weights are measured
  std::vector<std::string> show;       ///< keys for the table, dotted, "*" in place of one name; empty: all numbers
};

std::vector<std::string> texts(const toml::table& table, std::string_view key) {
  std::vector<std::string> out;
  if (const auto* list = table[key].as_array())
    for (const auto& item : *list)
      if (const auto text = item.value<std::string>()) out.push_back(*text);
  return out;
}

std::vector<Measure> read_list(const fs::path& path) {
  std::vector<Measure> out;
  toml::table table;
  try {
    table = toml::parse_file(path.string());
  } catch (const toml::parse_error& e) {
    throw Error(Category::bad_input, "results",
                fmt::format("{}:{}: {}", path.string(), e.source().begin.line, e.description()));
  }
  if (const auto* list = table["measure"].as_array())
    for (const auto& node : *list) {
      const toml::table& row = *node.as_table();
      out.push_back({row["task"].value_or(std::string()), row["title"].value_or(std::string()),
                     row["note"].value_or(std::string()), row["data"].value_or(std::string()), texts(row, "arguments"),
                     texts(row, "models"), texts(row, "show")});
    }
  return out;
}

/// Of the names and contents of all files below a path.
std::string data_hash(const fs::path& path) {
  static std::map<fs::path, std::string> known;
  std::string& hash = known[path];
  if (hash.empty()) {
    std::string all;
    for (const fs::path& file : walk_files({path}))
      all += file.lexically_relative(path).string() + " " + sha256_file(file) + "\n";
    hash = sha256(all);
  }
  return hash;
}

std::string quoted(const std::string& word) {
  const bool plain =
      word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=+,:$") ==
      std::string::npos;
  return plain && !word.empty() ? word : "'" + word + "'";
}

/// Runs a program and returns what it printed; throws if it does not end with 0.
std::string capture(const std::vector<std::string>& words) {
  int ends[2];
  if (::pipe(ends) != 0) throw Error(Category::io, "results", "pipe failed");
  const pid_t child = ::fork();
  if (child < 0) throw Error(Category::io, "results", "fork failed");
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    std::_Exit(127);
  }
  ::close(ends[1]);
  std::string out;
  char block[4096];
  for (ssize_t n; (n = ::read(ends[0], block, sizeof block)) != 0;)
    if (n > 0) out.append(block, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw Error(Category::io, "results",
                fmt::format("ended with status {}", WIFEXITED(status) ? WEXITSTATUS(status) : status));
  return out;
}

std::string machine() {
  std::ifstream file("/proc/cpuinfo");
  std::string model = "unknown processor";
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) {
      model = line.substr(line.find(':') + 2);
      break;
    }
  return fmt::format("{}, {} threads", model, ::sysconf(_SC_NPROCESSORS_ONLN));
}

/// Does a dotted key match a pattern, in which "*" stands for one part?
bool matches(std::string_view key, std::string_view pattern) {
  for (;;) {
    const auto a = key.find('.'), b = pattern.find('.');
    const auto part = pattern.substr(0, b);
    if (part != "*" && part != key.substr(0, a)) return false;
    if (a == key.npos || b == pattern.npos) return a == b || (a != key.npos && b == pattern.npos && part != "*");
    key.remove_prefix(a + 1);
    pattern.remove_prefix(b + 1);
  }
}

void flatten(const nlohmann::json& value, const std::string& prefix,
             std::vector<std::pair<std::string, std::string>>& out) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) flatten(inner, prefix.empty() ? key : prefix + "." + key, out);
  } else if (value.is_number_float()) {
    out.emplace_back(prefix, fmt::format("{:.4g}", value.get<double>()));
  } else if (!value.is_null()) {
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    std::replace(text.begin(), text.end(), '|', '/');
    out.emplace_back(prefix, text);
  }
}

std::string section(const Measure& measure, const nlohmann::json& kept) {
  std::string out = fmt::format("## {}\n\n", measure.title);
  if (!measure.note.empty()) out += measure.note + "\n\n";
  out += fmt::format("```\n{}\n```\n\n| key | value |\n| --- | --- |\n", kept["command"].get<std::string>());
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& [key, value] : kept["report"].items())
    if (key != "task" && key != "data" && key != "seed") flatten(value, key, rows);
  for (const auto& [key, value] : rows) {
    const bool wanted = measure.show.empty() || std::any_of(measure.show.begin(), measure.show.end(),
                                                            [&](const std::string& p) { return matches(key, p); });
    if (wanted) out += fmt::format("| `{}` | {} |\n", key, value);
  }
  out += fmt::format("\n{:.0f} s on {}; data {}", kept["seconds"].get<double>(), kept["machine"].get<std::string>(),
                     kept["data_hash"].get<std::string>().substr(0, 12));
  for (const auto& [name, hash] : kept["models"].items())
    out += fmt::format(", model {} {}", name, hash.get<std::string>().substr(0, 12));
  return out + ".\n\n";
}

int run(const fs::path& list, const fs::path& page) {
  const char* root = std::getenv("EUTERPE_DATA");
  if (!root || !*root)
    throw Error(Category::not_found, "results", "EUTERPE_DATA is not set",
                "point it to the folder that holds the data sets");
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "euterpe";
  std::string text =
      "# Results\n\nMeasured by `make results`, never by hand. Each table comes from the command above it, run in the "
      "repository "
      "with `EUTERPE_DATA` set to the folder of the data sets; [EVALUATE.md](EVALUATE.md) defines the keys.\n\n";
  int failed = 0;
  for (const Measure& measure : read_list(list)) {
    const fs::path data = fs::path(root) / measure.data;
    std::string shown =
        fmt::format("euterpe evaluate {} --data {}", measure.task, quoted("$EUTERPE_DATA/" + measure.data));
    std::vector<std::string> words{program.string(), "evaluate", measure.task, "--data", data.string(), "--json"};
    for (const std::string& argument : measure.arguments) {
      const bool below = argument.starts_with('@');
      words.push_back(below ? (fs::path(root) / argument.substr(1)).string() : argument);
      shown += " " + quoted(below ? "$EUTERPE_DATA/" + argument.substr(1) : argument);
    }
    try {
      nlohmann::json models = nlohmann::json::object();
      for (const std::string& name : measure.models) models[name] = find_model(name).hash;
      const std::string hash = data_hash(data);
      const fs::path cache =
          fs::path("results") /
          (measure.task + "-" + sha256(shown + hash + models.dump() + sha256_file(program)).substr(0, 16) + ".json");
      nlohmann::json kept;
      if (fs::exists(cache)) {
        kept = nlohmann::json::parse(read_text(cache));
        std::fprintf(stderr, "kept      %s\n", shown.c_str());
      } else {
        std::fprintf(stderr, "measuring %s\n", shown.c_str());
        const auto start = std::chrono::steady_clock::now();
        nlohmann::json report = nlohmann::json::parse(capture(words));
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        kept = {{"command", shown},     {"report", std::move(report)}, {"seconds", seconds},
                {"machine", machine()}, {"data_hash", hash},           {"models", models}};
        write_file(cache, kept.dump(2) + "\n");
      }
      text += section(measure, kept);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "FAILED    %s\n          %s\n", shown.c_str(), e.what());
      ++failed;
    }
  }
  if (failed) {
    std::fprintf(stderr, "%d failed; %s stands as it was\n", failed, page.c_str());
    return 1;
  }
  while (text.ends_with("\n\n")) text.pop_back();
  write_file(page, text);
  return 0;
}

}  // namespace
}  // namespace euterpe

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s LIST.toml PAGE.md\n", argv[0]);
    return 2;
  }
  try {
    return euterpe::run(argv[1], argv[2]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "euterpe_results: error: %s\n", e.what());
    return 1;
  }
}
