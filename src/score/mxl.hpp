#pragma once
/// Compressed MusicXML: a ZIP archive (PKWARE APPNOTE 6.3) whose META-INF/container.xml names the score in it.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

/// No score's text is longer: checked before memory is taken for it, so that a small archive cannot ask for much.
inline constexpr std::size_t kMaxMusicXml = 100u << 20;  // bytes

/// Files stored or deflated in a ZIP archive, found through its central directory. Holds no copy of the bytes.
class ZipReader {
 public:
  struct Entry {
    std::string name;
    std::uint16_t flags = 0, method = 0;
    std::uint32_t checksum = 0, packed = 0, size = 0;  ///< bytes
    std::uint32_t header = 0;                          ///< byte offset of the entry's own header
  };

  /// Throws Error{bad_input} with the byte offset of what is damaged, Error{unsupported} for archives in parts or
  /// beyond 4 GB.
  explicit ZipReader(std::span<const std::uint8_t> bytes);

  const std::vector<Entry>& entries() const { return entries_; }
  const Entry* find(std::string_view name) const;
  /// The entry's content. Throws Error{bad_input} for more than `limit` bytes or if the checksum says that it is
  /// damaged, Error{unsupported} for encryption and methods other than deflate.
  std::string read(const Entry& entry, std::size_t limit) const;

 private:
  std::span<const std::uint8_t> bytes_;
  std::vector<Entry> entries_;
};

bool is_zip(std::span<const std::uint8_t> bytes);

/// The score's text. Where the archive does not name it, it is the first .musicxml or .xml file outside META-INF, and
/// `mended` says so. Throws as ZipReader does, and Error{bad_input} where there is no score.
std::string read_mxl(std::span<const std::uint8_t> bytes, std::vector<std::string>& mended);

}  // namespace euterpe
