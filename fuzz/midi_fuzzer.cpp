/// Any bytes: either a clean Error, or a score that is written and read again without a difference.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "score/midi.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  euterpe::MidiReadResult first;
  try {
    first = euterpe::read_midi(std::span(data, size));
  } catch (const euterpe::Error& e) {
    EUTERPE_ASSERT(e.category() == euterpe::Category::bad_input);
    return 0;
  }
  const auto written = euterpe::write_midi(first.score);
  const euterpe::MidiReadResult second = euterpe::read_midi(written);
  EUTERPE_ASSERT(second.score == first.score);
  EUTERPE_ASSERT(euterpe::write_midi(second.score) == written);
  return 0;
}
