#pragma once
/// Chord symbols in the notation of Harte et al. (2005), as annotations of recordings use them.
#include <optional>
#include <string>
#include <string_view>

namespace euterpe {

/// Qualities that the recognizers can tell apart; the shorthand of each stands in chord_shorthand().
enum class ChordQuality {
  major,
  minor,
  diminished,
  augmented,
  sus2,
  sus4,
  major7,
  minor7,
  dominant7,
  half_diminished7,
  diminished7,
  minor_major7,
  major6,
  minor6,
  other
};

/// root −1: no chord sounds ("N").
struct Chord {
  int root = -1;  ///< pitch class, 0 = C
  ChordQuality quality = ChordQuality::major;
  int bass = 0;  ///< semitones of the sounding bass above the root, 0 = root position

  bool operator==(const Chord&) const = default;
  /// "N", "C:maj", "F#:min7", "Bb:maj/3". Sharps or flats by usual spelling of the root.
  std::string name() const;
  /// The same with the root spelled as in the key of so many sharps (below 0: flats).
  std::string name(int fifths) const;
};

/// "maj", "min", "dim", "aug", "sus2", "sus4", "maj7", "min7", "7", "hdim7", "dim7", "minmaj7", "maj6", "min6";
/// "(1)", the root alone, for `other`.
std::string_view chord_shorthand(ChordQuality quality);

/// The tones of a quality: bit i stands for i semitones above the root, i = 0 … 11.
unsigned chord_intervals(ChordQuality quality);

/// Reads a Harte label: root with any number of # and b, shorthand or a list of degrees, degrees added or left out in
/// brackets, bass degree. A label whose intervals fit no quality gets `other`; "N" gives root −1; "X" (a chord beyond
/// the vocabulary) and what is no label give nothing.
std::optional<Chord> parse_chord(std::string_view label);

/// The class of mir_eval's "majmin" comparison: 0–11 major on C …, 12–23 minor on C …, 24 no chord, −1 for a chord that
/// is neither (and is left out of the score): judged by the third and the fifth alone, as sus, dim and aug have none.
int majmin_class(const Chord& chord);

}  // namespace euterpe
