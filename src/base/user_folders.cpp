#include "base/user_folders.hpp"

#include <cstdlib>

#include "base/error.hpp"

namespace euterpe {

std::filesystem::path user_data_folder() {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value ? value : "");
  };
  if (const auto data = set("XDG_DATA_HOME"); !data.empty()) return data / "euterpe";
  if (const auto home = set("HOME"); !home.empty()) return home / ".local" / "share" / "euterpe";
  throw Error(Category::usage, "find your files", "neither XDG_DATA_HOME nor HOME is set",
              "name a folder: --catalog for the catalog, EUTERPE_USER_MODELS for models");
}

}  // namespace euterpe
