#include "recognize/recognize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/temporary_file.hpp"
#include "catalog/lookup.hpp"
#include "cli/command.hpp"
#include "cli/in_order.hpp"
#include "cli/recognize_result.hpp"
#include "recognize/catalog_answers.hpp"
#include "recognize/explain.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;
using Item = RecognizeItem;
using Result = RecognizeResult;

struct Options {
  std::vector<std::string> paths;
  bool from_catalog = false, curve = false;
  std::size_t similar = 0;
  std::string explain;  // picture to write, empty: none
  RecognizeOptions recognize;
  RecognizeShown shown() const { return {curve, similar > 0}; }
};

struct Items {
  std::vector<Item> items;
  std::size_t skipped = 0;  // files in folders that are neither audio nor score
};

/// What cannot be found stands among the items with its error, and the others go on.
Item missing(const std::string& named, const Error& error) {
  if (error.category() == Category::interrupted) throw error;
  return {named, named, {}, error};
}

std::vector<Item> tracks_of(const Options& options, Catalog* catalog, const fs::path& folder) {
  std::vector<Item> items;
  const auto add = [&](TrackRecord track) {
    const std::string path = track.path;
    items.push_back({path, path, std::move(track), {}});
  };
  if (catalog && options.paths.empty())
    for (TrackRecord& track : catalog->tracks()) add(std::move(track));
  for (const std::string& wanted : options.paths) {
    if (!catalog) break;
    try {
      add(find_track(*catalog, wanted));
    } catch (const Error& error) {
      items.push_back(missing(wanted, error));
    }
  }
  if (items.empty())
    throw Error(Category::not_found, "recognize", fmt::format("the catalog in {} holds no track", folder.string()),
                "`euterpe ingest PATH` fills it");
  return items;
}

void add_path(const std::string& path, Items& found) {
  std::error_code ignored;
  try {
    if (!fs::exists(path, ignored))
      throw Error(Category::not_found, "recognize", path + ": there is no such file or folder");
    if (!fs::is_directory(path, ignored)) {
      found.items.push_back({path, path, {}, {}});
      return;
    }
    const RecognizableFiles below = recognizable_files(path);
    found.skipped += below.skipped;
    if (below.files.empty())
      throw Error(
          Category::not_found, "recognize",
          path + (below.skipped == 0 ? ": holds no file"
                                     : fmt::format(": none of its {} files is audio or a score", below.skipped)));
    for (const fs::path& file : below.files) found.items.push_back({file, file.string(), {}, {}});
  } catch (const Error& error) {
    found.items.push_back(missing(path, error));
  }
}

/// Files and folders as named, or tracks of the catalog. Standard input becomes a file, for decoders seek.
Items items_of(const Options& options, Catalog* catalog, const fs::path& folder, std::optional<TemporaryFile>& piped) {
  Items found;
  if (options.from_catalog) {
    found.items = tracks_of(options, catalog, folder);
    return found;
  }
  if (options.paths.empty())
    throw Error(Category::usage, "recognize", "nothing to recognize",
                "name files, folders or -; or take tracks with --from-catalog");
  for (const std::string& path : options.paths) {
    if (path != "-") {
      add_path(path, found);
    } else if (!piped) {
      piped.emplace("recognize", std::cin);
      found.items.push_back({piped->path(), "-", {}, {}});
    }
  }
  if (found.skipped > 0)
    spdlog::info("{} file{} neither audio nor score: left out", found.skipped, found.skipped == 1 ? " is" : "s are");
  return found;
}

/// Loads what is asked of the files' kinds. A model that is refused or damaged is wrong for all files, so it is asked
/// for before any of them is read; where nothing is to be told of a kind, its files have that error.
void load_models(Recognizer& recognizer, std::vector<Item>& items) {
  std::optional<Error> unavailable[2];
  std::size_t without = 0;
  for (Item& item : items) {
    if (item.error) continue;
    const auto score = item.track ? std::optional(item.track->kind == "score") : taken_for_score(item.path);
    if (!score) continue;  // cannot be read: said in its turn
    std::optional<Error>& none = unavailable[*score];
    if (!none) {
      try {
        recognizer.load(*score);
      } catch (const Error& error) {
        if (error.category() != Category::not_found) throw;
        none = error;
      }
    }
    if (!none) continue;
    item.error = none->in(item.shown);
    if (++without == items.size()) throw *none;
  }
  for (const std::string& model : recognizer.idle_models())
    spdlog::warn("--model {} is not asked: none of the files is of its kind", model);
}

/// Errors speak of standard input, not of the file that stands for it.
Error told(const Error& error, const Item& item) {
  std::string detail = error.detail();
  const std::string path = item.path.string();
  if (item.shown == "-")
    for (std::size_t at = 0; (at = detail.find(path, at)) != std::string::npos;)
      detail.replace(at, path.size(), "standard input");
  return {error.category(), error.operation(), detail, error.hint()};
}

/// A file whose content is a track of the catalog is that track.
void find_in(Catalog& catalog, Item& item) {
  if (!item.track) item.track = catalog.track(content_id(catalog, item.path));
}

Result recognize_item(Recognizer& recognizer, Catalog* catalog, Item item, const Options& options) {
  Result result;
  result.item = std::move(item);
  result.error = result.item.error;
  if (result.error) return result;
  try {
    if (catalog) find_in(*catalog, result.item);
    if (result.item.track) {
      TrackRecognition track = recognize_track(recognizer, *catalog, *result.item.track, result.item.path);
      result.found = std::move(track.recognition);
      result.stored = track.stored;
    } else {
      result.found = recognizer.recognize(result.item.path);
    }
    if (options.similar > 0 && catalog)
      for (const auto& [id, similarity] :
           similar_recognized(*catalog, result.found, options.similar, result.item.track ? result.item.track->id : ""))
        if (auto track = catalog->track(id)) result.similar.push_back({std::move(*track), similarity});
  } catch (const Error& error) {
    if (error.category() == Category::interrupted) throw;
    result.error = told(error, result.item);
  }
  return result;
}

/// The answer stands, whatever becomes of its explanation.
void explain_result(Recognizer& recognizer, Result& result, const fs::path& picture) {
  if (result.error) return;
  const fs::path folder = picture.parent_path();
  std::error_code ignored;
  const bool there = folder.empty() || fs::exists(folder, ignored);
  try {
    result.explanation = explain(recognizer, result.found, result.item.path, picture, result.item.shown);
    if (!there) spdlog::info("made the folder {}", folder.string());
  } catch (const Error& error) {
    if (error.category() == Category::interrupted) throw;
    result.unexplained = told(error, result.item);
  }
}

void run(const Options& options, const Context& context) {
  using Clock = std::chrono::steady_clock;
  const auto started = Clock::now();
  if (!options.explain.empty()) expect_picture(options.explain, options.paths.empty() ? "" : options.paths.front());
  std::unique_ptr<Catalog> catalog;
  // A catalog that is not there has nothing stored; asking should not make one.
  if (fs::exists(context.catalog / "catalog.db")) catalog = open_catalog(context.catalog);
  Recognizer recognizer(options.recognize);
  std::optional<TemporaryFile> piped;
  Items named = items_of(options, catalog.get(), context.catalog, piped);
  std::vector<Item>& items = named.items;
  if (!options.explain.empty() && items.size() != 1)
    throw Error(Category::usage, "recognize", fmt::format("--explain takes one file, not {}", items.size()));
  load_models(recognizer, items);

  nlohmann::json all = nlohmann::json::array();
  std::size_t failed = 0, stored = 0, alone = 0;
  double music = 0;
  std::optional<Error> unexplained;
  Progress progress("recognizing", items.size(), "files");
  InOrder<Result> out(items.size(), [&](Result& result) {
    failed += result.error ? 1 : 0;
    stored += result.stored ? 1 : 0;
    alone += !result.error && result.similar.empty() ? 1 : 0;
    music += result.found.duration;
    unexplained = result.unexplained;
    for (const auto& warning : result.found.warnings) spdlog::info("{}: {}", result.item.shown, warning);
    if (result.error && items.size() > 1) spdlog::error("{}", result.error->what());
    if (context.jsonl)
      print_json_line(to_json(result, options.shown()));
    else if (context.json)
      all.push_back(to_json(result, options.shown()));
    else
      print_text(result, options.shown());
    if (result.error && items.size() == 1) throw *result.error;
  });
  parallel_for(items.size(), [&](std::size_t i) {
    check_interrupt();
    Result result = recognize_item(recognizer, catalog.get(), items[i], options);
    if (!options.explain.empty()) explain_result(recognizer, result, options.explain);
    out.put(i, std::move(result));
    progress.advance();
  });

  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  const Stages cpu = recognizer.stages();
  const double total = std::max(cpu.total(), 1e-9);
  spdlog::debug("{} files, {} of them stored: {:.0f} s of music in {:.1f} s, {:.0f} times real time", items.size(),
                stored, music, seconds, music / seconds);
  spdlog::debug(
      "CPU: decoding {:.1f} s ({:.0f} %), descriptors {:.1f} s ({:.0f} %), network {:.1f} s ({:.0f} %), heads "
      "{:.1f} s ({:.0f} %)",
      cpu.decode, 100 * cpu.decode / total, cpu.descriptors, 100 * cpu.descriptors / total, cpu.network,
      100 * cpu.network / total, cpu.heads, 100 * cpu.heads / total);
  if (context.json)
    print_json(
        {{"files", std::move(all)},
         {"failed", failed},
         {"stored", stored},
         {"skipped", named.skipped},
         {"seconds_of_music", music},
         {"seconds", seconds},
         {"cpu_seconds",
          {{"decode", cpu.decode}, {"descriptors", cpu.descriptors}, {"network", cpu.network}, {"heads", cpu.heads}}}});
  if (options.similar > 0 && alone > 0)
    spdlog::warn(
        "--similar found nothing for {} of {} files: the catalog in {} holds no other track that was recognized with "
        "these models; `euterpe ingest` and `euterpe recognize --from-catalog` make them known",
        alone, items.size(), context.catalog.string());
  if (unexplained)
    throw Error(Category::partial, "explain", "answered, but not explained: " + unexplained->detail(),
                unexplained->hint());
  if (failed > 0)
    throw Error(failed < items.size() ? Category::partial : Category::bad_input, "recognize",
                fmt::format("{} of {} files have no answer", failed, items.size()));
}

}  // namespace

void setup_recognize(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  app.add_option(
         "paths", options->paths,
         "Audio, MIDI and MusicXML files, folders of them, or - for standard input; with --from-catalog tracks by "
         "id, path or title (none: all)")
      ->type_name("FILE|FOLDER|-|TRACK");
  app.add_flag("--from-catalog", options->from_catalog,
               "Take tracks of the catalog; what is stored for the models at hand is not computed again");
  app.add_flag("--curve", options->curve, "Say how style and emotion change over time");
  app.add_option("--similar", options->similar, "Name the N recognized tracks of the catalog that are most alike")
      ->check(CLI::Range(1, 10000).description(""))
      ->type_name("N");
  app.add_option("--explain", options->explain,
                 "Draw what weighed most to a .png or .svg file, and say it in words and numbers; takes one file")
      ->type_name("PICTURE");
  RecognizeOptions& asked = options->recognize;
  app.add_option("--task", asked.tasks, "Say this alone, may be repeated: style, emotion, composer …")
      ->type_name("TASK")
      ->allow_extra_args(false);
  app.add_option(
         "--model", asked.models,
         "Model to ask in place of the shipped one of its task, may be repeated: a name, or a folder with a slash")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--without", asked.without, "Shipped model not to ask, may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.footer(
      "The options of every command hold here too: --json, --jsonl, --catalog, --threads, --config, -q, -v\n"
      "(`euterpe --help`). Exit codes: 0 done, 1 no file has an answer, 2 wrong usage, 3 some have none.");
  app.add_flag("--commercial", asked.commercial, "Refuse models that may not be used commercially");
  app.callback([&context, options] { run(*options, context); });
}

}  // namespace euterpe
