#include "corpus/idx.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

#include "base/error.hpp"
#include "base/files.hpp"
#include "corpus/gunzip.hpp"

namespace euterpe {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr const char* kRead = "read_idx";
constexpr std::size_t kHead = 16;  // the magic number and three dimensions, each of 32 bits, big-endian
constexpr std::size_t kMostPixels = std::size_t{1} << 30;

[[noreturn]] void fail(std::size_t offset, const std::string& what, const char* hint) {
  throw Error(Category::bad_input, kRead, fmt::format("byte {}: {}", offset, what), hint);
}

std::size_t u32(Bytes b, std::size_t at) {
  return std::size_t{b[at]} << 24 | std::size_t{b[at + 1]} << 16 | std::size_t{b[at + 2]} << 8 | b[at + 3];
}

const char* element_name(std::uint8_t type) {
  switch (type) {
    case 0x08:
      return "unsigned bytes";
    case 0x09:
      return "signed bytes";
    case 0x0B:
      return "16-bit integers";
    case 0x0C:
      return "32-bit integers";
    case 0x0D:
      return "32-bit floats";
    case 0x0E:
      return "64-bit floats";
    default:
      return nullptr;
  }
}

/// What the head says, without pixels.
IdxImages read_head(Bytes head) {
  constexpr std::size_t kMagic = 4;
  if (head.size() < kMagic) fail(head.size(), "the file ends within the magic number", "incomplete download?");
  if (head[0] != 0 || head[1] != 0 || !element_name(head[2]))
    fail(0,
         fmt::format("magic number {:02x}{:02x}{:02x}{:02x} instead of 00000803", head[0], head[1], head[2], head[3]),
         "no IDX file?");
  if (head[2] != 0x08)
    throw Error(Category::unsupported, kRead, fmt::format("byte 2: the elements are {}", element_name(head[2])),
                "images are read as unsigned bytes, 0 to 255");
  if (head[3] != 3)
    fail(3, fmt::format("{} dimension{} instead of three: images, rows, columns", head[3], head[3] == 1 ? "" : "s"),
         head[3] == 1 ? "a file of labels? name the one with the images" : "no images?");
  if (head.size() < kHead) fail(head.size(), "the file ends within its dimensions", "incomplete download?");
  IdxImages out{u32(head, 4), u32(head, 8), u32(head, 12), {}};
  const std::array sizes{out.count, out.height, out.width};
  std::size_t pixels = 1;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 0) fail(4 + 4 * d, "a dimension is 0", "there is nothing in it");
    if (sizes[d] > kMostPixels / pixels)
      throw Error(Category::unsupported, kRead,
                  fmt::format("byte 4: {} images of {} × {} pixels are more than {} bytes", out.count, out.height,
                              out.width, kMostPixels),
                  "split the file, or are its dimensions wrong?");
    pixels *= sizes[d];
  }
  return out;
}

[[noreturn]] void wrong_length(std::size_t offset, const IdxImages& said, std::size_t found, bool more) {
  fail(offset,
       fmt::format("{} images of {} × {} take {} bytes, but {}{} are there", said.count, said.height, said.width,
                   said.count * said.height * said.width, more ? "more than " : "", found),
       more ? "are the dimensions wrong?" : "incomplete download?");
}

IdxImages read_packed(Bytes packed) {
  IdxImages out = read_head(gunzip(packed, kHead).bytes);
  const std::size_t pixels = out.count * out.height * out.width;
  if (pixels / kDeflateRatio > packed.size())
    fail(4,
         fmt::format("{} images of {} × {} cannot be in {} packed bytes", out.count, out.height, out.width,
                     packed.size()),
         "are the dimensions wrong?");
  Gunzipped all = gunzip(packed, kHead + pixels + 1);
  if (all.bytes.size() < kHead + pixels) wrong_length(all.bytes.size(), out, all.bytes.size() - kHead, false);
  if (all.bytes.size() > kHead + pixels) wrong_length(kHead + pixels, out, pixels, true);
  EUTERPE_ASSERT(all.whole);
  all.bytes.erase(all.bytes.begin(), all.bytes.begin() + kHead);
  out.pixels = std::move(all.bytes);
  return out;
}

}  // namespace

IdxImages read_idx_images(Bytes bytes) {
  if (is_gzip(bytes)) return read_packed(bytes);
  IdxImages out = read_head(bytes);
  const Bytes pixels = bytes.subspan(kHead);
  const std::size_t wanted = out.count * out.height * out.width;
  if (pixels.size() < wanted) wrong_length(bytes.size(), out, pixels.size(), false);
  if (pixels.size() > wanted) wrong_length(kHead + wanted, out, wanted, true);
  out.pixels.assign(pixels.begin(), pixels.end());
  return out;
}

IdxImages read_idx_images(const std::filesystem::path& path) {
  const MappedFile file(path);
  try {
    return read_idx_images(file.bytes());
  } catch (const Error& e) {
    throw e.in(path.string());
  }
}

}  // namespace euterpe
