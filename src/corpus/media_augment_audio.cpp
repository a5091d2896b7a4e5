#include "corpus/media_augment_audio.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_file.hpp"
#include "corpus/media_effects.hpp"
#include "corpus/noises.hpp"
#include "media/decode.hpp"
#include "media/encode.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

double power(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += double{v} * v;
  return x.empty() ? 0 : sum / static_cast<double>(x.size());
}

double log_uniform(Random& random, double low, double high) {
  return std::exp(random.uniform(std::log(low), std::log(high)));
}

void apply_gain(AudioBuffer& audio, const AugmentationValues& values, const AugmentationSounds&, Random& random) {
  const double db = values.at("db");
  const auto factor = static_cast<float>(std::pow(10, random.uniform(-db, db) / 20));
  for (float& v : audio.samples) v *= factor;
}

/// A low shelf, a peak and a high shelf, as a room and a loudspeaker bend a spectrum.
void apply_eq(AudioBuffer& audio, const AugmentationValues& values, const AugmentationSounds&, Random& random) {
  const double db = values.at("db"), top = 0.45 * audio.sample_rate;
  const auto band = [&](FilterShape shape, double low, double high, double quality) {
    const double hertz = log_uniform(random, std::min(low, 0.5 * top), std::min(high, top));
    equalize(audio.samples, audio.sample_rate, shape, hertz, random.uniform(-db, db), quality);
  };
  band(FilterShape::low_shelf, 60, 300, 0.7);
  band(FilterShape::peak, 200, 5000, random.uniform(0.5, 2));
  band(FilterShape::high_shelf, 2000, 8000, 0.7);
}

void apply_pitch(AudioBuffer& audio, const AugmentationValues& values, const AugmentationSounds&, Random& random) {
  const double cents = values.at("cents");
  audio.samples = pitch_shift(audio.samples, random.uniform(-cents, cents));
}

void apply_stretch(AudioBuffer& audio, const AugmentationValues& values, const AugmentationSounds&, Random& random) {
  const double share = values.at("share");
  audio.samples = time_stretch(audio.samples, 1 + random.uniform(-share, share));
}

const AudioBuffer& draw(const std::vector<AudioBuffer>& sounds, const AudioBuffer& audio, const char* step,
                        Random& random) {
  if (sounds.empty())
    throw Error(Category::usage, "augment", fmt::format("the step {} has no recordings to draw from", step),
                "name a folder of noises and room responses");
  const AudioBuffer& sound = sounds[random.below(sounds.size())];
  EUTERPE_ASSERT(sound.sample_rate == audio.sample_rate && sound.channels == 1);
  return sound;
}

void apply_noise(AudioBuffer& audio, const AugmentationValues& values, const AugmentationSounds& sounds,
                 Random& random) {
  const AudioBuffer& noise = draw(sounds.noises, audio, "noise", random);
  const double snr = random.uniform(std::min(values.at("low_db"), values.at("high_db")),
                                    std::max(values.at("low_db"), values.at("high_db")));
  const std::size_t start = random.below(noise.frames());
  // Short noises go round; their level is that of what is heard of them.
  std::vector<float> heard(audio.frames());
  for (std::size_t i = 0; i < heard.size(); ++i) heard[i] = noise.samples[(start + i) % noise.frames()];
  const double level = power(heard);
  if (level <= 0) return;
  const auto gain = static_cast<float>(std::sqrt(power(audio.samples) / level * std::pow(10, -snr / 10)));
  for (std::size_t i = 0; i < heard.size(); ++i) audio.samples[i] += gain * heard[i];
}

void apply_room(AudioBuffer& audio, const AugmentationValues& values, const AugmentationSounds& sounds,
                Random& random) {
  const AudioBuffer& response = draw(sounds.responses, audio, "room", random);
  std::vector<float> wet = convolve(audio.samples, response.samples);
  const double level = power(wet), share = random.uniform(0, values.at("wet"));
  if (level <= 0) return;
  const auto gain = static_cast<float>(std::sqrt(power(audio.samples) / level) * share);
  for (std::size_t i = 0; i < wet.size(); ++i)
    audio.samples[i] = static_cast<float>(1 - share) * audio.samples[i] + gain * wet[i];
}

void apply_codec(AudioBuffer& audio, const AugmentationValues& values, const AugmentationSounds&, Random& random) {
  const double low = std::min(values.at("low_kbit"), values.at("high_kbit"));
  const double high = std::max(values.at("low_kbit"), values.at("high_kbit"));
  const int bitrate = static_cast<int>(1000 * random.uniform(low, high));
  const TemporaryFile file("augment", random.below(2) == 0 ? ".mp3" : ".ogg");
  const std::size_t length = audio.frames();
  if (length == 0) return;
  encode(file.path(), audio, {.bitrate = bitrate});
  audio = decode(file.path(), {.sample_rate = audio.sample_rate, .channels = 1});
  audio.samples.resize(length, 0.F);
}

const AugmentationStep& step_named(std::string_view name, const std::string& where) {
  std::vector<std::string_view> names;
  for (const AugmentationStep& step : augmentation_steps()) {
    if (step.name == name) return step;
    names.push_back(step.name);
  }
  throw Error(Category::usage, "augment",
              fmt::format("{}: there is no step \"{}\", there are: {}", where, name, fmt::join(names, ", ")));
}

}  // namespace

const std::vector<AugmentationStep>& augmentation_steps() {
  static const std::vector<AugmentationStep> table{
      {"gain", "louder or softer", {{"db", 6, 0, 60, "greatest change either way"}}, apply_gain},
      {"eq", "a low shelf, a peak and a high shelf", {{"db", 6, 0, 24, "greatest boost or cut of each"}}, apply_eq},
      {"pitch", "moved in pitch, length kept", {{"cents", 100, 0, 1200, "greatest shift either way"}}, apply_pitch},
      {"stretch", "slower or faster, pitch kept", {{"share", 0.1, 0, 0.5, "greatest change of length"}}, apply_stretch},
      {"noise",
       "recorded noise added",
       {{"low_db", 5, -20, 60, "least ratio of signal to noise"}, {"high_db", 30, -20, 60, "greatest"}},
       apply_noise},
      {"room", "a room's recorded response", {{"wet", 0.5, 0, 1, "greatest share of the room's sound"}}, apply_room},
      {"codec",
       "through MP3 or Ogg Vorbis",
       {{"low_kbit", 24, 8, 320, "least bit rate, kbit/s"}, {"high_kbit", 96, 8, 320, "greatest"}},
       apply_codec},
  };
  return table;
}

AugmentationSounds load_augmentation_sounds(const fs::path& folder, int sample_rate) {
  AugmentationSounds sounds;
  for (const fs::path& path : walk_files({folder})) {
    const std::string name = path.filename().string();
    const bool response = name.starts_with("rir");
    if (!is_audio_name(path) || (!response && !noise_is_for_training(name))) continue;
    AudioBuffer audio = decode(path, {.sample_rate = sample_rate, .channels = 1, .duration = 30});
    if (!response) {
      sounds.noises.push_back(std::move(audio));
      continue;
    }
    // From the direct sound on, so that the music stays where it was.
    const auto direct = std::max_element(audio.samples.begin(), audio.samples.end(),
                                         [](float a, float b) { return std::abs(a) < std::abs(b); });
    audio.samples.erase(audio.samples.begin(), direct);
    sounds.responses.push_back(std::move(audio));
  }
  if (sounds.noises.empty() && sounds.responses.empty())
    throw Error(Category::not_found, "augment", folder.string() + ": holds no audio file that may be learned from",
                "half of all noises, by the hash of their name, is kept for tests");
  return sounds;
}

AudioAugmentation AudioAugmentation::from_json(const nlohmann::json& chain) {
  AudioAugmentation result;
  const auto refuse = [](const std::string& what) { throw Error(Category::usage, "augment", what); };
  if (!chain.is_array()) refuse("a chain is a list of steps");
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const std::string where = fmt::format("step {}", i + 1);
    if (!chain[i].is_object() || !chain[i].contains("name") || !chain[i]["name"].is_string())
      refuse(where + ": has no name");
    const AugmentationStep& kind = step_named(chain[i]["name"].get<std::string>(), where);
    Step step{&kind, 1, {}};
    for (const AugmentationParameter& p : kind.parameters) step.values[p.name] = p.value;
    for (const auto& [key, value] : chain[i].items()) {
      if (key == "name") continue;
      const auto parameter = std::find_if(kind.parameters.begin(), kind.parameters.end(),
                                          [&](const AugmentationParameter& p) { return p.name == key; });
      const bool probability = key == "probability";
      if (!probability && parameter == kind.parameters.end())
        refuse(fmt::format("{} ({}): there is no parameter \"{}\"", where, kind.name, key));
      const double low = probability ? 0 : parameter->low, high = probability ? 1 : parameter->high;
      if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high))
        refuse(fmt::format("{} ({}): {} = {}: expected a number from {} to {}", where, kind.name, key, value.dump(),
                           low, high));
      (probability ? step.probability : step.values[key]) = value.get<double>();
    }
    result.steps_.push_back(std::move(step));
  }
  return result;
}

AudioAugmentation AudioAugmentation::from_toml(std::string_view text, std::string_view name) {
  toml::table table;
  try {
    table = toml::parse(text, name);
  } catch (const toml::parse_error& e) {
    throw Error(Category::usage, "augment",
                fmt::format("{}:{}:{}: {}", name, e.source().begin.line, e.source().begin.column, e.description()));
  }
  auto chain = nlohmann::json::array();
  for (const auto& [key, node] : table) {
    const toml::array* steps = node.as_array();
    if (key.str() != "step" || !steps)
      throw Error(Category::usage, "augment",
                  fmt::format("{}:{}: expected [[step]], found \"{}\"", name, node.source().begin.line, key.str()));
    for (const toml::node& step : *steps) {
      nlohmann::json row = nlohmann::json::object();
      if (const toml::table* fields = step.as_table())
        for (const auto& [field, value] : *fields) {
          if (const auto number = value.value<double>())
            row[std::string(field.str())] = *number;
          else if (const auto word = value.value<std::string>())
            row[std::string(field.str())] = *word;
          else
            row[std::string(field.str())] = nullptr;
        }
      chain.push_back(std::move(row));
    }
  }
  try {
    return from_json(chain);
  } catch (const Error& e) {
    throw e.in(name);
  }
}

nlohmann::json AudioAugmentation::json() const {
  auto chain = nlohmann::json::array();
  for (const Step& step : steps_) {
    nlohmann::json row{{"name", step.kind->name}, {"probability", step.probability}};
    for (const auto& [key, value] : step.values) row[key] = value;
    chain.push_back(std::move(row));
  }
  return chain;
}

AudioBuffer AudioAugmentation::operator()(AudioBuffer audio, std::uint64_t seed) const {
  EUTERPE_ASSERT(audio.channels == 1);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    Random random = Random::stream(seed, i);
    if (random.uniform() >= steps_[i].probability) continue;
    steps_[i].kind->apply(audio, steps_[i].values, sounds_, random);
  }
  return audio;
}

AudioBuffer mixup(const AudioBuffer& a, const AudioBuffer& b, double lambda) {
  EUTERPE_ASSERT(a.channels == 1 && b.channels == 1 && a.sample_rate == b.sample_rate && b.frames() > 0);
  AudioBuffer result = a;
  const auto own = static_cast<float>(lambda), other = static_cast<float>(1 - lambda);
  for (std::size_t i = 0; i < result.samples.size(); ++i)
    result.samples[i] = own * a.samples[i] + other * b.samples[i % b.frames()];
  return result;
}

double mixup_lambda(double alpha, Random& random) {
  EUTERPE_ASSERT(alpha > 0);
  // Two gamma deviates, Marsaglia and Tsang 2000; for alpha < 1 through alpha + 1.
  const auto log_gamma_deviate = [&] {
    const double shape = alpha < 1 ? alpha + 1 : alpha;
    const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    for (;;) {
      const double x = random.normal(), v = std::pow(1 + c * x, 3);
      if (v <= 0) continue;
      const double u = 1 - random.uniform();
      if (std::log(u) >= 0.5 * x * x + d - d * v + d * std::log(v)) continue;
      return std::log(d * v) + (alpha < 1 ? std::log(1 - random.uniform()) / alpha : 0.0);
    }
  };
  const double first = log_gamma_deviate(), second = log_gamma_deviate();
  return 1 / (1 + std::exp(second - first));
}

void spec_augment(Matrix& mel, const SpecAugment& options, Random& random) {
  if (mel.data.empty()) return;
  double sum = 0;
  for (const float v : mel.data) sum += v;
  const auto mean = static_cast<float>(sum / static_cast<double>(mel.data.size()));
  const auto mask = [&](int count, int widest, std::size_t length, const auto& clear) {
    for (int m = 0; m < count; ++m) {
      const std::size_t width =
          std::min<std::size_t>(length, random.below(static_cast<std::uint64_t>(std::max(widest, 0)) + 1));
      const std::size_t from = random.below(length - width + 1);
      for (std::size_t i = from; i < from + width; ++i) clear(i);
    }
  };
  mask(options.time_masks, options.time_width, mel.frames, [&](std::size_t t) {
    for (std::size_t b = 0; b < mel.bins; ++b) mel.at(b, t) = mean;
  });
  mask(options.frequency_masks, options.frequency_width, mel.bins,
       [&](std::size_t b) { std::fill(mel.row(b).begin(), mel.row(b).end(), mean); });
}

}  // namespace euterpe
