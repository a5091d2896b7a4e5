#pragma once
/// Variants of a recording that are still the same music to the one who learns from it: a chain of steps, each a row of
/// one table, drawn anew for every seed.
///
/// A chain is written in TOML, one [[step]] a step, in order:
///
///     [[step]]
///     name = "pitch"        # one of augmentation_steps()
///     probability = 0.5     # 1 where it is not given
///     cents = 200           # the step's own parameters, their defaults where they are not given
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "media/audio_buffer.hpp"
#include "signal/matrix.hpp"

namespace euterpe {

struct AugmentationParameter {
  const char* name;
  double value;  ///< default
  double low, high;
  const char* meaning;
};

/// Recordings that steps draw from: mono, all at one rate.
struct AugmentationSounds {
  std::vector<AudioBuffer> noises, responses;
};
/// Responses from the audio files whose name begins with "rir", noises from those of the others that are for training
/// (noise_is_for_training()), each at most 30 s. Throws Error{not_found} if there is none.
AugmentationSounds load_augmentation_sounds(const std::filesystem::path& folder, int sample_rate);

using AugmentationValues = std::map<std::string, double, std::less<>>;

/// One kind of step. `apply` changes mono audio in place at its own rate and leaves every sample finite; parameters are
/// the bounds that it draws within.
struct AugmentationStep {
  const char* name;
  const char* summary;
  std::vector<AugmentationParameter> parameters;
  void (*apply)(AudioBuffer& audio, const AugmentationValues& values, const AugmentationSounds& sounds, Random& random);
};
/// gain, eq, pitch, stretch, noise, room, codec.
const std::vector<AugmentationStep>& augmentation_steps();

class AudioAugmentation {
 public:
  AudioAugmentation() = default;  ///< changes nothing
  /// Error{usage} naming line, step and parameter if one is unknown or out of its range.
  static AudioAugmentation from_toml(std::string_view text, std::string_view name = "augmentation");
  static AudioAugmentation from_json(const nlohmann::json& chain);
  nlohmann::json json() const;  ///< every parameter filled in; from_json() reads it back

  /// Recordings for the steps `noise` and `room`, at the rate of the audio that will come.
  void set_sounds(AugmentationSounds sounds) { sounds_ = std::move(sounds); }
  /// The chain applied with what `seed` draws: the same seed, the same samples. `stretch` changes the length, nothing
  /// else does; the rate stays. Throws Error{usage} if a step lacks the recordings that it draws from.
  /// \param audio mono
  AudioBuffer operator()(AudioBuffer audio, std::uint64_t seed) const;

 private:
  struct Step {
    const AugmentationStep* kind;
    double probability;
    AugmentationValues values;
  };
  std::vector<Step> steps_;
  AugmentationSounds sounds_;
};

/// λ · a + (1 − λ) · b over the length of `a`, b repeated where it is shorter (Zhang et al. 2018, mixup); the label is
/// mixed by the same λ. Both mono at one rate.
AudioBuffer mixup(const AudioBuffer& a, const AudioBuffer& b, double lambda);
/// λ from the symmetric Beta(α, α) distribution; α > 0.
double mixup_lambda(double alpha, Random& random);

struct SpecAugment {
  int time_masks = 2, time_width = 24;            ///< how many, and the greatest width in frames; 0 = off
  int frequency_masks = 2, frequency_width = 16;  ///< the same in bins; 0 = off
};
/// Park et al. 2019: rectangles of the matrix (a mel spectrogram, linear or in decibels) replaced by its mean.
void spec_augment(Matrix& mel, const SpecAugment& options, Random& random);

}  // namespace euterpe
