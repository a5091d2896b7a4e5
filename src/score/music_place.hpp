#pragma once
/// Where in the music a token stands: what attention relates beside its index in the sequence.
#include <cstdint>
#include <span>
#include <vector>

#include "score/remi_vocabulary.hpp"

namespace euterpe {

struct MusicPlace {
  std::int32_t time = 0;   ///< grid steps (kGridPerQuarter) from where the sequence begins
  std::int32_t pitch = 0;  ///< MIDI pitch heard last, 60 before the first
};

/// Follows a REMI sequence token by token. Sections that stand out of order (score/remi_passages.hpp) have their own
/// time: a suffix begins `gap` after the prefix, the middle where the prefix ended, a melody and its piece together.
class MusicPlaces {
 public:
  /// \param gap grid steps between prefix and suffix
  explicit MusicPlaces(std::int64_t gap = 0) : gap_(gap) {}
  /// Place of the token, which is known once it is: a Bar stands where it begins, a Pitch at its own pitch.
  MusicPlace push(Token token);

 private:
  std::int64_t gap_, bar_ = 0, next_bar_ = 0, prefix_end_ = 0, position_ = 0;
  std::int32_t pitch_ = 60;
};

/// Places of a whole sequence; the gap is as long as the bars behind Mark_middle.
std::vector<MusicPlace> music_places(std::span<const Token> tokens);

}  // namespace euterpe
