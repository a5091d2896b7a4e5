#include <fmt/format.h>

#include <cmath>

#include "recognize/reasons_vocabulary.hpp"

namespace euterpe::vocabulary {
namespace {

double exponential(double logarithm) { return std::exp(logarithm); }
double drum_tempo(double octaves_above_100) { return 100 * std::exp2(octaves_above_100); }
double of_full(double velocity) { return 127 * velocity; }
double late_percent(double sixteenths) { return 100 * sixteenths; }

constexpr Row kRows[]{
    {"density.notes", kDensity, "fuller of notes", "sparer of notes", "notes", "a second", 1, exponential},
    {"density.onsets", kDensity, "busier", "calmer", "onsets", "a second", 1, exponential},
    {"density.notes_per_onset", kTexture, "fuller in its chords", "thinner in its chords", "notes", "an onset", 1},
    {"density.over_time.deviation", kDensity, "more changing in density", "more even in density", "density varies by",
     "notes a second", 1},
    {"density.over_time.p10", kDensity, "busier at its calmest", "calmer at its calmest", "notes", "a second", 1},
    {"density.over_time.p90", kDensity, "busier at its busiest", "calmer at its busiest", "notes", "a second", 1},
    {"gap.p50", kDensity, "slower from onset to onset", "quicker from onset to onset", "median gap", "s", 2,
     exponential},
    {"gap.p90", kDensity, "longer in its rests between onsets", "shorter in its rests between onsets", "long gaps", "s",
     2, exponential},
    {"gap.p10", kDensity, "slower in its quickest onsets", "quicker in its quickest onsets", "short gaps", "s", 2,
     exponential},
    {"gap.change", kDensity, "freer in rhythm", "more even in rhythm", "gaps change by", "(natural log)", 2},
    {"length.p50", kArticulation, "more sustained", "more detached", "median length", "s", 2, exponential},
    {"length.p90", kArticulation, "longer in its held notes", "shorter in its held notes", "long notes", "s", 2,
     exponential},
    {"length.p10", kArticulation, "longer in its shortest notes", "crisper in its shortest notes", "short notes", "s",
     2, exponential},
    {"length.overlap", kArticulation, "richer in overlapping notes", "poorer in overlapping notes", "notes sounding",
     "", 1},
    {"length.brief", kArticulation, "richer in staccato", "poorer in staccato", "of the notes under 0.15 s", "%", 0,
     percent},
    {"length.sustained", kArticulation, "richer in notes over a second", "poorer in notes over a second",
     "of the notes over 1 s", "%", 0, percent},
    {"pulse.clarity", kPulse, "steadier in pulse", "freer in pulse", "pulse clarity", "", 2},
    {"pulse.period", kPulse, "slower in pulse", "quicker in pulse", "period", "s", 2},
    {"loudness.mean", kDynamics, "louder", "softer", "mean velocity", "", 0},
    {"loudness.p50", kDynamics, "louder", "softer", "median velocity", "", 0},
    {"loudness.p90", kDynamics, "louder at its loudest", "softer at its loudest", "loud velocity", "", 0},
    {"loudness.p10", kDynamics, "louder at its softest", "softer at its softest", "soft velocity", "", 0},
    {"loudness.deviation", kDynamics, "wider in dynamics", "more even in dynamics", "velocity varies by", "", 0},
    {"loudness.change", kDynamics, "more accented from note to note", "smoother from note to note",
     "velocity changes by", "", 1},
    {"loudness.over_time.deviation", kDynamics, "richer in swells", "poorer in swells", "velocity swells by", "", 1},
    {"register.mean", kRange, "higher", "lower", "mean MIDI pitch", "", 0},
    {"register.by_length", kRange, "higher", "lower", "mean MIDI pitch by length", "", 0},
    {"register.lowest", kRange, "higher in its lowest note", "deeper in its lowest note", "MIDI pitch", "", 0},
    {"register.highest", kRange, "higher in its highest note", "lower in its highest note", "MIDI pitch", "", 0},
    {"register.top.mean", kRange, "higher on top", "lower on top", "mean MIDI pitch", "", 0},
    {"register.bass.mean", kRange, "higher in its bass", "deeper in its bass", "mean MIDI pitch", "", 0},
    {"register.melody.mean", kRange, "higher in its melody", "lower in its melody", "mean MIDI pitch", "", 0},
    {"register.melody.deviation", kRange, "wider in the range of its melody", "narrower in the range of its melody",
     "spread", "semitones", 1},
    {"range", kRange, "wider in range", "narrower in range", "range", "semitones", 0},
    {"melody.up", kMelody, "more rising in its melody", "more falling in its melody", "of the steps up", "%", 0,
     percent},
    {"melody.step_size", kMelody, "wider in its melodic steps", "smoother in its melody", "mean step", "semitones", 1},
    {"melody.notes_per_second", kMelody, "quicker in its melody", "slower in its melody", "melody notes", "a second",
     1},
    {"melody.share", kTexture, "barer around its melody", "fuller around its melody", "of the notes in the melody", "%",
     0, percent},
    {"voices.mean", kTexture, "fuller in its sound", "thinner in its sound", "notes sounding", "", 1},
    {"voices.deviation", kTexture, "more changing in fullness", "more even in fullness", "notes sounding vary by", "",
     1},
    {"mode.major_lead", kHarmony, "more major", "more minor", "fit of major over minor", "", 2},
    {"mode.minor", kHarmony, "more in minor", "more in major", "minor", "%", 0, percent},
    {"mode.minor_share", kHarmony, "longer in minor", "longer in major", "minor", "% of the time", 0, percent},
    {"mode.major_fit", kHarmony, "closer to a major key", "farther from a major key", "fit", "", 2},
    {"mode.minor_fit", kHarmony, "closer to a minor key", "farther from a minor key", "fit", "", 2},
    {"mode.over_time.mean", kHarmony, "more major from phrase to phrase", "more minor from phrase to phrase",
     "fit of major over minor", "", 2},
    {"mode.keys", kHarmony, "richer in keys", "poorer in keys", "keys", "a window", 2},
    {"degree.diatonic", kHarmony, "more diatonic", "more chromatic", "of the sound in the scale", "%", 0, percent},
    {"degree.entropy", kHarmony, "more varied in its pitch classes", "plainer in its pitch classes", "entropy", "bits",
     2},
    {"chord.changes_per_second", kHarmony, "quicker in its changes of chord", "slower in its changes of chord",
     "changes", "a second", 1},
    {"tempo", kPulse, "faster", "slower", "tempo", "bpm", 0, drum_tempo},
    {"density", kDensity, "fuller of strokes", "sparer of strokes", "strokes", "a bar", 1},
};

/// What one drum, or all of them, do: "snare.hand.ghosts".
struct Hand {
  const char *name, *family, *more, *less, *quantity, *unit;
  int decimals;
  double (*to_unit)(double);
};
constexpr Hand kHands[]{
    {"loudness", kDynamics, "louder", "softer", "mean velocity", "", 0, of_full},
    {"loudness_deviation", kDynamics, "more accented", "more even in loudness", "velocity varies by", "", 0, of_full},
    {"late", kFeel, "more laid back", "more ahead of the beat", "late by", "% of a sixteenth", 0, late_percent},
    {"late_deviation", kFeel, "looser in time", "tighter in time", "timing varies by", "% of a sixteenth", 0,
     late_percent},
    {"ghosts", kFeel, "richer in ghost notes", "poorer in ghost notes", "of the strokes", "%", 0, percent},
    {"swung", kFeel, "more swung", "straighter", "of the strokes on the last third of the beat", "%", 0, percent},
    {"half_beats", kFeel, "richer in straight eighths", "poorer in straight eighths", "of the strokes", "%", 0,
     percent},
    {"thirds", kFeel, "richer in triplets", "poorer in triplets", "of the strokes", "%", 0, percent},
    {"sixteenths", kFeel, "richer in sixteenths", "poorer in sixteenths", "of the strokes", "%", 0, percent},
};

std::string plain(std::string_view drum) {
  std::string name(drum);
  std::ranges::replace(name, '_', ' ');
  return name;
}

std::optional<DescriptorWords> of_drums(std::string_view name, std::string_view suffix, int index) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return {};
  const std::string drum = plain(name.substr(0, dot));
  if (suffix == "per_bar")
    return DescriptorWords{
        kPattern, fmt::format("busier on the {}", drum), fmt::format("sparer on the {}", drum), "strokes", "a bar", 1};
  if (index >= 0 && name.ends_with(".on")) {
    const std::string at = fmt::format("{}{}", index / 4 + 1, entry(std::array{"", "e", "+", "a"}, index % 4));
    return DescriptorWords{kPattern,
                           fmt::format("heavier on the {} at {}", drum, at),
                           fmt::format("lighter on the {} at {}", drum, at),
                           "velocity a bar",
                           "",
                           0,
                           of_full};
  }
  for (const Hand& hand : kHands) {
    if (suffix != hand.name) continue;
    const std::string of = drum == "all" ? "" : fmt::format(" on the {}", drum);
    return DescriptorWords{hand.family, hand.more + of, hand.less + of, hand.quantity,
                           hand.unit,   hand.decimals,  hand.to_unit};
  }
  return {};
}

}  // namespace

std::optional<DescriptorWords> of_performances(std::string_view name) {
  if (auto words = find(kRows, name)) return words;
  const std::string_view whole = name;
  const int index = split_index(name);
  if (auto words = of_drums(index < 0 ? whole : name, whole.substr(whole.rfind('.') + 1), index)) return words;
  if (whole.starts_with("chord.") && name != "chord.root") {  // "dominant7" ends with a digit that is no index
    const std::string chord = plain(whole.substr(6));
    return share(kHarmony, fmt::format("richer in {} chords", chord), fmt::format("poorer in {} chords", chord),
                 "of the time");
  }
  if (index < 0) return {};
  const auto degrees = [&](const char* where, const char* quantity) {
    return share(kHarmony, fmt::format("richer in the {}{}", entry(kDegrees, index), where),
                 fmt::format("poorer in the {}{}", entry(kDegrees, index), where), quantity);
  };
  if (name == "degree.in_major") return degrees(" of the major scale", "of the sound");
  if (name == "degree.bass") return degrees(" in the bass", "of the bass notes");
  if (name == "chord.root") return degrees(" as a root", "of the time");
  if (name == "melody.step")
    return share(kMelody, fmt::format("richer in steps of {} in its melody", entry(kIntervals, index)),
                 fmt::format("poorer in steps of {} in its melody", entry(kIntervals, index)), "of the steps");
  if (name == "interval")
    return share(kHarmony, fmt::format("richer in {} sounding together", entry(kTogether, index)),
                 fmt::format("poorer in {} sounding together", entry(kTogether, index)), "of the intervals");
  if (name == "voices.share") {
    const std::string voices =
        index == 0 ? "silent" : fmt::format("with {}{} notes sounding", index, index == 5 ? " and more" : "");
    return share(kTexture, voices + " for more of the time", voices + " for less of the time", "of the time");
  }
  if (name == "voices.begin_together") {
    const std::string what = index == 0 ? "single notes" : fmt::format("chords of {}", index + 1);
    return share(kTexture, "richer in " + what, "poorer in " + what, "of the onsets");
  }
  if (name == "register.zone") {
    static constexpr std::array kZones{"the lowest octaves", "the bass", "the middle", "the high register",
                                       "the highest octaves"};
    return share(kRange, fmt::format("richer in {}", entry(kZones, index)),
                 fmt::format("poorer in {}", entry(kZones, index)), "of the notes");
  }
  return {};
}

}  // namespace euterpe::vocabulary
