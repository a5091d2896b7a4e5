#include "compose/chord_tones.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

// Chosen so that composed notes spend as much of their time on tones of the asked chords as those of real music do on
// tones of the chords heard there (validation pieces; docs/compose_models.md).
constexpr float kOnBeat = 1.2F, kBetween = 0.6F, kPerBeat = 0.6F;  // nats

bool is_tone(const Chord& chord, int pitch) {
  return chord.root < 0 || (chord_intervals(chord.quality) >> ((pitch - chord.root + 12) % 12) & 1) != 0;
}

}  // namespace

void lean_on_chords(std::span<float> logits, const BarChords& chords, std::span<const Token> bar, int meter) {
  EUTERPE_ASSERT(!chords.empty());
  int position = -1, pitch = -1, held = 0;  // of the note whose duration is being said, −1: none is
  for (const Token t : bar) {
    const TokenKind kind = V::kind(t);
    if (kind == TokenKind::position) position = V::value(t);
    if (kind == TokenKind::duration)
      held += V::value(t) + 1;
    else
      pitch = kind == TokenKind::pitch ? V::value(t) : -1, held = 0;
  }
  if (position < 0) return;
  const MeterChoice& m = remi_meters()[static_cast<std::size_t>(meter)];
  const int beat = kGridPerWhole / m.denominator;
  const int middle = m.grid() * ((m.numerator + 1) / 2) / m.numerator;
  const auto chord_at = [&](int at) -> const Chord& { return at < middle ? chords.front() : chords.back(); };

  const float taken = position % beat == 0 ? kOnBeat : kBetween;
  for (int p = 0; p < V::count(TokenKind::pitch); ++p)
    if (!is_tone(chord_at(position), p)) logits[V::token(TokenKind::pitch, p)] -= taken;
  if (pitch < 0) return;
  for (int step = 0, foreign = 0; step < held + kMaxDuration; ++step) {
    // What sounds on into the next bar is judged there by what else sounds, not here.
    if (position + step < m.grid() && !is_tone(chord_at(position + step), pitch)) ++foreign;
    const int said = step + 1 - held;
    if (said < 1) continue;
    const float beats_too_long = static_cast<float>(foreign) / static_cast<float>(beat) - 0.5F;
    logits[V::token(TokenKind::duration, said - 1)] -= kPerBeat * std::max(0.0F, beats_too_long);
  }
}

}  // namespace euterpe
