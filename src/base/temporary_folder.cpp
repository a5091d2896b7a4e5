#include "base/temporary_folder.hpp"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/error.hpp"

namespace euterpe {
namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder(const char* operation) {
  std::string name = (fs::temp_directory_path() / "euterpe-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw Error(Category::io, operation, name + ": " + std::strerror(errno));
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace euterpe
