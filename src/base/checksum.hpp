#pragma once
/// A checksum of files that are mapped and read at the speed of memory.
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

namespace euterpe {

/// Four lanes of rotate and multiply by odd numbers: each step is invertible, so that no change of a single word can
/// cancel out. Guards against damage, not against forgery; every number that leads into memory is checked on its own.
class Checksum {
 public:
  /// Every piece but the last must be a multiple of 32 bytes long.
  void add(std::span<const std::uint8_t> bytes) {
    std::size_t at = 0;
    for (; at + 32 <= bytes.size(); at += 32) {
      std::uint64_t word[4];
      std::memcpy(word, bytes.data() + at, 32);
      for (std::size_t i = 0; i < 4; ++i) lane_[i] = std::rotl(lane_[i] ^ word[i], 29) * kOdd[i];
    }
    for (; at < bytes.size(); ++at) lane_[at % 4] = std::rotl(lane_[at % 4] ^ bytes[at], 29) * kOdd[at % 4];
    size_ += bytes.size();
  }
  std::uint64_t value() const {
    std::uint64_t sum = size_;
    for (std::size_t i = 0; i < 4; ++i) sum = std::rotl(sum ^ lane_[i], 31) * kOdd[i];
    return sum;
  }

 private:
  static constexpr std::uint64_t kOdd[4] = {0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
                                            0xD6E8FEB86659FD93};
  std::uint64_t lane_[4] = {1, 2, 3, 4}, size_ = 0;
};

}  // namespace euterpe
