#include "nn/gan_encoder_module.hpp"

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr double kLeak = 0.2;
constexpr std::int64_t kOctaves = kRollPitches / 12, kOctaveWidth = 16, kBeats = kPhraseBars * kBarBeats;
constexpr double kLeastLogVariance = -8, kMostLogVariance = 2;

torch::Tensor leaky(const torch::Tensor& x) { return torch::leaky_relu(x, kLeak); }

}  // namespace

PhraseEncoder::PhraseEncoder(const GanOptions& options) : SpectralModule(false), o_(options) {
  const std::int64_t c = o_.width, k = o_.condition();
  pitch_ = layer("pitch", {c, kRollChannels * kRollPitches});
  octave_ = layer("octave", {kOctaveWidth, kRollChannels * 12});
  near_ = layer("near", {c, 3 * (c + kOctaves * kOctaveWidth)});
  beat_ = layer("beat", {c, 4 * c});
  join_ = layer("join", {c, 3 * c});
  bar_ = layer("bar", {2 * c, kBarBeats * c});
  of_bar_ = layer("of_bar", {2 * 3 * o_.noise_bar, 2 * c});
  if (o_.noise_beat > 0) of_beat_ = layer("of_beat", {2 * o_.noise_beat, c});
  phrase_ = layer("phrase", {2 * c, kPhraseBars * 2 * c + k});
  of_phrase_ = layer("of_phrase", {2 * o_.noise_phrase, 2 * c});
  of_piece_ = layer("of_piece", {2 * o_.noise_piece, 2 * c});
  refresh(false);
}

NoisePosterior PhraseEncoder::forward(const torch::Tensor& rolls, const PhraseBatch& asked) {
  const std::int64_t n = rolls.size(0), c = o_.width;
  const torch::Tensor steps = rolls.permute({0, 2, 1, 3});  // [n, steps, channels, pitches]
  const torch::Tensor whole = leaky(pitch_(steps.reshape({n, kPhraseSteps, kRollChannels * kRollPitches})));
  const torch::Tensor octaves = leaky(octave_(steps.reshape({n, kPhraseSteps, kRollChannels, kOctaves, 12})
                                                  .permute({0, 1, 3, 2, 4})
                                                  .reshape({n, kPhraseSteps, kOctaves, kRollChannels * 12})));
  torch::Tensor h = torch::cat({whole, octaves.reshape({n, kPhraseSteps, kOctaves * kOctaveWidth})}, 2);
  h = pixel_norm(leaky(near_(three_in_time(h, 1))));
  h = pixel_norm(leaky(beat_(h.reshape({n, kBeats, 4 * c}))));
  h = pixel_norm(h + leaky(join_(three_in_time(h, 1))));
  const torch::Tensor beats = h;
  h = pixel_norm(leaky(bar_(h.reshape({n, kPhraseBars, kBarBeats * c}))));
  torch::Tensor bars = of_bar_(h).view({n, kPhraseBars, 2, 3 * o_.noise_bar});
  if (o_.noise_beat > 0)
    bars = torch::cat({bars, of_beat_(beats)
                                 .view({n, kPhraseBars, kBarBeats, 2, o_.noise_beat})
                                 .transpose(2, 3)
                                 .reshape({n, kPhraseBars, 2, kBarBeats * o_.noise_beat})},
                      3);
  const torch::Tensor p = pixel_norm(leaky(phrase_(torch::cat({h.flatten(1), asked.condition}, 1))));
  const torch::Tensor phrase = of_phrase_(p).view({n, 2, o_.noise_phrase});
  const torch::Tensor piece = of_piece_(p)
                                  .view({n / 2, 2, 2, o_.noise_piece})
                                  .mean(1, true)
                                  .expand({n / 2, 2, 2, o_.noise_piece})
                                  .reshape({n, 2, o_.noise_piece});
  const auto all = [&](std::int64_t which) {
    return torch::cat({piece.select(1, which), phrase.select(1, which), bars.select(2, which).flatten(1)}, 1);
  };
  return {all(0), (all(1) - 2).clamp(kLeastLogVariance, kMostLogVariance)};
}

CodeDiscriminator::CodeDiscriminator(const GanOptions& options, int width)
    : SpectralModule(false), width_(width), styles_(static_cast<std::int64_t>(options.styles.size())) {
  const std::int64_t k = options.condition();
  see_ = layer("see", {width_, options.noise() + k});
  deep_ = layer("deep", {width_, width_});
  join_ = layer("join", {width_, width_ + 1});
  judge_.emplace([&](const std::string& name, std::vector<std::int64_t> shape) { return layer(name, shape); }, width_,
                 width_, k);
}

torch::Tensor CodeDiscriminator::forward(const torch::Tensor& codes, const PhraseBatch& asked) {
  torch::Tensor h = leaky(see_(torch::cat({codes, asked.condition}, 1)));
  h = leaky(h + deep_(h));
  const torch::Tensor seen = with_minibatch_deviation(h, asked.condition.narrow(1, 0, styles_));
  return (*judge_)(leaky(join_(seen)), asked.condition);
}

torch::Tensor kl_of_noise(const NoisePosterior& q, const GanOptions& options) {
  const torch::Tensor each = 0.5 * (q.mean.square() + q.log_variance.exp() - 1 - q.log_variance);
  return each.narrow(1, 0, options.noise_piece).sum(1) / 2 +
         each.narrow(1, options.noise_piece, each.size(1) - options.noise_piece).sum(1);
}

torch::Tensor roll_nats(const RollLogits& logits, const torch::Tensor& rolls, const PhraseBatch& asked) {
  EUTERPE_ASSERT(!logits.voices.defined());
  const std::int64_t n = rolls.size(0);
  const torch::Tensor filled = asked.filled.squeeze(1), goes_on = asked.goes_on.squeeze(1);  // [n, steps, 1]
  const torch::Tensor index = asked.before.unsqueeze(2).expand({n, kPhraseSteps, kRollPitches});
  // −log σ(x) where the neuron is 1, −log σ(−x) where it is 0.
  const auto neurons = [](const torch::Tensor& x, const torch::Tensor& is) { return torch::softplus(x) - x * is; };
  const auto still = [&](const torch::Tensor& sounds) { return sounds * sounds.gather(1, index) * goes_on; };

  const torch::Tensor melody = rolls.select(1, kMelodySounds);
  const torch::Tensor one = torch::cat({melody, 1 - melody.sum(2, true)}, 2);
  torch::Tensor out = -(torch::log_softmax(logits.melody, 2) * one * filled).flatten(1).sum(1);
  const torch::Tensor melody_open = still(melody).sum(2, true);
  const torch::Tensor again = (rolls.select(1, kMelodyOnset) * still(melody)).sum(2, true);
  out = out + (neurons(logits.melody_struck, again) * melody_open).flatten(1).sum(1);

  const torch::Tensor sounds = rolls.select(1, kAccompanimentSounds);
  out = out + (neurons(logits.sounds, sounds) * filled).flatten(1).sum(1);
  const torch::Tensor struck = neurons(logits.struck, rolls.select(1, kAccompanimentOnset)) * still(sounds);
  return out + struck.flatten(1).sum(1);
}

}  // namespace euterpe
