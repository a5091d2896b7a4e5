#include "catalog/ingest.hpp"

#include <fmt/format.h>

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
  std::string listens;
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

ListensSummary ingest_log(Catalog& catalog, const std::string& path, const Context& context, nlohmann::json& result) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) throw Error(Category::not_found, "ingest", path + ": cannot be opened");
  }
  const ListensSummary summary = ingest_listens(catalog, path == "-" ? std::cin : file);
  for (const std::string& problem : summary.problems) spdlog::warn("{}: {}", path, problem);
  if (summary.broken > summary.problems.size())
    spdlog::warn("{}: {} more broken lines", path, summary.broken - summary.problems.size());
  result["listens"] = {{"lines", summary.lines},
                       {"new", summary.added},
                       {"known", summary.known},
                       {"broken", summary.broken},
                       {"problems", summary.problems}};
  if (!context.json && !context.jsonl)
    fmt::print("listens  {} new, {} known; {} of {} lines broken\n", summary.added, summary.known, summary.broken,
               summary.lines);
  return summary;
}

void run(const IngestArguments& arguments, const Context& context) {
  if (arguments.paths.empty() && arguments.listens.empty())
    throw Error(Category::usage, "ingest", "nothing to ingest", "name files or folders, or a log with --listens FILE");
  const auto catalog = open_catalog(context.catalog);
  nlohmann::json result = nlohmann::json::object();
  IngestSummary music;
  ListensSummary log;
  if (!arguments.paths.empty()) music = ingest_music(*catalog, arguments, context, result);
  if (!arguments.listens.empty() && !interrupted()) log = ingest_log(*catalog, arguments.listens, context, result);
  if (context.json) print_json(result);
  if (context.jsonl && result.contains("listens")) print_json_line({{"listens", result["listens"]}});
  if (interrupted())
    throw Error(Category::interrupted, "ingest", "stopped by a signal; what is counted above is stored",
                "the same command goes on from there");
  if (music.failed + log.broken > 0) {
    std::string detail;
    if (music.failed)
      detail = fmt::format("{} of {} files failed", music.failed, music.failed + music.added + music.known);
    if (log.broken)
      detail += fmt::format("{}{} of {} lines are broken", music.failed ? ", " : "", log.broken, log.lines);
    throw Error(Category::partial, "ingest", detail,
                music.failed ? "`euterpe catalog list --failures` names them; the next ingest tries them again" : "");
  }
}

}  // namespace

void setup_ingest(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<IngestArguments>();
  app.add_option("PATH", arguments->paths, "Audio, MIDI and MusicXML files, and folders of them");
  app.add_option("--listens", arguments->listens,
                 "Listening log: CSV user,track,time, or one line `user item item ...` a user; - reads stdin");
  app.footer(
      "Files that are already in are not read again, so a stopped ingest goes on where it was.\n"
      "Exit code 3: some files or lines were bad, the others are stored.");
  app.callback([arguments, &context] { run(*arguments, context); });
}

}  // namespace euterpe
