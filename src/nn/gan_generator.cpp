#include <torch/torch.h>

#include "base/error.hpp"
#include "nn/gan_module.hpp"

namespace euterpe {
namespace {

constexpr double kLeak = 0.2;
constexpr std::int64_t kOctaves = kRollPitches / 12;
constexpr int kMeters = 4;

torch::Tensor leaky(const torch::Tensor& x) { return torch::leaky_relu(x, kLeak); }

/// A neuron that is sure passes no gradient back and would never change its mind again.
torch::Tensor doubting(const torch::Tensor& logits) {
  constexpr double kMost = 5;
  return kMost * torch::tanh(logits / kMost);
}

RollLogits doubting(RollLogits logits) {
  for (torch::Tensor* each : {&logits.melody, &logits.melody_struck, &logits.voices, &logits.sounds, &logits.struck})
    if (each->defined()) *each = doubting(*each);
  return logits;
}

/// Noise behind a phrase, taken apart.
struct PhraseNoise {
  torch::Tensor shared;  ///< [n, piece + phrase]
  torch::Tensor bar;     ///< [n, bars, 3, noise_bar]: of the bar, of its melody, of its accompaniment

  PhraseNoise(const torch::Tensor& noise, const GanOptions& o) {
    const std::int64_t common = o.noise_piece + o.noise_phrase;
    shared = noise.narrow(1, 0, common);
    bar = noise.narrow(1, common, noise.size(1) - common).reshape({noise.size(0), kPhraseBars, 3, o.noise_bar});
  }
};

/// MuseGAN's way (Dong et al. 2018): every bar grows from a vector of its own, first in time, then in pitch, by
/// transposed 1-D convolutions. Those have a stride as long as their kernel, so each is a product with one matrix.
class BarwiseGenerator : public GeneratorModule {
 public:
  explicit BarwiseGenerator(const GanOptions& o) : o_(o) {
    const std::int64_t c = o.width, k = o.condition();
    phrase_ = layer("phrase", {kPhraseBars * c, o.noise_piece + o.noise_phrase + k});
    bar_ = layer("bar", {c, o.noise_bar});
    beats_ = layer("beats", {kBarBeats * c, c});
    steps_ = layer("steps", {4 * c, c});
    place_ = register_parameter("place", torch::randn({kMeters, kMostGridSteps, c}) * 0.5);
    for (int b = 0; b < o.blocks; ++b) {
      blocks_.push_back(layer("block" + std::to_string(b), {c, 3 * c}));
      asked_.push_back(layer("asked" + std::to_string(b), {c, k}));
    }
    for (const char* part : {"melody", "accompaniment"}) {
      const std::string name = part;
      const bool melody = parts_.empty();
      Part p;
      p.noise = layer(name + "_noise", {c, o.noise_bar});
      p.time = layer(name + "_time", {c, 3 * c});
      p.octaves = layer(name + "_octaves", {kOctaves * kPitchWidth, c});
      const std::int64_t voices = melody ? 1 : o.voices;
      p.pitches = layer(name + "_pitches", {12 * voices, kPitchWidth});
      p.of_step = layer(name + "_step", {2 * voices, c});
      parts_.push_back(p);
    }
    refresh(false);
  }

  RollLogits logits(const torch::Tensor& noise, const PhraseBatch& asked) override {
    const std::int64_t n = noise.size(0), c = o_.width;
    const PhraseNoise z(noise, o_);
    torch::Tensor h = phrase_(torch::cat({z.shared, asked.condition}, 1)).view({n, kPhraseBars, c});
    h = pixel_norm(leaky(h + bar_(z.bar.select(2, 0))));
    h = pixel_norm(leaky(beats_(h).view({n, kPhraseBars * kBarBeats, c})));
    h = steps_(h).view({n, kPhraseBars, kMostGridSteps, c}) + place_.index_select(0, asked.meter).unsqueeze(1);
    h = h.view({n, kPhraseSteps, c});
    // From a step to its neighbors, to the beats beside it, to the bars beside it.
    constexpr std::int64_t kDilations[] = {1, 4, 16};
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const torch::Tensor in = pixel_norm(h);
      h = h + leaky(blocks_[b](three_in_time(in, kDilations[b % 3])) + asked_[b](asked.condition).unsqueeze(1));
    }
    h = pixel_norm(h);
    RollLogits out;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const Part& p = parts_[i];
      const torch::Tensor own = p.noise(z.bar.select(2, static_cast<std::int64_t>(i) + 1))
                                    .unsqueeze(2)
                                    .expand({n, kPhraseBars, kMostGridSteps, c})
                                    .reshape({n, kPhraseSteps, c});
      const torch::Tensor x = pixel_norm(leaky(p.time(three_in_time(h + own, 1))));
      const torch::Tensor of_step = p.of_step(x);
      const torch::Tensor octaves = leaky(p.octaves(x).view({n, kPhraseSteps, kOctaves, kPitchWidth}));
      torch::Tensor rows = p.pitches(octaves);  // [n, steps, octaves, 12 a line]
      if (i == 0) {
        out.melody = torch::cat({rows.reshape({n, kPhraseSteps, kRollPitches}), of_step.narrow(2, 0, 1)}, 2);
        out.melody_struck = of_step.narrow(2, 1, 1);
      } else {
        const torch::Tensor pitches = rows.view({n, kPhraseSteps, kOctaves, o_.voices, 12})
                                          .transpose(2, 3)
                                          .reshape({n, kPhraseSteps, o_.voices, kRollPitches});
        out.voices = torch::cat({pitches, of_step.narrow(2, 0, o_.voices).unsqueeze(3)}, 3);
        out.struck = of_step.narrow(2, o_.voices, o_.voices);
      }
    }
    return doubting(out);
  }

 private:
  static constexpr std::int64_t kPitchWidth = 48;
  struct Part {
    Layer noise, time, octaves, pitches, of_step;
  };
  GanOptions o_;
  Layer phrase_, bar_, beats_, steps_;
  torch::Tensor place_;
  std::vector<Layer> blocks_, asked_;
  std::vector<Part> parts_;
};

/// A picture that grows by transposed 2-D convolutions (Radford et al. 2016): 4 × 9, 8 × 18, 16 × 36, 32 × 72, 64 × 72.
/// Normed over the channels of a place, where they norm over the batch: then a piece does not depend on its neighbors.
class PictureGenerator : public GeneratorModule {
 public:
  explicit PictureGenerator(const GanOptions& o) : o_(o) {
    widths_ = {o.width, std::max(8, o.width / 2), std::max(8, o.width / 3), std::max(8, o.width / 4), kPlanes};
    first_ = layer("first", {widths_[0] * 4 * 9, o.noise() + o.condition()});
    for (std::size_t i = 0; i + 1 < widths_.size(); ++i) {
      const std::string name = "grow" + std::to_string(i);
      const std::int64_t in = widths_[i], out = widths_[i + 1], wide = i + 2 < widths_.size() ? 4 : 3;
      kernels_.push_back(register_parameter(name + "_weight", torch::randn({in, out, 4, wide}) / std::sqrt(4.0 * in)));
      biases_.push_back(register_parameter(name + "_bias", torch::zeros({out})));
    }
    refresh(false);
  }

  RollLogits logits(const torch::Tensor& noise, const PhraseBatch& asked) override {
    const std::int64_t n = noise.size(0);
    torch::Tensor h = leaky(first_(torch::cat({noise, asked.condition}, 1)).view({n, widths_[0], 4, 9}));
    for (std::size_t i = 0; i < kernels_.size(); ++i) {
      const bool last = i + 1 == kernels_.size();
      h = h * torch::rsqrt(h.square().mean(1, true) + 1e-6);
      h = torch::conv_transpose2d(h, kernels_[i], biases_[i], {2, last ? 1 : 2}, {1, 1});
      if (!last) h = leaky(h);
    }
    RollLogits out;
    const torch::Tensor of_step = h.mean(3);  // [n, planes, steps]
    out.melody = torch::cat({h.select(1, 0), of_step.select(1, 1).unsqueeze(2)}, 2);
    out.melody_struck = of_step.select(1, 2).unsqueeze(2);
    out.sounds = h.select(1, 3);
    out.struck = h.select(1, 4);
    return doubting(out);
  }

 private:
  static constexpr std::int64_t kPlanes = 5;  // melody, its rests, its repetitions, accompaniment, its repetitions
  GanOptions o_;
  std::vector<std::int64_t> widths_;
  Layer first_;
  std::vector<torch::Tensor> kernels_, biases_;
};

}  // namespace

PhraseBatch phrase_batch(std::span<const PhraseWish> wishes, const GanOptions& options, torch::Device device) {
  const auto n = static_cast<std::int64_t>(wishes.size());
  PhraseBatch out{torch::empty({n, options.condition()}), torch::zeros({n, 1, kPhraseSteps, 1}),
                  torch::zeros({n, kPhraseSteps}, torch::kInt64), torch::zeros({n, 1, kPhraseSteps, 1}),
                  torch::empty({n}, torch::kInt64)};
  for (std::int64_t i = 0; i < n; ++i) {
    const PhraseWish& wish = wishes[static_cast<std::size_t>(i)];
    const std::vector<float> condition = condition_of(wish, options);
    std::copy(condition.begin(), condition.end(), out.condition.data_ptr<float>() + i * options.condition());
    const std::vector<int> before = steps_before(wish.meter);
    for (std::int64_t s = 0; s < kPhraseSteps; ++s) {
      const int b = before[static_cast<std::size_t>(s)];
      if (b >= 0 || s == 0) out.filled.data_ptr<float>()[i * kPhraseSteps + s] = 1;
      if (b < 0) continue;
      out.goes_on.data_ptr<float>()[i * kPhraseSteps + s] = 1;
      out.before.data_ptr<std::int64_t>()[i * kPhraseSteps + s] = b;
    }
    out.meter.data_ptr<std::int64_t>()[i] = wish.meter;
  }
  for (torch::Tensor* t : {&out.condition, &out.filled, &out.before, &out.goes_on, &out.meter}) *t = t->to(device);
  return out;
}

namespace {

/// Voices that keep what they have, a pitch or a rest, until they are struck: no note can fall to splinters.
/// \param choice [n, steps, voices, pitches + 1], one of each row is 1 \param struck [n, steps, voices], 0 or 1
/// \return what sounds and what begins, each [n, steps, pitches]
std::pair<torch::Tensor, torch::Tensor> held_voices(const torch::Tensor& choice, const torch::Tensor& struck,
                                                    const torch::Tensor& filled) {
  std::vector<torch::Tensor> sounds, onsets;
  torch::Tensor held;
  for (std::int64_t s = 0; s < kPhraseSteps; ++s) {
    const torch::Tensor pitches = choice.select(1, s);
    const torch::Tensor there = filled.select(1, s).unsqueeze(2);  // [n, 1, 1]
    const torch::Tensor begins = s == 0 ? there : there * struck.select(1, s).unsqueeze(2);
    const torch::Tensor onset = begins * pitches;
    held = s == 0 ? onset : onset + (1 - begins) * held;
    sounds.push_back(held);
    onsets.push_back(onset);
  }
  const auto any = [&](const std::vector<torch::Tensor>& steps) {
    return torch::stack(steps, 1).narrow(3, 0, kRollPitches).sum(2).clamp_max(1) * filled;
  };
  return {any(sounds), any(onsets)};
}

}  // namespace

torch::Tensor roll_of(const RollLogits& logits, const PhraseBatch& asked, const NeuronOptions& how) {
  const auto thresholds = [&](const torch::Tensor& x) {
    return how.random ? uniform_tensor(*how.random, x.sizes().vec()).to(x.device()) : torch::Tensor();
  };
  const auto neurons = [&](const torch::Tensor& x) { return binary_neurons(x, how.slope, thresholds(x)); };
  const auto one_of = [&](const torch::Tensor& x) { return one_of_many(x, how.slope, thresholds(x)); };
  const std::int64_t n = logits.melody.size(0);
  const torch::Tensor filled = asked.filled.squeeze(1), goes_on = asked.goes_on.squeeze(1);
  const torch::Tensor index = asked.before.unsqueeze(2).expand({n, kPhraseSteps, kRollPitches});
  std::vector<torch::Tensor> channels;
  const auto add = [&](const torch::Tensor& sounds, const torch::Tensor& onsets) {
    channels.push_back(sounds);
    channels.push_back(onsets);
  };
  if (logits.voices.defined()) {
    for (const auto& [choice, struck] :
         {std::pair{logits.melody.unsqueeze(2), logits.melody_struck}, std::pair{logits.voices, logits.struck}}) {
      const auto [sounds, onsets] = held_voices(one_of(choice), neurons(struck), filled);
      add(sounds, onsets);
    }
    return torch::stack(channels, 1);
  }
  const auto begins = [&](const torch::Tensor& sounds, const torch::Tensor& struck) {
    const torch::Tensor held = sounds.gather(1, index) * goes_on;
    return sounds * (1 - held * (1 - struck));
  };
  const torch::Tensor melody = one_of(logits.melody).narrow(2, 0, kRollPitches) * filled;
  add(melody, begins(melody, neurons(logits.melody_struck)));
  const torch::Tensor others = neurons(logits.sounds) * filled;
  add(others, begins(others, neurons(logits.struck)));
  return torch::stack(channels, 1);
}

std::shared_ptr<GeneratorModule> make_generator(const GanOptions& options) {
  if (options.network == "2d") return std::make_shared<PictureGenerator>(options);
  EUTERPE_ASSERT(options.network == "1d");
  return std::make_shared<BarwiseGenerator>(options);
}

}  // namespace euterpe
