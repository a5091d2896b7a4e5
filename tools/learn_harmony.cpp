/// Learns what src/signal/harmony_weights.cpp holds:
///
///     euterpe_learn_harmony POP909 [songs] | clang-format-14 > src/signal/harmony_weights.cpp
///
/// POP909 (Wang et al., ISMIR 2020): songs of the training split are played by FluidSynth, every other one as it is
/// written, the rest with instruments drawn at random, sometimes with a bass, drums and noise, so that the network
/// hears chords and no timbre. Its labels are the set's chord_midi.txt; the keys are those of key_audio.txt.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "corpus/datasets.hpp"
#include "media/synthesize.hpp"
#include "score/chord.hpp"
#include "score/midi.hpp"
#include "signal/chord_model.hpp"
#include "signal/pitch_energy.hpp"

namespace {

using namespace euterpe;
namespace fs = std::filesystem;

constexpr std::uint64_t kSeed = 909;
constexpr std::size_t kEveryFrame = 4;  ///< neighbors look alike: one of so many is learned from

struct Label {
  double start, end;
  std::string text;
};

std::vector<Label> read_labels(const fs::path& path) {
  std::vector<Label> labels;
  std::ifstream in(path);
  for (Label label; in >> label.start >> label.end >> label.text;) labels.push_back(label);
  return labels;
}

template <std::size_t N>
int draw(const int (&programs)[N], Random& random) {
  return programs[random.below(N)];
}

void add_bass(Score& score, Random& random) {
  static constexpr int kBasses[] = {32, 33, 34, 35, 38, 39};
  const std::vector<Note> notes = score.merged_notes();
  const std::int64_t quarter = score.ticks_per_quarter, end = score.end_tick();
  Track& bass = add_track(score, "BASS", draw(kBasses, random), 12);
  for (std::int64_t t = 0; t < end; t += quarter) {
    int lowest = 128;
    for (const Note& note : notes) {
      if (note.start > t + quarter / 8) break;
      if (note.end() > t + quarter / 8) lowest = std::min<int>(lowest, note.pitch);
    }
    if (lowest > 67) continue;  // nothing, or a melody alone
    while (lowest > 47) lowest -= 12;
    while (lowest < 28) lowest += 12;
    const auto velocity = static_cast<std::uint8_t>(70 + random.below(40));
    bass.notes.push_back({t, quarter * 9 / 10, static_cast<std::uint8_t>(lowest), velocity, 12, 64});
  }
}

void add_drums(Score& score, Random& random) {
  const std::int64_t quarter = score.ticks_per_quarter, end = score.end_tick();
  const double level = random.uniform(0.4, 1.0);
  Track& drums = add_track(score, "DRUMS", 0, 9);
  drums.drums = true;
  int eighth = 0;
  for (std::int64_t t = 0; t < end; t += quarter / 2, ++eighth) {
    const auto hit = [&](int key, double velocity) {
      drums.notes.push_back(
          {t, quarter / 8, static_cast<std::uint8_t>(key), static_cast<std::uint8_t>(level * velocity), 9, 64});
    };
    hit(42, 70);
    if (eighth % 8 == 0 || eighth % 8 == 5) hit(36, 110);
    if (eighth % 4 == 2) hit(38, 100);
  }
}

void draw_instruments(Score& score, Random& random) {
  static constexpr int kLeads[] = {0, 4, 11, 22, 24, 25, 40, 52, 53, 56, 65, 66, 68, 71, 73, 75, 80, 81};
  static constexpr int kChords[] = {0, 0, 1, 4, 5, 6, 16, 19, 24, 25, 26, 27, 29, 46, 48, 50, 61, 88, 89, 90};
  std::uint8_t channel = 0;
  for (Track& track : score.tracks) {
    const int program = track.name == "MELODY" ? draw(kLeads, random) : draw(kChords, random);
    const double level = random.uniform(0.5, 1.1);
    track.program = static_cast<std::uint8_t>(program);
    std::erase_if(track.events, [](const ChannelEvent& e) { return (e.status & 0xF0) == 0xC0; });
    track.events.insert(track.events.begin(), {0, 0xC0, channel, track.program, 0});
    for (ChannelEvent& event : track.events) event.channel = channel;
    for (Note& note : track.notes) {
      note.velocity = static_cast<std::uint8_t>(std::clamp(level * note.velocity, 1.0, 127.0));
      note.channel = channel;
    }
    ++channel;
  }
}

std::vector<float> play(Score score, bool varied, Random& random) {
  if (varied) {
    draw_instruments(score, random);
    if (random.uniform() < 0.6) add_bass(score, random);
    if (random.uniform() < 0.6) add_drums(score, random);
    score.sort();
  }
  SynthesisOptions options;
  options.sample_rate = kPitchEnergyRate;
  options.channels = 1;
  std::vector<float> samples = synthesize(score, options).samples;
  if (varied) {
    double energy = 0;
    for (const float v : samples) energy += static_cast<double>(v) * static_cast<double>(v);
    const double root_mean_square = std::sqrt(energy / static_cast<double>(samples.size()));
    const double noise = root_mean_square * std::pow(10.0, -random.uniform(10, 50) / 20);
    double brown = 0;  // noise that falls towards high frequencies, as that of rooms does
    for (float& v : samples) {
      brown = 0.98 * brown + 0.2 * random.normal();
      v += static_cast<float>(noise * brown);
    }
  }
  return samples;
}

/// Index among kHeardChords; −1 for a chord that the network has no name for.
int heard_class(const std::string& label) {
  const auto chord = parse_chord(label);
  if (!chord) return -1;
  if (chord->root < 0) return static_cast<int>(kHeardChords) - 1;
  ChordQuality quality = chord->quality;
  if (quality == ChordQuality::major6) quality = ChordQuality::major;
  if (quality == ChordQuality::minor6 || quality == ChordQuality::minor_major7) quality = ChordQuality::minor;
  if (quality == ChordQuality::half_diminished7 || quality == ChordQuality::diminished7) {
    quality = ChordQuality::diminished;
  }
  const auto found = std::ranges::find(kHeardQualities, quality);
  if (found == kHeardQualities.end()) return -1;
  return chord->root * static_cast<int>(kHeardQualities.size()) + static_cast<int>(found - kHeardQualities.begin());
}

struct Examples {
  std::vector<float> inputs;  ///< [n × kChordInputs]
  std::vector<int> classes;
};

void add_song(const fs::path& folder, bool varied, Random& random, Examples& examples) {
  const fs::path midi = folder / (folder.filename().string() + ".mid");
  const Matrix energy = pitch_energy(play(read_midi(midi).score, varied, random));
  const std::vector<float> inputs = chord_inputs(energy);
  for (const Label& label : read_labels(folder / "chord_midi.txt")) {
    const int chord = heard_class(label.text);
    if (chord < 0) continue;
    const auto first = static_cast<std::size_t>(std::ceil(label.start / energy.hop));
    const auto last = std::min(energy.frames, static_cast<std::size_t>(std::ceil(label.end / energy.hop)));
    for (std::size_t t = first; t < last; ++t) {
      if (t % kEveryFrame != 0) continue;
      const float* frame = inputs.data() + t * kChordInputs;
      examples.inputs.insert(examples.inputs.end(), frame, frame + kChordInputs);
      examples.classes.push_back(chord);
    }
  }
}

/// The weights as one list of numbers, and Adam (Kingma and Ba 2015) with decoupled decay over it.
constexpr std::size_t kWeights = sizeof(ChordNetwork) / sizeof(float);
float* numbers(ChordNetwork& network) { return network.hidden.data(); }

class Adam {
 public:
  void step(ChordNetwork& network, ChordNetwork& gradient, double rate) {
    ++steps_;
    const double first_scale = 1 / (1 - std::pow(0.9, steps_)), second_scale = 1 / (1 - std::pow(0.999, steps_));
    for (std::size_t i = 0; i < kWeights; ++i) {
      const double g = static_cast<double>(numbers(gradient)[i]);
      first_[i] = 0.9 * first_[i] + 0.1 * g;
      second_[i] = 0.999 * second_[i] + 0.001 * g * g;
      double& weight = weight_of(network, i);
      weight -= rate * (first_[i] * first_scale / (std::sqrt(second_[i] * second_scale) + 1e-8) + kDecay * weight);
      numbers(network)[i] = static_cast<float>(weight);
    }
  }

 private:
  static constexpr double kDecay = 1e-2;
  double& weight_of(ChordNetwork& network, std::size_t i) {
    if (exact_.empty()) exact_.assign(numbers(network), numbers(network) + kWeights);
    return exact_[i];
  }
  int steps_ = 0;
  std::vector<double> exact_, first_ = std::vector<double>(kWeights), second_ = std::vector<double>(kWeights);
};

/// Adds the gradient of one example's cross-entropy; returns the cross-entropy in nats.
double backward(const ChordNetwork& network, const float* inputs, int truth, ChordNetwork& gradient) {
  constexpr std::size_t kHidden = ChordNetwork::kHidden, kQualities = ChordNetwork::kQualities;
  std::array<float, kHeardChords> scores;
  std::array<float, 12 * kHidden> hidden;
  chord_scores(network, inputs, scores.data(), hidden.data());
  const float largest = std::ranges::max(scores);
  float sum = 0;
  for (float& s : scores) sum += s = std::exp(s - largest);
  for (float& s : scores) s /= sum;
  const double loss = -std::log(static_cast<double>(scores[static_cast<std::size_t>(truth)]) + 1e-12);
  scores[static_cast<std::size_t>(truth)] -= 1;

  for (std::size_t root = 0; root < 12; ++root) {
    const float* out = scores.data() + root * kQualities;
    const float* layer = hidden.data() + root * kHidden;
    std::array<float, kHidden> below{};
    for (std::size_t j = 0; j < kHidden; ++j) {
      if (layer[j] <= 0) continue;
      for (std::size_t q = 0; q < kQualities; ++q) {
        gradient.output[j * kQualities + q] += layer[j] * out[q];
        below[j] += network.output[j * kQualities + q] * out[q];
      }
      gradient.hidden_bias[j] += below[j];
    }
    for (std::size_t q = 0; q < kQualities; ++q) gradient.output_bias[q] += out[q];
    for (std::size_t g = 0; g < kChordGroups; ++g) {
      for (std::size_t i = 0; i < 12; ++i) {
        const float x = inputs[12 * g + (root + i) % 12];
        float* row = gradient.hidden.data() + (12 * g + i) * kHidden;
        for (std::size_t j = 0; j < kHidden; ++j) row[j] += x * below[j];
      }
    }
  }
  const float none = scores.back();
  for (std::size_t g = 0; g < kChordGroups; ++g) {
    float mean = 0, greatest = inputs[12 * g];
    for (std::size_t i = 0; i < 12; ++i) {
      mean += inputs[12 * g + i] / 12;
      greatest = std::max(greatest, inputs[12 * g + i]);
    }
    gradient.none[g] += none * mean;
    gradient.none[kChordGroups + g] += none * greatest;
  }
  gradient.none_bias += none;
  return loss;
}

/// Mean and deviation of each group of inputs, for learning goes well only where they are about 0 and 1.
struct Scaling {
  std::array<double, kChordGroups> mean{}, deviation{};
};

Scaling standardize(Examples& examples) {
  Scaling scaling;
  const double count = static_cast<double>(examples.classes.size()) * 12;
  const auto each = [&](auto&& visit) {
    for (std::size_t i = 0; i < examples.inputs.size(); ++i) visit(i % kChordInputs / 12, examples.inputs[i]);
  };
  each([&](std::size_t g, float& x) { scaling.mean[g] += static_cast<double>(x) / count; });
  each([&](std::size_t g, float& x) {
    scaling.deviation[g] += std::pow(static_cast<double>(x) - scaling.mean[g], 2) / count;
  });
  for (double& d : scaling.deviation) d = std::sqrt(d) + 1e-9;
  each([&](std::size_t g, float& x) {
    x = static_cast<float>((static_cast<double>(x) - scaling.mean[g]) / scaling.deviation[g]);
  });
  return scaling;
}

/// The same network for inputs as they come.
void fold_in(const Scaling& scaling, ChordNetwork& network) {
  constexpr std::size_t kHidden = ChordNetwork::kHidden;
  for (std::size_t g = 0; g < kChordGroups; ++g) {
    const auto mean = static_cast<float>(scaling.mean[g]), scale = static_cast<float>(1 / scaling.deviation[g]);
    for (std::size_t i = 0; i < 12 * kHidden; ++i) {
      float& weight = network.hidden[12 * g * kHidden + i];
      weight *= scale;
      network.hidden_bias[i % kHidden] -= weight * mean;
    }
    for (const std::size_t k : {g, kChordGroups + g}) {
      network.none[k] *= scale;
      network.none_bias -= network.none[k] * mean;
    }
  }
}

ChordNetwork learn(Examples examples, Random& random) {
  constexpr int kPasses = 6;
  constexpr std::size_t kBatch = 512;
  constexpr double kRate = 3e-3;
  const Scaling scaling = standardize(examples);
  ChordNetwork network{};
  for (float& w : network.hidden) w = static_cast<float>(random.normal() * 0.5 * std::sqrt(2.0 / kChordInputs));
  for (float& w : network.output) w = static_cast<float>(random.normal() * 0.3);

  Adam adam;
  std::vector<std::size_t> order(examples.classes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const std::size_t batches = order.size() / kBatch;
  for (int pass = 0; pass < kPasses; ++pass) {
    random.shuffle(order);
    double loss = 0;
    for (std::size_t b = 0; b < batches; ++b) {
      ChordNetwork gradient{};
      for (std::size_t i = b * kBatch; i < (b + 1) * kBatch; ++i) {
        loss +=
            backward(network, examples.inputs.data() + order[i] * kChordInputs, examples.classes[order[i]], gradient);
      }
      for (std::size_t i = 0; i < kWeights; ++i) numbers(gradient)[i] /= static_cast<float>(kBatch);
      const double progress =
          (pass + static_cast<double>(b) / static_cast<double>(batches)) / static_cast<double>(kPasses);
      adam.step(network, gradient, kRate * 0.5 * (1 + std::cos(std::numbers::pi * progress)));
    }
    fmt::print(stderr, "pass {}: {:.4f} nats a frame\n", pass + 1, loss / static_cast<double>(batches * kBatch));
  }
  fold_in(scaling, network);
  return network;
}

std::array<std::array<float, 24>, 2> chords_of_key(const std::vector<fs::path>& songs) {
  std::array<std::array<double, 24>, 2> seconds;
  for (auto& mode : seconds) mode.fill(30);  // as if each chord had been heard for half a minute
  for (const fs::path& song : songs) {
    const std::vector<Label> chords = read_labels(song / "chord_midi.txt");
    for (const Label& key : read_labels(song / "key_audio.txt")) {
      const auto tonic = parse_chord(key.text);  // "Gb:maj" is written as a chord is
      if (!tonic || tonic->root < 0) continue;
      for (const Label& label : chords) {
        const auto chord = parse_chord(label.text);
        const double overlap = std::min(label.end, key.end) - std::max(label.start, key.start);
        const int heard = chord ? majmin_class(*chord) : -1;
        if (heard < 0 || heard > 23 || overlap <= 0) continue;
        const int relative = (heard % 12 - tonic->root + 12) % 12 + heard / 12 * 12;
        seconds[tonic->quality == ChordQuality::minor][static_cast<std::size_t>(relative)] += overlap;
      }
    }
  }
  std::array<std::array<float, 24>, 2> result;
  for (std::size_t mode = 0; mode < 2; ++mode) {
    double sum = 0;
    for (const double s : seconds[mode]) sum += s;
    for (std::size_t i = 0; i < 24; ++i) result[mode][i] = static_cast<float>(std::log(seconds[mode][i] / sum));
  }
  return result;
}

template <class Numbers>
std::string list(const Numbers& numbers) {
  std::string text;
  for (const float v : numbers) text += fmt::format("{}{:#.3g}f", text.empty() ? "" : ", ", static_cast<double>(v));
  return "{" + text + "}";
}

void print(const ChordNetwork& network, const std::array<std::array<float, 24>, 2>& keys, std::size_t songs) {
  fmt::print(
      "// Learned from {} songs of POP909's training split; written by tools/learn_harmony.cpp.\n"
      "#include \"signal/chord_model.hpp\"\n\nnamespace euterpe {{\n\n",
      songs);
  std::string body = "const ChordNetwork kChordNetwork = {\n";
  for (const std::string& part : {list(network.hidden), list(network.hidden_bias), list(network.output),
                                  list(network.output_bias), list(network.none)}) {
    body += "{" + part + "},\n";
  }
  body += fmt::format("{:#.3g}f}};\n\n", static_cast<double>(network.none_bias));
  body += "const std::array<std::array<float, 24>, 2> kChordsOfKey = {{{" + list(keys[0]) + "}, {" + list(keys[1]) +
          "}}};\n";
  fmt::print("{}\n}}  // namespace euterpe\n", body);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) {
      fmt::print(stderr, "usage: {} POP909 [songs]\n", argv[0]);
      return 2;
    }
    const std::size_t most = argc > 2 ? std::stoul(argv[2]) : 110;
    std::vector<fs::path> songs;
    for (const auto& entry : fs::directory_iterator(argv[1])) {
      const std::string name = entry.path().filename().string();
      if (fs::exists(entry.path() / "chord_midi.txt") && split_of("pop909/" + name) == "train") {
        songs.push_back(entry.path());
      }
    }
    std::ranges::sort(songs);
    Examples examples;
    const std::size_t count = std::min(most, songs.size());
    for (std::size_t i = 0; i < count; ++i) {
      Random random = Random::stream(kSeed, i);
      add_song(songs[i], i % 2 == 1, random, examples);
      fmt::print(stderr, "\r{} / {} songs, {} frames", i + 1, count, examples.classes.size());
    }
    fmt::print(stderr, "\n");
    Random random(kSeed);
    print(learn(std::move(examples), random), chords_of_key(songs), count);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
