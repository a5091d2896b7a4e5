#include "score/annotation.hpp"

#include <algorithm>

namespace euterpe {
namespace {

template <class Segments>
void cut(Segments& segments, double end) {
  for (auto& s : segments) s.end = std::min(s.end, end);
  std::erase_if(segments, [](const auto& s) { return !(s.end > s.start); });
}

}  // namespace

int KeySegment::fifths() const {
  // On the line of fifths C stands at 0, G at 1, F at −1; keys with six signs are F# major and Eb minor.
  static constexpr int kMajor[12] = {0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5};
  static constexpr int kMinor[12] = {-3, 4, -1, -6, 1, -4, 3, -2, 5, 0, -5, 2};
  return (minor ? kMinor : kMajor)[((tonic % 12) + 12) % 12];
}

std::string chord_name(const ChordSegment& chord, const std::vector<KeySegment>& keys) {
  const double middle = (chord.start + chord.end) / 2;
  for (const KeySegment& key : keys)
    if (key.start <= middle && middle < key.end) return chord.chord.name(key.fifths());
  return chord.chord.name(keys.empty() ? 0 : keys.back().fifths());
}

void keep_within(Annotations& a) {
  cut(a.keys, a.duration);
  cut(a.chords, a.duration);
  cut(a.structure, a.duration);
  std::erase_if(a.beats, [&](const Beat& b) { return b.time > a.duration; });
  if (a.melody.hop > 0)
    a.melody.hz.resize(std::min(a.melody.hz.size(), static_cast<std::size_t>(a.duration / a.melody.hop) + 1));
}

}  // namespace euterpe
