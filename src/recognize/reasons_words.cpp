#include "recognize/reasons_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "recognize/reasons_vocabulary.hpp"

namespace euterpe {
namespace vocabulary {

double hertz_of_octaves(double octaves_above_100) { return 100 * std::exp2(octaves_above_100); }
double tempo_of_octaves(double octaves_above_120) { return 120 * std::exp2(octaves_above_120); }
double percent(double part) { return 100 * part; }
double less_one(double log2_of_one_more) { return std::exp2(log2_of_one_more) - 1; }

std::optional<DescriptorWords> find(std::span<const Row> rows, std::string_view name) {
  for (const Row& row : rows)
    if (name == row.name)
      return DescriptorWords{row.family, row.more, row.less, row.quantity, row.unit, row.decimals, row.to_unit};
  return {};
}

DescriptorWords share(const char* family, const std::string& more, const std::string& less,
                      const std::string& quantity) {
  return {family, more, less, quantity, "%", 0, percent};
}

int split_index(std::string_view& name) {
  std::size_t at = name.size();
  while (at > 0 && std::isdigit(static_cast<unsigned char>(name[at - 1]))) --at;
  int index = -1;
  std::from_chars(name.data() + at, name.data() + name.size(), index);
  name = name.substr(0, at);
  if (name.ends_with('.')) name.remove_suffix(1);
  return index;
}

}  // namespace vocabulary

namespace {

using namespace vocabulary;

constexpr const char* kUnknown = "other figures";

/// Names without plain words still belong to a family.
const char* family_of(std::string_view name) {
  static constexpr std::pair<std::string_view, const char*> kPrefixes[]{{"embedding", kLearned},
                                                                        {"mfcc", kTimbre},
                                                                        {"contrast", kTimbre},
                                                                        {"flatness", kTimbre},
                                                                        {"centroid", kBright},
                                                                        {"bandwidth", kBright},
                                                                        {"rolloff", kBright},
                                                                        {"zero_crossings", kBright},
                                                                        {"level", kDynamics},
                                                                        {"modulation", kMotion},
                                                                        {"onset", kPulse},
                                                                        {"tempo", kPulse},
                                                                        {"beat_histogram", kPulse},
                                                                        {"pulse", kPulse},
                                                                        {"chroma", kHarmony},
                                                                        {"degree", kHarmony},
                                                                        {"interval_class", kHarmony},
                                                                        {"top.", kMelody},
                                                                        {"bass.", kBass},
                                                                        {"rhythm.", kRhythm},
                                                                        {"texture.", kTexture},
                                                                        {"pitch.", kRange},
                                                                        {"register.", kRange},
                                                                        {"repeat.", kRepetition},
                                                                        {"density", kDensity},
                                                                        {"gap", kDensity},
                                                                        {"length", kArticulation},
                                                                        {"loudness", kDynamics},
                                                                        {"range", kRange},
                                                                        {"melody", kMelody},
                                                                        {"voices", kTexture},
                                                                        {"mode", kHarmony},
                                                                        {"chord", kHarmony},
                                                                        {"interval", kHarmony},
                                                                        {"kick", kPattern},
                                                                        {"snare", kPattern},
                                                                        {"side_stick", kPattern},
                                                                        {"closed_hat", kPattern},
                                                                        {"open_hat", kPattern},
                                                                        {"pedal_hat", kPattern},
                                                                        {"low_tom", kPattern},
                                                                        {"mid_tom", kPattern},
                                                                        {"high_tom", kPattern},
                                                                        {"crash", kPattern},
                                                                        {"ride", kPattern},
                                                                        {"bell", kPattern},
                                                                        {"all.", kFeel}};
  for (const auto& [prefix, family] : kPrefixes)
    if (name.starts_with(prefix)) return family;
  return kUnknown;
}

}  // namespace

double DescriptorWords::in_unit(double value) const { return to_unit != nullptr ? to_unit(value) : value; }

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
  for (const auto vocabulary : {of_recordings, of_scores, of_performances})
    if (auto words = vocabulary(name)) return *words;
  DescriptorWords words;
  words.family = family_of(name);
  if (words.family == kUnknown) {
    std::string plain(name);
    std::ranges::replace(plain, '_', ' ');
    words.more = "higher in " + plain, words.less = "lower in " + plain, words.quantity = plain, words.decimals = 2;
  }
  return words;
}

}  // namespace euterpe
