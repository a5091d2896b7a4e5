/// Any bytes: either a clean Error, or an index of which every look-up stays inside; and as packed lists, which no
/// checksum guards, at most as many entries as were asked for.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "score/passage_index.hpp"
#include "score/passage_packing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  try {
    const euterpe::PassageIndex index(bytes);
    for (std::size_t i = 0; i < index.pieces(); ++i) (void)index.name(i).size();
    for (std::uint32_t hash = 0; hash < 1u << euterpe::kPassageHashBits; hash += 4099) {
      const auto range = index.lookup(hash);
      EUTERPE_ASSERT(range.begin <= range.end && range.end <= index.places());
      for (std::size_t p = range.begin; p < range.end; ++p)
        EUTERPE_ASSERT(index.piece_at(index.place(p).axis) < index.pieces());
    }
    for (const euterpe::BarPrint& print : index.prints()) {
      EUTERPE_ASSERT(index.piece_at(print.axis) < index.pieces());
      const auto with = index.prints_with(print.key);
      EUTERPE_ASSERT(std::any_of(with.begin(), with.end(), [&](auto p) { return index.prints()[p] == print; }));
    }
  } catch (const euterpe::Error& e) {
    EUTERPE_ASSERT(e.category() == euterpe::Category::bad_input || e.category() == euterpe::Category::newer_version);
  }
  const std::size_t count = std::min<std::size_t>(size * euterpe::kMostPerByte, 10000);
  const auto raw = bytes.subspan(size / 2);
  EUTERPE_ASSERT(euterpe::unpack_runs(bytes.first(size / 2), raw, count).size() <= count);
  EUTERPE_ASSERT(euterpe::unpack_prints(bytes.first(size / 2), raw, count).size() <= count);
  return 0;
}
