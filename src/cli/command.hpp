#pragma once
/// The table of commands: `--help`, shell completion and man pages all derive from it.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/config.hpp"

namespace euterpe {

/// What every command knows: the global flags, resolved through config file < environment < flag.
struct Context {
  Config config;
  std::filesystem::path catalog;  ///< --catalog
  bool json = false;              ///< --json: one object on stdout
  bool jsonl = false;             ///< --jsonl: one object per item
  bool quiet = false;
  int threads = 0;
  std::uint64_t seed = 0;  ///< --seed
  bool seed_given = false;
};

/// A command adds its options to `app` and sets its callback with app.callback([&] { ... }); `context` outlives the
/// call and is filled in before the callback runs. Errors are thrown as Error; main() prints them and maps the exit
/// code.
struct Command {
  const char* name;
  const char* summary;  ///< one line, imperative
  void (*setup)(CLI::App& app, Context& context);
  bool openmp = false;  ///< computes in libtorch or BLAS, so OpenMP must wait passively (see main.cpp)
};

/// All commands in the order in which --help lists them (src/cli/commands.cpp).
const std::vector<Command>& commands();

/// Name and version of everything linked, one line each, for --version.
std::string version_text();

/// Prints a JSON value to stdout, UTF-8, invalid bytes replaced, ended by a newline.
void print_json(const nlohmann::json& value);
void print_json_line(const nlohmann::json& value);

}  // namespace euterpe
