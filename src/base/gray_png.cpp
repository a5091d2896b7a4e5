#include "base/gray_png.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.hpp"
#include "base/files.hpp"

namespace euterpe {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put_u32(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// CRC-32 (ISO/IEC 15948 annex D).
std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t c = n;
      for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
      table[n] = c;
    }
    return table;
  }();
  std::uint32_t crc = ~0U;
  for (const std::uint8_t byte : bytes) crc = kTable[(crc ^ byte) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

void put_chunk(Bytes& out, std::string_view type, std::span<const std::uint8_t> data) {
  put_u32(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = out.size();
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), data.begin(), data.end());
  put_u32(out, crc32(std::span(out).subspan(begin)));
}

/// A zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4).
Bytes stored(std::span<const std::uint8_t> data) {
  constexpr std::size_t kLongestBlock = 65'535;
  Bytes out{0x78, 0x01};
  for (std::size_t at = 0; at < data.size(); at += kLongestBlock) {
    const std::size_t length = std::min(kLongestBlock, data.size() - at);
    out.push_back(at + length == data.size() ? 1 : 0);
    for (const std::size_t word : {length, ~length})
      out.insert(out.end(), {static_cast<std::uint8_t>(word), static_cast<std::uint8_t>(word >> 8)});
    const auto block = data.subspan(at, length);
    out.insert(out.end(), block.begin(), block.end());
  }
  std::uint32_t a = 1, b = 0;  // Adler-32 (RFC 1950, 8.2)
  for (const std::uint8_t byte : data) {
    a = (a + byte) % 65'521;
    b = (b + a) % 65'521;
  }
  put_u32(out, b << 16 | a);
  return out;
}

}  // namespace

GrayImage image_sheet(std::span<const GrayImage> images, int columns, int gap, std::uint8_t paper) {
  EUTERPE_ASSERT(!images.empty() && columns > 0 && gap >= 0);
  const int width = images.front().width, height = images.front().height;
  const int rows = (static_cast<int>(images.size()) + columns - 1) / columns;
  GrayImage out{gap + columns * (width + gap), gap + rows * (height + gap), {}};
  out.pixels.assign(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height), paper);
  for (int i = 0; const GrayImage& image : images) {
    EUTERPE_ASSERT(image.width == width && image.height == height);
    const int left = gap + i % columns * (width + gap), top = gap + i / columns * (height + gap);
    for (int y = 0; y < height; ++y)
      std::copy_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(y) * width, width,
                  out.pixels.begin() + static_cast<std::ptrdiff_t>(top + y) * out.width + left);
    ++i;
  }
  return out;
}

Bytes gray_png(const GrayImage& image) {
  const auto width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  EUTERPE_ASSERT(image.width > 0 && image.height > 0 && image.pixels.size() == width * height);
  Bytes header, lines;
  put_u32(header, static_cast<std::uint32_t>(image.width));
  put_u32(header, static_cast<std::uint32_t>(image.height));
  header.insert(header.end(), {8, 0, 0, 0, 0});  // bits, gray, and the only compression, filter and order there are
  for (std::size_t y = 0; y < height; ++y) {
    lines.push_back(0);  // not filtered
    const auto line = std::span(image.pixels).subspan(y * width, width);
    lines.insert(lines.end(), line.begin(), line.end());
  }
  Bytes out{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  put_chunk(out, "IHDR", header);
  put_chunk(out, "IDAT", stored(lines));
  put_chunk(out, "IEND", {});
  return out;
}

void write_gray_png(const std::filesystem::path& path, const GrayImage& image) { write_file(path, gray_png(image)); }

}  // namespace euterpe
