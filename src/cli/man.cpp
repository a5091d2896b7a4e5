#include <fmt/format.h>

#include <string>
#include <string_view>

#include "cli/command.hpp"

namespace euterpe {
namespace {

/// Text for roff: a backslash and a hyphen are escaped, and no line begins with a control character.
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    line_start = c == '\n';
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

void options(const CLI::App& app, std::string& out) {
  for (const CLI::Option* option : app.get_options()) {
    std::string label = option->get_name(option->get_positional(), true);
    if (option->get_expected_max() > 0 && !option->get_positional()) label += " " + option->get_type_name();
    out += fmt::format(".TP\n.B {}\n{}\n", roff(label), roff(option->get_description()));
  }
}

void section(const CLI::App& app, const std::string& path, std::string& out) {
  out += fmt::format(".SS {}\n{}\n", roff(path), roff(app.get_description()));
  options(app, out);
  for (const CLI::App* sub : app.get_subcommands({})) section(*sub, path + " " + sub->get_name(), out);
}

std::string manual(const CLI::App& root) {
  std::string out = fmt::format(".TH EUTERPE 1 \"\" \"euterpe {}\" \"User Commands\"\n", EUTERPE_VERSION);
  out += fmt::format(".SH NAME\neuterpe \\- {}\n", roff(root.get_description()));
  out += ".SH SYNOPSIS\n.B euterpe\n.I COMMAND\n[options]\n.SH OPTIONS\n";
  options(root, out);
  out += ".SH COMMANDS\n";
  for (const CLI::App* sub : root.get_subcommands({})) section(*sub, sub->get_name(), out);
  out += ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 3 part of a batch failed, 130 interrupted.\n";
  return out;
}

}  // namespace

void setup_man(CLI::App& app, Context&) {
  app.footer("Read it with: euterpe man | man -l -");
  app.callback([&app] { fmt::print("{}", manual(*app.get_parent())); });
}

}  // namespace euterpe
