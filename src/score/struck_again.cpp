#include "score/struck_again.hpp"

#include <algorithm>
#include <array>

namespace euterpe {

void cut_where_struck_again(std::vector<Note>& notes) {
  std::sort(notes.begin(), notes.end());
  std::array<Note*, 128> last{};
  for (Note& note : notes) {
    Note*& before = last[note.pitch];
    if (before && before->end() > note.start) before->duration = std::max<std::int64_t>(1, note.start - before->start);
    before = &note;
  }
}

}  // namespace euterpe
