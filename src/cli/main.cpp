#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <new>
#include <numeric>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/user_folders.hpp"
#include "cli/blas.hpp"
#include "cli/command.hpp"

namespace euterpe {
namespace {

/// Flags as they stood on the command line, before the config file and the environment are known.
struct GlobalFlags {
  std::string catalog, config_file;
  int threads = 0;
  std::uint64_t seed = 0;
  int verbose = 0;
  bool quiet = false;
};

std::filesystem::path default_config_file() {
  if (const char* xdg = std::getenv("XDG_CONFIG_HOME"); xdg && *xdg)
    return std::filesystem::path(xdg) / "euterpe" / "config.toml";
  if (const char* home = std::getenv("HOME"); home && *home)
    return std::filesystem::path(home) / ".config" / "euterpe" / "config.toml";
  return {};
}

void resolve(const CLI::App& app, const GlobalFlags& flags, Context& context) {
  Config& config = context.config;
  if (!flags.config_file.empty()) {
    config.load_file(flags.config_file);
  } else if (const auto file = default_config_file(); !file.empty() && std::filesystem::exists(file)) {
    config.load_file(file);
  }
  config.load_environment();
  if (app.count("--catalog")) config.set_flag("catalog", flags.catalog, "--catalog");
  if (app.count("--threads")) config.set_flag("threads", std::to_string(flags.threads), "--threads");
  if (app.count("--seed")) config.set_flag("seed", std::to_string(flags.seed), "--seed");
  const std::int64_t seed = config.integer("seed"), threads = config.integer("threads");
  if (seed < 0) throw Error(Category::usage, "config", "seed must not be negative");
  if (threads < 0 || threads > 4096) throw Error(Category::usage, "config", "threads must lie between 0 and 4096");
  context.catalog = config.text("catalog");
  context.seed = static_cast<std::uint64_t>(seed);
  for (const ConfigEntry& e : config.entries())
    if (e.key == "seed") context.seed_given = e.origin != "default";
  set_threads(static_cast<int>(threads));
  context.threads = euterpe::threads();
  context.quiet = flags.quiet;
  init_log(flags.quiet ? -1 : flags.verbose);
  Progress::set_enabled(!flags.quiet);
}

/// OpenBLAS 0.3.21 does not know processors younger than itself and takes its AVX2 kernels there; its AVX-512 ones run
/// twice as fast where the processor has what they need.
bool openblas_needs_a_hint() {
#if defined(__x86_64__)
  return !std::getenv("OPENBLAS_CORETYPE") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
#else
  return false;
#endif
}

/// libgomp and OpenBLAS read their environment while the program is loaded, so a change of it needs a second start.
/// OpenMP's threads would otherwise spin for milliseconds after each parallel region, and two busy processes would slow
/// each other tenfold.
void restart_with_passive_openmp(bool threads_given, char** argv) {
  if (std::getenv("EUTERPE_RESTARTED")) {
    ::unsetenv("EUTERPE_RESTARTED");
    return;
  }
  const bool count_set = std::getenv("OMP_NUM_THREADS") != nullptr, hint = openblas_needs_a_hint();
  if (std::getenv("OMP_WAIT_POLICY") && count_set && !threads_given && !hint) return;
  if (hint) ::setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
  ::setenv("OMP_WAIT_POLICY", "PASSIVE", 0);
  ::setenv("OMP_NUM_THREADS", std::to_string(threads()).c_str(), threads_given);
  ::setenv("EUTERPE_RESTARTED", "1", 1);
  ::execv("/proc/self/exe", argv);
  ::unsetenv("EUTERPE_RESTARTED");
  spdlog::debug("could not restart with passive OpenMP waiting: {}", std::strerror(errno));
}

void print_error(const std::string& what, const std::string& hint) {
  std::fprintf(stderr, "euterpe: error: %s\n", what.c_str());
  if (!hint.empty()) std::fprintf(stderr, "  hint: %s\n", hint.c_str());
}

/// The command that a mistyped word is within two edits of (Levenshtein), empty if none.
std::string closest_command(std::string_view word) {
  std::string best;
  std::size_t best_distance = 3;
  for (const Command& command : commands()) {
    const std::string_view name = command.name;
    std::vector<std::size_t> row(name.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j <= name.size(); ++j) {
        const std::size_t changed = diagonal + (word[i - 1] != name[j - 1]);
        diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
      }
    }
    if (row.back() < best_distance) best_distance = row.back(), best = name;
  }
  return best;
}

int report(const CLI::App& app, const CLI::ParseError& e) {
  if (e.get_exit_code() == 0) return app.exit(e, std::cout, std::cerr);  // --help and --version
  if (app.get_subcommands().empty() && !app.remaining().empty() && !app.remaining().front().starts_with('-')) {
    const std::string word = app.remaining().front();
    const std::string close = closest_command(word);
    print_error("there is no command '" + word + "'",
                close.empty() ? "`euterpe --help` lists the commands" : "did you mean `euterpe " + close + "`?");
    return exit_code(Category::usage);
  }
  std::string command = "euterpe";
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    command += " " + at->get_name();
  }
  print_error(e.what(), "see `" + command + " --help`");
  return exit_code(Category::usage);
}

/// What was printed must have arrived: a full disk behind stdout is a failure, not a success.
int finish(int code) {
  const bool lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (!lost || code != 0) return code;
  if (errno != EPIPE) print_error(std::string("[stdout] ") + std::strerror(errno), "");
  return exit_code(Category::io);
}

void setup(CLI::App& app, Context& context, GlobalFlags& flags) {
  app.name("euterpe");
  app.description("Music intelligence for your own catalog: recognize, compose, recommend, identify.");
  app.footer(
      "`euterpe COMMAND --help` shows a command's options; the options above may stand after any command.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 part of a batch failed, 130 interrupted.");
  app.set_help_flag("-h,--help", "Show this help");
  app.set_version_flag("--version", version_text, "Show the version and what is linked");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--catalog", flags.catalog, "Folder of the catalog (default: $XDG_DATA_HOME/euterpe)")
      ->type_name("DIR");
  app.add_option("--threads", flags.threads, "Threads, 0 = one per core")
      ->check(CLI::Range(0, 4096).description(""))
      ->type_name("N");
  app.add_option("--seed", flags.seed, "Seed of everything random")->type_name("N");
  app.add_option("--config", flags.config_file, "Settings file (default: $XDG_CONFIG_HOME/euterpe/config.toml)")
      ->type_name("FILE");
  auto* json = app.add_flag("--json", context.json, "Print one JSON object");
  app.add_flag("--jsonl", context.jsonl, "Print one JSON object per item and line")->excludes(json);
  auto* quiet = app.add_flag("-q,--quiet", flags.quiet, "Warnings and errors only, no progress");
  app.add_flag("-v,--verbose", flags.verbose, "Say more; -vv says most")->excludes(quiet);

  context.config.declare("catalog", user_data_folder().string(), "Folder of the catalog");
  context.config.declare("threads", "0", "Threads, 0 = one per core");
  context.config.declare("seed", "0", "Seed of everything random");
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->footer("");
    command.setup(*sub, context);
  }
}

int run(int argc, char** argv) {
  install_interrupt_handlers();
  init_log(0);
  CLI::App app;
  Context context;
  GlobalFlags flags;
  try {
    setup(app, context, flags);
    app.parse_complete_callback([&] {
      resolve(app, flags, context);
      for (const Command& command : commands()) {
        if (!command.openmp || !app.got_subcommand(command.name)) continue;
        restart_with_passive_openmp(context.config.integer("threads") > 0, argv);
        if (const std::string problem = blas_problem(); !problem.empty()) spdlog::warn("{}", problem);
      }
    });
    app.parse(argc, argv);
    return finish(0);
  } catch (const CLI::ParseError& e) {
    return finish(report(app, e));
  } catch (const Error& e) {
    std::fflush(stdout);
    print_error("[" + e.operation() + "] " + e.detail(), e.hint());
    return finish(exit_code(e.category()));
  } catch (const std::bad_alloc&) {
    print_error("out of memory", "");
    return exit_code(Category::io);
  } catch (const std::filesystem::filesystem_error& e) {
    print_error(e.path1().string() + ": " + e.code().message(), "");
    return exit_code(Category::io);
  } catch (const std::system_error& e) {
    // The reader has heard enough (`| head`): that is no error worth a word.
    if (e.code().value() != EPIPE) print_error(e.what(), "");
    return exit_code(Category::io);
  } catch (const std::exception& e) {
    print_error(e.what(), "");
    return exit_code(Category::io);
  }
}

}  // namespace
}  // namespace euterpe

int main(int argc, char** argv) { return euterpe::run(argc, argv); }
