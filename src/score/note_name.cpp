#include "score/note_name.hpp"

namespace euterpe {

std::optional<int> take_note_name(std::string_view& text) {
  constexpr std::string_view kLetters = "C D EF G A B";
  const auto letter = text.empty() || text[0] == ' ' ? std::string_view::npos : kLetters.find(text[0]);
  if (letter == std::string_view::npos) return {};
  int pitch = static_cast<int>(letter);
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '#' || text[0] == 'b')) {
    pitch += text[0] == '#' ? 1 : -1;
    text.remove_prefix(1);
  }
  return pitch;
}

}  // namespace euterpe
