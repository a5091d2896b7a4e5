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
#include "recognize/catalog_answers.hpp"
#include "recognize/explain.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> paths;
  bool from_catalog = false, curve = false;
  std::size_t similar = 0;
  std::string explain;  // picture to write, empty: none
  RecognizeOptions recognize;
};

/// What is asked about, and what it is called in results.
struct Item {
  fs::path path;
  std::string shown;
  std::optional<TrackRecord> track;  // of the catalog, where it is one
};

struct Neighbor {
  TrackRecord track;
  double similarity = 0;
};

struct Result {
  Item item;
  Recognition found;
  bool stored = false;
  std::vector<Neighbor> similar;
  std::optional<Explanation> explanation;
  std::optional<Error> error;
};

nlohmann::json numbers(const Answer& answer) {
  nlohmann::json values = nlohmann::json::object();
  for (const auto& [label, value] : answer.values) values[label] = value;
  return values;
}

nlohmann::json to_json(const Result& result, const Options& options) {
  nlohmann::json out{{"file", result.item.shown}};
  if (result.item.track) out["track"] = result.item.track->id;
  if (result.error) {
    out["error"] = {{"category", name(result.error->category())}, {"detail", result.error->detail()}};
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
  if (options.curve) {
    out["curve"] = nlohmann::json::array();
    for (const Segment& segment : found.curve) {
      nlohmann::json row{{"begin", segment.begin}, {"end", segment.end}};
      for (const Answer& answer : segment.answers) row[answer.task] = numbers(answer);
      out["curve"].push_back(std::move(row));
    }
  }
  if (options.similar > 0) {
    out["similar"] = nlohmann::json::array();
    for (const Neighbor& n : result.similar)
      out["similar"].push_back({{"track", n.track.id},
                                {"similarity", n.similarity},
                                {"title", n.track.title},
                                {"artist", n.track.artist},
                                {"path", n.track.path}});
  }
  if (result.explanation) out["explanation"] = result.explanation->numbers;
  if (!found.warnings.empty()) out["warnings"] = found.warnings;
  return out;
}

constexpr std::size_t kShown = 4;  // values of one answer on a line

std::string listed(const Answer& answer, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(most, answer.values.size()); ++i)
    text += fmt::format("{}{} {:.2f}", i > 0 ? ", " : "", answer.values[i].first, answer.values[i].second);
  return text;
}

/// "pop 0.83, rock 0.12", or "unknown 0.97 (nearest: pop 0.83)".
std::string in_words(const Answer& answer) {
  const bool probable = answer.kind == Answer::Kind::probabilities;
  const std::size_t most = answer.values.size() <= kShown ? kShown : 3;
  if (answer.unknown < kUnknown) return listed(answer, most);
  return fmt::format("unknown {:.2f} ({}{})", answer.unknown, probable ? "nearest: " : "", listed(answer, most));
}

std::string minutes(double seconds) {
  const long whole = static_cast<long>(seconds);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

void print_text(const Result& result, const Options& options) {
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
  if (options.curve)
    for (const Segment& segment : found.curve) {
      std::string text = fmt::format("{:>6}-{:<6}", minutes(segment.begin), minutes(segment.end));
      for (const Answer& answer : segment.answers)
        if (!answer.values.empty() && answer.task != "valence-arousal")
          text += fmt::format(" {:<16}", fmt::format("{} {:.2f}", answer.values[0].first, answer.values[0].second));
      text.erase(text.find_last_not_of(' ') + 1);
      line(&segment == &found.curve.front() ? "curve" : "", text);
    }
  for (const Neighbor& n : result.similar)
    line(&n == &result.similar.front() ? "similar" : "",
         fmt::format("{:5.2f}  {:.12}  {}", n.similarity, n.track.id,
                     n.track.artist.empty() ? n.track.title : n.track.artist + ": " + n.track.title));
  if (result.explanation) {
    for (const std::string& sentence : result.explanation->sentences)
      line(&sentence == &result.explanation->sentences.front() ? "because" : "", sentence);
    for (const std::string& place : result.explanation->places)
      line(&place == &result.explanation->places.front() ? "weighed most" : "", place);
  }
}

/// Files and folders as named, or tracks of the catalog. Standard input becomes a file, for decoders seek.
std::vector<Item> items_of(const Options& options, Catalog* catalog, std::optional<TemporaryFile>& piped) {
  std::vector<Item> items;
  if (options.from_catalog) {
    std::vector<TrackRecord> tracks;
    for (const std::string& wanted : options.paths) tracks.push_back(find_track(*catalog, wanted));
    if (options.paths.empty()) tracks = catalog->tracks();
    for (TrackRecord& track : tracks) items.push_back({track.path, track.path, std::move(track)});
    if (items.empty())
      throw Error(Category::not_found, "recognize", "the catalog holds no track", "`euterpe ingest PATH` fills it");
    return items;
  }
  if (options.paths.empty())
    throw Error(Category::usage, "recognize", "nothing to recognize",
                "name files, folders or -; or take tracks with --from-catalog");
  for (const std::string& path : options.paths) {
    if (path != "-") {
      for (const fs::path& file : recognizable_files({path})) items.push_back({file, file.string(), {}});
    } else if (!piped) {
      piped.emplace("recognize", std::cin);
      items.push_back({piped->path(), "-", {}});
    }
  }
  if (items.empty()) throw Error(Category::not_found, "recognize", "no audio or score file below the given folders");
  return items;
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
  try {
    if (catalog) find_in(*catalog, result.item);
    if (result.item.track) {
      TrackRecognition track = recognize_track(recognizer, *catalog, *result.item.track, result.item.path);
      result.found = std::move(track.recognition);
      result.stored = track.stored;
    } else {
      result.found = recognizer.recognize(result.item.path);
    }
    if (options.similar > 0)
      for (const auto& [id, similarity] :
           similar_recognized(*catalog, result.found, options.similar, result.item.track ? result.item.track->id : ""))
        if (auto track = catalog->track(id)) result.similar.push_back({std::move(*track), similarity});
    if (!options.explain.empty())
      result.explanation = explain(recognizer, result.found, result.item.path, options.explain, result.item.shown);
  } catch (const Error& error) {
    if (error.category() == Category::interrupted) throw;
    result.error = told(error, result.item);
  }
  return result;
}

void run(const Options& options, const Context& context) {
  using Clock = std::chrono::steady_clock;
  const auto started = Clock::now();
  std::unique_ptr<Catalog> catalog;
  // A catalog that is not there has nothing stored; asking about a file should not make one.
  if (options.from_catalog || options.similar > 0 || fs::exists(context.catalog / "catalog.db"))
    catalog = open_catalog(context.catalog);
  std::optional<TemporaryFile> piped;
  const std::vector<Item> items = items_of(options, catalog.get(), piped);
  if (!options.explain.empty() && items.size() != 1)
    throw Error(Category::usage, "recognize", fmt::format("--explain takes one file, not {}", items.size()));
  Recognizer recognizer(options.recognize);
  // A model that is missing or refused is wrong for all files, so it is asked for before any of them is read.
  for (const Item& item : items)
    if (item.track)
      recognizer.load(item.track->kind == "score");
    else
      recognizer.load_for(item.path);

  nlohmann::json all = nlohmann::json::array();
  std::size_t failed = 0, stored = 0;
  double music = 0;
  Progress progress("recognizing", items.size(), "files");
  InOrder<Result> out(items.size(), [&](Result& result) {
    failed += result.error ? 1 : 0;
    stored += result.stored ? 1 : 0;
    music += result.found.duration;
    for (const auto& warning : result.found.warnings) spdlog::info("{}: {}", result.item.shown, warning);
    if (result.error && items.size() > 1) spdlog::error("{}", result.error->what());
    if (context.jsonl)
      print_json_line(to_json(result, options));
    else if (context.json)
      all.push_back(to_json(result, options));
    else
      print_text(result, options);
    if (result.error && items.size() == 1) throw *result.error;
  });
  parallel_for(items.size(), [&](std::size_t i) {
    check_interrupt();
    out.put(i, recognize_item(recognizer, catalog.get(), items[i], options));
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
         {"seconds_of_music", music},
         {"seconds", seconds},
         {"cpu_seconds",
          {{"decode", cpu.decode}, {"descriptors", cpu.descriptors}, {"network", cpu.network}, {"heads", cpu.heads}}}});
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
  app.add_flag("--commercial", asked.commercial, "Refuse models that may not be used commercially");
  app.callback([&context, options] { run(*options, context); });
}

}  // namespace euterpe
