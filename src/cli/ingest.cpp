#include "catalog/ingest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "base/text.hpp"
#include "catalog/analysis.hpp"
#include "catalog/listens.hpp"
#include "cli/command.hpp"
#include "media/decode.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace {

struct IngestArguments {
  std::vector<std::string> paths;
  std::vector<std::string> listens;
  std::string format;  ///< of the listens; empty: told by their content
};

/// A file's name as text that JSON can hold.
std::string printable(const std::string& path) { return is_utf8(path) ? path : clean_text(path); }

const char* status_name(IngestItem::Status status) {
  switch (status) {
    case IngestItem::Status::added:
      return "new";
    case IngestItem::Status::known:
      return "known";
    case IngestItem::Status::failed:
      return "failed";
  }
  return "";
}

void report_item(const IngestItem& item, bool jsonl) {
  const std::string path = printable(item.path.native());
  if (item.status == IngestItem::Status::failed) spdlog::warn("{}: {}", path, item.cause);
  // Real scores are mended by the dozen; a recording that breaks off is something to know.
  for (const std::string& warning : item.warnings)
    spdlog::log(is_score_name(item.path) ? spdlog::level::debug : spdlog::level::warn, "{}: {}", path, warning);
  if (!jsonl) return;
  nlohmann::json row{{"path", path}, {"status", status_name(item.status)}};
  if (!item.track.empty()) row["track"] = item.track;
  if (!item.cause.empty()) row["cause"] = item.cause;
  if (!item.warnings.empty()) row["warnings"] = item.warnings;
  print_json_line(row);
}

nlohmann::json to_json(const IngestSummary& summary, double seconds) {
  nlohmann::json failures = nlohmann::json::array();
  for (const IngestFailure& failure : summary.failures)
    failures.push_back({{"path", printable(failure.path)}, {"cause", failure.cause}});
  return {{"new", summary.added},     {"known", summary.known},
          {"failed", summary.failed}, {"skipped", summary.skipped},
          {"seconds", seconds},       {"music_seconds", summary.music_seconds},
          {"failures", failures},     {"interrupted", summary.interrupted}};
}

IngestSummary ingest_music(Catalog& catalog, const IngestArguments& arguments, const Context& context,
                           nlohmann::json& result) {
  IngestOptions options;
  options.analyze = analyze_file;
  options.workers = context.threads;
  options.on_item = [&](const IngestItem& item) { report_item(item, context.jsonl); };
  const auto start = std::chrono::steady_clock::now();
  const IngestSummary summary = ingest(catalog, {arguments.paths.begin(), arguments.paths.end()}, options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.update(to_json(summary, seconds));
  if (!context.json && !context.jsonl) {
    fmt::print("new      {}\nknown    {}\nfailed   {}\nskipped  {} of other kinds\n", summary.added, summary.known,
               summary.failed, summary.skipped);
    if (summary.added > 0 && seconds > 0)
      fmt::print("{} of music in {}, {:.0f} times real time\n", format_duration(summary.music_seconds),
                 format_duration(seconds), summary.music_seconds / seconds);
  }
  return summary;
}

/// What all logs together came to.
struct Logs {
  std::size_t lines = 0, added = 0, known = 0, broken = 0, failed = 0;
  nlohmann::json problems = nlohmann::json::array(), files = nlohmann::json::array();
};

void ingest_log(Catalog& catalog, const std::string& path, const IngestArguments& arguments, Logs& logs) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) throw Error(Category::not_found, "ingest", path + ": cannot be opened");
  }
  const ListensSummary summary = ingest_listens(catalog, path == "-" ? std::cin : file, arguments.format);
  if (summary.lines == 0 && !summary.interrupted) spdlog::warn("{}: no listens in it", path);
  spdlog::info("{}: read as {}", path, summary.format);
  for (const std::string& problem : summary.problems) {
    spdlog::warn("{}: {}", path, problem);
    logs.problems.push_back(arguments.listens.size() > 1 ? path + ": " + problem : problem);
  }
  if (summary.broken > summary.problems.size())
    spdlog::warn("{}: {} more broken lines", path, summary.broken - summary.problems.size());
  logs.lines += summary.lines;
  logs.added += summary.added;
  logs.known += summary.known;
  logs.broken += summary.broken;
  logs.files.push_back({{"path", path},
                        {"format", summary.format},
                        {"lines", summary.lines},
                        {"new", summary.added},
                        {"known", summary.known},
                        {"broken", summary.broken}});
}

Logs ingest_logs(Catalog& catalog, const IngestArguments& arguments, const Context& context, nlohmann::json& result) {
  Logs logs;
  for (const std::string& path : arguments.listens) {
    if (interrupted()) break;
    try {
      ingest_log(catalog, path, arguments, logs);
    } catch (const Error& error) {
      const bool its_own = error.category() == Category::bad_input || error.category() == Category::unsupported ||
                           error.category() == Category::not_found;
      if (arguments.listens.size() == 1 || !its_own) throw;
      spdlog::warn("{}: {}", path, error.detail());
      logs.problems.push_back(path + ": " + error.detail());
      ++logs.failed;
    }
  }
  result["listens"] = {{"lines", logs.lines},   {"new", logs.added},         {"known", logs.known},
                       {"broken", logs.broken}, {"problems", logs.problems}, {"files", logs.files}};
  if (!context.json && !context.jsonl)
    fmt::print("listens  {} new, {} known; {} of {} lines broken\n", logs.added, logs.known, logs.broken, logs.lines);
  return logs;
}

void run(const IngestArguments& arguments, const Context& context) {
  if (arguments.paths.empty() && arguments.listens.empty())
    throw Error(Category::usage, "ingest", "nothing to ingest", "name files or folders, or a log with --listens FILE");
  const auto catalog = open_catalog(context.catalog);
  nlohmann::json result = nlohmann::json::object();
  IngestSummary music;
  Logs logs;
  if (!arguments.paths.empty()) music = ingest_music(*catalog, arguments, context, result);
  if (!arguments.listens.empty() && !interrupted()) logs = ingest_logs(*catalog, arguments, context, result);
  if (context.json) print_json(result);
  if (context.jsonl && result.contains("listens")) print_json_line({{"listens", result["listens"]}});
  if (interrupted())
    throw Error(Category::interrupted, "ingest", "stopped by a signal; what is counted above is stored",
                "the same command goes on from there");
  if (music.failed + logs.broken + logs.failed > 0) {
    std::vector<std::string> parts;
    if (music.failed)
      parts.push_back(fmt::format("{} of {} files failed", music.failed, music.failed + music.added + music.known));
    if (logs.failed) parts.push_back(fmt::format("{} of {} logs failed", logs.failed, arguments.listens.size()));
    if (logs.broken) parts.push_back(fmt::format("{} of {} lines are broken", logs.broken, logs.lines));
    throw Error(Category::partial, "ingest", fmt::format("{}", fmt::join(parts, ", ")),
                music.failed ? "`euterpe catalog list --failures` names them; the next ingest tries them again" : "");
  }
}

/// The table of formats, a line each.
std::string format_list() {
  std::size_t width = 0;
  for (const LogFormat& format : log_formats()) width = std::max(width, std::string_view(format.name).size());
  std::string out = "Formats of listening logs:\n";
  for (const LogFormat& format : log_formats())
    out += fmt::format("  {:<{}}  {}\n", format.name, width, format.summary);
  return out;
}

}  // namespace

void setup_ingest(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<IngestArguments>();
  app.add_option("PATH", arguments->paths, "Audio, MIDI and MusicXML files, and folders of them");
  app.add_option("--listens", arguments->listens,
                 "Listening log in one of the formats below; - reads stdin; may be given several times")
      ->allow_extra_args(false)
      ->type_name("FILE");
  std::vector<std::string> formats;
  for (const LogFormat& format : log_formats()) formats.emplace_back(format.name);
  app.add_option("--listens-format", arguments->format,
                 "Format of the listening logs, instead of telling it by content")
      ->check(CLI::IsMember(formats))
      ->type_name("NAME");
  app.footer(format_list() +
             "\nFiles that are already in are not read again, so a stopped ingest goes on where it was.\n"
             "Exit code 3: some files or lines were bad, the others are stored.");
  app.callback([arguments, &context] { run(*arguments, context); });
}

}  // namespace euterpe
