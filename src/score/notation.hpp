#pragma once
/// What written music needs beyond ticks: note values, spelling, places of percussion on the staff, text that XML may
/// hold.
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

/// A duration that one written note or rest can have.
struct NoteValue {
  int length = 0;         ///< in divisions
  const char* type = "";  ///< MusicXML's name: "quarter", "16th" …
  bool dotted = false;
  bool triplet = false;  ///< three in the time of two
};

/// Splits `length` divisions beginning `position` divisions after the bar line into written values, to be tied: whole
/// if one value can say it, else so that beats stay visible. \param divisions of a quarter note, as
/// notation_divisions() gives them; \param beat length of a beat in divisions
std::vector<NoteValue> split_into_values(int position, int length, int divisions, int beat);

struct SpelledPitch {
  char step = 'C';  ///< A … G
  int alter = 0;    ///< semitones: −2 … +2
  int octave = 4;   ///< 0 … 9, middle C begins octave 4
};

/// Spells a MIDI pitch near the key on the line of fifths: three fifths below its tonic to eight above (major; in C
/// from Eb to G#). A pitch that would stand below octave 0 is raised by octaves. \param fifths key signature, −7 … +7
SpelledPitch spell(int pitch, int fifths);

/// Where a General MIDI percussion key stands on a five-line staff, and its name.
struct PercussionPlace {
  char step = 'E';
  int octave = 4;
  bool cross = false;  ///< cymbals have a cross for a head
  std::string name;
};
PercussionPlace percussion_place(int key);

/// Name of the General MIDI family of a program, 0–127: "Piano", "Organ" …
std::string_view program_family(int program);

/// UTF-8 with characters that XML forbids left out and & < > " escaped; bytes that are not UTF-8 are read as Latin-1.
std::string xml_text(std::string_view bytes);

}  // namespace euterpe
