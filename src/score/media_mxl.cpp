#include "score/mxl.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <pugixml.hpp>

#include "base/error.hpp"

namespace euterpe {
namespace {

using Bytes = std::span<const std::uint8_t>;

// APPNOTE 4.3.7, 4.3.12 and 4.3.16: signatures, and lengths without the names, extra fields and comments.
constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr std::size_t kLocalLength = 30, kCentralLength = 46, kEndLength = 22;
constexpr std::size_t kMaxComment = 65'535;
constexpr std::uint16_t kEncrypted = 1, kStored = 0, kDeflated = 8;

[[noreturn]] void fail(std::size_t offset, const std::string& what, const char* hint = "incomplete download?") {
  throw Error(Category::bad_input, "read_mxl", fmt::format("byte {}: {}", offset, what), hint);
}

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(Category::unsupported, "read_mxl", what, "unpack it and read the .musicxml file inside");
}

std::uint16_t u16(Bytes b, std::size_t at) { return static_cast<std::uint16_t>(b[at] | b[at + 1] << 8); }
std::uint32_t u32(Bytes b, std::size_t at) { return u16(b, at) | std::uint32_t{u16(b, at + 2)} << 16; }

/// Offset of the end record, which only a comment of its own may follow.
std::size_t find_end(Bytes b) {
  if (b.size() < kEndLength) fail(b.size(), "too short for an archive");
  const std::size_t last = b.size() - kEndLength;
  const std::size_t first = last - std::min(last, kMaxComment);
  for (std::size_t at = last + 1; at-- > first;) {
    if (u32(b, at) == kEnd && at + kEndLength + u16(b, at + 20) <= b.size()) return at;
  }
  fail(b.size(), "the archive's directory is missing");
}

std::string inflate_raw(Bytes packed, std::size_t size, std::size_t offset) {
  std::string out(size, '\0');
  z_stream stream{};
  constexpr int kRawDeflate = -MAX_WBITS;
  if (inflateInit2(&stream, kRawDeflate) != Z_OK) throw std::bad_alloc();
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_FINISH);
  const std::size_t written = stream.total_out;
  inflateEnd(&stream);
  if (result != Z_STREAM_END || written != size) {
    fail(offset, fmt::format("the packed data is damaged: {} of {} bytes came out", written, size));
  }
  return out;
}

}  // namespace

bool is_zip(Bytes bytes) { return bytes.size() >= 4 && u32(bytes, 0) == kLocal; }

ZipReader::ZipReader(Bytes bytes) : bytes_(bytes) {
  const std::size_t end = find_end(bytes);
  const std::size_t count = u16(bytes, end + 10), offset = u32(bytes, end + 16);
  if (u16(bytes, end + 4) != 0 || u16(bytes, end + 8) != count) unsupported("an archive in several parts");
  if (count == 0xFFFF || offset == 0xFFFFFFFF) unsupported("an archive beyond 4 GB (ZIP64)");
  std::size_t at = offset;
  for (std::size_t i = 0; i < count; ++i) {
    if (at > end || end - at < kCentralLength || u32(bytes, at) != kCentral) {
      fail(at, fmt::format("entry {} of {} is missing in the archive's directory", i + 1, count));
    }
    const std::size_t name = u16(bytes, at + 28), rest = std::size_t{u16(bytes, at + 30)} + u16(bytes, at + 32);
    if (end - at - kCentralLength < name + rest) fail(at, "an entry of the directory is longer than the directory");
    Entry entry;
    entry.flags = u16(bytes, at + 8);
    entry.method = u16(bytes, at + 10);
    entry.checksum = u32(bytes, at + 16);
    entry.packed = u32(bytes, at + 20);
    entry.size = u32(bytes, at + 24);
    entry.header = u32(bytes, at + 42);
    entry.name.assign(reinterpret_cast<const char*>(bytes.data()) + at + kCentralLength, name);
    entries_.push_back(std::move(entry));
    at += kCentralLength + name + rest;
  }
}

const ZipReader::Entry* ZipReader::find(std::string_view name) const {
  const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == name; });
  return it == entries_.end() ? nullptr : &*it;
}

std::string ZipReader::read(const Entry& entry, std::size_t limit) const {
  if ((entry.flags & kEncrypted) != 0) unsupported(entry.name + " is encrypted");
  if (entry.size > limit) {
    fail(entry.header, fmt::format("{} says that it holds {} bytes, more than {}", entry.name, entry.size, limit),
         "no score is so long");
  }
  const std::size_t at = entry.header;
  if (at > bytes_.size() || bytes_.size() - at < kLocalLength || u32(bytes_, at) != kLocal) {
    fail(at, entry.name + " is not where the archive's directory says");
  }
  // The lengths of the name and the extra field here may differ from the directory's.
  const std::size_t begin = at + kLocalLength + u16(bytes_, at + 26) + u16(bytes_, at + 28);
  if (begin > bytes_.size() || bytes_.size() - begin < entry.packed) fail(at, entry.name + " is cut off");
  const Bytes packed = bytes_.subspan(begin, entry.packed);
  std::string out;
  if (entry.method == kDeflated) {
    out = inflate_raw(packed, entry.size, begin);
  } else if (entry.method == kStored && entry.packed == entry.size) {
    out.assign(reinterpret_cast<const char*>(packed.data()), packed.size());
  } else if (entry.method == kStored) {
    fail(at, entry.name + " is stored as it is, but in another length");
  } else {
    unsupported(fmt::format("{} is packed by method {}", entry.name, entry.method));
  }
  if (crc32(0, reinterpret_cast<const Bytef*>(out.data()), static_cast<uInt>(out.size())) != entry.checksum) {
    fail(begin, entry.name + " is damaged: its checksum differs");
  }
  return out;
}

std::string read_mxl(Bytes bytes, std::vector<std::string>& mended) {
  const ZipReader zip(bytes);
  constexpr std::string_view kContainer = "META-INF/container.xml";
  constexpr std::size_t kMaxContainer = 1u << 20;
  if (const ZipReader::Entry* container = zip.find(kContainer)) {
    const std::string text = zip.read(*container, kMaxContainer);
    pugi::xml_document document;
    document.load_buffer(text.data(), text.size());
    // The first root file is the score; others are the same score in other formats (MusicXML 4.0, container.xsd).
    const std::string path =
        document.child("container").child("rootfiles").child("rootfile").attribute("full-path").value();
    if (const ZipReader::Entry* score = zip.find(path)) return zip.read(*score, kMaxMusicXml);
    mended.push_back(fmt::format("{}: names no score that is in the archive", kContainer));
  } else {
    mended.push_back(fmt::format("{} is missing", kContainer));
  }
  for (const ZipReader::Entry& entry : zip.entries()) {
    if (entry.name.starts_with("META-INF/")) continue;
    if (entry.name.ends_with(".musicxml") || entry.name.ends_with(".xml")) return zip.read(entry, kMaxMusicXml);
  }
  fail(0, "the archive holds no score", "is it some other kind of ZIP archive?");
}

}  // namespace euterpe
