#pragma once
/// What analysis says about the music in a recording or a score, on a time axis in seconds.
#include <string>
#include <vector>

#include "score/chord.hpp"

namespace euterpe {

struct Beat {
  double time = 0;   ///< seconds
  int position = 0;  ///< 1 = downbeat … beats of the bar; 0 = not known
};

struct KeySegment {
  double start = 0, end = 0;  ///< seconds
  int tonic = 0;              ///< pitch class, 0 = C
  bool minor = false;
  double confidence = 0;  ///< 0–1

  int fifths() const;  ///< the key signature: sharps, or flats below 0, −6 … 6
};

struct ChordSegment {
  double start = 0, end = 0;  ///< seconds
  Chord chord;
  double confidence = 0;  ///< 0–1
};

/// Passages with the same label are repeats of each other.
struct StructureSegment {
  double start = 0, end = 0;  ///< seconds
  std::string label;          ///< "A", "B" … in order of first appearance
  double confidence = 0;      ///< 0–1
};

/// Fundamental frequency of the melody, frame t at t · hop seconds.
struct MelodyTrack {
  double hop = 0;         ///< seconds
  std::vector<float> hz;  ///< 0 where no melody sounds
};

/// Segments of one kind are in order of time and do not overlap. What could not be told is empty or 0.
struct Annotations {
  double duration = 0;    ///< seconds
  double tempo = 0;       ///< beats a minute, the median over the piece; 0: no pulse
  int beats_per_bar = 0;  ///< 0: not known
  std::vector<Beat> beats;
  std::vector<KeySegment> keys;
  std::vector<ChordSegment> chords;
  std::vector<StructureSegment> structure;
  MelodyTrack melody;
};

/// The chord's label in the spelling of the key that it stands in: F#:maj and D#:min in F# major.
std::string chord_name(const ChordSegment& chord, const std::vector<KeySegment>& keys);

/// Cuts what reaches beyond the piece's end: readers take a segment behind it for an error.
void keep_within(Annotations& annotations);

}  // namespace euterpe
