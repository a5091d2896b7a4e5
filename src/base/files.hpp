#pragma once
/// Files: whole reads, writes that are never half done, memory maps, SHA-256.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

/// The whole file. Throws Error{not_found | io} naming the path.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path);
std::string read_text(const std::filesystem::path& path);

/// Written beside `path`, flushed to disk, then renamed over it: a reader sees the old or the new file, never a part.
/// Links are followed, pipes and devices written through, and "-" is standard output: see base/output_file.hpp.
/// Throws Error{io}; the old file then stands as it was.
void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

/// Read-only memory map of a whole file; an empty file maps to an empty span.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  std::span<const std::uint8_t> bytes() const { return {data_, size_}; }

 private:
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Lower-case hexadecimal SHA-256 (FIPS 180-4), 64 characters.
std::string sha256(std::span<const std::uint8_t> bytes);
std::string sha256(std::string_view text);
/// Of the file's content, read in blocks.
std::string sha256_file(const std::filesystem::path& path);

/// Regular files below each path (a path may itself be a file), sorted, hidden ones left out.
std::vector<std::filesystem::path> walk_files(const std::vector<std::filesystem::path>& roots);

/// Folder with shipped weights: $EUTERPE_MODELS, else PREFIX/share/euterpe/models beside the binary, else the source tree's.
std::filesystem::path models_folder();

}  // namespace euterpe
