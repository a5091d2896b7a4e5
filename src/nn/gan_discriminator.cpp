#include <torch/torch.h>

#include "base/error.hpp"
#include "nn/gan_module.hpp"

namespace euterpe {
namespace {

constexpr double kLeak = 0.2;
constexpr std::int64_t kOctaves = kRollPitches / 12, kBeats = kPhraseSteps / 4;

torch::Tensor leaky(const torch::Tensor& x) { return torch::leaky_relu(x, kLeak); }

/// [n, parts, steps, 12]: what sounds of each pitch class, in both parts.
torch::Tensor chroma(const torch::Tensor& rolls) {
  const torch::Tensor sounds = torch::stack({rolls.select(1, kMelodySounds), rolls.select(1, kAccompanimentSounds)}, 1);
  return sounds.view({rolls.size(0), 2, kPhraseSteps, kOctaves, 12}).sum(3);
}

/// Pitch then time and time then pitch, joined (Dong and Yang 2018), with a stream of onsets and one of pitch classes.
/// Convolutions whose stride is their kernel are products with one matrix.
class BarwiseDiscriminator : public DiscriminatorModule {
 public:
  BarwiseDiscriminator(const GanOptions& gan, const DiscriminatorOptions& o)
      : DiscriminatorModule(gan, o, kPhraseBars * 2 * o.width), c_(o.width) {
    pitch_ = layer("pitch", {c_, kRollChannels * kRollPitches});
    octave_ = layer("octave", {kOctaveWidth, kRollChannels * 12});
    near_ = layer("near", {c_, 3 * (c_ + kOctaves * kOctaveWidth + kRollChannels)});
    beat_ = layer("beat", {c_, 4 * c_});
    time_ = layer("time", {kTimeWidth, kRollChannels * 4});
    time_pitch_ = layer("time_pitch", {c_, kTimeWidth * kRollPitches});
    chroma_ = layer("chroma", {c_ / 2, 24});
    join_beats_ = layer("join_beats", {c_, 3 * (2 * c_ + c_ / 2)});
    bar_ = layer("bar", {2 * c_, 4 * c_});
  }

 protected:
  torch::Tensor features(const torch::Tensor& rolls) override {
    const std::int64_t n = rolls.size(0);
    const torch::Tensor steps = rolls.permute({0, 2, 1, 3});  // [n, steps, channels, pitches]
    const torch::Tensor whole = leaky(pitch_(steps.reshape({n, kPhraseSteps, kRollChannels * kRollPitches})));
    const torch::Tensor octaves = leaky(octave_(steps.reshape({n, kPhraseSteps, kRollChannels, kOctaves, 12})
                                                    .permute({0, 1, 3, 2, 4})
                                                    .reshape({n, kPhraseSteps, kOctaves, kRollChannels * 12})));
    const torch::Tensor counts = steps.sum(3);
    torch::Tensor h = torch::cat({whole, octaves.reshape({n, kPhraseSteps, kOctaves * kOctaveWidth}), counts}, 2);
    h = leaky(near_(three_in_time(h, 1)));
    h = leaky(beat_(h.reshape({n, kBeats, 4 * c_})));

    const torch::Tensor by_pitch = rolls.view({n, kRollChannels, kBeats, 4, kRollPitches})
                                       .permute({0, 2, 4, 1, 3})
                                       .reshape({n, kBeats, kRollPitches, kRollChannels * 4});
    const torch::Tensor t = leaky(time_pitch_(leaky(time_(by_pitch)).reshape({n, kBeats, kRollPitches * kTimeWidth})));

    const torch::Tensor classes = chroma(rolls).view({n, 2, kBeats, 4, 12}).mean(3).permute({0, 2, 1, 3});
    const torch::Tensor k = leaky(chroma_(classes.reshape({n, kBeats, 24})));

    h = leaky(join_beats_(three_in_time(torch::cat({h, t, k}, 2), 1)));
    return leaky(bar_(h.reshape({n, kPhraseBars, 4 * c_}))).flatten(1);
  }

 private:
  static constexpr std::int64_t kOctaveWidth = 16, kTimeWidth = 8;
  std::int64_t c_;
  Layer pitch_, octave_, near_, beat_, time_, time_pitch_, chroma_, join_beats_, bar_;
};

/// A picture that shrinks by 2-D convolutions of stride 2 (Radford et al. 2016): 64 × 72, 32 × 36, 16 × 18, 8 × 9,
/// 4 × 4.
class PictureDiscriminator : public DiscriminatorModule {
 public:
  PictureDiscriminator(const GanOptions& gan, const DiscriminatorOptions& o)
      : DiscriminatorModule(gan, o, std::int64_t{o.width} * 4 * 4) {
    std::int64_t in = kRollChannels;
    for (const std::int64_t out : {std::max(8, o.width / 4), std::max(8, o.width / 2), o.width, o.width}) {
      shrink_.push_back(layer("shrink" + std::to_string(shrink_.size()), {out, in, 4, 4}));
      in = out;
    }
  }

 protected:
  torch::Tensor features(const torch::Tensor& rolls) override {
    torch::Tensor h = rolls;
    for (const Layer& l : shrink_) h = leaky(torch::conv2d(h, l.weight->now(), l.bias, {2, 2}, {1, 1}));
    return h.flatten(1);
  }

 private:
  std::vector<Layer> shrink_;
};

constexpr std::int64_t kJoined = 256, kPairWidth = 128;

}  // namespace

torch::Tensor roll_statistics(const torch::Tensor& rolls) {
  const std::int64_t n = rolls.size(0);
  const auto both = [&](const torch::Tensor& x, int melody, int accompaniment) {
    return torch::stack({x.select(1, melody), x.select(1, accompaniment)}, 1);
  };
  const torch::Tensor counts = rolls.sum(3);  // [n, channels, steps]
  const torch::Tensor by_bar = counts.view({n, kRollChannels, kPhraseBars, kMostGridSteps});
  const torch::Tensor density = by_bar.mean(3).flatten(1);
  const torch::Tensor onsets = both(by_bar, kMelodyOnset, kAccompanimentOnset).mean(2).flatten(1);
  const torch::Tensor sounds = both(rolls, kMelodySounds, kAccompanimentSounds);
  const torch::Tensor classes = sounds.view({n, 2, kPhraseSteps, kOctaves, 12}).sum(3);  // [n, parts, steps, 12]
  const torch::Tensor octaves = sounds.view({n, 2, kPhraseSteps, kOctaves, 12}).sum(4).mean(2).flatten(1);
  // Notes that last, and sixteenths in which anything sounds.
  const torch::Tensor onset = both(rolls, kMelodyOnset, kAccompanimentOnset);
  const torch::Tensor lasting =
      (onset.narrow(2, 0, kPhraseSteps - 1) * (sounds - onset).narrow(2, 1, kPhraseSteps - 1)).sum(3).mean(2);
  const torch::Tensor parts = both(counts, kMelodySounds, kAccompanimentSounds);
  const torch::Tensor any = torch::stack({parts.select(1, 1).clamp_max(1), parts.sum(1).clamp_max(1)}, 1).mean(2);
  // Intervals that sound together, up to octaves.
  const torch::Tensor together = classes.sum(1);
  std::vector<torch::Tensor> intervals;
  for (int k = 1; k <= 6; ++k) intervals.push_back((together * together.roll(k, 2)).sum(2).mean(1));
  // Bars are as alike as what they have in common is of what either has.
  const torch::Tensor bars = rolls.view({n, kRollChannels, kPhraseBars, kMostGridSteps * kRollPitches});
  const torch::Tensor common = torch::matmul(bars, bars.transpose(2, 3));  // [n, channels, bars, bars]
  const torch::Tensor own = bars.sum(3);
  std::vector<torch::Tensor> alike;
  for (int a = 0; a < kPhraseBars; ++a)
    for (int b = a + 1; b < kPhraseBars; ++b)
      alike.push_back((2 * common.select(2, a).select(2, b) + 0.5) / (own.select(2, a) + own.select(2, b) + 0.5));
  return torch::cat({density, classes.mean(2).flatten(1) * 4, octaves, onsets, lasting, any,
                     torch::stack(intervals, 1) / 4, torch::stack(alike, 2).flatten(1)},
                    1);
}

DiscriminatorModule::DiscriminatorModule(const GanOptions& gan, const DiscriminatorOptions& options, std::int64_t seen)
    : SpectralModule(options.spectral), options_(options), styles_(static_cast<std::int64_t>(gan.styles.size())) {
  const std::int64_t all = seen + kRollStatistics + (options.minibatch_deviation ? 1 : 0);
  join_ = layer("join", {kJoined, all});
  judge_.emplace([&](const std::string& name, std::vector<std::int64_t> shape) { return layer(name, shape); }, kJoined,
                 kPairWidth, gan.condition());
}

torch::Tensor DiscriminatorModule::forward(const torch::Tensor& rolls, const PhraseBatch& asked) {
  torch::Tensor seen = torch::cat({features(rolls), roll_statistics(rolls)}, 1);
  if (options_.minibatch_deviation) seen = with_minibatch_deviation(seen, asked.condition.narrow(1, 0, styles_));
  return (*judge_)(leaky(join_(seen)), asked.condition);
}

std::shared_ptr<DiscriminatorModule> make_discriminator(const GanOptions& gan, const DiscriminatorOptions& options) {
  if (gan.network == "2d") return std::make_shared<PictureDiscriminator>(gan, options);
  EUTERPE_ASSERT(gan.network == "1d");
  return std::make_shared<BarwiseDiscriminator>(gan, options);
}

}  // namespace euterpe
