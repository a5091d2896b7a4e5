#pragma once
/// What the model of four voices looks at before it chooses a voice's next sixteenth.
#include <array>
#include <cstdint>
#include <vector>

#include "nn/context_mixing.hpp"

namespace euterpe {

inline constexpr int kGridVoices = 4;
inline constexpr int kVoiceSymbols = 73;  ///< 0 = rest, 1 … 72 = semitones from two octaves and a half below the tonic
using VoiceSymbols = std::array<int, kGridVoices>;  ///< of one sixteenth, soprano first

/// The tables of contexts.
ContextShape voice_context_shape();

/// A piece's past, sixteenth by sixteenth, and where it stands: which notes each voice sang last and how long.
class VoiceHistory {
 public:
  void append(const VoiceSymbols& step);
  std::size_t size() const { return steps_.size(); }
  /// The choice of `voice` at the next sixteenth, the voices above it having chosen `now`. The point's features stay
  /// valid until the next call.
  ChoicePoint point(int voice, const VoiceSymbols& now);

 private:
  struct Voice {
    int note = kVoiceSymbols;                                                ///< kVoiceSymbols = nothing yet
    std::array<int, 3> before{kVoiceSymbols, kVoiceSymbols, kVoiceSymbols};  ///< the notes before it, latest first
    int held = 0;                                                            ///< sixteenths, at most 33
    std::array<int, 2> lengths{};                                            ///< of the notes before it
  };
  int lag(std::size_t steps, int voice) const;
  bool moved(std::size_t t, int voice) const;
  std::uint32_t moved_before(std::size_t steps, int voice) const;
  void fill(int voice, const VoiceSymbols& now);

  std::vector<VoiceSymbols> steps_;
  std::array<Voice, kGridVoices> voices_;
  int accidentals_ = 0;  ///< of the five pairs of neighbors that a scale chooses from, a bit each: the one heard last
  int since_end_ = 0;    ///< sixteenths since the soprano left a note of a half or longer, at most 63
  std::vector<std::uint32_t> features_;
};

}  // namespace euterpe
