#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/command.hpp"

namespace euterpe {

void setup_config(CLI::App& app, Context& context) {
  app.require_subcommand(1);
  CLI::App* show = app.add_subcommand("show", "Every setting with its value");
  auto origin = std::make_shared<bool>(false);
  show->add_flag("--origin", *origin, "Say where each value comes from: default, file, environment or flag");
  show->callback([&context, origin] {
    const auto entries = context.config.entries();
    if (context.json || context.jsonl) {
      nlohmann::json all = nlohmann::json::object();
      for (const ConfigEntry& e : entries) {
        const nlohmann::json row{{"value", e.value}, {"origin", e.origin}, {"help", e.help}};
        if (context.jsonl)
          print_json_line({{"key", e.key}, {"value", e.value}, {"origin", e.origin}, {"help", e.help}});
        else
          all[e.key] = row;
      }
      if (context.json) print_json(all);
      return;
    }
    std::size_t key_width = 0, value_width = 0;
    for (const ConfigEntry& e : entries) {
      key_width = std::max(key_width, e.key.size());
      value_width = std::max(value_width, e.value.size());
    }
    for (const ConfigEntry& e : entries)
      fmt::print("{:<{}}  {:<{}}  {}\n", e.key, key_width, e.value, value_width, *origin ? e.origin : e.help);
  });
}

}  // namespace euterpe
