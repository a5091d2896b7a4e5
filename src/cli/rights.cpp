#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "catalog/catalog.hpp"
#include "catalog/lookup.hpp"
#include "catalog/rights_csv.hpp"
#include "cli/command.hpp"

namespace euterpe {
namespace {

struct RightsArguments {
  std::vector<std::string> tracks;
  std::string file = "-";
  std::optional<std::string> owner, licence, may_train, may_recommend;
  std::optional<double> share;
};

nlohmann::json to_json(const TrackRecord& track, const RightsRecord& rights) {
  return {{"track", track.id},
          {"title", track.title},
          {"artist", track.artist},
          {"owner", rights.owner},
          {"licence", rights.licence},
          {"share", rights.share},
          {"may_train", rights.may_train},
          {"may_recommend", rights.may_recommend}};
}

void print(const std::vector<std::pair<TrackRecord, RightsRecord>>& rows, const Context& context) {
  if (context.json || context.jsonl) {
    nlohmann::json all = nlohmann::json::array();
    for (const auto& [track, rights] : rows) {
      if (context.jsonl)
        print_json_line(to_json(track, rights));
      else
        all.push_back(to_json(track, rights));
    }
    if (context.json) print_json(rows.size() == 1 ? all[0] : nlohmann::json{{"tracks", all}});
    return;
  }
  for (const auto& [track, rights] : rows)
    fmt::print(
        "{:.12}  {}\n  owner          {}\n  licence        {}\n  share          {}\n  may train      {}\n"
        "  may recommend  {}\n",
        track.id, track.title, rights.owner.empty() ? "-" : rights.owner, rights.licence.empty() ? "-" : rights.licence,
        rights.share, rights.may_train ? "yes" : "no", rights.may_recommend ? "yes" : "no");
}

bool yes_no(const std::string& text, const char* flag) {
  if (const auto value = parse_yes_no(text)) return *value;
  throw Error(Category::usage, "rights set", fmt::format("{} '{}' is neither yes nor no", flag, text));
}

void set(const RightsArguments& arguments, const Context& context) {
  if (!arguments.owner && !arguments.licence && !arguments.share && !arguments.may_train && !arguments.may_recommend)
    throw Error(Category::usage, "rights set", "nothing to set",
                "name at least one of --owner --licence --share --may-train --may-recommend");
  const auto catalog = open_catalog(context.catalog);
  std::vector<std::pair<TrackRecord, RightsRecord>> rows;
  catalog->transaction([&] {
    for (const std::string& name : arguments.tracks) {
      const TrackRecord track = find_track(*catalog, name);
      RightsRecord rights = catalog->rights(track.id);
      if (arguments.owner) rights.owner = *arguments.owner;
      if (arguments.licence) rights.licence = *arguments.licence;
      if (arguments.share) rights.share = *arguments.share;
      if (arguments.may_train) rights.may_train = yes_no(*arguments.may_train, "--may-train");
      if (arguments.may_recommend) rights.may_recommend = yes_no(*arguments.may_recommend, "--may-recommend");
      catalog->set_rights(track.id, rights);
      rows.emplace_back(track, rights);
    }
  });
  print(rows, context);
}

void show(const RightsArguments& arguments, const Context& context) {
  const auto catalog = open_catalog(context.catalog);
  std::vector<std::pair<TrackRecord, RightsRecord>> rows;
  for (const std::string& name : arguments.tracks) {
    const TrackRecord track = find_track(*catalog, name);
    rows.emplace_back(track, catalog->rights(track.id));
  }
  print(rows, context);
}

void import_table(const RightsArguments& arguments, const Context& context) {
  std::ifstream file;
  if (arguments.file != "-") {
    file.open(arguments.file, std::ios::binary);
    if (!file) throw Error(Category::not_found, "rights import", arguments.file + ": cannot be opened");
  }
  const auto catalog = open_catalog(context.catalog);
  const RightsImport result = import_rights(*catalog, arguments.file == "-" ? std::cin : file);
  for (const std::string& problem : result.problems) spdlog::warn("{}: {}", arguments.file, problem);
  if (context.json || context.jsonl)
    print_json({{"set", result.set}, {"broken", result.problems.size()}, {"problems", result.problems}});
  else
    fmt::print("{} tracks set, {} lines broken\n", result.set, result.problems.size());
  if (!result.problems.empty())
    throw Error(Category::partial, "rights import",
                fmt::format("{} lines are broken, the others are stored", result.problems.size()));
}

void export_table(const RightsArguments& arguments, const Context& context) {
  const auto catalog = open_catalog(context.catalog);
  if (arguments.file == "-") {
    export_rights(*catalog, std::cout);
    return;
  }
  std::ostringstream table;
  const std::size_t rows = export_rights(*catalog, table);
  write_file(arguments.file, table.str());
  spdlog::info("{} tracks written to {}", rows, arguments.file);
}

}  // namespace

void setup_rights(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<RightsArguments>();
  const auto bind = [&](CLI::App* command, void (*action)(const RightsArguments&, const Context&)) {
    command->callback([arguments, action, &context] { action(*arguments, context); });
  };
  app.require_subcommand(1);

  CLI::App* command = app.add_subcommand("set", "Set the rights of tracks; what is not named stays");
  command->add_option("TRACK", arguments->tracks, "Id or its beginning, path, file name or title")->required();
  command->add_option("--owner", arguments->owner, "Who holds the rights");
  command->add_option("--licence", arguments->licence, "SPDX expression or text");
  command->add_option("--share", arguments->share, "The owner's part, 0 to 1");
  command->add_option("--may-train", arguments->may_train, "yes or no: models may learn from it");
  command->add_option("--may-recommend", arguments->may_recommend, "yes or no: it may be recommended");
  bind(command, set);

  command = app.add_subcommand("show", "Show the rights of tracks");
  command->add_option("TRACK", arguments->tracks, "Id or its beginning, path, file name or title")->required();
  bind(command, show);

  command = app.add_subcommand("import", "Read a table: track,owner,licence,share,may_train,may_recommend");
  command->add_option("FILE", arguments->file, "CSV; - reads stdin")->required();
  bind(command, import_table);

  command = app.add_subcommand("export", "Write such a table of all tracks");
  command->add_option("FILE", arguments->file, "CSV; stdout without it");
  bind(command, export_table);
}

}  // namespace euterpe
