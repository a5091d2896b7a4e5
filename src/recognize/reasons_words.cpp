#include "recognize/reasons_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace euterpe {
namespace {

using Map = DescriptorWords::Map;

struct Row {
  const char *name, *family, *more, *less, *quantity, *unit;
  int decimals = 0;
  Map map = Map::as_is;
};

constexpr const char *kBright = "brightness", *kTimbre = "timbre", *kDynamics = "dynamics", *kPulse = "pulse and tempo",
                     *kMotion = "movement of loudness", *kHarmony = "harmony", *kMelody = "melody",
                     *kBass = "bass line", *kRhythm = "rhythm", *kTexture = "texture", *kRange = "range and register",
                     *kRepetition = "repetition", *kLearned = "sound as the network hears it";

/// Descriptors whose whole name stands for one thing.
constexpr Row kRows[]{
    {"centroid_mean", kBright, "brighter", "darker", "spectral centroid", "Hz", 0, Map::octaves_to_hertz},
    {"centroid_p90", kBright, "brighter at its brightest", "darker at its brightest", "spectral centroid, 90 %", "Hz",
     0, Map::octaves_to_hertz},
    {"centroid_p10", kBright, "brighter at its darkest", "darker at its darkest", "spectral centroid, 10 %", "Hz", 0,
     Map::octaves_to_hertz},
    {"centroid_deviation", kBright, "more changing in brightness", "steadier in brightness",
     "spectral centroid varies by", "octaves", 2},
    {"centroid_change", kBright, "more restless in brightness", "calmer in brightness", "spectral centroid moves by",
     "octaves a frame", 2},
    {"rolloff_mean", kBright, "richer in treble", "poorer in treble", "85 % of the energy below", "Hz", 0,
     Map::octaves_to_hertz},
    {"rolloff_p90", kBright, "richer in treble at its brightest", "poorer in treble at its brightest",
     "85 % of the energy below", "Hz", 0, Map::octaves_to_hertz},
    {"rolloff_deviation", kBright, "more changing in its treble", "steadier in its treble", "rolloff varies by",
     "octaves", 2},
    {"bandwidth_mean", kBright, "wider in spectrum", "narrower in spectrum", "bandwidth", "Hz", 0,
     Map::octaves_to_hertz},
    {"zero_crossings_mean", kBright, "sharper in sound", "softer in sound", "zero crossings", "Hz", 0,
     Map::root_to_hertz},
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
     Map::percent},
    {"onset_mean", kPulse, "stronger in attacks", "softer in attacks", "onset strength", "", 2},
    {"onset_deviation", kPulse, "more accented", "less accented", "onset strength varies by", "", 2},
    {"onset_peak", kPulse, "harder in its attacks", "gentler in its attacks", "strongest onsets", "", 2},
    {"onset_skewness", kPulse, "sparser in its accents", "denser in its accents", "skewness of onset strength", "", 1},
    {"onsets_per_second", kPulse, "busier", "sparser", "onsets", "a second", 1},
    {"tempo_octaves", kPulse, "faster", "slower", "tempo", "bpm", 0, Map::octaves_to_tempo},
    {"tempo_confidence", kPulse, "clearer in tempo", "freer in tempo", "tempo confidence", "", 2},
    {"pulse_peakedness", kPulse, "steadier in pulse", "less steady in pulse", "pulse clarity", "", 2},
    {"key_confidence", kHarmony, "clearer in key", "less clear in key", "key confidence", "", 2},
    {"minor", kHarmony, "more in minor", "more in major", "minor", "%", 0, Map::percent},
    {"chroma_entropy_mean", kHarmony, "denser in harmony", "plainer in harmony", "entropy of the pitch classes", "bits",
     2},
    {"chroma_entropy_deviation", kHarmony, "more varied in density of harmony", "more even in density of harmony",
     "entropy varies by", "bits", 2},
    {"chroma_change", kHarmony, "quicker in its changes of pitch", "slower in its changes of pitch", "chroma flux", "",
     2},
    {"detuning", kHarmony, "farther from A = 440 Hz", "nearer to A = 440 Hz", "detuning", "% of a semitone", 0,
     Map::percent},
    {"top.leap_mean", kMelody, "wider in its melodic steps", "smoother in its melody", "mean step", "octaves", 2},
    {"top.leap_deviation", kMelody, "more mixed of steps and leaps", "more even in its melodic steps", "steps vary by",
     "octaves", 2},
    {"bass.leap_mean", kBass, "wider in the steps of its bass", "smoother in its bass", "mean step", "octaves", 2},
    {"bass.leap_deviation", kBass, "more mixed of steps and leaps in the bass", "more even in the steps of its bass",
     "steps vary by", "octaves", 2},
    {"rhythm.length_mean", kRhythm, "longer in its notes", "shorter in its notes", "mean length", "sixteenths", 1,
     Map::log2_of_one_more},
    {"rhythm.length_deviation", kRhythm, "more varied in its note lengths", "more even in its note lengths",
     "lengths vary by", "sixteenths", 1, Map::log2_of_one_more},
    {"rhythm.syncopated", kRhythm, "more syncopated", "less syncopated", "notes held over a beat", "%", 0,
     Map::percent},
    {"rhythm.notes_per_beat", kRhythm, "fuller of notes", "sparer of notes", "notes", "a beat", 1,
     Map::log2_of_one_more},
    {"rhythm.onsets_per_beat", kRhythm, "busier", "calmer", "onsets", "a beat", 1},
    {"texture.change", kTexture, "more restless in its number of voices", "steadier in its number of voices",
     "voices change by", "a sixteenth", 2},
    {"texture.chord_width", kTexture, "wider in its chords", "closer in its chords", "width", "octaves", 1},
    {"texture.equal_lengths", kTexture, "more in block chords", "more polyphonic", "chords of one length", "%", 0,
     Map::percent},
    {"pitch.minor", kHarmony, "more in minor", "more in major", "minor", "%", 0, Map::percent},
    {"pitch.key_confidence", kHarmony, "clearer in key", "less clear in key", "key confidence", "", 2},
    {"pitch.spread", kRange, "more spread in pitch", "closer in pitch", "spread", "octaves", 2},
    {"pitch.top_spread", kRange, "wider in the range of its melody", "narrower in the range of its melody", "spread",
     "octaves", 2},
    {"pitch.bass_spread", kRange, "wider in the range of its bass", "narrower in the range of its bass", "spread",
     "octaves", 2},
    {"pitch.range", kRange, "wider in range", "narrower in range", "range", "octaves", 1},
    {"pitch.distance_of_voices", kRange, "farther between melody and bass", "closer between melody and bass",
     "distance", "octaves", 1},
    {"register.top", kRange, "higher in its melody", "lower in its melody", "above middle C", "octaves", 1},
    {"register.bass", kRange, "higher in its bass", "lower in its bass", "above middle C", "octaves", 1},
};

constexpr std::array kDegrees{"tonic",       "flat second", "second",        "minor third",
                              "major third", "fourth",      "raised fourth", "fifth",
                              "minor sixth", "major sixth", "minor seventh", "major seventh"};
constexpr std::array kIntervals{"a repeated note",  "a semitone",    "a whole tone",    "a minor third",
                                "a major third",    "a fourth",      "a tritone",       "a fifth",
                                "a minor sixth",    "a major sixth", "a minor seventh", "a major seventh",
                                "an octave or more"};
constexpr std::array kTogether{"octaves and unisons", "semitones",    "whole tones",    "minor thirds",
                               "major thirds",        "fourths",      "tritones",       "fifths",
                               "minor sixths",        "major sixths", "minor sevenths", "major sevenths"};
constexpr std::array kLengths{"a sixteenth",
                              "an eighth",
                              "a dotted eighth",
                              "a quarter",
                              "five sixteenths",
                              "a dotted quarter",
                              "seven sixteenths",
                              "a half",
                              "nine to eleven sixteenths",
                              "a dotted half",
                              "thirteen to fifteen sixteenths",
                              "a whole bar",
                              "over a bar"};
constexpr std::array kBands{"deepest bass", "bass",     "low mids", "mids",
                            "upper mids",   "presence", "treble",   "highest treble"};
constexpr std::array kMotions{"parallel", "similar", "contrary", "oblique", "still"};

template <std::size_t N>
const char* entry(const std::array<const char*, N>& names, int index) {
  return names[static_cast<std::size_t>(std::clamp(index, 0, static_cast<int>(N) - 1))];
}

DescriptorWords share(const char* family, const std::string& more, const std::string& less,
                      const std::string& quantity) {
  return {family, more, less, quantity, "%", 0, Map::percent};
}

/// "3" and all before it, of "rhythm.length.3" or "degree3".
int split_index(std::string_view& name) {
  std::size_t at = name.size();
  while (at > 0 && std::isdigit(static_cast<unsigned char>(name[at - 1]))) --at;
  int index = -1;
  std::from_chars(name.data() + at, name.data() + name.size(), index);
  name = name.substr(0, at);
  if (name.ends_with('.')) name.remove_suffix(1);
  return index;
}

DescriptorWords modulation(int band, int octave) {
  constexpr double kSlowest = 22050.0 / 512 / 256;  // Hz, the lowest bin of a window of 256 frames
  const double slow = kSlowest * std::exp2(octave), fast = 2 * slow;
  const std::string place = fmt::format("the {} at {:.1f}–{:.1f} Hz", entry(kBands, band), slow, fast);
  return {kMotion, "livelier in " + place, "steadier in " + place, "level swings by", "dB", 2, Map::swing};
}

/// Spectral contrast: peaks over valleys within octaves.
DescriptorWords contrast(int band) {
  const int low = band == 0 ? 0 : 100 << band, high = 200 << band;
  const std::string place =
      band >= 6 ? fmt::format("above {} Hz", low) : fmt::format("between {} and {} Hz", low, high);
  return {kTimbre, "clearer in its tones " + place, "more noise-like " + place, "contrast", "dB", 1};
}

DescriptorWords voice(const char* family, const char* of, std::string_view what, int index) {
  if (what == "interval") {
    const int step = index - 12;
    const std::string name = fmt::format("{}{}", entry(kIntervals, std::abs(step)),
                                         step > 0   ? " up"
                                         : step < 0 ? " down"
                                                    : "");
    return share(family, fmt::format("richer in steps of {} in its {}", name, of),
                 fmt::format("poorer in steps of {} in its {}", name, of), "of the steps");
  }
  if (what == "gap")
    return share(family, fmt::format("richer in its {} in onsets {} apart", of, entry(kLengths, index)),
                 fmt::format("poorer in its {} in onsets {} apart", of, entry(kLengths, index)), "of the onsets");
  return {family, "", "", "contour", "%", 0, Map::percent};
}

DescriptorWords indexed(std::string_view name, int index) {
  if (name == "degree" || name == "pitch.degree")
    return share(kHarmony, fmt::format("richer in the {}", entry(kDegrees, index)),
                 fmt::format("poorer in the {}", entry(kDegrees, index)), "of the sound");
  if (name == "pitch.bass_degree")
    return share(kHarmony, fmt::format("more often on the {} in the bass", entry(kDegrees, index)),
                 fmt::format("less often on the {} in the bass", entry(kDegrees, index)), "of the bass notes");
  if (name == "interval_class" || name == "texture.over_lowest")
    return {name == "interval_class" ? kHarmony : kTexture,
            fmt::format("richer in {} sounding together", entry(kTogether, index)),
            fmt::format("poorer in {} sounding together", entry(kTogether, index)),
            "of the intervals",
            "%",
            0,
            Map::percent};
  if (name.starts_with("top.")) return voice(kMelody, "melody", name.substr(4), index);
  if (name.starts_with("bass.")) return voice(kBass, "bass", name.substr(5), index);
  if (name == "rhythm.length")
    return share(kRhythm, fmt::format("richer in notes of {}", entry(kLengths, index)),
                 fmt::format("poorer in notes of {}", entry(kLengths, index)), "of the notes");
  if (name == "rhythm.gap")
    return share(kRhythm, fmt::format("richer in onsets {} apart", entry(kLengths, index)),
                 fmt::format("poorer in onsets {} apart", entry(kLengths, index)), "of the onsets");
  if (name == "rhythm.in_beat") {
    static constexpr std::array kPlaces{"on the beat", "just after the beat", "on the half beat",
                                        "just before the beat"};
    return share(kRhythm, fmt::format("more {}", entry(kPlaces, index)), fmt::format("less {}", entry(kPlaces, index)),
                 "of the onsets");
  }
  if (name == "texture.polyphony") {
    const std::string voices =
        index == 0 ? "silent" : fmt::format("with {}{} notes sounding", index, index == 8 ? " and more" : "");
    return share(kTexture, voices + " for more of the time", voices + " for less of the time", "of the time");
  }
  if (name == "texture.chord_size")
    return share(kTexture,
                 fmt::format("richer in {}", index == 0 ? "single notes" : fmt::format("chords of {}", index + 1)),
                 fmt::format("poorer in {}", index == 0 ? "single notes" : fmt::format("chords of {}", index + 1)),
                 "of the onsets");
  if (name == "texture.motion")
    return share(kTexture, fmt::format("more often {} between melody and bass", entry(kMotions, index)),
                 fmt::format("less often {} between melody and bass", entry(kMotions, index)), "of the steps");
  if (name == "repeat.notes" || name == "repeat.rhythm") {
    const std::string after = index < 16 ? (index == 4 ? "a beat" : "half a bar")
                                         : fmt::format("{} bar{}", index / 16, index == 16 ? "" : "s");
    const std::string what = name == "repeat.notes" ? "notes" : "rhythm";
    return share(kRepetition, fmt::format("more repetitive in its {} after {}", what, after),
                 fmt::format("less repetitive in its {} after {}", what, after), "come again");
  }
  return {};
}

/// Names without plain words still belong to a family.
const char* family_of(std::string_view name) {
  static constexpr std::pair<std::string_view, const char*> kPrefixes[]{
      {"embedding", kLearned},      {"mfcc", kTimbre},       {"contrast", kTimbre}, {"flatness", kTimbre},
      {"centroid", kBright},        {"bandwidth", kBright},  {"rolloff", kBright},  {"zero_crossings", kBright},
      {"level", kDynamics},         {"modulation", kMotion}, {"onset", kPulse},     {"tempo", kPulse},
      {"beat_histogram", kPulse},   {"pulse", kPulse},       {"chroma", kHarmony},  {"degree", kHarmony},
      {"interval_class", kHarmony}, {"top.", kMelody},       {"bass.", kBass},      {"rhythm.", kRhythm},
      {"texture.", kTexture},       {"pitch.", kRange},      {"register.", kRange}, {"repeat.", kRepetition}};
  for (const auto& [prefix, family] : kPrefixes)
    if (name.starts_with(prefix)) return family;
  return "other figures";
}

}  // namespace

double DescriptorWords::in_unit(double value) const {
  switch (map) {
    case Map::as_is:
      return value;
    case Map::octaves_to_hertz:
      return 100 * std::exp2(value);
    case Map::percent:
      return 100 * value;
    case Map::octaves_to_tempo:
      return 120 * std::exp2(value);
    case Map::swing:
      return std::max(0.0, std::pow(10, value) - 0.01);
    case Map::log2_of_one_more:
      return std::exp2(value) - 1;
    case Map::root_to_hertz:
      return std::max(value, 0.0) * std::max(value, 0.0) * 22050 / 2;
  }
  return value;
}

std::string DescriptorWords::number(double value) const {
  std::string text = fmt::format("{:.{}f}", std::abs(value), decimals);
  const bool zero = text.find_first_not_of("0.") == std::string::npos;
  const auto point = std::min(text.find('.'), text.size());
  for (std::size_t at = point; at > 3; at -= 3) text.insert(at - 3, ",");
  return value < 0 && !zero ? "−" + text : text;
}

std::string DescriptorWords::with_unit(double value) const {
  std::string figure = unit.empty() ? number(value) : number(value) + " " + unit;
  return quantity.starts_with("of the") || quantity == "come again" ? figure + " " + quantity : quantity + " " + figure;
}

DescriptorWords descriptor_words(std::string_view name) {
  for (const Row& row : kRows)
    if (name == row.name) return {row.family, row.more, row.less, row.quantity, row.unit, row.decimals, row.map};
  int band = 0, octave = 0;
  if (std::sscanf(std::string(name).c_str(), "modulation_band%d_octave%d", &band, &octave) == 2)
    return modulation(band, octave);
  if (std::sscanf(std::string(name).c_str(), "contrast%d_", &band) == 1 && name.ends_with("_mean"))
    return contrast(band);
  std::string_view stem = name;
  const int index = split_index(stem);
  if (index >= 0)
    if (auto words = indexed(stem, index); !words.family.empty()) return words;
  DescriptorWords words;
  words.family = family_of(name);
  if (words.family == "other figures") {
    std::string plain(name);
    std::replace(plain.begin(), plain.end(), '_', ' ');
    words.more = "higher in " + plain, words.less = "lower in " + plain, words.quantity = plain, words.decimals = 2;
  }
  return words;
}

}  // namespace euterpe
