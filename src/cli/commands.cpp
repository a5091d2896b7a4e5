#include "cli/command.hpp"

#include <cstdio>

#include "base/error.hpp"

namespace euterpe {

// One file a command: src/cli/NAME.cpp. A row whose file is not part of this build is left out of the table.
#define EUTERPE_COMMAND(name) [[gnu::weak]] void setup_##name(CLI::App& app, Context& context)
EUTERPE_COMMAND(ingest);
EUTERPE_COMMAND(analyze);
EUTERPE_COMMAND(prepare);
EUTERPE_COMMAND(train);
EUTERPE_COMMAND(recognize);
EUTERPE_COMMAND(compose);
EUTERPE_COMMAND(recommend);
EUTERPE_COMMAND(promote);
EUTERPE_COMMAND(identify);
EUTERPE_COMMAND(rights);
EUTERPE_COMMAND(catalog);
EUTERPE_COMMAND(models);
EUTERPE_COMMAND(config);
EUTERPE_COMMAND(evaluate);
EUTERPE_COMMAND(demo);
EUTERPE_COMMAND(completion);
EUTERPE_COMMAND(man);
#undef EUTERPE_COMMAND

const std::vector<Command>& commands() {
  static const std::vector<Command> table = [] {
    std::vector<Command> rows{
        {"ingest", "Take audio, MIDI and listening logs into the catalog", setup_ingest},
        {"analyze", "Describe audio or a score: tempo, key, loudness, beats, chords, form", setup_analyze},
        {"prepare", "Make shards of scores, or lists of clean recordings, to learn from", setup_prepare},
        {"train", "Train or fine-tune a model", setup_train, true},
        {"recognize", "Name style, emotion, instrument or composer of audio and scores", setup_recognize, true},
        {"compose", "Write new music, or continue a piece", setup_compose},
        {"recommend", "Recommend tracks to a listener, with reasons", setup_recommend, true},
        {"promote", "Find a track's audience, its reach and what that takes from others", setup_promote, true},
        {"identify", "Find which track of the catalog an excerpt comes from", setup_identify},
        {"rights", "Set, show, import and export the rights of tracks", setup_rights},
        {"catalog", "List, show, export, import, check and forget", setup_catalog},
        {"models", "List models, their terms and measurements", setup_models},
        {"config", "Show the settings and where each comes from", setup_config},
        {"evaluate", "Measure a task on data and print its numbers", setup_evaluate, true},
        {"demo", "Show everything at work on music made here and now", setup_demo, true},
        {"completion", "Print the shell completion script", setup_completion},
        {"man", "Print the manual page", setup_man},
    };
    std::erase_if(rows, [](const Command& row) { return row.setup == nullptr; });
    return rows;
  }();
  return table;
}

void print_json(const nlohmann::json& value) {
  const std::string text = value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
}

void print_json_line(const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);  // a reader at the other end of a pipe gets each item as it is done
}

}  // namespace euterpe
