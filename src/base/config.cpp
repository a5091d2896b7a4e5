#include "base/config.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/error.hpp"
#include "base/files.hpp"

namespace euterpe {
namespace {

/// "compose.top-p" is set by EUTERPE_COMPOSE_TOP_P.
std::string environment_name(std::string_view key) {
  std::string out = "EUTERPE_";
  for (char c : key) out += c == '.' || c == '-' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

struct Setting {
  std::string key, value;
  std::uint32_t line;
};

/// Tables become dotted keys, in the order of the lines.
void flatten(const toml::table& table, const std::string& prefix, const std::string& file, std::vector<Setting>& out) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    const auto line = node.source().begin.line;
    if (const auto* inner = node.as_table()) {
      flatten(*inner, key + ".", file, out);
    } else if (const auto* text = node.as_string()) {
      out.push_back({key, text->get(), line});
    } else if (const auto* whole = node.as_integer()) {
      out.push_back({key, std::to_string(whole->get()), line});
    } else if (const auto* real = node.as_floating_point()) {
      out.push_back({key, fmt::format("{}", real->get()), line});
    } else if (const auto* truth = node.as_boolean()) {
      out.push_back({key, truth->get() ? "true" : "false", line});
    } else {
      throw Error(Category::usage, "read_config",
                  fmt::format("{}:{}: '{}' must be a text, a number or true/false", file, line, key));
    }
  }
}

[[noreturn]] void cannot_convert(std::string_view key, const std::string& value, const std::string& origin,
                                 const char* wanted) {
  throw Error(Category::usage, "config", fmt::format("{} = '{}' ({}): expected {}", key, value, origin, wanted));
}

template <class T>
bool parse(const std::string& text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

void Config::declare(std::string key, std::string default_value, std::string help) {
  const bool fresh =
      values_.try_emplace(std::move(key), Value{std::move(default_value), "default", std::move(help)}).second;
  EUTERPE_ASSERT(fresh);
}

void Config::load_file(const std::filesystem::path& path) {
  const std::string content = read_text(path);
  const std::string file = path.string();
  toml::table table;
  try {
    table = toml::parse(content, std::string_view(file));
  } catch (const toml::parse_error& e) {
    throw Error(Category::usage, "read_config",
                fmt::format("{}:{}:{}: {}", file, e.source().begin.line, e.source().begin.column, e.description()));
  }
  std::vector<Setting> settings;
  flatten(table, "", file, settings);
  // All keys are checked before any is set, so that a refused file leaves nothing behind.
  std::vector<std::string> known;
  for (const auto& [key, value] : values_) known.push_back(key);
  for (const Setting& s : settings)
    if (!values_.contains(s.key))
      throw Error(Category::usage, "read_config", fmt::format("{}:{}: unknown key '{}'", file, s.line, s.key),
                  fmt::format("known are {}", fmt::join(known, ", ")));
  for (Setting& s : settings) {
    Value& value = values_.find(s.key)->second;
    value.value = std::move(s.value);
    value.origin = fmt::format("file {}:{}", file, s.line);
  }
}

void Config::load_environment() {
  for (auto& [key, value] : values_) {
    const std::string name = environment_name(key);
    if (const char* set = std::getenv(name.c_str())) {
      value.value = set;
      value.origin = "environment " + name;
    }
  }
}

void Config::set_flag(std::string_view key, std::string value, std::string flag) {
  const auto it = values_.find(key);
  EUTERPE_ASSERT(it != values_.end());
  it->second.value = std::move(value);
  it->second.origin = "flag " + flag;
}

const Config::Value& Config::find(std::string_view key) const {
  const auto it = values_.find(key);
  EUTERPE_ASSERT(it != values_.end());
  return it->second;
}

std::string Config::text(std::string_view key) const { return find(key).value; }

double Config::number(std::string_view key) const {
  const Value& v = find(key);
  double out = 0;
  if (!parse(v.value, out) || !std::isfinite(out)) cannot_convert(key, v.value, v.origin, "a number");
  return out;
}

std::int64_t Config::integer(std::string_view key) const {
  const Value& v = find(key);
  std::int64_t out = 0;
  if (!parse(v.value, out)) cannot_convert(key, v.value, v.origin, "a whole number");
  return out;
}

bool Config::flag(std::string_view key) const {
  const Value& v = find(key);
  constexpr std::array<std::string_view, 3> yes{"true", "1", "yes"}, no{"false", "0", "no"};
  if (std::find(yes.begin(), yes.end(), v.value) != yes.end()) return true;
  if (std::find(no.begin(), no.end(), v.value) != no.end()) return false;
  cannot_convert(key, v.value, v.origin, "true or false");
}

std::vector<ConfigEntry> Config::entries() const {
  std::vector<ConfigEntry> out;
  for (const auto& [key, v] : values_) out.push_back({key, v.value, v.help, v.origin});
  return out;
}

}  // namespace euterpe
