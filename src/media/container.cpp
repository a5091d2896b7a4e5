#include "media/container.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <span>
#include <string_view>

#include "base/files.hpp"

namespace euterpe {
namespace {

using namespace std::string_view_literals;

std::uint32_t little_endian(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{bytes[at + i]} << (8 * i);
  return value;
}

bool tag_at(std::span<const std::uint8_t> bytes, std::size_t at, std::string_view tag) {
  return at + tag.size() <= bytes.size() &&
         std::equal(tag.begin(), tag.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

bool begins_as_audio(const std::filesystem::path& path) {
  std::array<char, 12> head{};
  std::ifstream in(path, std::ios::binary);
  in.read(head.data(), head.size());
  const std::string_view text(head.data(), static_cast<std::size_t>(in.gcount()));
  const auto at = [&](std::size_t place, std::string_view tag) {
    return text.substr(std::min(place, text.size())).starts_with(tag);
  };
  constexpr std::array kTags{
      "OggS"sv, "fLaC"sv, "ID3"sv, "\xFF\xFB"sv, "\xFF\xF3"sv, "\xFF\xF2"sv, "\x1A\x45\xDF\xA3"sv};
  return std::any_of(kTags.begin(), kTags.end(), [&](std::string_view tag) { return at(0, tag); }) ||
         (at(0, "RIFF") && at(8, "WAVE")) || (at(0, "FORM") && at(8, "AIF")) || at(4, "ftyp");
}

bool ends_early(const std::filesystem::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (tag_at(bytes, 0, "RIFF") && tag_at(bytes, 8, "WAVE")) {
    for (std::uint64_t at = 12; at + 8 <= bytes.size();) {
      const std::uint32_t size = little_endian(bytes, at + 4);
      if (tag_at(bytes, at, "data")) return size != 0 && size != UINT32_MAX && size > bytes.size() - at - 8;
      at += 8 + std::uint64_t{size} + size % 2;
    }
  } else if (tag_at(bytes, 0, "OggS")) {
    constexpr std::size_t kLongestPage = 65307, kFlags = 5;
    constexpr std::uint8_t kLast = 4;
    const std::size_t from = bytes.size() > kLongestPage ? bytes.size() - kLongestPage : 0;
    for (std::size_t at = bytes.size(); at-- > from;)
      if (tag_at(bytes, at, "OggS") && at + kFlags < bytes.size()) return (bytes[at + kFlags] & kLast) == 0;
  }
  return false;
}

}  // namespace euterpe
