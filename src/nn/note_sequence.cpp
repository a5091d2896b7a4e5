#include "nn/note_sequence.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

static_assert(std::accumulate(kNoteClasses.begin(), kNoteClasses.end(), 0) == kNoteVocabulary);

constexpr int kGrid = 12;            // steps of a quarter note: sixteenths and triplets both fall on it
constexpr double kTogether = 0.035;  // s: notes of one chord, as people play it
constexpr double kShortest = 0.008;  // s: the first class of seconds

/// General MIDI family of each channel of a track: that of its first program change there.
std::array<std::uint8_t, 16> families(const Track& track) {
  std::array<std::uint8_t, 16> out;
  out.fill(static_cast<std::uint8_t>(std::min<int>(track.program, 127) / 8));
  std::array<bool, 16> set{};
  for (const ChannelEvent& e : track.events)
    if ((e.status & 0xF0) == 0xC0 && e.channel < 16 && !set[e.channel]) {
      out[e.channel] = static_cast<std::uint8_t>(std::min<int>(e.data1, 127) / 8);
      set[e.channel] = true;
    }
  return out;
}

/// Quarter notes since the bar line before `tick`; bars are counted from where the meter began.
float bar_beat(const Score& score, std::int64_t tick) {
  const TimeSignature& meter = score.meter_at(tick);
  const double quarter = score.ticks_per_quarter;
  const double bar = 4 * quarter * std::max<int>(1, meter.numerator) / std::max<int>(1, meter.denominator);
  const double since = static_cast<double>(std::max<std::int64_t>(0, tick - std::min(meter.tick, tick)));
  return static_cast<float>((since - std::floor(since / bar) * bar) / quarter);
}

void mark_voices(std::vector<SequenceNote>& notes) {
  for (std::size_t begin = 0; begin < notes.size();) {
    std::size_t end = begin + 1;
    while (end < notes.size() && notes[end].second - notes[begin].second < kTogether) ++end;
    int low = 128, high = -1, pitched = 0;
    for (std::size_t i = begin; i < end; ++i) {
      if (notes[i].program == kDrumFamily) continue;
      low = std::min<int>(low, notes[i].pitch);
      high = std::max<int>(high, notes[i].pitch);
      ++pitched;
    }
    for (std::size_t i = begin; i < end; ++i) {
      if (notes[i].program == kDrumFamily || pitched < 2) continue;
      notes[i].voice = notes[i].pitch == high ? 1 : notes[i].pitch == low ? 3 : 2;
    }
    begin = end;
  }
}

/// 1 … 37: twelfths of a quarter note up to two of them, then four classes an octave up to sixteen.
int beat_class(double beats) {
  const int grid = static_cast<int>(std::lround(std::clamp(beats, 0.0, 16.0) * kGrid));
  if (grid <= 2 * kGrid) return 1 + grid;
  return std::min(37, 26 + static_cast<int>(4 * std::log2(grid / (2.0 * kGrid))));
}

/// 1 … 32: together, then three classes an octave from 8 ms to 8 s.
int seconds_class(double seconds) {
  if (!(seconds > kShortest)) return 1;
  return std::min(32, 2 + static_cast<int>(3 * std::log2(seconds / kShortest)));
}

}  // namespace

std::vector<SequenceNote> note_sequence(const Score& score) {
  std::vector<SequenceNote> notes;
  notes.reserve(score.note_count());
  const TempoMap tempo(score);
  for (std::size_t t = 0; t < score.tracks.size(); ++t) {
    const Track& track = score.tracks[t];
    const auto family = families(track);
    for (std::size_t i = 0; i < track.notes.size(); ++i) {
      const Note& note = track.notes[i];
      SequenceNote out;
      out.beat = static_cast<double>(note.start) / score.ticks_per_quarter;
      out.second = tempo.seconds_at(Ticks(note.start)).value;
      out.beats = static_cast<float>(static_cast<double>(note.duration) / score.ticks_per_quarter);
      out.seconds = static_cast<float>(tempo.seconds_at(Ticks(note.end())).value - out.second);
      out.bar_beat = bar_beat(score, note.start);
      out.pitch = std::min<std::uint8_t>(note.pitch, 127);
      out.velocity = std::clamp<std::uint8_t>(note.velocity, 1, 127);
      out.program = track.drums || note.channel == 9 ? kDrumFamily : family[note.channel & 15];
      out.track = static_cast<std::int32_t>(t);
      out.index = static_cast<std::int32_t>(i);
      notes.push_back(out);
    }
  }
  std::stable_sort(notes.begin(), notes.end(), [](const SequenceNote& a, const SequenceNote& b) {
    return a.beat != b.beat ? a.beat < b.beat : a.pitch < b.pitch;
  });
  mark_voices(notes);
  return notes;
}

void NoteTokens::hide(std::size_t note, NoteAttribute attribute) {
  classes[note * kNoteAttributes + static_cast<std::size_t>(attribute)] = note_class_offset(attribute);
}

int NoteTokens::at(std::size_t note, NoteAttribute attribute) const {
  return static_cast<int>(classes[note * kNoteAttributes + static_cast<std::size_t>(attribute)]) -
         note_class_offset(attribute);
}

NoteTokens note_tokens(std::span<const SequenceNote> window, const NoteVariation& variation) {
  EUTERPE_ASSERT(variation.tempo > 0);
  NoteTokens tokens;
  tokens.classes.reserve(window.size() * kNoteAttributes);
  const bool meter = !(variation.hide & kHideMeter), seconds = !(variation.hide & kHideSeconds);
  for (std::size_t i = 0; i < window.size(); ++i) {
    const SequenceNote& n = window[i];
    const bool drum = n.program == kDrumFamily;
    const int pitch = drum ? n.pitch : std::clamp(n.pitch + variation.semitones, 0, 127);
    const int velocity = std::clamp(n.velocity + variation.velocity, 1, 127);
    const bool first = i == 0;
    const double step_beats = first ? 0 : n.beat - window[i - 1].beat;
    const double step_seconds = first ? 0 : (n.second - window[i - 1].second) / variation.tempo;
    const std::array<int, kNoteAttributes> classes{
        1 + pitch + (drum ? 128 : 0),
        drum ? 13 : 1 + pitch % 12,
        1 + n.voice,
        meter && !first ? beat_class(step_beats) : 0,
        meter ? 1 + static_cast<int>(std::lround(n.bar_beat * kGrid)) % (8 * kGrid) : 0,
        seconds && !first ? seconds_class(step_seconds) : 0,
        meter ? beat_class(n.beats) : 0,
        seconds ? seconds_class(n.seconds / variation.tempo) : 0,
        variation.hide & kHideVelocity ? 0 : 1 + velocity / 8,
        variation.hide & kHideProgram ? 0 : 1 + n.program};
    int offset = 0;
    for (std::size_t a = 0; a < kNoteAttributes; ++a) {
      tokens.classes.push_back(offset + classes[a]);
      offset += kNoteClasses[a];
    }
    const double time = meter     ? n.beat - window.front().beat
                        : seconds ? 2 * (n.second - window.front().second) / variation.tempo
                                  : static_cast<double>(i) / 4;
    tokens.time.push_back(static_cast<float>(time));
    tokens.pitch.push_back(drum ? kNoPitch : static_cast<float>(pitch));
  }
  return tokens;
}

std::vector<std::pair<std::size_t, std::size_t>> note_windows(std::size_t notes, std::size_t longest,
                                                              std::size_t most) {
  EUTERPE_ASSERT(longest > 0 && most > 0);
  const std::size_t count = (notes + longest - 1) / longest, taken = std::min(count, most);
  std::vector<std::pair<std::size_t, std::size_t>> windows;
  for (std::size_t k = 0; k < taken; ++k) {
    const std::size_t w = taken < 2 ? 0 : k * (count - 1) / (taken - 1);
    windows.emplace_back(w * notes / count, (w + 1) * notes / count);
  }
  return windows;
}

}  // namespace euterpe
