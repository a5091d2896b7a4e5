#pragma once
/// What the model of four voices looks at before it chooses a voice's next sixteenth.
#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "nn/keyed_model.hpp"

namespace euterpe {

inline constexpr int kGridVoices = 4;
inline constexpr int kVoiceSymbols = 73;            ///< 0 = rest
using VoiceSymbols = std::array<int, kGridVoices>;  ///< of one sixteenth, soprano first

/// Four voices on a grid of sixteenths (score/voice_grid.hpp): a row is S A T B of the first sixteenth, of the second …
const KeyedDomain& voice_domain();

/// A piece's past, sixteenth by sixteenth, and where it stands: which notes each voice sang last and how long.
class VoiceHistory : public ChoiceHistory {
 public:
  ChoicePoint next() override;
  void choose(int symbol) override;
  std::unique_ptr<ChoiceHistory> clone() const override { return std::make_unique<VoiceHistory>(*this); }

 private:
  struct Voice {
    int note = kVoiceSymbols;                                                ///< kVoiceSymbols = nothing yet
    std::array<int, 3> before{kVoiceSymbols, kVoiceSymbols, kVoiceSymbols};  ///< the notes before it, latest first
    int held = 0;                                                            ///< sixteenths, at most 33
    std::array<int, 2> lengths{};                                            ///< of the notes before it
  };
  void append(const VoiceSymbols& step);
  int lag(std::size_t steps, int voice) const;
  bool moved(std::size_t t, int voice) const;
  std::uint32_t moved_before(std::size_t steps, int voice) const;
  void follow();
  void hash_tune();
  void fill(int voice, const VoiceSymbols& now);

  std::vector<VoiceSymbols> steps_;
  VoiceSymbols now_{};  ///< chosen so far at the next sixteenth
  int turn_ = 0;        ///< the voice that chooses
  std::array<Voice, kGridVoices> voices_;
  int accidentals_ = 0;  ///< of the five pairs of neighbors that a scale chooses from, a bit each: the one heard last
  int since_end_ = 0;    ///< sixteenths since the soprano left a note of a half or longer, at most 63
  std::unordered_map<std::uint64_t, std::size_t> places_;        ///< where the last eight sixteenths were heard before
  std::size_t match_ = 0, match_length_ = 0;                     ///< what followed them there, and how many agree
  std::vector<int> tune_, tune_lengths_;                         ///< the soprano's notes
  std::array<std::uint32_t, 4> steps_of_tune_{}, timed_tune_{};  ///< hashes of its last 3, 5, 7, 9 notes
  std::vector<std::uint32_t> features_;
};

}  // namespace euterpe
