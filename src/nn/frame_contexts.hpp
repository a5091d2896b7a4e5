#pragma once
/// What the model of frames looks at before it chooses the next higher pitch of a frame, or its end.
#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "nn/keyed_model.hpp"

namespace euterpe {

inline constexpr int kFrameSymbols = 88;  ///< 0 = the frame ends
inline constexpr int kFrameSlots = 6;     ///< first … fifth pitch, and all above

/// Frames of pitches (score/frames.hpp): a row is the pitches of the first frame from below, 0, those of the second …
const KeyedDomain& frame_domain();

/// A piece's past, frame by frame, and the pitches chosen of the next one.
class FrameHistory : public ChoiceHistory {
 public:
  ChoicePoint next() override;
  void choose(int symbol) override;
  std::unique_ptr<ChoiceHistory> clone() const override { return std::make_unique<FrameHistory>(*this); }

 private:
  /// The pitch of one rank from below, as if it were a voice.
  struct Rank {
    int note = -1;                          ///< 0 = frames are not so tall, −1 = no frame yet
    std::array<int, 3> before{-1, -1, -1};  ///< the notes before it, latest first
    int held = 0;                           ///< frames, at most 33
    int length = 0;                         ///< of the note before
  };
  using Symbols = std::vector<int>;
  void append();
  int expected() const;
  std::uint32_t frame(std::size_t lag) const;  ///< hash of the frame `lag` before the next; 0 = none
  int top(std::size_t lag) const;
  std::uint32_t chord(std::size_t lag) const;  ///< its three lowest pitches
  void follow();
  void fill(int expected);

  std::vector<Symbols> frames_;
  std::vector<std::uint32_t> hashes_;
  Symbols now_;
  std::array<Rank, kFrameSlots> ranks_;
  Rank top_, chord_;  ///< the highest pitch; the chord's hash in place of a note
  std::array<int, 4> changes4_{};
  std::array<int, 6> changes6_{};  ///< at which frames of four and of six chords have changed
  int accidentals_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> places_;  ///< of the last frames' hash: where they were heard last
  std::size_t match_ = 0, match_length_ = 0;               ///< frame that followed them, and how many agree
  std::vector<std::uint32_t> features_;
};

}  // namespace euterpe
