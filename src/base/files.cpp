#include "base/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "base/output_file.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const char* operation, const fs::path& path, int error) {
  throw Error(error == ENOENT ? Category::not_found : Category::io, operation,
              fmt::format("{}: {}", path.string(), std::strerror(error)));
}

/// Owns a file descriptor.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

int open_read(const char* operation, const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(operation, path, errno);
  struct stat st {};
  if (::fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
    ::close(fd);
    fail(operation, path, EISDIR);
  }
  return fd;
}

template <class Sink>
void read_blocks(const char* operation, const fs::path& path, Sink&& sink) {
  Descriptor file{open_read(operation, path)};
  std::vector<std::uint8_t> block(1 << 18);
  for (;;) {
    const ssize_t n = ::read(file.fd, block.data(), block.size());
    if (n == 0) return;
    if (n < 0) {
      if (errno == EINTR) continue;
      fail(operation, path, errno);
    }
    sink(std::span<const std::uint8_t>(block.data(), static_cast<std::size_t>(n)));
  }
}

std::string hex(const unsigned char (&digest)[crypto_hash_sha256_BYTES]) {
  std::string out;
  out.reserve(2 * sizeof digest);
  for (unsigned char c : digest) out += fmt::format("{:02x}", c);
  return out;
}

}  // namespace

std::vector<std::uint8_t> read_file(const fs::path& path) {
  std::vector<std::uint8_t> out;
  read_blocks("read_file", path, [&](auto block) { out.insert(out.end(), block.begin(), block.end()); });
  return out;
}

std::string read_text(const fs::path& path) {
  std::string out;
  read_blocks("read_file", path,
              [&](auto block) { out.append(reinterpret_cast<const char*>(block.data()), block.size()); });
  return out;
}

void write_file(const fs::path& path, std::span<const std::uint8_t> bytes) {
  OutputFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file(const fs::path& path, std::string_view text) {
  write_file(path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

MappedFile::MappedFile(const fs::path& path) {
  Descriptor file{open_read("map_file", path)};
  struct stat st {};
  if (::fstat(file.fd, &st) != 0) fail("map_file", path, errno);
  size_ = static_cast<std::size_t>(st.st_size);
  if (size_ == 0) return;
  void* p = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.fd, 0);
  if (p == MAP_FAILED) fail("map_file", path, errno);
  data_ = static_cast<const std::uint8_t*>(p);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

std::string sha256(std::span<const std::uint8_t> bytes) {
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(digest, bytes.data(), bytes.size());
  return hex(digest);
}

std::string sha256(std::string_view text) {
  return sha256(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::string sha256_file(const fs::path& path) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  read_blocks("sha256", path, [&](auto block) { crypto_hash_sha256_update(&state, block.data(), block.size()); });
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_final(&state, digest);
  return hex(digest);
}

std::vector<fs::path> walk_files(const std::vector<fs::path>& roots) {
  std::vector<fs::path> out;
  auto hidden = [](const fs::path& p) { return p.filename().string().starts_with('.'); };
  for (const fs::path& root : roots) {
    std::error_code ec;
    const auto status = fs::status(root, ec);
    if (!fs::exists(status)) throw Error(Category::not_found, "walk_files", root.string() + ": no such file or folder");
    if (!fs::is_directory(status)) {
      out.push_back(root);
      continue;
    }
    fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, ec), end;
    if (ec) throw Error(Category::io, "walk_files", root.string() + ": " + ec.message());
    for (; it != end; it.increment(ec)) {
      if (ec) throw Error(Category::io, "walk_files", root.string() + ": " + ec.message());
      if (hidden(it->path())) {
        if (it->is_directory(ec)) it.disable_recursion_pending();
      } else if (it->is_regular_file(ec)) {
        out.push_back(it->path());
      }
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

fs::path models_folder() {
  if (const char* env = std::getenv("EUTERPE_MODELS"); env && *env) return env;
  std::error_code ec;
  const fs::path binary = fs::read_symlink("/proc/self/exe", ec);
  if (!ec) {
    const fs::path installed = binary.parent_path().parent_path() / "share" / "euterpe" / "models";
    if (fs::is_directory(installed, ec)) return installed;
  }
  return EUTERPE_SOURCE_MODELS;
}

}  // namespace euterpe
