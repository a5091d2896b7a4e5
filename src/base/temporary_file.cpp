#include "base/temporary_file.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "base/error.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

Error cannot_write(const char* operation, const fs::path& path) {
  return {Category::io, operation, path.string() + ": cannot write", "Is the disk full?"};
}

}  // namespace

TemporaryFile::TemporaryFile(const char* operation, std::string_view suffix) {
  std::string name = (fs::temp_directory_path() / "euterpe-XXXXXX").string().append(suffix);
  const int descriptor = mkstemps(name.data(), static_cast<int>(suffix.size()));
  if (descriptor < 0) throw Error(Category::io, operation, name + ": cannot make a temporary file");
  close(descriptor);
  path_ = name;
}

// Behind the delegated constructor the destructor runs even if the rest throws.
TemporaryFile::TemporaryFile(const char* operation, std::span<const std::uint8_t> bytes) : TemporaryFile(operation) {
  std::ofstream out(path_, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw cannot_write(operation, path_);
}

TemporaryFile::TemporaryFile(const char* operation, std::istream& bytes) : TemporaryFile(operation) {
  std::ofstream out(path_, std::ios::binary);
  std::array<char, 1 << 16> block;
  while (bytes.read(block.data(), block.size()), bytes.gcount() > 0) {
    if (!out.write(block.data(), bytes.gcount())) break;
  }
  if (!out.flush()) throw cannot_write(operation, path_);
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

}  // namespace euterpe
