/// Learns weights as src/signal/melody_weights.hpp holds them. Those that are there came of the same recipe by another
/// optimizer: piano arrangements are heard equally well with both; of a lone trumpet 130 of 153 frames that are heard
/// are right with weights from here, 123 of 140 with those there.
///
///     euterpe_learn_melody POP909 [songs] | clang-format-14 > src/signal/melody_weights.hpp
///
/// POP909 (Wang et al., ISMIR 2020): the first songs of its training split, played by FluidSynth as they are written;
/// the truth is the track MELODY.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "adam.hpp"
#include "base/random.hpp"
#include "corpus/datasets.hpp"
#include "media/synthesize.hpp"
#include "score/midi.hpp"
#include "signal/melody_candidates.hpp"

namespace {

using namespace euterpe;
namespace fs = std::filesystem;

constexpr std::uint64_t kSeed = 909;
constexpr std::size_t kEveryFrame = 8;  ///< neighbors look alike: one of so many is learned from
constexpr std::size_t kF = kMelodyFeatures, kHidden = 8;

struct Frame {
  std::vector<std::array<float, kF>> candidates;
  std::array<float, 2> loudness;
  std::size_t melody;  ///< which candidate; as many as there are for silence
};

/// The pitch of the melody in each frame, 0 where it is silent.
std::vector<int> melody_of(const Score& score, std::size_t frames) {
  constexpr double kFrameRate = static_cast<double>(MelodySalience::kSampleRate) / MelodySalience::kHop;
  std::vector<int> pitch(frames);
  for (const Track& track : score.tracks) {
    if (track.name != "MELODY") continue;
    for (const Note& note : track.notes) {
      const double start = score.seconds_at(Ticks(note.start)).value, end = score.seconds_at(Ticks(note.end())).value;
      const auto last = std::min(frames, static_cast<std::size_t>(std::ceil(end * kFrameRate)));
      for (auto t = static_cast<std::size_t>(std::ceil(start * kFrameRate)); t < last; ++t) pitch[t] = note.pitch;
    }
  }
  return pitch;
}

/// Heights are moved at random, as far as five semitones, so that a high or low voice is no worse a melody.
void add_song(const fs::path& song, Random& random, std::vector<Frame>& examples) {
  const Score score = read_midi(song / (song.filename().string() + ".mid")).score;
  SynthesisOptions options;
  options.sample_rate = MelodySalience::kSampleRate;
  options.channels = 1;
  const std::vector<float> samples = synthesize(score, options).samples;
  const std::size_t frames = 1 + samples.size() / MelodySalience::kHop;
  const std::vector<int> truth = melody_of(score, frames);
  const auto higher = static_cast<float>(random.uniform(-5, 5) / 12);
  MelodySalience salience;
  for (std::size_t begin = 0; begin < frames; begin += kMelodyPiece) {
    const std::size_t end = std::min(frames, begin + kMelodyPiece), first = begin - std::min(begin, kMelodyContext);
    const MelodyStretch stretch = melody_stretch(samples, first, std::min(frames, end + kMelodyContext), salience);
    for (std::size_t t = begin; t < end; t += kEveryFrame) {
      Frame frame{{}, stretch.loudness(t - first), 0};
      float nearest = 0.5f;  // semitones
      bool heard = false;
      for (MelodyCandidate& c : melody_candidates(stretch, t - first, salience)) {
        const float apart = std::abs(c.pitch - static_cast<float>(truth[t]));
        if (apart < nearest) nearest = apart, frame.melody = frame.candidates.size(), heard = true;
        float& height = c.features[kHeightFeature];
        height += higher;
        c.features[kHeightFeature + 1] = height * height;
        frame.candidates.push_back(c.features);
      }
      if (truth[t] == 0) frame.melody = frame.candidates.size();
      if (heard || truth[t] == 0) examples.push_back(std::move(frame));
    }
  }
}

/// Where each part of the network lies in the list of its weights.
constexpr std::size_t kBias = kHidden * kF, kOutput = kBias + kHidden, kDirect = kOutput + kHidden,
                      kSilence = kDirect + kF, kSilenceBias = kSilence + 2, kWeights = kSilenceBias + 1;

/// Adds the gradient of one frame's cross-entropy; returns the cross-entropy in nats.
double add_gradient(const Frame& frame, const std::vector<double>& w, std::vector<double>& gradient) {
  const std::size_t n = frame.candidates.size();
  std::array<std::array<double, kHidden>, kMelodyCandidates> hidden;
  std::array<double, kMelodyCandidates + 1> score;
  for (std::size_t k = 0; k < n; ++k) {
    const auto& x = frame.candidates[k];
    score[k] = 0;
    for (std::size_t i = 0; i < kF; ++i) score[k] += w[kDirect + i] * static_cast<double>(x[i]);
    for (std::size_t h = 0; h < kHidden; ++h) {
      double sum = w[kBias + h];
      for (std::size_t i = 0; i < kF; ++i) sum += w[h * kF + i] * static_cast<double>(x[i]);
      hidden[k][h] = std::tanh(sum);
      score[k] += w[kOutput + h] * hidden[k][h];
    }
  }
  score[n] = w[kSilenceBias];
  for (std::size_t i = 0; i < 2; ++i) score[n] += w[kSilence + i] * static_cast<double>(frame.loudness[i]);
  const double top = *std::max_element(score.begin(), score.begin() + static_cast<std::ptrdiff_t>(n) + 1);
  double total = 0;
  for (std::size_t k = 0; k <= n; ++k) total += score[k] = std::exp(score[k] - top);
  for (std::size_t k = 0; k <= n; ++k) score[k] /= total;
  const double loss = -std::log(score[frame.melody] + 1e-12);
  score[frame.melody] -= 1;
  for (std::size_t k = 0; k < n; ++k) {
    const auto& x = frame.candidates[k];
    for (std::size_t i = 0; i < kF; ++i) gradient[kDirect + i] += score[k] * static_cast<double>(x[i]);
    for (std::size_t h = 0; h < kHidden; ++h) {
      gradient[kOutput + h] += score[k] * hidden[k][h];
      const double below = score[k] * w[kOutput + h] * (1 - hidden[k][h] * hidden[k][h]);
      gradient[kBias + h] += below;
      for (std::size_t i = 0; i < kF; ++i) gradient[h * kF + i] += below * static_cast<double>(x[i]);
    }
  }
  for (std::size_t i = 0; i < 2; ++i) gradient[kSilence + i] += score[n] * static_cast<double>(frame.loudness[i]);
  gradient[kSilenceBias] += score[n];
  return loss;
}

/// Brings one number of all frames to mean 0 and deviation 1.
struct Scaling {
  double mean = 0, deviation = 0;
};
template <class Each>
Scaling standardize(const Each& each) {
  Scaling s;
  double count = 0;
  each([&](float& x) { s.mean += static_cast<double>(x), ++count; });
  s.mean /= count;
  each([&](float& x) { s.deviation += std::pow(static_cast<double>(x) - s.mean, 2) / count; });
  s.deviation = std::sqrt(s.deviation) + 1e-6;
  each([&](float& x) { x = static_cast<float>((static_cast<double>(x) - s.mean) / s.deviation); });
  return s;
}

struct Network {
  std::vector<double> weights = std::vector<double>(kWeights);
  double direct_bias = 0;
};

Network learn(std::vector<Frame> examples, Random& random) {
  constexpr int kPasses = 60;
  constexpr std::size_t kBatch = 256;
  constexpr double kRate = 1e-2, kShrink = 1e-4;
  std::array<Scaling, kF> features;
  std::array<Scaling, 2> loudness;
  for (std::size_t i = 0; i < kF; ++i)
    features[i] = standardize([&](auto&& visit) {
      for (Frame& frame : examples)
        for (auto& candidate : frame.candidates) visit(candidate[i]);
    });
  for (std::size_t i = 0; i < 2; ++i)
    loudness[i] = standardize([&](auto&& visit) {
      for (Frame& frame : examples) visit(frame.loudness[i]);
    });

  Network network;
  std::vector<double>& w = network.weights;
  for (std::size_t i = 0; i < kBias; ++i) w[i] = random.normal() * 0.15;
  for (std::size_t h = 0; h < kHidden; ++h) w[kOutput + h] = random.normal() * 0.1;
  Adam adam(kWeights);
  const std::size_t batches = examples.size() / kBatch;
  for (int pass = 0; pass < kPasses; ++pass) {
    random.shuffle(examples);
    double loss = 0;
    for (std::size_t b = 0; b < batches; ++b) {
      std::vector<double> gradient(kWeights);
      for (std::size_t i = b * kBatch; i < (b + 1) * kBatch; ++i) loss += add_gradient(examples[i], w, gradient);
      for (std::size_t i = 0; i < kWeights; ++i) gradient[i] = gradient[i] / kBatch + 2 * kShrink * w[i];
      const double progress = (pass + static_cast<double>(b) / static_cast<double>(batches)) / kPasses;
      adam.step(w, gradient, kRate * cosine_decay(progress));
    }
    fmt::print(stderr, "pass {}: {:.4f} nats a frame\n", pass + 1, loss / static_cast<double>(batches * kBatch));
  }

  // The same network for numbers as they come.
  for (std::size_t i = 0; i < kF; ++i) {
    for (std::size_t h = 0; h < kHidden; ++h) {
      w[h * kF + i] /= features[i].deviation;
      w[kBias + h] -= w[h * kF + i] * features[i].mean;
    }
    w[kDirect + i] /= features[i].deviation;
    network.direct_bias -= w[kDirect + i] * features[i].mean;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    w[kSilence + i] /= loudness[i].deviation;
    w[kSilenceBias] -= w[kSilence + i] * loudness[i].mean;
  }
  return network;
}

std::string number(double v) { return fmt::format("{:#.4g}F", v); }

std::string list(const std::vector<double>& weights, std::size_t first, std::size_t count) {
  std::string text;
  for (std::size_t i = first; i < first + count; ++i) text += (i > first ? ", " : "") + number(weights[i]);
  return text;
}

void print(const Network& network, std::size_t songs) {
  const std::vector<double>& w = network.weights;
  fmt::print(R"(#pragma once
/// What was learned about melodies: weights of the network that scores a pitch candidate (melody.cpp says of what).
///
/// Maximum likelihood of the melody's notes, or of its silence, in {} songs of POP909's training split (Wang et al.
/// 2020, MIT) played on a sampled piano; each song shifted at random by up to five semitones in the two features of
/// height, so that a high or low voice is no worse a melody. Features are taken as they are: their scale is in the
/// weights. Written by tools/learn_melody.cpp.
#include <array>
#include <cstddef>

#include "signal/melody_candidates.hpp"

namespace euterpe::melody_weights {{

inline constexpr std::size_t kHidden = {};

/// [kHidden][kMelodyFeatures]
inline constexpr std::array<std::array<float, kMelodyFeatures>, kHidden> kInput = {{{{
)",
             songs, kHidden);
  for (std::size_t h = 0; h < kHidden; ++h) fmt::print("{{{}}},\n", list(w, h * kF, kF));
  fmt::print(R"(}}}};
inline constexpr std::array<float, kHidden> kInputBias = {{{}}};
inline constexpr std::array<float, kHidden> kOutput = {{{}}};
/// Past the hidden layer.
inline constexpr std::array<float, kMelodyFeatures> kDirect = {{{}}};
inline constexpr float kDirectBias = {};
/// The score of silence, of the frame's log energy and log salience over their means.
inline constexpr float kSilenceEnergy = {}, kSilenceSalience = {}, kSilenceBias = {};

}}  // namespace euterpe::melody_weights
)",
             list(w, kBias, kHidden), list(w, kOutput, kHidden), list(w, kDirect, kF), number(network.direct_bias),
             number(w[kSilence]), number(w[kSilence + 1]), number(w[kSilenceBias]));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) {
      fmt::print(stderr, "usage: {} POP909 [songs]\n", argv[0]);
      return 2;
    }
    const std::size_t most = argc > 2 ? std::stoul(argv[2]) : 24;
    std::vector<fs::path> songs;
    for (const auto& entry : fs::directory_iterator(argv[1])) {
      const std::string name = entry.path().filename().string();
      if (fs::is_directory(entry.path()) && split_of("pop909/" + name) == "train") songs.push_back(entry.path());
    }
    std::ranges::sort(songs);
    songs.resize(std::min(most, songs.size()));
    std::vector<Frame> examples;
    for (std::size_t i = 0; i < songs.size(); ++i) {
      Random random = Random::stream(kSeed, i);
      add_song(songs[i], random, examples);
      fmt::print(stderr, "\r{} / {} songs, {} frames", i + 1, songs.size(), examples.size());
    }
    fmt::print(stderr, "\n");
    Random random(kSeed);
    print(learn(std::move(examples), random), songs.size());
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
