#pragma once
#include <filesystem>

namespace euterpe {

/// An empty folder of its own that is gone with the object, and all that was put into it.
class TemporaryFolder {
 public:
  /// \param operation for the Error{io} that is thrown where it cannot be made: "evaluate ingest"
  explicit TemporaryFolder(const char* operation = "temporary folder");
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace euterpe
