#include "recognize/recognize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "cli/command.hpp"

namespace euterpe {
namespace {

struct Options {
  std::vector<std::string> paths;
  RecognizeOptions recognize;
};

struct Row {
  std::string file;
  std::optional<Recognition> found;
  std::optional<Error> error;
};

nlohmann::json to_json(const Row& row) {
  if (!row.found)
    return {{"file", row.file},
            {"error", {{"category", name(row.error->category())}, {"detail", row.error->detail()}}}};
  nlohmann::json style = nlohmann::json::object();
  for (const auto& [label, probability] : row.found->style) style[label] = probability;
  nlohmann::json out{{"file", row.file},
                     {"kind", row.found->kind},
                     {"style", row.found->style.front().first},
                     {"probabilities", style},
                     {"model", {{"name", row.found->model}, {"hash", row.found->model_hash}}},
                     {"commercial", row.found->commercial}};
  if (!row.found->warnings.empty()) out["warnings"] = row.found->warnings;
  return out;
}

void print_text(const std::vector<Row>& rows) {
  std::size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row.file.size());
  for (const Row& row : rows) {
    if (!row.found) continue;
    std::string line;
    for (const auto& [label, probability] : row.found->style) line += fmt::format("  {} {:.3f}", label, probability);
    fmt::print("{:<{}}  {}{}\n", row.file, width, row.found->kind, line);
  }
}

void run(const Options& options, const Context& context) {
  Recognizer recognizer(options.recognize);
  std::vector<Row> rows;
  for (const std::string& path : options.paths) {
    if (path == "-")
      rows.push_back({"-", {}, {}});
    else
      for (const auto& file : recognizable_files({path})) rows.push_back({file.string(), {}, {}});
  }
  if (rows.empty()) throw Error(Category::not_found, "recognize", "no audio or score file below the given folders");
  // A model that is missing or refused is wrong for all files, so it is asked for before any of them is read.
  std::vector<std::uint8_t> piped;
  for (const Row& row : rows)
    if (row.file != "-") {
      recognizer.load_for(std::filesystem::path(row.file));
    } else if (piped.empty()) {
      piped.assign(std::istreambuf_iterator<char>(std::cin), {});
      recognizer.load_for(std::span<const std::uint8_t>(piped));
    }
  Progress progress("recognizing", rows.size(), "files");
  parallel_for(rows.size(), [&](std::size_t i) {
    check_interrupt();
    Row& row = rows[i];
    try {
      row.found = row.file == "-" ? recognizer.recognize(std::span<const std::uint8_t>(piped))
                                  : recognizer.recognize(std::filesystem::path(row.file));
    } catch (const Error& error) {
      if (rows.size() == 1 || error.category() == Category::interrupted) throw;
      row.error = error;
    }
    progress.advance();
  });

  std::size_t failed = 0;
  for (const Row& row : rows) {
    if (context.jsonl) print_json_line(to_json(row));
    if (row.found)
      for (const auto& warning : row.found->warnings) spdlog::info("{}: {}", row.file, warning);
    if (!row.error) continue;
    ++failed;
    spdlog::error("{}", row.error->what());
  }
  if (context.json) {
    nlohmann::json files = nlohmann::json::array();
    for (const Row& row : rows) files.push_back(to_json(row));
    print_json({{"files", files}, {"failed", failed}});
  } else if (!context.jsonl) {
    print_text(rows);
  }
  if (failed > 0)
    throw Error(Category::partial, "recognize", fmt::format("{} of {} files have no answer", failed, rows.size()));
}

}  // namespace

void setup_recognize(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  app.add_option("paths", options->paths, "Audio, MIDI and MusicXML files, folders of them, or - for standard input")
      ->required()
      ->type_name("FILE|FOLDER|-");
  app.add_option("--score-model", options->recognize.score_model, "Model for scores: a name, or a folder with a slash")
      ->capture_default_str()
      ->type_name("NAME");
  app.add_option("--audio-model", options->recognize.audio_model, "Model for audio: a name, or a folder with a slash")
      ->capture_default_str()
      ->type_name("NAME");
  app.add_flag("--commercial", options->recognize.commercial, "Refuse weights that may not be used commercially");
  app.callback([&context, options] { run(*options, context); });
}

}  // namespace euterpe
