#pragma once
/// The words of reasons_words.hpp, kind of descriptors by kind; here what the kinds share.
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "recognize/reasons_words.hpp"

namespace euterpe::vocabulary {

inline constexpr const char *kBright = "brightness", *kTimbre = "timbre", *kDynamics = "dynamics",
                            *kPulse = "pulse and tempo", *kMotion = "movement of loudness", *kHarmony = "harmony",
                            *kMelody = "melody", *kBass = "bass line", *kRhythm = "rhythm", *kTexture = "texture",
                            *kRange = "range and register", *kRepetition = "repetition", *kDensity = "density",
                            *kArticulation = "articulation", *kFeel = "feel", *kPattern = "drum pattern",
                            *kLearned = "sound as the network hears it";

// From raw descriptors to units, all of them monotone.
double hertz_of_octaves(double octaves_above_100);
double tempo_of_octaves(double octaves_above_120);
double percent(double share);
double less_one(double log2_of_one_more);  ///< 2^x − 1

/// A descriptor whose whole name stands for one thing.
struct Row {
  const char *name, *family, *more, *less, *quantity, *unit;
  int decimals = 0;
  double (*to_unit)(double) = nullptr;
};
std::optional<DescriptorWords> find(std::span<const Row> rows, std::string_view name);

DescriptorWords share(const char* family, const std::string& more, const std::string& less,
                      const std::string& quantity);
/// "3" of "rhythm.length.3" or "degree3", and takes it off the name with its dot; −1 if there is none.
int split_index(std::string_view& name);

template <std::size_t N>
const char* entry(const std::array<const char*, N>& names, int index) {
  return names[static_cast<std::size_t>(std::clamp(index, 0, static_cast<int>(N) - 1))];
}
inline constexpr std::array kDegrees{"tonic",       "flat second", "second",        "minor third",
                                     "major third", "fourth",      "raised fourth", "fifth",
                                     "minor sixth", "major sixth", "minor seventh", "major seventh"};
inline constexpr std::array kIntervals{"a repeated note",  "a semitone",    "a whole tone",    "a minor third",
                                       "a major third",    "a fourth",      "a tritone",       "a fifth",
                                       "a minor sixth",    "a major sixth", "a minor seventh", "a major seventh",
                                       "an octave or more"};
inline constexpr std::array kTogether{"octaves and unisons", "semitones",    "whole tones",    "minor thirds",
                                      "major thirds",        "fourths",      "tritones",       "fifths",
                                      "minor sixths",        "major sixths", "minor sevenths", "major sevenths"};

std::optional<DescriptorWords> of_recordings(std::string_view name);    ///< audio_feature_names()
std::optional<DescriptorWords> of_scores(std::string_view name);        ///< score_feature_names()
std::optional<DescriptorWords> of_performances(std::string_view name);  ///< emotion_ and drum_feature_names()

}  // namespace euterpe::vocabulary
