#include <fmt/format.h>

#include <string>

#include "cli/command.hpp"

namespace euterpe {
namespace {

/// What may follow a command: its subcommands, its options, and the global options.
std::string words(const CLI::App& app) {
  std::string out;
  auto add = [&](const std::string& word) {
    if ((" " + out + " ").find(" " + word + " ") == std::string::npos) out += (out.empty() ? "" : " ") + word;
  };
  for (const CLI::App* sub : app.get_subcommands({})) add(sub->get_name());
  auto options = [&](const CLI::App& of) {
    for (const CLI::Option* option : of.get_options()) {
      for (const std::string& name : option->get_lnames()) add("--" + name);
      for (const std::string& name : option->get_snames()) add("-" + name);
    }
  };
  options(app);
  const CLI::App* root = &app;
  while (root->get_parent()) root = root->get_parent();
  if (root != &app) options(*root);
  return out;
}

void cases(const CLI::App& app, const std::string& path, std::string& out) {
  out += fmt::format("    \"{}\") words=\"{}\" ;;\n", path, words(app));
  for (const CLI::App* sub : app.get_subcommands({})) cases(*sub, path + " " + sub->get_name(), out);
}

void paths(const CLI::App& app, const std::string& path, std::string& out) {
  for (const CLI::App* sub : app.get_subcommands({})) {
    const std::string below = path + " " + sub->get_name();
    out += (out.empty() ? "" : "|") + ("\"" + below + "\"");
    paths(*sub, below, out);
  }
}

std::string bash_completion(const CLI::App& root) {
  std::string known, choices;
  paths(root, root.get_name(), known);
  cases(root, root.get_name(), choices);
  return fmt::format(R"(# bash completion for euterpe; load it with: source <(euterpe completion bash)
_euterpe() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" path="{0}" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${{COMP_WORDS[i]}}" in
      {1}) path="$path ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$path" in
{2}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -o bashdefault -F _euterpe euterpe
)",
                     root.get_name(), known, choices);
}

}  // namespace

void setup_completion(CLI::App& app, Context&) {
  app.footer("Load it with: source <(euterpe completion bash)");
  auto* bash = app.add_subcommand("bash", "For bash");
  app.require_subcommand(1);
  bash->callback([&app] { fmt::print("{}", bash_completion(*app.get_parent())); });
}

}  // namespace euterpe
