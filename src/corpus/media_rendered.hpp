#pragma once
/// Music of known content for learning to hear: scores played by a synthesizer on instruments drawn at random, with
/// what sounds at each moment.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "corpus/datasets.hpp"
#include "media/audio_buffer.hpp"

namespace euterpe {

/// A note as it is played.
struct SoundingNote {
  float begin = 0, end = 0;     ///< seconds from the beginning of the clip
  std::uint8_t instrument = 0;  ///< General MIDI program, or kPercussion + key of the percussion map (35 … 81)
  std::uint8_t pitch = 60, velocity = 80;
  bool operator==(const SoundingNote&) const = default;
};
inline constexpr int kPercussion = 128;

/// How instruments are put together.
enum class Ensemble { solo, mixed, rock, electronic, orchestra, church, acoustic, jazz };
inline constexpr int kEnsembles = 8;

struct RenderedClip {
  AudioBuffer audio;                ///< mono, 22,050 Hz, peak at most 1
  std::vector<SoundingNote> notes;  ///< in order of begin
  Ensemble ensemble = Ensemble::solo;
  int style = 0;       ///< index into RenderedMusic::styles()
  double tempo = 120;  ///< quarter notes a minute
  int drum_kit = -1;   ///< General MIDI kit (0 standard, 25 TR-808, 40 brush …), −1 = no drums
};

/// Excerpts of scores with new instruments, keys, tempos and drums. The same seed gives the same clip.
class RenderedMusic {
 public:
  /// \param pieces with pitched notes; \param grooves drum performances, may be empty
  RenderedMusic(std::vector<Piece> pieces, std::vector<Score> grooves);
  const std::vector<std::string>& styles() const { return styles_; }  ///< of the pieces, sorted
  /// \param seconds length of the clip, 1 … 120
  RenderedClip render(double seconds, std::uint64_t seed) const;

 private:
  std::vector<std::string> styles_;
  std::vector<std::vector<Piece>> pieces_;  ///< by style
  std::vector<Score> grooves_;
};

/// Noises of every color and decaying rooms for AudioAugmentation::set_sounds(), made by calculation: nobody's
/// recording enters what learns from them. \param sample_rate Hz
struct AugmentationSounds;
AugmentationSounds synthetic_sounds(int sample_rate, std::uint64_t seed);

}  // namespace euterpe
