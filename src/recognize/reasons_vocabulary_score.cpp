#include <fmt/format.h>

#include <cstdlib>

#include "recognize/reasons_vocabulary.hpp"

namespace euterpe::vocabulary {
namespace {

constexpr Row kRows[]{
    {"top.leap_mean", kMelody, "wider in its melodic steps", "smoother in its melody", "mean step", "octaves", 2},
    {"top.leap_deviation", kMelody, "more mixed of steps and leaps", "more even in its melodic steps", "steps vary by",
     "octaves", 2},
    {"bass.leap_mean", kBass, "wider in the steps of its bass", "smoother in its bass", "mean step", "octaves", 2},
    {"bass.leap_deviation", kBass, "more mixed of steps and leaps in the bass", "more even in the steps of its bass",
     "steps vary by", "octaves", 2},
    {"rhythm.length_mean", kRhythm, "longer in its notes", "shorter in its notes", "mean length", "sixteenths", 1,
     less_one},
    {"rhythm.length_deviation", kRhythm, "more varied in its note lengths", "more even in its note lengths",
     "lengths vary by", "sixteenths", 1, less_one},
    {"rhythm.syncopated", kRhythm, "more syncopated", "less syncopated", "notes held over a beat", "%", 0, percent},
    {"rhythm.notes_per_beat", kRhythm, "fuller of notes", "sparer of notes", "notes", "a beat", 1, less_one},
    {"rhythm.onsets_per_beat", kRhythm, "busier", "calmer", "onsets", "a beat", 1},
    {"texture.change", kTexture, "more restless in its number of voices", "steadier in its number of voices",
     "voices change by", "a sixteenth", 2},
    {"texture.chord_width", kTexture, "wider in its chords", "closer in its chords", "width", "octaves", 1},
    {"texture.equal_lengths", kTexture, "more in block chords", "more polyphonic", "chords of one length", "%", 0,
     percent},
    {"pitch.minor", kHarmony, "more in minor", "more in major", "minor", "%", 0, percent},
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
constexpr std::array kMotions{"parallel", "similar", "contrary", "oblique", "still"};

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
  return {family, "", "", "contour", "%", 0, percent};
}

}  // namespace

std::optional<DescriptorWords> of_scores(std::string_view name) {
  if (auto words = find(kRows, name)) return words;
  const int index = split_index(name);
  if (index < 0) return {};
  if (name == "pitch.degree")
    return share(kHarmony, fmt::format("richer in the {}", entry(kDegrees, index)),
                 fmt::format("poorer in the {}", entry(kDegrees, index)), "of the sound");
  if (name == "pitch.bass_degree")
    return share(kHarmony, fmt::format("more often on the {} in the bass", entry(kDegrees, index)),
                 fmt::format("less often on the {} in the bass", entry(kDegrees, index)), "of the bass notes");
  if (name == "texture.over_lowest")
    return share(kTexture, fmt::format("richer in {} over the lowest note", entry(kTogether, index)),
                 fmt::format("poorer in {} over the lowest note", entry(kTogether, index)), "of the intervals");
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

}  // namespace euterpe::vocabulary
