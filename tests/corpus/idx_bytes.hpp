#pragma once
/// IDX files as other programs write them.
#include <cstdint>
#include <span>
#include <vector>

namespace euterpe {

inline void put_big_endian(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// \param magic its last two bytes say unsigned bytes and three dimensions
inline std::vector<std::uint8_t> idx_bytes(std::uint32_t count, std::uint32_t height, std::uint32_t width,
                                           std::span<const std::uint8_t> pixels, std::uint32_t magic = 0x803) {
  std::vector<std::uint8_t> out;
  for (const std::uint32_t word : {magic, count, height, width}) put_big_endian(out, word);
  out.insert(out.end(), pixels.begin(), pixels.end());
  return out;
}

}  // namespace euterpe
