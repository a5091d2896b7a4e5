#pragma once
#include <cstdint>
#include <filesystem>
#include <istream>
#include <span>

namespace euterpe {

/// Bytes from a pipe as a file, for readers that must seek; gone with the object.
class TemporaryFile {
 public:
  /// \param operation for the Error{io} that is thrown where it cannot be written: "recognize"
  TemporaryFile(const char* operation, std::span<const std::uint8_t> bytes);
  TemporaryFile(const char* operation, std::istream& bytes);  ///< to the stream's end, in blocks
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFile(const char* operation);
  std::filesystem::path path_;
};

}  // namespace euterpe
