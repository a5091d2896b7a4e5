#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "recognize/reasons_vocabulary.hpp"

namespace euterpe::vocabulary {
namespace {

double hertz_of_crossings(double root) { return std::max(root, 0.0) * std::max(root, 0.0) * 22050 / 2; }
double decibels_of_swing(double logarithm) { return std::max(0.0, std::pow(10, logarithm) - 0.01); }

constexpr Row kRows[]{
    {"centroid_mean", kBright, "brighter", "darker", "spectral centroid", "Hz", 0, hertz_of_octaves},
    {"centroid_p90", kBright, "brighter at its brightest", "darker at its brightest", "spectral centroid, 90 %", "Hz",
     0, hertz_of_octaves},
    {"centroid_p10", kBright, "brighter at its darkest", "darker at its darkest", "spectral centroid, 10 %", "Hz", 0,
     hertz_of_octaves},
    {"centroid_deviation", kBright, "more changing in brightness", "steadier in brightness",
     "spectral centroid varies by", "octaves", 2},
    {"centroid_change", kBright, "more restless in brightness", "calmer in brightness", "spectral centroid moves by",
     "octaves a frame", 2},
    {"rolloff_mean", kBright, "richer in treble", "poorer in treble", "85 % of the energy below", "Hz", 0,
     hertz_of_octaves},
    {"rolloff_p90", kBright, "richer in treble at its brightest", "poorer in treble at its brightest",
     "85 % of the energy below", "Hz", 0, hertz_of_octaves},
    {"rolloff_deviation", kBright, "more changing in its treble", "steadier in its treble", "rolloff varies by",
     "octaves", 2},
    {"bandwidth_mean", kBright, "wider in spectrum", "narrower in spectrum", "bandwidth", "Hz", 0, hertz_of_octaves},
    {"zero_crossings_mean", kBright, "sharper in sound", "softer in sound", "zero crossings", "Hz", 0,
     hertz_of_crossings},
    {"flatness_mean", kTimbre, "noisier", "more tonal", "spectral flatness, log10", "", 2},
    {"flatness_p90", kTimbre, "noisier at its noisiest", "more tonal even at its noisiest", "spectral flatness, log10",
     "", 2},
    {"flatness_p10", kTimbre, "noisier at its purest", "purer at its purest", "spectral flatness, log10", "", 2},
    {"flatness_deviation", kTimbre, "more mixed of tones and noise", "more even between tones and noise",
     "flatness varies by", "", 2},
    {"flatness_change", kTimbre, "quicker between tones and noise", "slower between tones and noise",
     "flatness moves by", "", 2},
    {"mfcc0_mean", kDynamics, "fuller in its spectrum", "thinner in its spectrum", "mean level of all bands (MFCC 0)",
     "", 0},
    {"mfcc1_mean", kBright, "heavier in the lows", "lighter in the lows", "tilt to the lows (MFCC 1)", "", 0},
    {"level_median", kDynamics, "louder", "quieter", "level", "dB", 1},
    {"level_deviation", kDynamics, "more uneven in level", "more even in level", "level varies by", "dB", 1},
    {"level_range_90", kDynamics, "wider in dynamics", "more compressed", "dynamic range", "dB", 1},
    {"level_range_50", kDynamics, "wider in dynamics", "more even in level", "middle half of the levels", "dB", 1},
    {"level_change", kDynamics, "more restless in level", "smoother in level", "level moves by", "dB a frame", 2},
    {"quiet_share", kDynamics, "quiet for more of the time", "quiet for less of the time", "quiet", "% of the time", 0,
     percent},
    {"onset_mean", kPulse, "stronger in attacks", "softer in attacks", "onset strength", "", 2},
    {"onset_deviation", kPulse, "more accented", "less accented", "onset strength varies by", "", 2},
    {"onset_peak", kPulse, "harder in its attacks", "gentler in its attacks", "strongest onsets", "", 2},
    {"onset_skewness", kPulse, "sparser in its accents", "denser in its accents", "skewness of onset strength", "", 1},
    {"onsets_per_second", kPulse, "busier", "sparser", "onsets", "a second", 1},
    {"tempo_octaves", kPulse, "faster", "slower", "tempo", "bpm", 0, tempo_of_octaves},
    {"tempo_confidence", kPulse, "clearer in tempo", "freer in tempo", "tempo confidence", "", 2},
    {"pulse_peakedness", kPulse, "steadier in pulse", "less steady in pulse", "pulse clarity", "", 2},
    {"key_confidence", kHarmony, "clearer in key", "less clear in key", "key confidence", "", 2},
    {"minor", kHarmony, "more in minor", "more in major", "minor", "%", 0, percent},
    {"chroma_entropy_mean", kHarmony, "denser in harmony", "plainer in harmony", "entropy of the pitch classes", "bits",
     2},
    {"chroma_entropy_deviation", kHarmony, "more varied in density of harmony", "more even in density of harmony",
     "entropy varies by", "bits", 2},
    {"chroma_change", kHarmony, "quicker in its changes of pitch", "slower in its changes of pitch", "chroma flux", "",
     2},
    {"detuning", kHarmony, "farther from A = 440 Hz", "nearer to A = 440 Hz", "detuning", "% of a semitone", 0,
     percent},
};

constexpr std::array kBands{"deepest bass", "bass",     "low mids", "mids",
                            "upper mids",   "presence", "treble",   "highest treble"};

DescriptorWords modulation(int band, int octave) {
  constexpr double kSlowest = 22050.0 / 512 / 256;  // Hz, the lowest bin of a window of 256 frames
  const double slow = kSlowest * std::exp2(octave), fast = 2 * slow;
  const std::string place = fmt::format("the {} at {:.1f}–{:.1f} Hz", entry(kBands, band), slow, fast);
  return {kMotion, "livelier in " + place, "steadier in " + place, "level swings by", "dB", 2, decibels_of_swing};
}

/// Spectral contrast: peaks over valleys within octaves.
DescriptorWords contrast(int band) {
  const int low = band == 0 ? 0 : 100 << band, high = 200 << band;
  const std::string place =
      band >= 6 ? fmt::format("above {} Hz", low) : fmt::format("between {} and {} Hz", low, high);
  return {kTimbre, "clearer in its tones " + place, "more noise-like " + place, "contrast", "dB", 1};
}

}  // namespace

std::optional<DescriptorWords> of_recordings(std::string_view name) {
  if (auto words = find(kRows, name)) return words;
  int band = 0, octave = 0;
  const std::string whole(name);
  if (std::sscanf(whole.c_str(), "modulation_band%d_octave%d", &band, &octave) == 2) return modulation(band, octave);
  if (std::sscanf(whole.c_str(), "contrast%d_", &band) == 1 && name.ends_with("_mean")) return contrast(band);
  const int index = split_index(name);
  if (index < 0) return {};
  if (name == "degree")
    return share(kHarmony, fmt::format("richer in the {}", entry(kDegrees, index)),
                 fmt::format("poorer in the {}", entry(kDegrees, index)), "of the sound");
  if (name == "interval_class")
    return share(kHarmony, fmt::format("richer in {} sounding together", entry(kTogether, index)),
                 fmt::format("poorer in {} sounding together", entry(kTogether, index)), "of the intervals");
  return {};
}

}  // namespace euterpe::vocabulary
