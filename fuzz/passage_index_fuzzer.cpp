/// Any bytes: either a clean Error, or an index of which every look-up stays inside.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "score/passage_index.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const euterpe::PassageIndex index(std::vector<std::uint8_t>(data, data + size));
    for (std::size_t i = 0; i < index.pieces(); ++i) (void)index.name(i).size();
    for (std::uint32_t hash = 0; hash < 1u << euterpe::kPassageHashBits; hash += 4099) {
      const auto range = index.lookup(hash);
      EUTERPE_ASSERT(range.begin <= range.end && range.end <= index.places());
      for (std::size_t p = range.begin; p < range.end; ++p)
        EUTERPE_ASSERT(index.piece_at(index.place(p).axis) <= index.pieces());
    }
  } catch (const euterpe::Error& e) {
    EUTERPE_ASSERT(e.category() == euterpe::Category::bad_input || e.category() == euterpe::Category::newer_version);
  }
  return 0;
}
