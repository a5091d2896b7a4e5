#pragma once
/// Which notes, and which of their attributes, the encoder has to guess while it is pretrained.
#include <cstdint>
#include <vector>

#include "base/random.hpp"
#include "nn/note_sequence.hpp"

namespace euterpe {

/// What can be hidden of a note; attributes that say the same go together, or one would give the other away.
enum class NoteAspect {
  pitch,   ///< pitch, pitch class, place in the chord
  time,    ///< steps in beats and seconds (of the next note too), place in the bar and in the chord
  length,  ///< in beats and seconds
  velocity
};

struct MaskedNotes {
  struct Target {
    std::uint32_t note;
    NoteAttribute attribute;
    std::int64_t answer;  ///< class in the joint vocabulary, never "hidden"
  };
  NoteTokens tokens;
  std::vector<Target> targets;
};

/// Hides one aspect of the notes marked and lists what is to be guessed: attributes hidden before are not asked for.
/// Where times are hidden, the window's times are drawn straight between those that stand; hidden pitches stand at
/// kNoPitch: relative positions tell nothing.
void hide_aspect(MaskedNotes& masked, const std::vector<bool>& notes, NoteAspect aspect);

/// About `share` of the notes: in two thirds of the draws single notes, some with all aspects and some with one hidden,
/// else whole spans of 4–24 notes.
MaskedNotes mask_notes(NoteTokens tokens, double share, Random& random);

}  // namespace euterpe
