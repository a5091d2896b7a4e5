#pragma once
/// Where a program writes what it was told to write: a file that is never half done, or a pipe.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace euterpe {

/// "-", or a name of what standard output is, such as /dev/stdout.
bool is_stdout(const std::filesystem::path& path);

/// A regular or new file is written beside its place, flushed and renamed over it on commit(): a reader sees the old or
/// the new file, never a part, and what was not committed leaves nothing behind. Where `path` is a link, the file that
/// it leads to is replaced and the link stays. A pipe, a device or standard output ("-") is written through as it is.
class OutputFile {
 public:
  enum class Access {
    stream,  ///< from the first byte to the last; what is no regular file gets each as it comes
    seek     ///< any byte at any time, and part() for writers that open files themselves; a pipe gets all on commit()
  };
  /// Makes the folder where it is not there. Throws Error{io | not_found} naming the path.
  explicit OutputFile(const std::filesystem::path& path, Access access = Access::stream);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Throw Error{io}; std::system_error{EPIPE} where nobody reads the pipe any more.
  void write(std::span<const std::uint8_t> bytes);
  void write(std::string_view text);
  /// Replaces bytes that were written before. Access::seek alone.
  void write_at(std::uint64_t offset, std::span<const std::uint8_t> bytes);
  void commit();

  /// The file that becomes the one named. Access::seek, or a regular file.
  const std::filesystem::path& part() const { return part_; }

 private:
  void open_part();
  void put(int file, std::span<const std::uint8_t> bytes) const;

  std::filesystem::path shown_, target_, part_;  // part_ is empty where bytes go straight through
  int part_file_ = -1, through_ = -1;
  unsigned mode_ = 0;  // permissions of the file that is replaced, 0: there is none
  bool committed_ = false;
};

/// Throws Error{usage} if one of `outputs` is one of `inputs` under this or another name (a link to it, another path):
/// writing it would destroy what is read. Outputs that are not there yet and what is no regular file are in nobody's
/// way. \param operation "analyze", for the error
void refuse_to_overwrite_input(const char* operation, std::span<const std::filesystem::path> outputs,
                               std::span<const std::filesystem::path> inputs);

}  // namespace euterpe
