#pragma once
#include <cstdint>
#include <filesystem>
#include <istream>
#include <span>
#include <string_view>

namespace euterpe {

/// A file that is gone with the object: for bytes from a pipe that readers must seek in, and for what is written only
/// to be read again.
class TemporaryFile {
 public:
  /// \param operation for the Error{io} that is thrown where it cannot be written: "recognize"
  TemporaryFile(const char* operation, std::span<const std::uint8_t> bytes);
  TemporaryFile(const char* operation, std::istream& bytes);  ///< to the stream's end, in blocks
  /// Empty. \param suffix of its name, ".mp3", for writers that go by it
  explicit TemporaryFile(const char* operation, std::string_view suffix = {});
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace euterpe
