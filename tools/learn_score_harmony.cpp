/// Learns what src/score/chord_weights.hpp and src/score/key_weights.hpp hold, in this order, for keys are learned from
/// the chords that the program finds, so that it has to be built again in between:
///
///     euterpe_learn_score_harmony chords POP909 | clang-format-14 > src/score/chord_weights.hpp
///     euterpe_learn_score_harmony keys POP909 | clang-format-14 > src/score/key_weights.hpp
///
/// POP909 (Wang et al., ISMIR 2020): the scores of its training split with chord_midi.txt and key_audio.txt.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adam.hpp"
#include "base/hot.hpp"
#include "base/random.hpp"
#include "corpus/datasets.hpp"
#include "score/annotation_formats.hpp"
#include "score/chord.hpp"
#include "score/harmony.hpp"
#include "score/harmony_views.hpp"
#include "score/midi.hpp"

namespace {

using namespace euterpe;
namespace fs = std::filesystem;

/// In the order of the printed weights.
constexpr std::array kQualities = {ChordQuality::major,       ChordQuality::minor,
                                   ChordQuality::diminished,  ChordQuality::augmented,
                                   ChordQuality::sus2,        ChordQuality::sus4,
                                   ChordQuality::major7,      ChordQuality::minor7,
                                   ChordQuality::dominant7,   ChordQuality::half_diminished7,
                                   ChordQuality::diminished7, ChordQuality::minor_major7,
                                   ChordQuality::major6,      ChordQuality::minor6};
constexpr std::array<std::string_view, kQualities.size()> kQualityNames = {
    "major",  "minor",     "diminished",       "augmented",   "sus2",         "sus4",   "major7",
    "minor7", "dominant7", "half_diminished7", "diminished7", "minor_major7", "major6", "minor6"};

/// What is learned from: views of pitch classes, and of which of `kinds` chords or keys, on which root.
struct Examples {
  std::size_t kinds, views;
  bool neither;                      ///< whether there may be no chord
  std::vector<float> inputs;         ///< [n × views × 12]
  std::vector<std::size_t> classes;  ///< root × kinds + kind; 12 × kinds: neither
};

/// Multinomial logistic regression over all roots and kinds, with the same weights for every root.
constexpr std::size_t kLanes = 16;  ///< a row of weights, one for each kind
struct Model {
  std::size_t kinds, views;
  std::vector<double> weights;  ///< [views × 12 × kLanes] by semitones above the root, bias [kLanes], then for
                                ///< "neither" [views] of the views' sums and a bias

  Model(std::size_t kinds_, std::size_t views_) : kinds(kinds_), views(views_), weights(bias() + kLanes + views_ + 1) {}
  std::size_t bias() const { return views * 12 * kLanes; }
  std::size_t neither() const { return bias() + kLanes; }
};

/// out[k] = Σ x[i]·rows[i][k]
EUTERPE_HOT void multiply(const float* x, const float* rows, std::size_t n, float* out) {
  float sum[kLanes] = {};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < kLanes; ++k) sum[k] += x[i] * rows[i * kLanes + k];
  for (std::size_t k = 0; k < kLanes; ++k) out[k] = sum[k];
}

/// rows[i][k] += x[i]·by[k]
EUTERPE_HOT void add_product(const float* x, const float* by, std::size_t n, float* rows) {
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < kLanes; ++k) rows[i * kLanes + k] += x[i] * by[k];
}

/// Adds the gradient of one example's cross-entropy; returns the cross-entropy in nats.
double add_gradient(const Examples& examples, std::size_t at, const std::vector<float>& w, const Model& model,
                    std::vector<float>& gradient) {
  const std::size_t n = model.views * 12, kinds = model.kinds;
  const float* x = examples.inputs.data() + at * n;
  std::vector<float> turned(12 * n), scores(12 * kLanes + 1, -1e9F), sums(model.views);
  for (std::size_t v = 0; v < model.views; ++v)
    for (std::size_t pc = 0; pc < 12; ++pc) {
      sums[v] += x[12 * v + pc];
      for (std::size_t root = 0; root < 12; ++root) turned[root * n + 12 * v + pc] = x[12 * v + (root + pc) % 12];
    }
  for (std::size_t root = 0; root < 12; ++root) {
    float* score = &scores[root * kLanes];
    multiply(&turned[root * n], w.data(), n, score);
    for (std::size_t k = 0; k < kLanes; ++k) score[k] = k < kinds ? score[k] + w[model.bias() + k] : -1e9F;
  }
  if (examples.neither) {
    scores.back() = w.back();
    for (std::size_t v = 0; v < model.views; ++v) scores.back() += w[model.neither() + v] * sums[v];
  }
  const float top = std::ranges::max(scores);
  float total = 0;
  for (float& s : scores) total += s = std::exp(s - top);
  for (float& s : scores) s /= total;
  const std::size_t of = examples.classes[at];
  float& truth = of == 12 * kinds ? scores.back() : scores[of / kinds * kLanes + of % kinds];
  const double loss = -std::log(std::max(static_cast<double>(truth), 1e-12));
  truth -= 1;
  for (std::size_t root = 0; root < 12; ++root) {
    const float* by = &scores[root * kLanes];
    add_product(&turned[root * n], by, n, gradient.data());
    for (std::size_t k = 0; k < kLanes; ++k) gradient[model.bias() + k] += by[k];
  }
  for (std::size_t v = 0; v < model.views; ++v) gradient[model.neither() + v] += scores.back() * sums[v];
  gradient.back() += scores.back();
  return loss;
}

/// `shrink`: how much the sum of the squared weights, biases left out, counts beside the mean cross-entropy.
Model learn(const Examples& examples, int passes, double shrink) {
  constexpr std::uint64_t kSeed = 909;
  constexpr std::size_t kBatch = 512;
  constexpr double kRate = 0.1;
  Model model(examples.kinds, examples.views);
  Adam adam(model.weights.size());
  Random random(kSeed);
  std::vector<std::size_t> order(examples.classes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const std::size_t batches = order.size() / kBatch;
  for (int pass = 0; pass < passes; ++pass) {
    random.shuffle(order);
    double loss = 0;
    for (std::size_t b = 0; b < batches; ++b) {
      const std::vector<float> w(model.weights.begin(), model.weights.end());
      std::vector<float> sum(w.size());
      for (std::size_t i = b * kBatch; i < (b + 1) * kBatch; ++i)
        loss += add_gradient(examples, order[i], w, model, sum);
      std::vector<double> gradient(sum.begin(), sum.end());
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        gradient[i] /= kBatch;
        if (i < model.bias()) gradient[i] += 2 * shrink * model.weights[i];
      }
      const double progress = (pass + static_cast<double>(b) / static_cast<double>(batches)) / passes;
      adam.step(model.weights, gradient, kRate * cosine_decay(progress));
    }
    fmt::print(stderr, "pass {}: {:.4f} nats\n", pass + 1, loss / static_cast<double>(batches * kBatch));
  }
  return model;
}

std::vector<fs::path> training_songs(const fs::path& folder) {
  std::vector<fs::path> songs;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (fs::exists(entry.path() / "chord_midi.txt") && split_of("pop909/" + name) == "train") {
      songs.push_back(entry.path());
    }
  }
  std::ranges::sort(songs);
  return songs;
}

Score read_song(const fs::path& song) { return read_midi(song / (song.filename().string() + ".mid")).score; }

/// The segment at a time; null if none is.
template <class Segment>
const Segment* at_time(const std::vector<Segment>& segments, double time) {
  const auto found = std::ranges::find_if(segments, [&](const Segment& s) { return s.start <= time && time < s.end; });
  return found == segments.end() ? nullptr : &*found;
}

template <class Views>
void add(const Views& views, std::size_t of, Examples& examples) {
  for (const auto& view : views) examples.inputs.insert(examples.inputs.end(), view.begin(), view.end());
  examples.classes.push_back(of);
}

double middle(const BeatEvidence& evidence, std::size_t t) { return (evidence.times[t] + evidence.times[t + 1]) / 2; }

/// Every beat.
Examples chord_examples(const std::vector<fs::path>& songs) {
  Examples examples{kQualities.size(), kChordViews, true, {}, {}};
  for (const fs::path& song : songs) {
    const std::vector<ChordSegment> truth = read_chord_lab(song / "chord_midi.txt");
    const BeatEvidence evidence = beat_evidence(read_song(song));
    for (std::size_t t = 0; t < evidence.beats.size(); ++t) {
      const ChordSegment* chord = at_time(truth, middle(evidence, t));
      if (!chord) continue;
      const auto quality =
          static_cast<std::size_t>(std::ranges::find(kQualities, chord->chord.quality) - kQualities.begin());
      const int root = chord->chord.root;
      if (root >= 0 && quality == kQualities.size()) continue;
      add(chord_views(evidence.beats[t]),
          root < 0 ? 12 * kQualities.size() : static_cast<std::size_t>(root) * kQualities.size() + quality, examples);
    }
  }
  return examples;
}

/// One of several beats: the passages of neighbors share most of their notes.
Examples key_examples(const std::vector<fs::path>& songs) {
  constexpr std::size_t kEvery = 8;
  Examples examples{2, kKeyViews, false, {}, {}};
  for (const fs::path& song : songs) {
    const std::vector<KeySegment> truth = read_key_lab(song / "key_audio.txt");
    const BeatEvidence evidence = beat_evidence(read_song(song));
    const std::vector<KeyViews> views = key_views(evidence, estimate_chords(evidence));
    for (std::size_t t = 0; t < views.size(); t += kEvery)
      if (const KeySegment* key = at_time(truth, middle(evidence, t)))
        add(views[t], static_cast<std::size_t>(key->tonic) * 2 + (key->minor ? 1 : 0), examples);
  }
  return examples;
}

std::string number(double v) { return fmt::format("{:.2f}F", std::abs(v) < 0.005 ? 0.0 : v); }

/// "bias, {{…}, …}" of one kind; `less` is taken off the bias.
std::string kind(const Model& model, std::size_t k, double less = 0) {
  std::string text = number(model.weights[model.bias() + k] - less) + ", {";
  for (std::size_t v = 0; v < model.views; ++v) {
    text += v > 0 ? ", {" : "{";
    for (std::size_t i = 0; i < 12; ++i) text += (i > 0 ? ", " : "") + number(model.weights[(12 * v + i) * kLanes + k]);
    text += "}";
  }
  return text + "}";
}

void print_chords(const Model& model) {
  fmt::print(R"(#pragma once
/// How much each tone speaks for each chord: multinomial logistic regression over all chords, one set of weights for
/// all twelve roots, on the beats of pop909's training songs (Wang et al., ISMIR 2020). Written by
/// tools/learn_score_harmony.cpp.
#include <array>

#include "score/chord.hpp"
#include "score/harmony_views.hpp"

namespace euterpe {{

struct ChordWeights {{
  ChordQuality quality;
  float bias;
  float interval[kChordViews][12];  ///< by semitones above the root
}};

inline constexpr std::array<ChordWeights, {}> kChordWeights{{{{
)",
             kQualities.size());
  for (std::size_t k = 0; k < kQualities.size(); ++k)
    fmt::print("{{ChordQuality::{}, {}}},\n", kQualityNames[k], kind(model, k));
  std::string silence;
  for (std::size_t v = 0; v < model.views; ++v)
    silence += (v > 0 ? ", " : "") + number(model.weights[model.neither() + v]);
  fmt::print(R"(}}}};

/// No chord: weights of the views' sums.
struct SilenceWeights {{
  float bias;
  float view[kChordViews];
}};
inline constexpr SilenceWeights kSilenceWeights{{{}, {{{}}}}};

}}  // namespace euterpe
)",
             number(model.weights.back()), silence);
}

void print_keys(const Model& model) {
  fmt::print(R"(#pragma once
/// How much each tone and chord speaks for each key: multinomial logistic regression over the 24 keys, one set of
/// weights for all twelve tonics, on passages of pop909's training songs (Wang et al., ISMIR 2020). Written by
/// tools/learn_score_harmony.cpp.
#include <array>

#include "score/harmony_views.hpp"

namespace euterpe {{

struct KeyWeights {{
  float bias;
  float interval[kKeyViews][12];  ///< by semitones above the tonic
}};

/// Major, minor.
inline constexpr std::array<KeyWeights, 2> kKeyWeights{{{{
)");
  for (std::size_t k = 0; k < 2; ++k) fmt::print("{{{}}},\n", kind(model, k, model.weights[model.bias()]));
  fmt::print("}}}};\n\n}}  // namespace euterpe\n");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string_view what = argc == 3 ? argv[1] : "";
    if (what != "chords" && what != "keys") {
      fmt::print(stderr, "usage: {} chords|keys POP909\n", argv[0]);
      return 2;
    }
    const std::vector<fs::path> songs = training_songs(argv[2]);
    const Examples examples = what == "chords" ? chord_examples(songs) : key_examples(songs);
    fmt::print(stderr, "{} songs, {} examples\n", songs.size(), examples.classes.size());
    if (what == "chords") {
      print_chords(learn(examples, 10, 1e-5));
    } else {
      print_keys(learn(examples, 100, 3e-4));
    }
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
