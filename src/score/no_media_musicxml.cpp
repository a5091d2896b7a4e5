#include "base/error.hpp"
#include "score/musicxml.hpp"

namespace euterpe {
namespace {

[[noreturn]] void absent() {
  throw Error(Category::unsupported, "read_musicxml", "this build reads no MusicXML (EUTERPE_MEDIA=OFF)",
              "configure with -DEUTERPE_MEDIA=ON, or convert the score to MIDI");
}

}  // namespace

MusicXmlReadResult read_musicxml(std::span<const std::uint8_t>) { absent(); }
MusicXmlReadResult read_musicxml(const std::filesystem::path&) { absent(); }

}  // namespace euterpe
