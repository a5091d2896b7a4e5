#include "corpus/prepare.hpp"

#include <fmt/format.h>

#include <memory>

#include "base/error.hpp"
#include "cli/command.hpp"
#include "corpus/media_catalog_source.hpp"

namespace euterpe {
namespace {

struct Options {
  std::filesystem::path data, folder, out;
  std::vector<std::string> sets;
  bool catalog = false, velocities = false, performed_timing = false;
  std::string style = "none";
};

void run(const Options& o, const Context& context) {
  std::vector<Source> sources;
  for (const std::string& set : o.sets) {
    if (o.data.empty()) throw Error(Category::usage, "prepare", "--sets needs --data, the folder that holds the sets");
    sources.push_back(source_from_dataset(set, o.data));
  }
  if (!o.folder.empty()) sources.push_back(source_from_folder(o.folder, o.style));
  // A catalog that is not there has marked nothing; preparing a folder should not make one.
  if (o.catalog || std::filesystem::exists(context.catalog)) {
    const auto catalog = open_catalog(context.catalog);
    for (Source& source : sources) leave_out_forbidden(source, *catalog);
    if (o.catalog) sources.push_back(source_from_catalog(*catalog, o.style));
  }
  if (sources.empty())
    throw Error(Category::usage, "prepare", "nothing to prepare",
                "name --sets with --data, --folder, or --from-catalog");
  PrepareOptions options;
  options.velocities = o.velocities;
  options.performed_timing = o.performed_timing;
  const Shard shard = prepare(sources, options);
  write_shard(o.out, shard);

  std::map<std::string, std::size_t> splits;
  std::size_t tokens = 0;
  for (const ShardPiece& p : shard.pieces) {
    ++splits[p.split];
    tokens += p.tokens.size();
  }
  if (context.json) {
    print_json({{"shard", o.out.string()},
                {"pieces", shard.pieces.size()},
                {"tokens", tokens},
                {"splits", splits},
                {"data", shard.data},
                {"left_out", shard.left_out}});
    return;
  }
  fmt::print("{}: {} pieces, {} tokens\n", o.out.string(), shard.pieces.size(), tokens);
  for (const auto& [split, count] : splits) fmt::print("  {:<6} {:>6} pieces\n", split, count);
  for (const auto& source : shard.data)
    fmt::print("  from {}: {} pieces, {}\n", source["name"].get<std::string>(), source["pieces"].get<int>(),
               source["licence"].get<std::string>());
  for (const auto& [reason, count] : shard.left_out) fmt::print("  left out: {} ({})\n", count, reason);
}

}  // namespace

void setup_prepare(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  app.add_option("--data", o->data, "Folder that holds the public data sets")->envname("EUTERPE_DATA");
  app.add_option("--sets", o->sets, "Data sets below --data: jsb, nottingham, pop909, classical")->delimiter(',');
  app.add_option("--folder", o->folder, "Your own folder of MIDI files");
  app.add_flag("--from-catalog", o->catalog, "The catalog's scores; tracks that may not be trained on are left out");
  app.add_option("--style", o->style, "Style of the pieces of --folder and --from-catalog")->capture_default_str();
  app.add_flag("--velocities", o->velocities, "Keep dynamics, at a third more tokens");
  app.add_flag("--performed-timing", o->performed_timing,
               "Keep performed timing instead of sixteenths and eighth triplets");
  app.add_option("-o,--output", o->out, "Shard to write")->required();
  app.callback([o, &context] { run(*o, context); });
}

}  // namespace euterpe
