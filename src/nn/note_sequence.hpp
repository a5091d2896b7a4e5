#pragma once
/// Notes as the note encoder sees them: one token a note, the sum of what its attributes mean.
///
/// Timing stands in beats and in seconds, for style lives in the one and emotion in the other; a performance without a
/// beat, or a task that a format would give away, hides what it must not see.
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "score/score.hpp"

namespace euterpe {

/// One note of a score with all that its token is made from.
struct SequenceNote {
  double beat = 0, second = 0;   ///< onset, quarter notes and seconds from the score's beginning
  float beats = 0, seconds = 0;  ///< length
  float bar_beat = 0;            ///< onset within its bar, quarter notes
  std::uint8_t pitch = 60, velocity = 80;
  std::uint8_t program = 0;           ///< General MIDI family 0–15, kDrumFamily on the drum channel
  std::uint8_t voice = 0;             ///< 0 alone, 1 top, 2 inner, 3 bottom of what begins with it
  std::int32_t track = 0, index = 0;  ///< where it stands: score.tracks[track].notes[index]
};
inline constexpr std::uint8_t kDrumFamily = 16;

/// All notes of all tracks in order of onset, then pitch.
std::vector<SequenceNote> note_sequence(const Score& score);

/// Attributes of a token; each has its own classes, class 0 is "hidden".
enum class NoteAttribute {
  pitch,
  pitch_class,
  voice,
  step_beats,
  position,
  step_seconds,
  length_beats,
  length_seconds,
  velocity,
  program
};
inline constexpr std::size_t kNoteAttributes = 10;
/// Number of classes of each attribute, "hidden" included.
inline constexpr std::array<int, kNoteAttributes> kNoteClasses{257, 14, 5, 38, 97, 33, 38, 33, 17, 18};
inline constexpr int kNoteVocabulary = 550;  ///< their sum
/// First class of each attribute in the joint vocabulary.
constexpr int note_class_offset(NoteAttribute attribute) {
  int offset = 0;
  for (int a = 0; a < static_cast<int>(attribute); ++a) offset += kNoteClasses[static_cast<std::size_t>(a)];
  return offset;
}

/// What a task does not let the network see.
enum NoteHide : unsigned {
  kHideMeter = 1,    ///< beats and bars: steps and lengths then stand in seconds alone
  kHideSeconds = 2,  ///< tempo: steps and lengths then stand in beats alone
  kHideVelocity = 4,
  kHideProgram = 8,
};

/// How one window is read: augmentations and what is hidden.
struct NoteVariation {
  int semitones = 0;  ///< transposition of pitched notes; pitches are held within 0–127
  double tempo = 1;   ///< that many times as fast, > 0
  int velocity = 0;   ///< added to every velocity, held within 1–127
  unsigned hide = 0;  ///< NoteHide
};

/// A window of notes in classes.
struct NoteTokens {
  std::vector<std::int64_t> classes;  ///< [notes × kNoteAttributes], in the joint vocabulary
  std::vector<float> time;            ///< [notes] from the window's beginning: beats, or half seconds without meter
  std::vector<float> pitch;           ///< [notes] for relative pitch; kNoPitch where there is none to see
  std::size_t size() const { return time.size(); }
  /// Makes notes[i].attribute hidden.
  void hide(std::size_t note, NoteAttribute attribute);
  /// Class within the attribute, 0 = hidden.
  int at(std::size_t note, NoteAttribute attribute) const;
};
inline constexpr float kNoPitch = 60.0f;

NoteTokens note_tokens(std::span<const SequenceNote> window, const NoteVariation& variation = {});

/// [begin, end) of windows of at most `longest` notes, equally long within one note, together the whole; where they are
/// more than `most`, so many of them spread evenly. Empty for no notes.
std::vector<std::pair<std::size_t, std::size_t>> note_windows(std::size_t notes, std::size_t longest,
                                                              std::size_t most = 64);

}  // namespace euterpe
