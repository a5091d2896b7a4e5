#include "recognize/training_audio_encoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "corpus/labeled_scores.hpp"
#include "nn/model.hpp"
#include "recognize/audio_encoder.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kShard = 64;  // clips in a file
constexpr int kDrumLabels = 12, kValues = 18;
constexpr std::size_t kShortest = 12;  // frames of a chunk that goes round

constexpr Setting kSettings[] = {
    {"clips", 1152, "Clips to render for training"},
    {"valid-clips", 128, "Clips of other scores to validate on"},
    {"clip-seconds", 10.5, "Length of a clip"},
    {"steps", 1000, "Optimizer steps"},
    {"batch", 32, "Clips a step, two chunks of each"},
    {"learning-rate", 0.003, "Greatest learning rate"},
    {"contrastive", 0.2, "Weight of telling apart the clips by their chunks; 0 = off"},
    {"mix", 0.5, "Share of clips that another is mixed into"},
    {"round", 0, "Share of chunks cut short that go round, as short recordings do; 0 = off"},
    {"embedding", 192, "Width of the embedding"},
};

/// As an engineer, a listening room and a codec change a recording.
constexpr const char* kDegradation = R"(
[[step]]
name = "eq"
probability = 0.8
db = 9
[[step]]
name = "room"
probability = 0.7
wet = 0.6
[[step]]
name = "noise"
probability = 0.3
low_db = 15
high_db = 50
[[step]]
name = "codec"
probability = 0.5
low_kbit = 32
high_kbit = 128
)";

int drum_label(int key) {
  static constexpr std::array<std::array<int, 6>, 8> kKeys{
      {{35, 36}, {38, 40}, {37, 39}, {42, 44}, {46, 26}, {51, 53, 59}, {49, 52, 55, 57}, {41, 43, 45, 47, 48, 50}}};
  for (std::size_t i = 0; i < kKeys.size(); ++i)
    if (std::find(kKeys[i].begin(), kKeys[i].end(), key) != kKeys[i].end()) return static_cast<int>(i);
  return 8;  // hand percussion
}

/// What may be learned from, of one split, and where it comes from.
struct Corpus {
  std::vector<Piece> pieces;
  std::vector<Score> grooves;
  nlohmann::json data = nlohmann::json::array();  ///< rows of the card
  int forbidden = 0;
};

Corpus read_corpus(const fs::path& data, const std::string& split, const Forbidden& forbidden) {
  Corpus corpus;
  for (const Dataset& set : datasets()) {
    if (!set.commercial || !fs::is_directory(data / set.name)) continue;
    std::string manifest;
    std::size_t taken = 0;
    for (Piece& piece : set.read(data / set.name)) {
      if (piece.split != split) continue;
      if (forbidden.contains(piece.file)) {
        ++corpus.forbidden;
        continue;
      }
      manifest += piece.id + "\n";
      ++taken;
      corpus.pieces.push_back(std::move(piece));
    }
    corpus.data.push_back({{"name", set.name},
                           {"licence", set.licence},
                           {"split", split},
                           {"pieces", taken},
                           {"hash", sha256(manifest)}});
  }
  if (fs::is_directory(data / "groove")) {
    LabeledScores groove = read_groove(data / "groove");
    corpus.forbidden += leave_out(groove, forbidden);
    corpus.data.push_back(data_row(groove, split));
    for (LabeledScore& item : groove.items)
      if (item.split == split && item.beat) corpus.grooves.push_back(std::move(item.score));
  }
  if (corpus.pieces.empty())
    throw Error(Category::not_found, "train audio-encoder", data.string() + ": holds none of the data sets",
                "Give the folder with jsb, nottingham, pop909, classical and groove.");
  return corpus;
}

std::vector<std::uint8_t> quantized(const Matrix& decibels) {
  std::vector<std::uint8_t> out(decibels.data.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(std::clamp(std::lround((decibels.data[i] + 100) * 2), 0L, 255L));
  return out;
}

HeardClip hear(const RenderedClip& clip, const AudioAugmentation& degradation, const CnnOptions& options,
               std::uint64_t seed) {
  HeardClip heard;
  const Matrix plain = log_mel(clip.audio, options);
  heard.frames = plain.frames;
  heard.levels[0] = quantized(plain);
  heard.levels[1] = quantized(log_mel(degradation(clip.audio, seed), options));
  heard.notes = clip.notes;
  heard.ensemble = static_cast<int>(clip.ensemble);
  heard.style = clip.style;
  heard.drum_kit = clip.drum_kit;
  heard.tempo = clip.tempo;
  return heard;
}

/// `count` clips, rendered once and kept in `folder`.
std::vector<HeardClip> rendered_clips(const RenderedMusic& music, std::size_t count, double seconds,
                                      const CnnOptions& options, const std::string& recipe, std::uint64_t seed,
                                      const fs::path& folder) {
  fs::create_directories(folder);
  AudioAugmentation degradation = AudioAugmentation::from_toml(kDegradation);
  degradation.set_sounds(synthetic_sounds(kEncoderRate, seed));
  std::vector<HeardClip> clips;
  Progress progress("rendering", count, "clips");
  for (std::size_t begin = 0; begin < count; begin += kShard) {
    check_interrupt();
    const std::size_t n = std::min(kShard, count - begin);
    const fs::path path = folder / fmt::format("clips-{:05}.safetensors", begin);
    std::vector<HeardClip> part;
    if (fs::exists(path)) part = read_clips(path, recipe, options, static_cast<int>(music.styles().size()));
    if (part.size() != n) {
      part.assign(n, {});
      parallel_for(n, [&](std::size_t i) {
        const std::uint64_t own = Random::stream(seed, begin + i).next();
        part[i] = hear(music.render(seconds, own), degradation, options, own);
      });
      write_clips(path, part, recipe);
    }
    for (HeardClip& clip : part) clips.push_back(std::move(clip));
    progress.advance(n);
  }
  return clips;
}

CnnDraw drawing(const std::vector<HeardClip>& clips, const CnnOptions& options, int styles, double round) {
  return
      [&clips, options, styles, round](Random& random, int views, std::span<float> chunks, std::span<float> targets) {
        const HeardClip& clip = clips[random.below(clips.size())];
        const auto frames = static_cast<std::size_t>(options.frames), bands = static_cast<std::size_t>(options.bands);
        const std::size_t size = chunks.size() / static_cast<std::size_t>(views);
        const std::size_t width = targets.size() / static_cast<std::size_t>(views);
        for (std::size_t v = 0; v < static_cast<std::size_t>(views); ++v) {
          const std::size_t start = random.below(clip.frames - frames + 1);
          const auto& levels = clip.levels[random.below(2)];
          const bool goes_round = round > 0 && random.uniform() < round;
          const std::size_t length = goes_round ? kShortest + random.below(frames - kShortest) : frames;
          for (std::size_t b = 0; b < bands; ++b)
            for (std::size_t t = 0; t < frames; ++t)
              chunks[v * size + b * frames + t] =
                  0.5f * static_cast<float>(levels[b * clip.frames + start + t % length]) - 100.0f;
          const double begin = static_cast<double>(start) * kEncoderHop / kEncoderRate;
          rendered_targets(clip, begin, begin + static_cast<double>(length) * kEncoderHop / kEncoderRate, styles,
                           targets.subspan(v * width, width));
        }
      };
}

nlohmann::json train_audio_encoder(const RecognizerTraining& training) {
  static constexpr std::pair<const char*, double> kLeast[] = {{"clips", 1}, {"valid-clips", 1}, {"clip-seconds", 1},
                                                              {"steps", 1}, {"batch", 2},       {"embedding", 1}};
  for (const auto& [setting, least] : kLeast)
    if (!(training[setting] >= least))
      throw Error(Category::usage, "train audio-encoder", fmt::format("--{} is to be {} or more", setting, least));
  CnnTraining options;
  options.network.embedding = static_cast<int>(training["embedding"]);
  const Corpus learned = read_corpus(training.data, "train", training.forbidden);
  const Corpus held_out = read_corpus(training.data, "valid", training.forbidden);
  const double seconds = training["clip-seconds"];
  const RenderedMusic music(learned.pieces, learned.grooves), other(held_out.pieces, held_out.grooves);
  const int styles = static_cast<int>(music.styles().size());
  const nlohmann::json recipe{{"data", learned.data}, {"seconds", seconds}, {"seed", training.seed}};
  const nlohmann::json other_recipe{{"data", held_out.data}, {"seconds", seconds}, {"seed", training.seed}};
  // What changes the sound, beyond what training is told of.
  const auto of_clips = [&](nlohmann::json made) {
    const char* font = std::getenv("EUTERPE_SOUNDFONT");
    made.update(
        {{"soundfont", font ? font : ""}, {"network", to_json(options.network)}, {"degradation", kDegradation}});
    return sha256(made.dump());
  };
  const auto clips = rendered_clips(music, static_cast<std::size_t>(training["clips"]), seconds, options.network,
                                    of_clips(recipe), training.seed, training.run / "rendered");
  const auto valid = rendered_clips(other, static_cast<std::size_t>(training["valid-clips"]), seconds, options.network,
                                    of_clips(other_recipe), training.seed + 1, training.run / "rendered-valid");

  options.heads = rendered_heads(styles);
  options.draw = drawing(clips, options.network, styles, training["round"]);
  options.draw_valid = drawing(valid, options.network, styles, 0);
  options.data = recipe;
  options.data["clips"] = clips.size();
  if (training["round"] > 0) options.data["round"] = training["round"];
  options.run = training.run;
  options.seed = training.seed;
  options.steps = static_cast<std::int64_t>(training["steps"]);
  options.batch = static_cast<int>(training["batch"]);
  options.learning_rate = training["learning-rate"];
  options.contrastive = training["contrastive"];
  options.mix = training["mix"];
  const CnnReport report = train_cnn(options);

  const nlohmann::json facts{{"seed", training.seed},
                             {"manifest_hash", sha256(recipe.dump())},
                             {"steps", report.steps},
                             {"best_step", report.best_step},
                             {"batch", options.batch},
                             {"chunks_a_step", options.batch * options.views},
                             {"clips", clips.size()},
                             {"hours", clips.size() * seconds / 3600},
                             {"settings", training.settings},
                             {"chunks_per_second", report.chunks_per_second},
                             {"parameters", parameter_count(options.network)}};
  nlohmann::json metrics{{"validation_loss", report.best_validation}};
  for (const auto& [head, loss] : report.validation_by_head) metrics["validation_by_head"][head] = loss;
  nlohmann::json shown = metrics;
  shown["command"] = fmt::format("euterpe train audio-encoder --data DIR --seed {}", training.seed);
  const int forbidden = learned.forbidden + held_out.forbidden;
  save_model(
      training.out, report.weights,
      {{"name", "audio-encoder"},
       {"task", "audio-encoder"},
       {"network", "cnn"},
       {"options",
        {{"cnn", to_json(options.network)}, {"sample_rate", kEncoderRate}, {"hop", kEncoderHop}, {"n_fft", 2048}}},
       {"tokenizer", nullptr},
       {"data", learned.data},
       {"rendered_with", "FluidSynth, FluidR3 GM soundfont (MIT), or the one that $EUTERPE_SOUNDFONT names"},
       {"left_out", forbidden ? nlohmann::json{{"may_train = no", forbidden}} : nlohmann::json::object()},
       {"commercial", true},
       {"training", facts},
       {"metrics", nlohmann::json::array({shown})}});
  return {{"training", facts}, {"metrics", metrics}, {"labels", nlohmann::json::array()}};
}

}  // namespace

std::vector<CnnHead> rendered_heads(int styles) {
  using Kind = CnnHead::Kind;
  return {{"program", Kind::labels, 128, 12},
          {"drums", Kind::labels, kDrumLabels, 1.5},
          {"ensemble", Kind::classes, kEnsembles, 0.3},
          {"style", Kind::classes, styles, 0.3},
          {"values", Kind::values, kValues, 0.5}};
}

void rendered_targets(const HeardClip& clip, double begin, double end, int styles, std::span<float> targets) {
  EUTERPE_ASSERT(targets.size() == static_cast<std::size_t>(128 + kDrumLabels + kEnsembles + styles + kValues));
  constexpr double kHeard = 0.15;  // seconds that a program must sound to be there
  std::fill(targets.begin(), targets.end(), 0.0f);
  const auto drums = targets.subspan(128, kDrumLabels), values = targets.last(kValues);
  std::array<double, 128> sounding{};
  std::array<double, 12> classes{};
  double onsets = 0, duration = 0, pitch = 0, square = 0, velocity = 0;
  for (const SoundingNote& n : clip.notes) {
    const double overlap = std::min<double>(n.end, end) - std::max<double>(n.begin, begin);
    if (overlap <= 0) continue;
    if (n.begin >= begin) ++onsets, velocity += n.velocity;
    if (n.instrument >= kPercussion) {
      if (n.begin < begin) continue;
      drums[static_cast<std::size_t>(drum_label(n.instrument - kPercussion))] = 1;
      drums[9] = 1;
      if (clip.drum_kit == 24 || clip.drum_kit == 25) drums[10] = 1;
      if (clip.drum_kit == 40) drums[11] = 1;
      continue;
    }
    sounding[n.instrument] += overlap;
    classes[n.pitch % 12] += overlap;
    duration += overlap;
    pitch += overlap * n.pitch;
    square += overlap * n.pitch * n.pitch;
  }
  for (std::size_t i = 0; i < sounding.size(); ++i) targets[i] = sounding[i] >= kHeard ? 1.0f : 0.0f;
  targets[static_cast<std::size_t>(128 + kDrumLabels + clip.ensemble)] = 1;
  targets[static_cast<std::size_t>(128 + kDrumLabels + kEnsembles + clip.style)] = 1;

  std::fill(values.begin(), values.end(), std::numeric_limits<float>::quiet_NaN());
  // Brought to about zero mean and unit variance by round numbers.
  const auto set = [&](std::size_t i, double value, double mean, double deviation) {
    values[i] = static_cast<float>(std::clamp((value - mean) / deviation, -4.0, 4.0));
  };
  set(0, std::log2(1 + onsets / (end - begin)), 2.8, 1.0);
  set(1, std::log2(1 + duration / (end - begin)), 1.8, 0.8);
  set(2, std::log2(clip.tempo / 100), 0, 0.6);
  if (onsets > 0) set(3, velocity / onsets, 85, 15);
  if (duration <= 0) return;
  const double mean = pitch / duration;
  set(4, mean, 62, 9);
  set(5, std::sqrt(std::max(0.0, square / duration - mean * mean)), 9, 4);
  for (std::size_t c = 0; c < 12; ++c) set(6 + c, std::sqrt(classes[c] / duration), 0.24, 0.15);
}

const RecognizerTrainer kAudioEncoderTrainer{
    "audio-encoder",
    "the network that hears recordings, on scores played by a synthesizer with instruments drawn at random",
    "the folder that holds jsb, nottingham, pop909, classical and groove",
    kSettings,
    train_audio_encoder,
};

}  // namespace euterpe
