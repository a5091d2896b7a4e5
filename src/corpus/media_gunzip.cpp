#include <fmt/format.h>
#include <zlib.h>

#include <limits>
#include <memory>

#include "base/error.hpp"
#include "corpus/gunzip.hpp"

namespace euterpe {
namespace {

[[noreturn]] void fail(std::size_t offset, const char* what, const char* hint) {
  throw Error(Category::bad_input, "gunzip", fmt::format("byte {}: {}", offset, what), hint);
}

}  // namespace

Gunzipped gunzip(std::span<const std::uint8_t> packed, std::size_t most) {
  constexpr std::size_t kLongest = std::numeric_limits<uInt>::max();
  EUTERPE_ASSERT(most > 0 && most <= kLongest);
  if (packed.size() > kLongest) fail(kLongest, "a packed file of more than 4 GB", "unpack it with gunzip");
  z_stream stream{};
  constexpr int kGzipAlone = 16 + MAX_WBITS;
  if (inflateInit2(&stream, kGzipAlone) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  Gunzipped out;
  out.bytes.resize(most);
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = out.bytes.data();
  stream.avail_out = static_cast<uInt>(most);
  const int result = inflate(&stream, Z_SYNC_FLUSH);
  const std::size_t read = packed.size() - stream.avail_in;
  if (result == Z_STREAM_END && stream.avail_in > 0)
    fail(read, "more follows behind the end of the packed data", "two files in one? unpack it with gunzip");
  if (result != Z_STREAM_END && result != Z_OK && result != Z_BUF_ERROR)
    fail(read, stream.msg ? stream.msg : "the packed data is damaged", "incomplete download?");
  if (result != Z_STREAM_END && stream.avail_out > 0)
    fail(read, "the packed data ends too early", "incomplete download?");
  out.bytes.resize(most - stream.avail_out);
  out.whole = result == Z_STREAM_END;
  return out;
}

}  // namespace euterpe
