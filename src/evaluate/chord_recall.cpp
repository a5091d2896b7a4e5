#include "evaluate/chord_recall.hpp"

#include <algorithm>

namespace euterpe {
namespace {

/// Tones above the root, the bass among them.
unsigned sounding(const Chord& chord) { return chord_intervals(chord.quality) | 1u << (chord.bass % 12); }

/// What the comparison tells apart: equal numbers are equal chords, −1 is out of the vocabulary.
int symbol(const Chord& chord, ChordComparison comparison) {
  constexpr int kSilence = 1 << 20;
  if (chord.root < 0) return kSilence;
  if (chord.quality == ChordQuality::other) return -1;
  switch (comparison) {
    case ChordComparison::root:
      return chord.root;
    case ChordComparison::majmin:
      return majmin_class(chord);
    case ChordComparison::sevenths:
      for (const ChordQuality q : {ChordQuality::major, ChordQuality::minor, ChordQuality::major7,
                                   ChordQuality::dominant7, ChordQuality::minor7})
        if (sounding(chord) == chord_intervals(q)) return chord.root << 12 | static_cast<int>(sounding(chord));
  }
  return -1;
}

}  // namespace

std::pair<double, double> chord_recall(const std::vector<ChordSegment>& reference,
                                       const std::vector<ChordSegment>& estimate, ChordComparison comparison) {
  const int silence = symbol(Chord{}, comparison);
  double right = 0, total = 0;
  std::size_t first = 0;
  for (const ChordSegment& r : reference) {
    const int wanted = symbol(r.chord, comparison);
    if (wanted < 0 || r.end <= r.start) continue;
    double covered = 0;
    while (first < estimate.size() && estimate[first].end <= r.start) ++first;
    for (std::size_t i = first; i < estimate.size() && estimate[i].start < r.end; ++i) {
      const double overlap = std::min(r.end, estimate[i].end) - std::max(r.start, estimate[i].start);
      covered += overlap;
      if (symbol(estimate[i].chord, comparison) == wanted) right += overlap;
    }
    if (wanted == silence) right += r.end - r.start - covered;
    total += r.end - r.start;
  }
  return {total > 0 ? right / total : 0, total};
}

}  // namespace euterpe
