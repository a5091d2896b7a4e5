#include "base/temporary_file.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "base/error.hpp"

namespace euterpe {
namespace fs = std::filesystem;

TemporaryFile::TemporaryFile(const char* operation, std::span<const std::uint8_t> bytes) {
  std::string name = (fs::temp_directory_path() / "euterpe-XXXXXX").string();
  const int descriptor = mkstemp(name.data());
  if (descriptor < 0) throw Error(Category::io, operation, name + ": cannot make a temporary file");
  close(descriptor);
  path_ = name;
  std::ofstream out(path_, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) {
    fs::remove(path_);
    throw Error(Category::io, operation, name + ": cannot write", "Is the disk full?");
  }
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

}  // namespace euterpe
