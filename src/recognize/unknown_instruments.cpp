#include "recognize/unknown_instruments.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "media/decode.hpp"
#include "media/synthesize.hpp"
#include "recognize/non_music_sounds.hpp"
#include "score/instrument_names.hpp"
#include "signal/audio_features.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kMixtures = 320, kBands = 160, kSolos = 160, kOwnSolos = 120;
constexpr int kTicks = 480;   // of a quarter note
constexpr int kEthnic = 104;  // the first of the programs from there on, of which nobody knows what they resemble

using Steps = std::array<int, 7>;
constexpr Steps kMajor{0, 2, 4, 5, 7, 9, 11}, kMinor{0, 2, 3, 5, 7, 8, 10};

std::optional<int> program_of(std::string label) {
  std::ranges::replace(label, '_', ' ');
  return program_by_name(label);
}

/// Families of eight programs that sound alike: bowed strings, their ensembles and basses are kin.
std::set<int> kin_of(int family) {
  if (family == 4 || family == 5 || family == 6) return {4, 5, 6};
  if (family == 8 || family == 9) return {8, 9};  // reeds and pipes
  return {family};
}

/// Notes by rule in one key; the same random draws whatever is played by whom.
class Rule {
 public:
  Rule(Random& random, double beats) : random_(random), beats_(beats) {
    tonic_ = static_cast<int>(random.below(12));
    scale_ = random.uniform() < 0.5 ? kMajor : kMinor;
  }

  std::vector<Note> melody(int center, int channel) {
    std::vector<Note> notes;
    int degree = static_cast<int>(random_.below(7));
    const double unit = random_.uniform() < 0.5 ? 0.5 : 1.0;
    for (double at = 0; at < beats_;) {
      const double length = unit * std::array{0.5, 1.0, 1.0, 2.0, 4.0}[random_.below(5)];
      if (random_.uniform() < 0.9) put(notes, at, length, pitch(degree, center), channel);
      degree += static_cast<int>(random_.below(5)) - 2;
      degree = std::clamp(degree, -5, 12);
      at += length;
    }
    return notes;
  }

  std::vector<Note> chords(int center, int channel) {
    std::vector<Note> notes;
    const double length = std::array{0.5, 1.0, 2.0, 4.0}[random_.below(4)];
    for (double at = 0; at < beats_; at += length)
      for (const int third : {0, 2, 4}) put(notes, at, length, pitch(root(at) + third, center), channel);
    return notes;
  }

  std::vector<Note> bass(int channel) {
    std::vector<Note> notes;
    const double length = std::array{0.5, 1.0, 2.0}[random_.below(3)];
    for (double at = 0; at < beats_; at += length) put(notes, at, length, pitch(root(at), 40), channel);
    return notes;
  }

  std::vector<Note> drums() {
    std::vector<Note> notes;
    const double busy = random_.uniform(0.3, 1);
    for (int eighth = 0; eighth < static_cast<int>(2 * beats_); ++eighth) {
      const double at = eighth / 2.0;
      if (eighth % 8 == 0 || random_.uniform() < 0.2 * busy) put(notes, at, 0.25, 36, 9);
      if (eighth % 4 == 2) put(notes, at, 0.25, 38, 9);
      if (random_.uniform() < busy) put(notes, at, 0.25, random_.uniform() < 0.8 ? 42 : 46, 9);
    }
    return notes;
  }

 private:
  /// Degree of the chord that stands at a beat: a progression of four that comes round.
  int root(double beat) const { return std::array{0, 4, 5, 3}[static_cast<std::size_t>(beat / 4) % 4]; }
  int pitch(int degree, int center) const {
    const int octave = (degree + 70) / 7 - 10;
    const int within = degree - 7 * octave;
    return std::clamp(center - 6 + tonic_ + scale_[static_cast<std::size_t>(within)] + 12 * octave, 24, 100);
  }
  void put(std::vector<Note>& notes, double at, double length, int pitch, int channel) {
    notes.push_back({static_cast<std::int64_t>(at * kTicks),
                     std::max<std::int64_t>(1, static_cast<std::int64_t>(length * random_.uniform(0.6, 1.0) * kTicks)),
                     static_cast<std::uint8_t>(pitch), static_cast<std::uint8_t>(50 + random_.below(75)),
                     static_cast<std::uint8_t>(channel)});
  }

  Random& random_;
  double beats_;
  int tonic_;
  Steps scale_;
};

Track track_of(std::vector<Note> notes, int program) {
  std::ranges::sort(notes);
  Track track;
  track.program = static_cast<std::uint8_t>(program);
  track.drums = !notes.empty() && notes.front().channel == 9;
  track.notes = std::move(notes);
  return track;
}

/// Descriptors of `count` sounds, worn; rows are empty where `make` gave none.
std::vector<std::vector<float>> hear(std::size_t count, const char* title, std::uint64_t seed,
                                     const std::function<AudioBuffer(std::size_t)>& make) {
  std::vector<std::vector<float>> rows(count);
  Progress progress(title, count, "sounds");
  parallel_for(count, [&](std::size_t i) {
    Random random = Random::stream(seed, i);
    rows[i] = audio_features(worn(make(i), random));
    progress.advance();
  });
  return rows;
}

void add(Examples& examples, const std::vector<std::vector<float>>& rows, const std::string& group, int label) {
  int item = examples.items.empty() ? 0 : *std::ranges::max_element(examples.items) + 1;
  for (const auto& row : rows) examples.add(row, label, group + std::to_string(item % 8), item), ++item;
}

void add_played(SoundExamples& examples, const std::vector<std::string>& labels, std::uint64_t seed) {
  add(examples.other, hear(kBands, "playing bands", seed, [&](std::size_t i) { return played_by_rule(-1, seed + i); }),
      "band", 0);
  const std::vector<int> others = other_programs(labels);
  if (others.empty()) return;
  std::vector<int> own;
  for (const std::string& label : labels)
    if (const auto program = program_of(label); program && *program < kEthnic) own.push_back(*program);
  const auto solos = [&](const std::vector<int>& programs, std::uint64_t own_seed) {
    return [&programs, own_seed](std::size_t i) { return played_by_rule(programs[i % programs.size()], own_seed + i); };
  };
  add(examples.other, hear(kSolos, "playing other instruments", seed + 1, solos(others, seed + 10000)), "solo", 0);
  add(examples.known, hear(kOwnSolos, "playing known instruments", seed + 2, solos(own, seed + 20000)), "played", -1);
}

}  // namespace

AudioBuffer mixed_clips(const std::vector<AudioBuffer>& clips, const std::vector<int>& labels, std::uint64_t seed) {
  EUTERPE_ASSERT(clips.size() == labels.size());
  Random random(seed);
  std::vector<std::size_t> order(clips.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  random.shuffle(order);
  const std::size_t wanted = 3 + random.below(4);
  const auto length = static_cast<std::size_t>(random.uniform(2, 8) * kEncoderRate);
  AudioBuffer mixture{kEncoderRate, 1, std::vector<float>(length, 0.0f)};
  std::set<int> there;
  for (const std::size_t i : order) {
    if (there.size() == wanted || !there.insert(labels[i]).second) continue;
    const auto& samples = clips[i].samples;
    EUTERPE_ASSERT(clips[i].channels == 1 && !samples.empty());
    double square = 1e-12;
    for (const float s : samples) square += static_cast<double>(s) * static_cast<double>(s);
    const double level = 0.1 * std::pow(10, random.uniform(-8, 0) / 20);
    const auto gain = static_cast<float>(level / std::sqrt(square / static_cast<double>(samples.size())));
    const std::size_t begin = random.below(samples.size());
    for (std::size_t t = 0; t < length; ++t) mixture.samples[t] += gain * samples[(begin + t) % samples.size()];
  }
  float peak = 1;
  for (const float s : mixture.samples) peak = std::max(peak, std::abs(s));
  for (float& s : mixture.samples) s /= peak;
  return mixture;
}

AudioBuffer played_by_rule(int program, std::uint64_t seed) {
  Random random(seed);
  const double bpm = random.uniform(60, 170), seconds = random.uniform(3, 6);
  Rule rule(random, seconds * bpm / 60);
  Score score;
  score.ticks_per_quarter = kTicks;
  score.tempos = {{0, static_cast<std::uint32_t>(60e6 / bpm)}};
  if (program >= 0) {
    const int center = static_cast<int>(random.uniform(48, 78));
    score.tracks.push_back(track_of(rule.melody(center, 0), program));
  } else {
    const auto any = [&](std::initializer_list<int> programs) {
      return *(programs.begin() + static_cast<std::ptrdiff_t>(random.below(programs.size())));
    };
    score.tracks.push_back(
        track_of(rule.chords(60, 0), any({0, 4, 16, 19, 24, 25, 26, 27, 29, 30, 48, 50, 52, 88, 89, 90})));
    score.tracks.push_back(track_of(rule.bass(1), any({32, 33, 34, 38, 42, 43, 58, 70})));
    if (random.uniform() < 0.7) score.tracks.push_back(track_of(rule.drums(), 0));
    if (random.uniform() < 0.8)
      score.tracks.push_back(
          track_of(rule.melody(72, 2), any({0, 11, 22, 30, 40, 52, 53, 56, 65, 68, 71, 73, 80, 81, 85})));
  }
  AudioBuffer audio =
      synthesize(score, {.sample_rate = kEncoderRate, .channels = 1, .reverb = random.uniform() < 0.6, .tail = 0.3});
  audio.samples.resize(std::min(audio.samples.size(), static_cast<std::size_t>((seconds + 0.3) * kEncoderRate)));
  return audio;
}

std::vector<int> other_programs(const std::vector<std::string>& labels) {
  std::set<int> families;
  std::size_t named = 0;
  for (const std::string& label : labels) {
    const auto program = program_of(label);
    if (!program) continue;
    ++named;
    for (const int family : kin_of(*program / 8)) families.insert(family);
  }
  std::vector<int> others;
  if (named == 0 || 2 * named < labels.size()) return others;
  for (int program = 0; program < kEthnic - 8; ++program)  // nor effects
    if (!families.contains(program / 8)) others.push_back(program);
  return others;
}

void add_other_instruments(SoundExamples& examples, const AudioClips& clips, std::uint64_t seed) {
  std::vector<AudioBuffer> audio;
  std::vector<int> labels;
  for (const LabeledClip& clip : clips.clips) {
    try {
      audio.push_back(decode(clips.folder / clip.file, {kEncoderRate, 1, 0, kAudioExcerpt}));
      labels.push_back(clip.label);
    } catch (const Error& error) {
      if (error.category() == Category::interrupted) throw;
      spdlog::warn("left out {}", error.in(clip.file).what());
    }
  }
  if (std::set<int>(labels.begin(), labels.end()).size() < 3) return;
  add(examples.other,
      hear(kMixtures, "mixing instruments", seed,
           [&](std::size_t i) { return mixed_clips(audio, labels, Random::stream(seed, i).next()); }),
      "mixture", 0);
  try {
    add_played(examples, clips.labels, seed + 3);
  } catch (const Error& error) {
    if (error.category() != Category::not_found) throw;
    spdlog::warn("no other instruments are played to the detector of the unknown: {}", error.what());
  }
}

}  // namespace euterpe
