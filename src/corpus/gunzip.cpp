#include "corpus/gunzip.hpp"

namespace euterpe {

bool is_gzip(std::span<const std::uint8_t> bytes) { return bytes.size() >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B; }

}  // namespace euterpe
