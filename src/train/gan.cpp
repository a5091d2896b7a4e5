#include "train/gan.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/gray_png.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "corpus/passages.hpp"
#include "nn/gan_module.hpp"
#include "score/midi.hpp"
#include "score/passage_files.hpp"
#include "train/adversarial_module.hpp"
#include "train/gan_losses_module.hpp"
#include "train/phrase_pairs.hpp"
#include "train/sample_health.hpp"

namespace euterpe {
namespace {

constexpr int kSamplePairs = 32;      // of a style
constexpr int kUsualCandidates = 64;  // of a phrase, in the card: more are better and slower (docs/gan.md)
constexpr int kShown = 8;             // phrases of a row on the sheet

void require(bool ok, const std::string& what, const std::string& hint = {}) {
  if (!ok) throw Error(Category::usage, "train gan", what, hint);
}

void check(const GanTraining& o) {
  gan_loss(o.loss);
  require(o.penalty == "none" || o.penalty == "gradient" || o.penalty == "r1",
          fmt::format("unknown penalty \"{}\"", o.penalty), "known are none, gradient, r1");
  require(o.batch >= 1 && o.batch <= 1024, fmt::format("batch {} is outside 1 to 1024", o.batch));
  require(!o.minibatch_deviation || o.batch >= 2, "a batch of one pair has no deviation", "give --minibatch 0");
  require(o.critic_width >= kLeastCriticWidth && o.critic_width <= kMostCriticWidth,
          fmt::format("critic-width {} is outside {} to {}", o.critic_width, kLeastCriticWidth, kMostCriticWidth));
  require(o.shift >= 0 && o.shift <= 1, fmt::format("shift {} is outside 0 to 1", o.shift));
  require(o.slope >= 0.01 && o.slope <= 100, fmt::format("slope {} is outside 0.01 to 100", o.slope));
  require(o.penalty_weight >= 0 && o.match >= 0, "the weights of penalty and match must not be below 0");
  require(o.penalty_every >= 1, fmt::format("penalty-every {} is below 1", o.penalty_every));
}

torch::Device best_device() { return torch::cuda::is_available() ? torch::kCUDA : torch::kCPU; }

torch::Tensor rolls_of(const std::vector<float>& values, torch::Device device) {
  const auto n = static_cast<std::int64_t>(values.size() / kPhraseValues);
  return torch::from_blob(const_cast<float*>(values.data()), {n, kRollChannels, kPhraseSteps, kRollPitches},
                          torch::kFloat32)
      .clone()
      .to(device);
}

/// Noise of pairs: what the phrases of a piece share is the same in both.
torch::Tensor pair_noise(Random& random, std::int64_t pairs, const GanOptions& o) {
  torch::Tensor noise = normal_tensor(random, {pairs, 2, o.noise()});
  noise.select(1, 1).narrow(1, 0, o.noise_piece).copy_(noise.select(1, 0).narrow(1, 0, o.noise_piece));
  return noise.view({2 * pairs, o.noise()});
}

/// Some pairs in another key, so that a discriminator cannot know a small style by heart: real ones and drawn ones
/// alike, and not all, or the key that is asked for would be forgotten (Karras et al. 2020, on augmentations that do
/// not leak). What leaves the roll is lost.
torch::Tensor shifted(const torch::Tensor& rolls, double share, Random& random) {
  constexpr std::int64_t kFurthest = 4;
  if (share <= 0) return rolls;
  const torch::Tensor wide = torch::constant_pad_nd(rolls, {kFurthest, kFurthest});
  std::vector<torch::Tensor> out;
  for (std::int64_t pair = 0; pair < rolls.size(0) / 2; ++pair) {
    const bool moved = random.uniform() < share;
    const auto from = static_cast<std::int64_t>(random.below(2 * kFurthest + 1));
    out.push_back(wide.narrow(0, 2 * pair, 2).narrow(3, moved ? from : kFurthest, rolls.size(3)));
  }
  return torch::cat(out);
}

/// Melody white, accompaniment gray, onsets brighter; time to the right, pitch upwards.
GrayImage picture(const float* roll) {
  GrayImage out{kPhraseSteps, kRollPitches, std::vector<std::uint8_t>(std::size_t{kPhraseSteps} * kRollPitches)};
  const auto at = [&](int channel, int step, int pitch) {
    return roll[(static_cast<std::size_t>(channel) * kPhraseSteps + static_cast<std::size_t>(step)) * kRollPitches +
                static_cast<std::size_t>(pitch)] > 0.5F;
  };
  for (int y = 0; y < kRollPitches; ++y)
    for (int x = 0; x < kPhraseSteps; ++x) {
      const int pitch = kRollPitches - 1 - y;
      const int melody = at(kMelodySounds, x, pitch) ? (at(kMelodyOnset, x, pitch) ? 255 : 210) : 0;
      const int other = at(kAccompanimentSounds, x, pitch) ? (at(kAccompanimentOnset, x, pitch) ? 150 : 100) : 0;
      const int paper = x % kMostGridSteps == 0 ? 40 : 0;
      out.pixels[static_cast<std::size_t>(y) * kPhraseSteps + static_cast<std::size_t>(x)] =
          static_cast<std::uint8_t>(std::max({melody, other, paper}));
    }
  return out;
}

/// Mean over what a musician would count of how far apart the means are, in standard deviations of real phrases.
double statistics_gap(const torch::Tensor& generated, const torch::Tensor& real) {
  const torch::Tensor g = roll_statistics(generated), r = roll_statistics(real);
  return ((g.mean(0) - r.mean(0)).abs() / (r.std(0) + 0.02)).mean().item<double>();
}

/// Feature matching (Salimans et al. 2016, section 3.1) with features that have names: the generator is drawn to the
/// means and variances that roll_statistics() has over real phrases of each style. A batch holds too few of a style to
/// know its mean, and the square of a noisy difference would reward collapse; so the difference is that of a running
/// mean, and only its direction is followed.
class MomentMatching {
 public:
  MomentMatching(const PhrasePairs& pairs, const GanOptions& network, torch::Device device)
      : styles_(static_cast<std::int64_t>(network.styles.size())) {
    std::vector<torch::Tensor> means, deviations;
    for (std::int64_t s = 0; s < styles_; ++s) {
      Random random = Random::stream(0x6d6f6d65, static_cast<std::uint64_t>(s));
      std::vector<torch::Tensor> all;
      for (int i = 0; i < kRealBatches; ++i)
        all.push_back(roll_statistics(rolls_of(pairs.draw(random, kSamplePairs, static_cast<int>(s)).rolls, device)));
      const torch::Tensor seen = torch::cat(all);
      means.push_back(seen.mean(0));
      deviations.push_back(seen.std(0) + 0.02);
    }
    mean_ = torch::stack(means);
    deviation_ = torch::stack(deviations);
    // Both moments of a standardized statistic: real ones have 0 and 1.
    running = torch::cat({torch::zeros_like(mean_), torch::ones_like(mean_)}, 1);
  }

  /// \param rolls [n, …] of the generator
  torch::Tensor loss(const torch::Tensor& rolls, const PhraseBatch& asked) {
    const torch::Tensor groups = asked.condition.narrow(1, 0, styles_);
    const torch::Tensor x = (roll_statistics(rolls) - torch::mm(groups, mean_)) / torch::mm(groups, deviation_);
    const torch::Tensor members = groups.sum(0).unsqueeze(1);
    const torch::Tensor now = torch::mm(groups.t(), torch::cat({x, x.square().clamp_max(kFar)}, 1));
    const torch::Tensor mean = now / members.clamp_min(1);
    {
      torch::NoGradGuard guard;
      running.copy_(torch::where(members > 0, running * kKept + mean.detach() * (1 - kKept), running));
    }
    const std::int64_t f = x.size(1);
    const torch::Tensor off = torch::cat({running.narrow(1, 0, f), (running.narrow(1, f, f) - 1) * kSecond}, 1);
    return (off.clamp(-kMost, kMost).clone() * mean).mean();
  }

  torch::Tensor running;  ///< [styles, 2 f], from step to step

 private:
  static constexpr int kRealBatches = 4;
  static constexpr double kKept = 0.95, kSecond = 0.25, kMost = 2, kFar = 25;
  std::int64_t styles_;
  torch::Tensor mean_, deviation_;  ///< [styles, f] of real phrases
};

struct Sampler {
  const GridCorpus& corpus;
  const GanTraining& options;
  const PhrasePairs& pairs;
  GeneratorModule& generator;
  const GanOptions& network;
  torch::Device device;

  /// One style at a time, against real phrases under the same conditions.
  SampleReport operator()(std::int64_t step) const {
    torch::NoGradGuard guard;
    SampleReport report;
    std::vector<GrayImage> sheet;
    std::map<std::string, std::string> alarms;
    double gap = 0, ratio = 0, empty = 0;
    for (std::size_t s = 0; s < corpus.styles.size(); ++s) {
      const std::string& style = corpus.styles[s];
      Random random = Random::stream(0x73616d70, s);  // the same each time, so that one sees what changes
      const PhraseDraw real = pairs.draw(random, kSamplePairs, static_cast<int>(s));
      const PhraseBatch asked = phrase_batch(real.wishes, network, device);
      const torch::Tensor noise = pair_noise(random, kSamplePairs, network).to(device);
      const torch::Tensor rolls =
          roll_of(generator.logits(noise, asked), asked, {.slope = 1, .random = network.stochastic ? &random : nullptr})
              .cpu()
              .contiguous();
      const std::span<const float> made(rolls.data_ptr<float>(), static_cast<std::size_t>(rolls.numel()));
      const SampleHealth health = sample_health(made, real.rolls, kPhraseValues);
      for (const auto& [name, value] : health.numbers()) report.numbers[name + "/" + style] = value;
      const double its_gap = statistics_gap(rolls, rolls_of(real.rolls, torch::kCPU));
      report.numbers["gap/" + style] = its_gap;
      const auto n = static_cast<double>(corpus.styles.size());
      gap += its_gap / n;
      ratio += health.distance_ratio() / n;
      empty += health.empty / n;
      for (const auto& [name, what] : health.alarms()) {
        std::string& all = alarms[name];
        if (!what.empty()) all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", style, what);
      }
      for (const float* from : {real.rolls.data(), made.data()})
        for (int i = 0; i < kShown; ++i) sheet.push_back(picture(from + static_cast<std::size_t>(i) * kPhraseValues));
      write_sample(step, style, real.wishes, made);
    }
    write_gray_png(options.folder / fmt::format("sheet-{:06}.png", step), image_sheet(sheet, kShown));
    report.numbers["gap"] = gap;
    report.numbers["distance_ratio"] = ratio;
    report.numbers["empty"] = empty;
    report.alarms = alarms;
    return report;
  }

  /// The first pair, one phrase after the other.
  void write_sample(std::int64_t step, const std::string& style, const std::vector<PhraseWish>& wishes,
                    std::span<const float> rolls) const {
    BarGrid grid;
    grid.minor = wishes.front().minor;
    for (std::size_t i = 0; i < 2; ++i)
      for (GridBar& bar : roll_bars(rolls.subspan(i * kPhraseValues, kPhraseValues), wishes[i].meter))
        grid.bars.push_back(std::move(bar));
    write_file(options.folder / fmt::format("sample-{}-{:06}.mid", style, step), write_midi(grid_score(grid)));
  }
};

/// The generator, and the discriminator as it acts, which judges what is drawn.
Safetensors weights_of(const GeneratorModule& generator, const DiscriminatorModule& discriminator) {
  Safetensors file;
  const auto put = [&](const std::string& name, const torch::Tensor& value, DType matrices) {
    const auto t = value.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    file.put(name, t.sizes().vec(), std::span(t.data_ptr<float>(), static_cast<std::size_t>(t.numel())),
             t.dim() == 2  ? matrices
             : t.dim() > 2 ? DType::bf16
                           : DType::f32);
  };
  for (const auto& p : generator.named_parameters()) put(p.key(), p.value(), DType::bf16);
  for (const auto& [name, value] : discriminator.acting_parameters()) put(kJudgePrefix + name, value, DType::i8);
  return file;
}

AdversarialTask::Named named(const torch::OrderedDict<std::string, torch::Tensor>& tensors) {
  AdversarialTask::Named out;
  for (const auto& p : tensors) out.emplace_back(p.key(), p.value());
  return out;
}

std::int64_t count(const GeneratorModule& generator) {
  std::int64_t out = 0;
  for (const auto& p : generator.parameters()) out += p.numel();
  return out;
}

}  // namespace

nlohmann::json train_gan(const GridCorpus& corpus, const GanTraining& o) {
  check(o);
  GanOptions network = o.network;
  network.styles = corpus.styles;
  network = gan_options(to_json(network));
  const PhrasePairs pairs(corpus, "train");
  for (std::size_t s = 0; s < corpus.styles.size(); ++s)
    if (!pairs.has(static_cast<int>(s)))
      throw Error(Category::bad_input, "train gan",
                  fmt::format("no training piece of {} has four bars of one meter", corpus.styles[s]));
  at::set_num_threads(threads());
  torch::manual_seed(o.seed);
  const torch::Device device = best_device();
  const auto generator = make_generator(network);
  const DiscriminatorOptions critic{o.critic_width, o.spectral, o.minibatch_deviation};
  const auto discriminator = make_discriminator(network, critic);
  generator->to(device);
  discriminator->to(device);
  const GanLoss loss = gan_loss(o.loss);

  const auto drawn = [&](Random& random, std::int64_t step, const PhraseBatch& asked) {
    const double done = static_cast<double>(step) / static_cast<double>(o.steps);
    const torch::Tensor noise = pair_noise(random, o.batch, network).to(device);
    return roll_of(generator->logits(noise, asked), asked,
                   {.slope = 1 + (o.slope - 1) * done, .random = network.stochastic ? &random : nullptr});
  };
  std::optional<MomentMatching> moments;
  if (o.match > 0) moments.emplace(pairs, network, device);
  AdversarialTask task;
  task.generator = named(generator->named_parameters());
  task.discriminator = named(discriminator->named_parameters());
  task.buffers = named(discriminator->named_buffers());
  if (moments) task.buffers.emplace_back("moments", moments->running);
  task.batch = 2 * o.batch;
  task.discriminator_loss = [&](Random& random, std::int64_t step) {
    const PhraseDraw draw = pairs.draw(random, o.batch);
    const PhraseBatch asked = phrase_batch(draw.wishes, network, device);
    const torch::Tensor real = shifted(rolls_of(draw.rolls, device), o.shift, random);
    torch::Tensor fake;
    {
      torch::NoGradGuard guard;
      fake = shifted(drawn(random, step, asked), o.shift, random);
    }
    discriminator->refresh(true);
    const Critic judged = [&](const torch::Tensor& rolls) { return discriminator->forward(rolls, asked); };
    const torch::Tensor played = discriminator_loss(loss, judged(real), judged(fake));
    if (o.penalty == "none" || step % o.penalty_every != 0) return played;
    const torch::Tensor penalty =
        o.penalty == "r1" ? real_gradient_penalty(judged, real, o.batch)
                          : gradient_penalty(judged, real, fake, uniform_tensor(random, {o.batch}).to(device));
    return played + o.penalty_weight * o.penalty_every * penalty;
  };
  task.generator_loss = [&](Random& random, std::int64_t step) {
    const PhraseDraw draw = pairs.draw(random, o.batch);
    const PhraseBatch asked = phrase_batch(draw.wishes, network, device);
    discriminator->refresh(false);
    const torch::Tensor rolls = drawn(random, step, asked);
    const torch::Tensor played = generator_loss(loss, discriminator->forward(shifted(rolls, o.shift, random), asked));
    return moments ? played + o.match * moments->loss(rolls, asked) : played;
  };
  const Sampler sampler{corpus, o, pairs, *generator, network, device};
  task.sample = [&](std::int64_t step) { return sampler(step); };
  task.recipe = {{"network", to_json(network)},
                 {"critic_width", o.critic_width},
                 {"loss", o.loss},
                 {"spectral", o.spectral},
                 {"minibatch_deviation", o.minibatch_deviation},
                 {"penalty", o.penalty},
                 {"penalty_weight", o.penalty_weight},
                 {"penalty_every", o.penalty_every},
                 {"match", o.match},
                 {"shift", o.shift},
                 {"slope", o.slope},
                 {"batch", o.batch},
                 {"corpus", corpus.shard.hash}};

  spdlog::info("train gan: {} parameters draw, {} styles", count(*generator), corpus.styles.size());
  const AdversarialReport report = run_adversarial(task, o);

  nlohmann::json card = corpus_card(corpus);
  card.update({{"name", o.name},
               {"task", "compose"},
               {"network", "gan"},
               {"options", to_json(network)},
               {"tokenizer", nullptr},
               {"frames", piece_frames(corpus)}});
  nlohmann::json how = task.recipe;
  for (const char* said : {"network", "corpus"}) how.erase(said);
  card["training"].update(how);
  card["training"].update({{"seed", o.seed},
                           {"steps", report.steps},
                           {"critics", o.critics},
                           {"learning_rate_g", o.learning_rate_g},
                           {"learning_rate_d", o.learning_rate_d},
                           {"final_rate", o.final_rate},
                           {"beta1", o.beta1},
                           {"beta2", o.beta2},
                           {"ema", o.ema},
                           {"first_alarms", report.first_alarms}});
  card["metrics"] = {{{"command", "train gan"},
                      {"gap", report.samples.numbers.at("gap")},
                      {"distance_ratio", report.samples.numbers.at("distance_ratio")},
                      {"empty", report.samples.numbers.at("empty")}}};
  card["judge"] = {{"width", o.critic_width}, {"minibatch_deviation", o.minibatch_deviation}};
  for (const std::string& style : corpus.styles) card["sampling"][style] = {{"candidates", kUsualCandidates}};
  discriminator->refresh(false);
  save_model(o.out, weights_of(*generator, *discriminator), card);
  write_passages(o.out, training_passages(corpus.shard), {});
  return {{"training",
           {{"steps", report.steps},
            {"parameters", count(*generator)},
            {"seconds", report.seconds},
            {"steps_per_second", report.steps_per_second},
            {"loss_d", report.loss_d},
            {"loss_g", report.loss_g},
            {"first_alarms", report.first_alarms}}},
          {"metrics", report.samples.numbers}};
}

}  // namespace euterpe
