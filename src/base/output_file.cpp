#include "base/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const fs::path& path, int error) {
  if (error == EPIPE) throw std::system_error(error, std::generic_category(), path.string());
  throw Error(error == ENOENT ? Category::not_found : Category::io, "write_file",
              fmt::format("{}: {}", path.string(), std::strerror(error)));
}

using Inode = std::pair<dev_t, ino_t>;
Inode inode_of(const struct stat& st) { return {st.st_dev, st.st_ino}; }

/// The name behind links, also where nothing is there yet.
fs::path followed(fs::path path) {
  constexpr int kMostLinks = 40;
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code ec;
    if (!fs::is_symlink(path, ec)) return path;
    const fs::path to = fs::read_symlink(path, ec);
    if (ec) fail(path, ec.value());
    path = to.is_absolute() ? to : path.parent_path() / to;
  }
  fail(path, ELOOP);
}

}  // namespace

bool is_stdout(const fs::path& path) {
  if (path == "-") return true;
  struct stat named {
  }, own{};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(STDOUT_FILENO, &own) == 0 && inode_of(named) == inode_of(own);
}

OutputFile::OutputFile(const fs::path& path, Access access) : shown_(path) {
  struct stat st {};
  const bool to_stdout = is_stdout(path), there = !to_stdout && ::stat(path.c_str(), &st) == 0;
  if (there && S_ISDIR(st.st_mode)) fail(path, EISDIR);
  if (to_stdout || (there && !S_ISREG(st.st_mode))) {
    if (to_stdout) std::fflush(stdout);  // what was printed before stands before
    through_ = to_stdout ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (through_ < 0) fail(path, errno);
    if (access == Access::stream) return;
  } else {
    target_ = followed(path);
    if (there) mode_ = st.st_mode & 0777;
  }
  open_part();
}

void OutputFile::open_part() {
  static std::atomic<unsigned> counter{0};
  const fs::path folder = through_ < 0 ? target_.parent_path() : fs::temp_directory_path();
  std::error_code ec;
  if (!folder.empty()) fs::create_directories(folder, ec);
  if (ec) throw Error(Category::io, "write_file", folder.string() + ": " + ec.message());
  const std::string name = through_ < 0 ? target_.filename().string() : "euterpe";
  part_ = folder / fmt::format(".{}.{}-{}.part", name, ::getpid(), counter++);
  part_file_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (part_file_ < 0) {
    const int error = errno;
    part_.clear();
    fail(shown_, error);
  }
}

OutputFile::~OutputFile() {
  if (part_file_ >= 0) ::close(part_file_);
  if (through_ >= 0) ::close(through_);
  if (!part_.empty() && !committed_) ::unlink(part_.c_str());
}

void OutputFile::put(int file, std::span<const std::uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(shown_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void OutputFile::write(std::span<const std::uint8_t> bytes) { put(part_file_ >= 0 ? part_file_ : through_, bytes); }

void OutputFile::write(std::string_view text) {
  write(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void OutputFile::write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  EUTERPE_ASSERT(part_file_ >= 0);
  const off_t end = ::lseek(part_file_, 0, SEEK_END);
  if (end < 0 || ::lseek(part_file_, static_cast<off_t>(offset), SEEK_SET) < 0) fail(shown_, errno);
  put(part_file_, bytes);
  if (::lseek(part_file_, end, SEEK_SET) < 0) fail(shown_, errno);
}

void OutputFile::commit() {
  EUTERPE_ASSERT(!committed_);
  if (part_file_ >= 0 && through_ >= 0) {
    if (::lseek(part_file_, 0, SEEK_SET) < 0) fail(shown_, errno);
    std::array<std::uint8_t, 1 << 16> block;
    for (ssize_t n; (n = ::read(part_file_, block.data(), block.size())) != 0;) {
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(shown_, errno);
      put(through_, std::span(block).first(static_cast<std::size_t>(n)));
    }
    return;  // the destructor removes the part
  }
  if (part_file_ < 0) return;
  if (mode_ != 0 && ::fchmod(part_file_, mode_) != 0) fail(shown_, errno);
  if (::fsync(part_file_) != 0 && errno != EINVAL) fail(shown_, errno);
  if (::rename(part_.c_str(), target_.c_str()) != 0) fail(shown_, errno);
  committed_ = true;
}

void refuse_to_overwrite_input(const char* operation, std::span<const fs::path> outputs,
                               std::span<const fs::path> inputs) {
  std::map<Inode, const fs::path*> read;
  struct stat st {};
  for (const fs::path& input : inputs)
    if (::stat(input.c_str(), &st) == 0 && S_ISREG(st.st_mode)) read.emplace(inode_of(st), &input);
  for (const fs::path& output : outputs) {
    if (is_stdout(output) || ::stat(output.c_str(), &st) != 0) continue;
    if (const auto at = read.find(inode_of(st)); at != read.end())
      throw Error(Category::usage, operation,
                  fmt::format("{}: is read as {}; writing it would destroy it", output.string(), at->second->string()),
                  "name another file with -o");
  }
}

}  // namespace euterpe
