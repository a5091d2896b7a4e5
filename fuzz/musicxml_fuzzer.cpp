/// Any bytes, as text or as an archive: either a clean Error, or a score in documented order that MIDI keeps without a
/// difference and that is written as MusicXML and read again.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace euterpe;
  MusicXmlReadResult first;
  try {
    first = read_musicxml(std::span(data, size));
  } catch (const Error& e) {
    EUTERPE_ASSERT(e.category() == Category::bad_input || e.category() == Category::unsupported);
    return 0;
  }
  EUTERPE_ASSERT(read_midi(write_midi(first.score)).score == first.score);
  std::string written;
  try {
    written = write_musicxml(first.score);
  } catch (const Error& e) {  // more bars than anyone could read
    EUTERPE_ASSERT(e.category() == Category::bad_input || e.category() == Category::unsupported);
    return 0;
  }
  const auto again = read_musicxml(std::span(reinterpret_cast<const std::uint8_t*>(written.data()), written.size()));
  EUTERPE_ASSERT(again.score.note_count() <= first.score.note_count());
  return 0;
}
