/// Any bytes, packed or not: either a clean Error, or images that have all their pixels and are read again from what
/// they say.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "corpus/idx.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace euterpe;
  IdxImages images;
  try {
    images = read_idx_images(std::span(data, size));
  } catch (const Error& e) {
    EUTERPE_ASSERT(e.category() == Category::bad_input || e.category() == Category::unsupported);
    return 0;
  }
  EUTERPE_ASSERT(!images.pixels.empty());
  EUTERPE_ASSERT(images.pixels.size() == images.count * images.height * images.width);
  std::vector<std::uint8_t> plain{0, 0, 8, 3};
  for (const std::size_t n : {images.count, images.height, images.width})
    for (int shift = 24; shift >= 0; shift -= 8) plain.push_back(static_cast<std::uint8_t>(n >> shift));
  plain.insert(plain.end(), images.pixels.begin(), images.pixels.end());
  EUTERPE_ASSERT(read_idx_images(plain).pixels == images.pixels);
  return 0;
}
