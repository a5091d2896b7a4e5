#include "catalog/catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "base/text.hpp"
#include "catalog/lookup.hpp"
#include "cli/command.hpp"
#include "recognize/catalog_answers.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

struct CatalogArguments {
  std::string name, file = "-";
  bool failures = false, users = false, works = false, for_comparison = false, as_user = false, as_track = false;
};

std::string printable(const std::string& text) { return is_utf8(text) ? text : clean_text(text); }

nlohmann::json to_json(const TrackRecord& track) {
  return {{"id", track.id},
          {"path", printable(track.path)},
          {"kind", track.kind},
          {"title", track.title},
          {"artist", track.artist},
          {"album", track.album},
          {"isrc", track.isrc},
          {"musicbrainz", track.musicbrainz},
          {"duration", track.duration},
          {"added", format_time(track.added)}};
}

nlohmann::json to_json(const WorkRecord& work) {
  return {{"id", work.id},       {"model", work.model},           {"model_hash", work.model_hash},
          {"style", work.style}, {"prompt", work.prompt},         {"licence", work.licence},
          {"seed", work.seed},   {"provenance", work.provenance}, {"created", format_time(work.created)}};
}

/// One kind of row of `list`: as JSON, and as a line.
template <class Row>
void print_rows(const std::vector<Row>& rows, const char* name, const Context& context,
                nlohmann::json (*json)(const Row&), std::string (*line)(const Row&)) {
  nlohmann::json all = nlohmann::json::array();
  for (const Row& row : rows) {
    if (context.jsonl)
      print_json_line(json(row));
    else if (context.json)
      all.push_back(json(row));
    else
      fmt::print("{}\n", line(row));
  }
  if (context.json) print_json({{name, all}});
}

void list(const CatalogArguments& arguments, const Context& context) {
  const auto catalog = open_catalog(context.catalog);
  if (arguments.failures)
    return print_rows<IngestFailure>(
        catalog->failures(), "failures", context,
        [](const IngestFailure& f) {
          return nlohmann::json{{"path", printable(f.path)}, {"cause", f.cause}};
        },
        [](const IngestFailure& f) { return fmt::format("{}: {}", printable(f.path), f.cause); });
  if (arguments.users)
    return print_rows<std::string>(
        catalog->users(), "users", context, [](const std::string& user) { return nlohmann::json(printable(user)); },
        [](const std::string& user) { return printable(user); });
  if (arguments.works)
    return print_rows<WorkRecord>(catalog->works(), "works", context, to_json, [](const WorkRecord& work) {
      return fmt::format("{:.12}  {:<8}  {:<16}  seed {}", work.id, work.style, work.model, work.seed);
    });
  print_rows<TrackRecord>(catalog->tracks(), "tracks", context, to_json, [](const TrackRecord& track) {
    return fmt::format("{:.12}  {:<5}  {:>7}  {}{}{}", track.id, track.kind, format_duration(track.duration),
                       track.artist, track.artist.empty() ? "" : " - ", track.title);
  });
}

nlohmann::json describe(Catalog& catalog, const TrackRecord& track) {
  nlohmann::json row = to_json(track);
  const Descriptors found = catalog.descriptors(track.id).value();
  row["numbers"] = found.numbers;
  row["texts"] = found.texts;
  row["embedding"] = {{"space", found.embedding_space}, {"dimensions", found.embedding.size()}};
  const RightsRecord rights = catalog.rights(track.id);
  row["rights"] = {{"owner", rights.owner},
                   {"licence", rights.licence},
                   {"share", rights.share},
                   {"may_train", rights.may_train},
                   {"may_recommend", rights.may_recommend}};
  return row;
}

nlohmann::json to_json(const StoredAnswers& stored) {
  nlohmann::json answers = nlohmann::json::object();
  for (const Answer& answer : stored.answers) answers[answer.task] = answer;
  nlohmann::json row{{"answers", std::move(answers)}, {"of_other_models", stored.others}};
  if (!stored.none.empty()) row["none"] = stored.none;
  return row;
}

/// What models said of the track, one line a task.
void print_answers(const StoredAnswers& stored) {
  for (const Answer& answer : stored.answers)
    fmt::print("{:<20}  {}{}\n", answer.task, in_words(answer),
               answer.commercial ? "" : fmt::format("  [{}: not for commercial use]", answer.model));
  if (!stored.none.empty()) fmt::print("{:<20}  no answer: {}\n", "recognized", stored.none);
  if (stored.answers.empty() && stored.none.empty())
    fmt::print("{:<20}  {}`euterpe recognize --from-catalog` does it\n", "recognized",
               stored.others > 0 ? "by other models than are at hand; " : "not yet; ");
}

void show(const CatalogArguments& arguments, const Context& context) {
  const auto catalog = open_catalog(context.catalog);
  const TrackRecord track = find_track(*catalog, arguments.name);
  nlohmann::json row = describe(*catalog, track);
  Recognizer recognizer;
  const StoredAnswers stored = stored_answers(recognizer, *catalog, track);
  row["recognized"] = to_json(stored);
  if (context.json) return print_json(row);
  if (context.jsonl) return print_json_line(row);
  const auto line = [](const std::string& name, const nlohmann::json& value) {
    if (!value.is_string())
      fmt::print("{:<20}  {}\n", name, value.dump());
    else if (!value.get<std::string>().empty())
      fmt::print("{:<20}  {}\n", name, value.get<std::string>());
  };
  for (const char* name :
       {"id", "path", "kind", "title", "artist", "album", "isrc", "musicbrainz", "duration", "added"})
    line(name, row[name]);
  for (const char* group : {"texts", "numbers", "rights"})
    for (const auto& [name, value] : row[group].items()) line(name, value);
  print_answers(stored);
}

void write_export(const CatalogArguments& arguments, const Context& context) {
  const auto catalog = open_catalog(context.catalog);
  if (arguments.file == "-") return catalog->export_to(std::cout, arguments.for_comparison);
  // Beside the target first, for an old backup must not be lost to a full disk.
  const fs::path partial = arguments.file + ".partial";
  std::error_code ignored;
  try {
    std::ofstream out(partial, std::ios::binary);
    if (!out) throw Error(Category::io, "catalog export", arguments.file + ": cannot be written");
    catalog->export_to(out, arguments.for_comparison);
    out.close();
    if (!out) throw Error(Category::io, "catalog export", arguments.file + ": cannot be written whole");
    fs::rename(partial, arguments.file);
  } catch (const fs::filesystem_error& error) {
    fs::remove(partial, ignored);
    throw Error(Category::io, "catalog export", arguments.file + ": " + error.code().message());
  } catch (...) {
    fs::remove(partial, ignored);
    throw;
  }
}

void read_import(const CatalogArguments& arguments, const Context& context) {
  std::ifstream file;
  if (arguments.file != "-") {
    file.open(arguments.file, std::ios::binary);
    if (!file) throw Error(Category::not_found, "catalog import", arguments.file + ": cannot be opened");
  }
  const auto catalog = open_catalog(context.catalog);
  const std::size_t before = catalog->tracks().size();
  catalog->import_from(arguments.file == "-" ? std::cin : file);
  const std::size_t now = catalog->tracks().size();
  if (context.json || context.jsonl)
    print_json({{"tracks", now}, {"new_tracks", now - before}});
  else
    fmt::print("{} tracks in the catalog, {} of them new\n", now, now - before);
}

void forget(const CatalogArguments& arguments, const Context& context) {
  const auto catalog = open_catalog(context.catalog);
  const std::string& name = arguments.name;
  const auto users = catalog->users();
  const bool is_user = !arguments.as_track && std::find(users.begin(), users.end(), name) != users.end();
  std::optional<TrackRecord> track;
  if (!arguments.as_user) {
    try {
      track = find_track(*catalog, name);
    } catch (const Error& error) {
      if (arguments.as_track || (error.category() != Category::not_found && !is_user)) throw;
    }
  }
  if (is_user && track)
    throw Error(Category::usage, "catalog forget", fmt::format("'{}' is a listener and a track", name),
                "say which with --user or --track");
  if (!is_user && !track)
    throw Error(Category::not_found, "catalog forget", fmt::format("no listener and no track '{}'", name),
                fmt::format("a track's id needs at least {} characters", kShortestIdPrefix));
  if (is_user)
    catalog->forget_user(name);
  else
    catalog->forget_track(track->id);
  const std::string what = is_user ? name : track->id;
  if (context.json || context.jsonl) return print_json({{"forgotten", what}, {"kind", is_user ? "user" : "track"}});
  fmt::print("forgot {} {}\n", is_user ? "listener" : "track", what);
  std::error_code error;
  if (track && fs::exists(track->path, error))
    fmt::print("its file still stands at {} and would come in again with the next ingest\n", printable(track->path));
}

void check(const CatalogArguments&, const Context& context) {
  const auto catalog = open_catalog(context.catalog);
  const auto problems = catalog->check();
  std::vector<std::string> missing;
  const auto tracks = catalog->tracks();
  std::error_code error;
  for (const TrackRecord& track : tracks)
    if (!fs::exists(track.path, error)) missing.push_back(printable(track.path));
  if (context.json || context.jsonl) {
    print_json({{"tracks", tracks.size()}, {"problems", problems}, {"missing_files", missing}});
  } else {
    for (const std::string& problem : problems) fmt::print("damaged: {}\n", problem);
    for (const std::string& path : missing) fmt::print("file is gone: {}\n", path);
    fmt::print("{} tracks, {} problems, {} files gone\n", tracks.size(), problems.size(), missing.size());
  }
  if (!problems.empty())
    throw Error(Category::bad_input, "catalog check", fmt::format("{} problems in the store", problems.size()),
                "restore the last `euterpe catalog export` into a new folder");
}

}  // namespace

void setup_catalog(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<CatalogArguments>();
  const auto bind = [&](CLI::App* command, void (*action)(const CatalogArguments&, const Context&)) {
    command->callback([arguments, action, &context] { action(*arguments, context); });
  };
  app.require_subcommand(1);

  CLI::App* command = app.add_subcommand("list", "List the tracks");
  CLI::Option* failures =
      command->add_flag("--failures", arguments->failures, "Files that ingest could not take, and why");
  CLI::Option* users = command->add_flag("--users", arguments->users, "Listeners")->excludes(failures);
  command->add_flag("--works", arguments->works, "Composed works")->excludes(failures)->excludes(users);
  bind(command, list);

  command = app.add_subcommand("show", "Show all that is known of a track");
  command->add_option("TRACK", arguments->name, "Id or its beginning, path, file name or title")->required();
  bind(command, show);

  command = app.add_subcommand("export", "Write everything as JSON Lines, for backup");
  command->add_option("FILE", arguments->file, "Stdout without it");
  command->add_flag("--for-comparison", arguments->for_comparison,
                    "Leave out times of arrival: equal catalogs, equal bytes");
  bind(command, write_export);

  command = app.add_subcommand("import", "Add what an export holds; what is there already stays");
  command->add_option("FILE", arguments->file, "- reads stdin")->required();
  bind(command, read_import);

  command = app.add_subcommand("forget", "Erase a listener or a track everywhere");
  command->add_option("NAME", arguments->name, "Listener, or track by id, path or title")->required();
  CLI::Option* user = command->add_flag("--user", arguments->as_user, "NAME is a listener");
  command->add_flag("--track", arguments->as_track, "NAME is a track")->excludes(user);
  bind(command, forget);

  command = app.add_subcommand("check", "Look for damage in the store and for files that are gone");
  bind(command, check);
}

}  // namespace euterpe
