#pragma once
/// Settings with an origin: built-in default < TOML file < environment (EUTERPE_SECTION_KEY) < command-line flag.
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

struct ConfigEntry {
  std::string key;     ///< dotted: "compose.temperature"
  std::string value;   ///< as text
  std::string help;    ///< one line
  std::string origin;  ///< "default", "file /etc/euterpe.toml:12", "environment EUTERPE_COMPOSE_TEMPERATURE", "flag
                       ///< --temperature"
};

class Config {
 public:
  /// A key must be declared before it is set; an unknown key in a file is Error{usage} with file and line.
  void declare(std::string key, std::string default_value, std::string help);
  void load_file(const std::filesystem::path& path);
  void load_environment();
  void set_flag(std::string_view key, std::string value, std::string flag);

  /// Text, number and truth of a declared key; Error{usage} naming key, value and origin if it does not convert.
  std::string text(std::string_view key) const;
  double number(std::string_view key) const;
  std::int64_t integer(std::string_view key) const;
  bool flag(std::string_view key) const;     ///< true/false/1/0/yes/no
  std::vector<ConfigEntry> entries() const;  ///< sorted by key

 private:
  struct Value {
    std::string value, origin, help;
  };
  const Value& find(std::string_view key) const;
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace euterpe
