#pragma once
/// gzip (RFC 1952), unpacked no further than asked for. Needs zlib: a build without media has a stand-in that says so.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace euterpe {

/// Deflate makes data at most so many times shorter (zlib's technical details): what a packed file claims to hold
/// beyond it is not there.
inline constexpr std::size_t kDeflateRatio = 1032;

bool is_gzip(std::span<const std::uint8_t> bytes);

struct Gunzipped {
  std::vector<std::uint8_t> bytes;  ///< at most as many as were asked for
  bool whole = false;               ///< that was all: the stream ends there, and its checksum is right
};
/// Error{bad_input} with the offset in `packed` where it is damaged, ends too early, or goes on behind its end;
/// Error{unsupported} in a build without media. \param most bytes to unpack, > 0, all allocated at once
Gunzipped gunzip(std::span<const std::uint8_t> packed, std::size_t most);

}  // namespace euterpe
