/// Learns what src/score/beat_weights.cpp and src/signal/beat_weights.cpp hold:
///
///     euterpe_learn_beats DATA score > src/score/beat_weights.cpp
///     euterpe_learn_beats DATA audio > src/signal/beat_weights.cpp
///
/// DATA holds pop909/ (Wang et al., ISMIR 2020), nottingham/, classical/ and groove/ (Gillick et al., ICML 2019) as
/// their publishers lay them out; only their training splits are read. POP909's beats are those of beat_midi.txt, all
/// others are the notated ones, where the notes follow them. Most pieces are transposed, stretched, played by other
/// instruments and often given drums, so that the network hears beats and no set's manner; one song of POP909 in a few
/// stays as it is written. Recordings are made by FluidSynth: those songs are played whole, of the others excerpts of
/// half a minute. Minutes on two cores and 1.5 GB; the weights are the same for any number of threads.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <numbers>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/hot.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "corpus/datasets.hpp"
#include "media/synthesize.hpp"
#include "score/annotation_formats.hpp"
#include "score/beats.hpp"
#include "score/midi.hpp"
#include "signal/beat_tracking.hpp"

namespace {

using namespace euterpe;
namespace fs = std::filesystem;

constexpr std::uint64_t kSeed = 909;
constexpr std::size_t kUnits = 32, kOutputs = 3;

struct Recipe {
  bool audio;
  std::size_t pop, folk, classical, drums;  ///< pieces of each set at most
  std::size_t as_written;                   ///< one pop song of so many is not varied
  double drummed;                           ///< share of the varied pieces that are given drums
  double kept;                              ///< share of the frames without onsets that is learned from
  int passes;
};
constexpr Recipe kScore{false, 500, 150, 250, 120, 4, 0.3, 0.03, 20};
constexpr Recipe kAudio{true, 260, 110, 150, 110, 3, 0.55, 0.04, 20};

struct Item {
  std::string group;          ///< learned from or held out as a whole
  fs::path midi, annotation;  ///< without annotation beats are as they are notated
  bool varied = true;
  bool performed = false;        ///< with a metronome, so that the beats are right wherever the notes stand
  double from = 0, seconds = 0;  ///< of a recording; 0 seconds: all of it
};

/// Long performances of Groove MIDI's training split, grouped by session.
std::vector<Item> drum_performances(const fs::path& folder) {
  enum Column : std::size_t { session = 1, beat_type = 5, midi_filename = 7, duration = 9, split = 10 };
  std::vector<Item> items;
  std::istringstream rows(read_text(folder / "info.csv"));
  for (std::string row; std::getline(rows, row);) {
    std::vector<std::string> cells;
    std::istringstream columns(row.substr(0, row.find('\r')));
    for (std::string cell; std::getline(columns, cell, ',');) cells.push_back(cell);
    if (cells.size() <= split || cells[split] != "train" || cells[beat_type] != "beat") continue;
    if (std::stod(cells[duration]) <= 20) continue;
    items.push_back({"groove/" + cells[session], folder / cells[midi_filename], {}, true, true, 0, 30});
  }
  return items;
}

std::vector<Item> choose_items(const fs::path& data, const Recipe& recipe) {
  Random random(kSeed);
  std::vector<Item> all;
  const auto take = [&](std::vector<Item> items, std::size_t most) {
    std::ranges::sort(items, {}, &Item::midi);
    random.shuffle(items);
    items.resize(std::min(items.size(), most));
    all.insert(all.end(), items.begin(), items.end());
  };

  std::vector<Item> pop;
  for (const auto& entry : fs::directory_iterator(data / "pop909")) {
    const std::string name = entry.path().filename().string();
    const fs::path midi = entry.path() / (name + ".mid"), beats = entry.path() / "beat_midi.txt";
    if (split_of("pop909/" + name) == "train" && fs::exists(midi) && fs::exists(beats))
      pop.push_back({"pop909/" + name, midi, beats});
  }
  take(std::move(pop), recipe.pop);
  for (std::size_t i = 0; i < all.size(); ++i) {
    static constexpr double kFrom[] = {0, 20, 60, 100};
    all[i].varied = i % recipe.as_written != 0;
    if (all[i].varied) all[i].from = kFrom[random.below(4)], all[i].seconds = 40;
  }
  const auto notated = [&](const std::vector<Piece>& pieces, double from, double seconds) {
    std::vector<Item> items;
    for (const Piece& piece : pieces)
      if (piece.split == "train")
        items.push_back({piece.group, data / (piece.id + ".mid"), {}, true, false, from, seconds});
    return items;
  };
  take(notated(read_nottingham(data / "nottingham"), 0, 30), recipe.folk);
  take(notated(read_classical(data / "classical"), 10, 35), recipe.classical);
  take(drum_performances(data / "groove"), recipe.drums);
  return all;
}

/// A bar of three is what is heard where POP909 has bars of six, and beats before the first downbeat count too.
std::vector<Beat> annotated_beats(const fs::path& path) {
  std::vector<Beat> beats = read_beats(path);
  std::map<int, int> bars;
  for (std::size_t i = 1; i < beats.size(); ++i)
    if (beats[i].position == 1) ++bars[beats[i - 1].position];
  bars.erase(0);
  if (bars.empty()) return {};
  const auto usual = std::ranges::max_element(bars, {}, [](const auto& bar) { return bar.second; });
  const int length = usual->first == 6 || usual->first == 3 ? 3 : 4;
  for (Beat& beat : beats)
    if (beat.position > length) beat.position = (beat.position - 1) % length + 1;
  for (std::size_t i = beats.size() - 1; i-- > 0;)
    if (beats[i].position == 0) beats[i].position = (beats[i + 1].position + length - 2) % length + 1;
  return beats;
}

/// Whether most notes begin on sixteenths or on triplets of eighths, within a 48th of a quarter.
bool follows_ticks(const Score& score) {
  std::size_t on = 0;
  for (const Track& track : score.tracks) {
    for (const Note& note : track.notes) {
      const double quarters = static_cast<double>(note.start) / score.ticks_per_quarter;
      const auto off = [&](double parts) { return std::abs(quarters * parts - std::round(quarters * parts)) / parts; };
      on += std::min(off(4), off(3)) < 1.0 / 48 ? 1 : 0;
    }
  }
  return static_cast<double>(on) >= 0.9 * static_cast<double>(score.note_count());
}

/// Stretches time by up to e^±widest, transposes, draws instruments and levels. \return the factor of time
double vary(Score& score, double widest, Random& random) {
  static constexpr std::uint8_t kPrograms[] = {0,  1,  2,  4,  5,  6,  11, 12, 16, 19, 24, 25, 26,
                                               27, 28, 29, 32, 33, 34, 40, 42, 45, 46, 48, 50, 52,
                                               56, 60, 61, 65, 68, 71, 73, 75, 80, 81, 88, 89};
  const double factor = std::exp(random.uniform(-widest, widest));
  if (score.tempos.empty() || score.tempos.front().tick > 0) score.tempos.insert(score.tempos.begin(), Tempo{});
  for (Tempo& tempo : score.tempos)
    tempo.microseconds_per_quarter =
        static_cast<std::uint32_t>(std::clamp(factor * tempo.microseconds_per_quarter, 1.0, 16777215.0));
  const int shift = static_cast<int>(random.below(9)) - 4;
  const bool other_instruments = random.below(3) != 0, level_velocity = random.uniform() < 0.3;
  for (Track& track : score.tracks) {
    if (track.notes.empty()) continue;
    if (!track.drums) {
      if (other_instruments) {
        track.program = kPrograms[random.below(std::size(kPrograms))];
        std::erase_if(track.events, [](const ChannelEvent& event) { return event.status == 0xC0; });
        track.events.insert(track.events.begin(), {0, 0xC0, track.notes.front().channel, track.program, 0});
      }
      for (Note& note : track.notes) note.pitch = static_cast<std::uint8_t>(std::clamp(note.pitch + shift, 0, 127));
    }
    const int gain = static_cast<int>(random.below(40)) - 25;
    for (Note& note : track.notes)
      note.velocity = static_cast<std::uint8_t>(std::clamp((level_velocity ? 80 : note.velocity) + gain, 1, 127));
  }
  return factor;
}

/// Drums that play on the beats, or on each half of slow ones, which then are the beats.
void add_drums(Score& score, std::vector<Beat>& beats, Random& random) {
  enum class Style { rock, pop, four_on_the_floor, ride };
  const double interval = (beats.back().time - beats.front().time) / static_cast<double>(beats.size() - 1);
  const bool even = std::ranges::max_element(beats, {}, &Beat::position)->position % 2 == 0;
  if (even && interval > 0.6 && random.uniform() < 0.6) {
    std::vector<Beat> twice;
    for (std::size_t i = 0; i + 1 < beats.size(); ++i) {
      const int position = (beats[i].position - 1) % 2 * 2;
      twice.push_back({beats[i].time, position + 1});
      twice.push_back({(beats[i].time + beats[i + 1].time) / 2, position + 2});
    }
    beats = std::move(twice);
  }
  Track& drums = add_track(score, "DRUMS", 0, 9);
  drums.drums = true;
  const auto style = static_cast<Style>(random.below(4));
  const int parts = random.uniform() < 0.2 ? 1 : random.uniform() < 0.5 ? 2 : 4;
  const double loud = 60 + static_cast<double>(random.below(60));
  const bool half_time = random.uniform() < 0.15;
  const auto hit = [&](double time, std::uint8_t key, double velocity) {
    const double jitter = 0.004 * random.normal();
    drums.notes.push_back({score.tick_at(Seconds(std::max(0.0, time + jitter))).value, score.ticks_per_quarter / 8, key,
                           static_cast<std::uint8_t>(std::clamp(velocity, 1.0, 127.0)), 9});
  };
  for (std::size_t i = 0; i + 1 < beats.size(); ++i) {
    const double start = beats[i].time, length = beats[i + 1].time - start;
    const int position = beats[i].position;
    for (int k = 0; k < parts; ++k)
      if (random.uniform() < 0.95)
        hit(start + length * k / parts, style == Style::ride ? 51 : 42, loud * (k == 0 ? 0.8 : 0.55));
    const bool back_beat = half_time ? position == 3 : position % 2 == 0;
    if (style == Style::four_on_the_floor || (!back_beat && (position == 1 || (position == 3 && style != Style::pop))))
      hit(start, 36, loud);
    if (back_beat) hit(start, 38, loud);
    if (random.uniform() < 0.25) hit(start + length / 2, 36, 0.8 * loud);
    if (position == 1 && random.uniform() < 0.1) hit(start, 49, loud);
  }
  score.sort();
}

/// What begins within the excerpt, moved to its beginning, for playing: controllers and tempos as they are by then.
void cut(Score& score, std::vector<Beat>& beats, double from, double seconds) {
  const std::int64_t first = score.tick_at(Seconds(from)).value, last = score.tick_at(Seconds(from + seconds)).value;
  const double start = score.seconds_at(Ticks(first)).value;
  for (Track& track : score.tracks) {
    std::erase_if(track.notes, [&](const Note& note) { return note.start < first || note.start > last; });
    std::erase_if(track.events, [&](const ChannelEvent& event) { return event.tick > last; });
    for (Note& note : track.notes) note.start -= first;
    for (ChannelEvent& event : track.events) event.tick = std::max<std::int64_t>(0, event.tick - first);
  }
  std::vector<Tempo> tempos(1);
  for (const Tempo& tempo : score.tempos) {
    if (tempo.tick <= first)
      tempos.front().microseconds_per_quarter = tempo.microseconds_per_quarter;
    else
      tempos.push_back({tempo.tick - first, tempo.microseconds_per_quarter});
  }
  score.tempos = std::move(tempos);
  score.sort();
  for (Beat& beat : beats) beat.time -= start;
  std::erase_if(beats, [&](const Beat& beat) { return beat.time < 0 || beat.time > seconds; });
}

std::vector<float> play(const Score& score, bool varied, Random& random) {
  std::vector<float> samples = synthesize(score, {.sample_rate = 22050, .channels = 1}).samples;
  if (!varied) return samples;
  const auto tilt = static_cast<float>(random.uniform(-0.6, 0.8));
  double energy = 0;
  for (const float x : samples) energy += static_cast<double>(x) * static_cast<double>(x);
  const double level = std::pow(10, random.uniform(-3.5, -1)) * std::sqrt(energy / static_cast<double>(samples.size()));
  float before = 0;
  for (float& x : samples) {
    const float tilted = x - tilt * before;
    before = x;
    x = tilted + static_cast<float>(level * random.normal());
  }
  return samples;
}

/// Frames of one item: what the network sees, what it should say (0 no beat, 1 beat, 2 downbeat), and for how many
/// frames of that kind each stands.
struct Examples {
  std::vector<float> inputs;
  std::vector<std::uint8_t> classes;
  std::vector<float> weights;
  bool held_out = false;
};

Examples select_frames(const RhythmChannels& channels, const std::vector<Beat>& beats, double kept, Random& random) {
  constexpr std::uint8_t kNear = 3;  // neither to be called a beat nor none
  const auto n = static_cast<long>(channels.frames());
  std::vector<std::uint8_t> truth(channels.frames());
  for (const Beat& beat : beats) {
    const long frame = std::lround(beat.time / kBeatHop);
    for (long t = std::max(0L, frame - 2); t <= std::min(n - 1, frame + 2); ++t) {
      std::uint8_t& at = truth[static_cast<std::size_t>(t)];
      if (std::abs(t - frame) <= 1)
        at = beat.position == 1 ? 2 : 1;
      else if (at == 0)
        at = kNear;
    }
  }
  const auto rows = beat_network_rows(channels);
  const auto onset_at = [&](std::size_t t) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto [channel, offset, width] = beat_inputs()[i];
      const bool now = channel < static_cast<int>(RhythmChannels::kOnsets) && offset == 0 && width == 1;
      if (now && rows[i][t] > 0.3F) return true;
    }
    return false;
  };
  Examples examples;
  for (std::size_t t = 0; t < truth.size(); ++t) {
    const double time = static_cast<double>(t) * kBeatHop;
    if (time < beats.front().time - 0.3 || time > beats.back().time + 0.3 || truth[t] == kNear) continue;
    const double probability = kept * (truth[t] != 0 ? 8 : onset_at(t) ? 4 : 1);
    if (random.uniform() > probability) continue;
    for (const auto& row : rows) examples.inputs.push_back(row[t]);
    examples.classes.push_back(truth[t]);
    examples.weights.push_back(static_cast<float>(1 / probability));
  }
  return examples;
}

/// Empty where the beats are not known.
Examples listen(const Item& item, const Recipe& recipe, Random& random) {
  Score score = read_midi(item.midi).score;
  const bool annotated = !item.annotation.empty();
  const double factor = item.varied ? vary(score, annotated ? 0.25 : 0.4, random) : 1;
  std::vector<Beat> beats;
  if (annotated) {
    beats = annotated_beats(item.annotation);
    for (Beat& beat : beats) beat.time *= factor;
  } else if (item.performed || follows_ticks(score)) {
    BeatTrack track = notated_beats(score);
    if (track.tempo >= 45 && track.tempo <= 200) beats = std::move(track.beats);
  }
  if (beats.size() <= 8) return {};
  const bool has_drums = std::ranges::any_of(score.tracks, &Track::drums);
  if (item.varied && !has_drums && random.uniform() < recipe.drummed) add_drums(score, beats, random);
  if (!recipe.audio) return select_frames(rhythm_channels(timed_notes(score)), beats, recipe.kept, random);
  if (item.seconds > 0) cut(score, beats, item.from, item.seconds);
  if (beats.empty() || score.note_count() == 0) return {};
  const std::vector<float> samples = play(score, item.varied, random);
  return select_frames(rhythm_channels(std::span<const float>(samples)), beats, recipe.kept, random);
}

std::vector<Examples> listen_to_all(const std::vector<Item>& items, const Recipe& recipe) {
  std::vector<Examples> heard(items.size());
  Progress progress("listening", items.size(), "pieces");
  parallel_for(items.size(), [&](std::size_t i) {
    Random random = Random::stream(kSeed, i);
    try {
      heard[i] = listen(items[i], recipe, random);
    } catch (const Error& error) {
      fmt::print(stderr, "left out {}: {}\n", items[i].midi.string(), error.what());
    }
    // A tenth of the groups of the training split tells how well the rest generalizes.
    heard[i].held_out = split_of("held out of " + items[i].group) == "valid";
    progress.advance();
  });
  std::erase_if(heard, [](const Examples& examples) { return examples.classes.empty(); });
  return heard;
}

/// Weights as one list: [inputs × kUnits] and kUnits biases, then [kUnits × kOutputs] and kOutputs biases.
struct Layout {
  std::size_t inputs = beat_inputs().size();
  std::size_t bias = inputs * kUnits, output = bias + kUnits, output_bias = output + kUnits * kOutputs;
  std::size_t size = output_bias + kOutputs;
};

EUTERPE_HOT void add_weighted_rows(const float* x, const float* rows, std::size_t n, float* sums) {
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t u = 0; u < kUnits; ++u) sums[u] += x[i] * rows[i * kUnits + u];
}

EUTERPE_HOT void add_outer_product(const float* x, const float* y, std::size_t n, float* rows) {
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t u = 0; u < kUnits; ++u) rows[i * kUnits + u] += x[i] * y[u];
}

/// Cross-entropy of one frame in nats; adds `scale` times its gradient where one is asked for.
double cross_entropy(const std::vector<float>& weights, const float* inputs, std::size_t truth, float scale,
                     std::vector<float>* gradient) {
  const Layout at;
  std::array<float, kUnits> hidden, below{};
  std::copy_n(weights.data() + at.bias, kUnits, hidden.data());
  add_weighted_rows(inputs, weights.data(), at.inputs, hidden.data());
  std::array<float, kOutputs> scores;
  std::copy_n(weights.data() + at.output_bias, kOutputs, scores.data());
  const float* output = weights.data() + at.output;
  for (std::size_t u = 0; u < kUnits; ++u) {
    hidden[u] = std::max(0.0F, hidden[u]);
    for (std::size_t o = 0; o < kOutputs; ++o) scores[o] += hidden[u] * output[u * kOutputs + o];
  }
  const float largest = std::ranges::max(scores);
  float sum = 0;
  for (float& s : scores) sum += s = std::exp(s - largest);
  const double loss = -std::log(static_cast<double>(scores[truth] / sum) + 1e-9);
  if (gradient == nullptr) return loss;
  for (float& s : scores) s *= scale / sum;
  scores[truth] -= scale;
  for (std::size_t o = 0; o < kOutputs; ++o) (*gradient)[at.output_bias + o] += scores[o];
  for (std::size_t u = 0; u < kUnits; ++u) {
    if (hidden[u] <= 0) continue;
    for (std::size_t o = 0; o < kOutputs; ++o) {
      (*gradient)[at.output + u * kOutputs + o] += scores[o] * hidden[u];
      below[u] += scores[o] * output[u * kOutputs + o];
    }
    (*gradient)[at.bias + u] += below[u];
  }
  add_outer_product(inputs, below.data(), at.inputs, gradient->data());
  return loss;
}

/// Adam (Kingma and Ba 2015) with decoupled decay of all weights that are no biases.
class Adam {
 public:
  void step(std::vector<float>& weights, const std::vector<float>& gradient, double rate) {
    constexpr double kDecay = 1e-2;
    const Layout at;
    ++steps_;
    const double first_scale = 1 / (1 - std::pow(0.9, steps_)), second_scale = 1 / (1 - std::pow(0.999, steps_));
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const auto g = static_cast<double>(gradient[i]), weight = static_cast<double>(weights[i]);
      first_[i] = 0.9 * first_[i] + 0.1 * g;
      second_[i] = 0.999 * second_[i] + 0.001 * g * g;
      const bool is_bias = (i >= at.bias && i < at.output) || i >= at.output_bias;
      const double change = first_[i] * first_scale / (std::sqrt(second_[i] * second_scale) + 1e-8);
      weights[i] = static_cast<float>(weight - rate * (change + (is_bias ? 0 : kDecay * weight)));
    }
  }

 private:
  int steps_ = 0;
  std::vector<double> first_ = std::vector<double>(Layout().size), second_ = first_;
};

struct Example {
  const float* inputs;
  std::size_t truth;
  float weight;
};

/// The examples that are learned from, or those held out; their weights have mean 1.
std::vector<Example> list_examples(const std::vector<Examples>& heard, bool held_out) {
  std::vector<Example> list;
  double sum = 0;
  for (const Examples& item : heard) {
    if (item.held_out != held_out) continue;
    for (std::size_t i = 0; i < item.classes.size(); ++i) {
      list.push_back({item.inputs.data() + i * beat_inputs().size(), item.classes[i], item.weights[i]});
      sum += static_cast<double>(item.weights[i]);
    }
  }
  const auto mean = static_cast<float>(sum / static_cast<double>(list.size()));
  for (Example& example : list) example.weight /= mean;
  return list;
}

/// Mean and deviation of each input, for learning goes well only where they are about 0 and 1.
struct Scaling {
  std::vector<double> mean, deviation;
};

Scaling standardize(std::vector<Examples>& heard) {
  const std::size_t inputs = beat_inputs().size();
  Scaling scaling{std::vector<double>(inputs), std::vector<double>(inputs)};
  const std::vector<Example> examples = list_examples(heard, false);
  const auto count = static_cast<double>(examples.size());
  for (const Example& example : examples)
    for (std::size_t i = 0; i < inputs; ++i)
      scaling.mean[i] += static_cast<double>(example.weight * example.inputs[i]) / count;
  for (const Example& example : examples)
    for (std::size_t i = 0; i < inputs; ++i)
      scaling.deviation[i] += static_cast<double>(example.weight) *
                              std::pow(static_cast<double>(example.inputs[i]) - scaling.mean[i], 2) / count;
  for (double& d : scaling.deviation) d = std::sqrt(d) + 1e-3;
  for (Examples& item : heard)
    for (std::size_t i = 0; i < item.inputs.size(); ++i)
      item.inputs[i] = static_cast<float>((static_cast<double>(item.inputs[i]) - scaling.mean[i % inputs]) /
                                          scaling.deviation[i % inputs]);
  return scaling;
}

/// An input in ten is silenced at each step, so that no single one is relied on.
void copy_with_gaps(const float* inputs, std::size_t n, Random& random, std::vector<float>& out) {
  constexpr std::uint64_t kSilenced = 26;  // of 256
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < n; ++i, bits >>= 8) {
    if (i % 8 == 0) bits = random.next();
    out[i] = (bits & 0xFF) < kSilenced ? 0 : inputs[i] * 256 / (256 - kSilenced);
  }
}

double mean_loss(const std::vector<float>& weights, const std::vector<Example>& examples) {
  double loss = 0;
  for (const Example& example : examples)
    loss += static_cast<double>(example.weight) * cross_entropy(weights, example.inputs, example.truth, 0, nullptr);
  return loss / static_cast<double>(examples.size());
}

std::vector<float> learn(std::vector<Examples>& heard, int passes) {
  constexpr std::size_t kBatch = 512, kParts = 4;  // parts are fixed, so that sums are the same on any machine
  constexpr double kRate = 1e-3, kWarmUp = 300;
  const Layout at;
  const Scaling scaling = standardize(heard);
  std::vector<Example> examples = list_examples(heard, false);
  const std::vector<Example> held_out = list_examples(heard, true);

  Random random(kSeed);
  std::vector<float> weights(at.size);
  for (std::size_t i = 0; i < at.bias; ++i)
    weights[i] = static_cast<float>(random.normal() * 0.5 * std::sqrt(2.0 / static_cast<double>(at.inputs)));
  for (std::size_t i = at.output; i < at.output_bias; ++i) weights[i] = static_cast<float>(random.normal() * 0.1);
  weights[at.output_bias] = 1, weights[at.output_bias + 1] = -1, weights[at.output_bias + 2] = -2;

  Adam adam;
  const std::size_t batches = examples.size() / kBatch;
  const double steps = static_cast<double>(batches) * passes;
  std::size_t step = 0;
  for (int pass = 0; pass < passes; ++pass) {
    random.shuffle(examples);
    double loss = 0;
    for (std::size_t b = 0; b < batches; ++b, ++step) {
      std::array<std::vector<float>, kParts> gradients;
      std::array<double, kParts> losses{};
      parallel_for(kParts, [&](std::size_t part) {
        Random own = Random::stream(kSeed, step * kParts + part);
        std::vector<float> inputs(at.inputs);
        gradients[part].resize(at.size);
        for (std::size_t i = part * (kBatch / kParts); i < (part + 1) * (kBatch / kParts); ++i) {
          const Example& example = examples[b * kBatch + i];
          copy_with_gaps(example.inputs, at.inputs, own, inputs);
          losses[part] += static_cast<double>(example.weight) *
                          cross_entropy(weights, inputs.data(), example.truth,
                                        example.weight / static_cast<float>(kBatch), &gradients[part]);
        }
      });
      for (std::size_t part = 1; part < kParts; ++part)
        for (std::size_t i = 0; i < at.size; ++i) gradients[0][i] += gradients[part][i];
      for (const double part : losses) loss += part;
      const auto done = static_cast<double>(step + 1);
      const double cosine = std::cos(std::numbers::pi * done / steps);
      adam.step(weights, gradients[0], kRate * std::min(1.0, done / kWarmUp) * 0.5 * (1 + cosine));
    }
    fmt::print(stderr, "pass {}: {:.4f} nats a frame, {:.4f} held out\n", pass + 1,
               loss / static_cast<double>(batches * kBatch), mean_loss(weights, held_out));
  }
  for (std::size_t i = 0; i < at.inputs; ++i)  // the same network for inputs as they come
    for (std::size_t u = 0; u < kUnits; ++u) {
      float& weight = weights[i * kUnits + u];
      weight = static_cast<float>(static_cast<double>(weight) / scaling.deviation[i]);
      weights[at.bias + u] -= static_cast<float>(static_cast<double>(weight) * scaling.mean[i]);
    }
  return weights;
}

/// Items side by side in lines that are filled up.
std::string lines(const std::vector<std::string>& items) {
  std::string text;
  std::size_t line = 0;  // where it begins
  for (const std::string& item : items) {
    const bool full = text.size() - line + item.size() + 2 > 118;
    if (full) line = text.size() + 1;
    text += fmt::format("{}{},", text.empty() ? "  " : full ? "\n  " : " ", item);
  }
  return text + "\n";
}

void print(const std::vector<float>& weights, const Recipe& recipe, std::size_t pieces) {
  const Layout at;
  std::vector<std::string> bytes, scales, biases, outputs;
  const auto number = [](float x) { return fmt::format("{:#.5g}F", static_cast<double>(x)); };
  for (std::size_t u = 0; u < kUnits; ++u) {
    float greatest = 1e-12F;
    for (std::size_t i = 0; i < at.inputs; ++i) greatest = std::max(greatest, std::abs(weights[i * kUnits + u]));
    for (std::size_t i = 0; i < at.inputs; ++i)
      bytes.push_back(std::to_string(std::lround(weights[i * kUnits + u] / greatest * 127)));
    scales.push_back(number(greatest / 127));
    biases.push_back(number(weights[at.bias + u]));
  }
  for (std::size_t o = 0; o < kOutputs; ++o) {
    for (std::size_t u = 0; u < kUnits; ++u) outputs.push_back(number(weights[at.output + u * kOutputs + o]));
    outputs.push_back(number(weights[at.output_bias + o]));
  }
  const std::string room = recipe.audio ? "signal" : "score";
  fmt::print("/// Learned from {} pieces of training splits; written by tools/learn_beats.cpp:\n///\n", pieces);
  fmt::print("///     euterpe_learn_beats DATA {} > src/{}/beat_weights.cpp\n", recipe.audio ? "audio" : "score", room);
  fmt::print("#include \"{}/{}.hpp\"\n\nnamespace euterpe {{\nnamespace {{\n\n// clang-format off\n", room,
             recipe.audio ? "beat_tracking" : "beats");
  fmt::print("constexpr std::int8_t kHidden[] = {{  // [{} units × {} inputs]\n{}}};\n", kUnits, at.inputs,
             lines(bytes));
  fmt::print("constexpr float kScale[] = {{\n{}}};\n", lines(scales));
  fmt::print("constexpr float kBias[] = {{\n{}}};\n", lines(biases));
  fmt::print("constexpr float kOutput[] = {{  // no beat, beat, downbeat\n{}}};\n// clang-format on\n\n",
             lines(outputs));
  fmt::print("}}  // namespace\n\nconst BeatNetwork& {}_beat_network() {{\n", recipe.audio ? "audio" : "score");
  fmt::print("  static const BeatNetwork network{{kHidden, kScale, kBias, kOutput}};\n  return network;\n}}\n\n");
  fmt::print("}}  // namespace euterpe\n");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string kind = argc == 3 ? argv[2] : "";
    if (kind != "score" && kind != "audio") {
      fmt::print(stderr, "usage: {} DATA score|audio\n", argv[0]);
      return 2;
    }
    const Recipe& recipe = kind == "audio" ? kAudio : kScore;
    std::vector<Examples> heard = listen_to_all(choose_items(argv[1], recipe), recipe);
    print(learn(heard, recipe.passes), recipe, heard.size());
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
