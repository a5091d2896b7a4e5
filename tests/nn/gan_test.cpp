#include <torch/torch.h>

#include "nn/gan.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"
#include "nn/gan_module.hpp"

namespace euterpe {
namespace {

GanOptions small(const std::string& network) {
  GanOptions o;
  o.network = network;
  o.styles = {"chorale", "folk"};
  o.width = 16;
  o.blocks = 2;
  o.noise_piece = 4;
  o.noise_phrase = 4;
  o.noise_bar = 2;
  return o;
}

std::vector<PhraseWish> wishes() {
  return {{.style = 0, .meter = 0}, {.style = 1, .meter = 1, .minor = true}, {.style = 1, .meter = 2}, {.meter = 3}};
}

TEST(BinaryNeurons, round_forward_and_pass_a_sigmoids_gradient_back) {
  const torch::Tensor x = torch::tensor({-2.0F, -0.1F, 0.1F, 3.0F}).set_requires_grad(true);
  const torch::Tensor y = binary_neurons(x, 2.0);
  EXPECT_TRUE(torch::equal(y.detach(), torch::tensor({0.0F, 0.0F, 1.0F, 1.0F})));
  (y * torch::tensor({1.0F, 2.0F, 3.0F, 4.0F})).sum().backward();
  const torch::Tensor s = torch::sigmoid(2 * x.detach());
  EXPECT_TRUE(torch::allclose(x.grad(), torch::tensor({1.0F, 2.0F, 3.0F, 4.0F}) * 2 * s * (1 - s)));
}

TEST(BinaryNeurons, stochastic_ones_are_1_as_often_as_the_sigmoid_says) {
  Random random(1);
  const torch::Tensor x = torch::full({4000}, 1.0F);
  const torch::Tensor y = binary_neurons(x, 1.0, uniform_tensor(random, {4000}));
  EXPECT_NEAR(y.mean().item<double>(), 0.731, 0.03);
  EXPECT_EQ(((y == 0) | (y == 1)).sum().item<int>(), 4000);
}

TEST(BinaryNeurons, one_of_many_is_the_largest_with_a_softmaxs_gradient) {
  const torch::Tensor x = torch::tensor({{0.5F, 2.0F, -1.0F}}).set_requires_grad(true);
  const torch::Tensor y = one_of_many(x, 1.0);
  EXPECT_TRUE(torch::equal(y.detach(), torch::tensor({{0.0F, 1.0F, 0.0F}})));
  y.select(1, 0).sum().backward();
  const torch::Tensor p = torch::softmax(x.detach(), 1)[0];
  EXPECT_NEAR(x.grad()[0][0].item<float>(), (p[0] * (1 - p[0])).item<float>(), 1e-6);
  EXPECT_NEAR(x.grad()[0][1].item<float>(), (-p[0] * p[1]).item<float>(), 1e-6);
}

TEST(SpectralWeight, holds_the_largest_singular_value_at_1) {
  torch::manual_seed(3);
  const torch::Tensor weight = torch::randn({24, 5, 4}) * 3;
  torch::Tensor u = torch::randn({24});
  u /= u.norm();
  SpectralWeight held(weight, u, true);
  for (int i = 0; i < 200; ++i) held.refresh(true);
  // The largest singular value by hand: the root of the largest eigenvalue of WᵀW, by plain power iteration.
  const torch::Tensor normed = held.now().flatten(1);
  torch::Tensor v = torch::ones({20});
  for (int i = 0; i < 500; ++i) {
    v = torch::mv(normed.t(), torch::mv(normed, v));
    v /= v.norm();
  }
  EXPECT_NEAR(torch::mv(normed, v).norm().item<double>(), 1.0, 1e-3);
  EXPECT_TRUE(torch::allclose(normed * (weight.flatten(1).norm() / normed.norm()), weight.flatten(1), 1e-4, 1e-4));
  const torch::Tensor before = u.clone();
  held.refresh(false);
  EXPECT_TRUE(torch::equal(u, before));
  SpectralWeight plain(weight, {}, false);
  EXPECT_TRUE(torch::equal(plain.now(), weight));
}

TEST(MinibatchDeviation, is_0_for_a_collapsed_group_and_the_mean_of_the_columns_else) {
  const torch::Tensor groups = torch::tensor({{1.0F, 0.0F}, {0.0F, 1.0F}, {1.0F, 0.0F}, {0.0F, 1.0F}});
  // The first group has deviations 1 and 0, the second is all alike.
  const torch::Tensor x = torch::tensor({{0.0F, 1.0F}, {7.0F, 7.0F}, {2.0F, 1.0F}, {7.0F, 7.0F}});
  const torch::Tensor y = with_minibatch_deviation(x, groups);
  ASSERT_EQ(y.sizes(), (torch::IntArrayRef{4, 3}));
  EXPECT_NEAR(y[0][2].item<double>(), 0.5, 1e-3);
  EXPECT_NEAR(y[2][2].item<double>(), 0.5, 1e-3);
  EXPECT_NEAR(y[1][2].item<double>(), 0, 1e-3);
  EXPECT_NEAR(y[3][2].item<double>(), 0, 1e-3);
}

TEST(RollStatistics, are_those_counted_by_hand_and_differ_between_kinds_of_music) {
  torch::Tensor roll = torch::zeros({1, kRollChannels, kPhraseSteps, kRollPitches});
  // A fifth on C held for the first beat of bar 2 by the accompaniment.
  for (const int pitch : {0, 7}) {
    roll[0][kAccompanimentSounds].narrow(0, 16, 4).select(1, pitch).fill_(1);
    roll[0][kAccompanimentOnset][16][pitch] = 1;
  }
  const torch::Tensor s = roll_statistics(roll)[0];
  ASSERT_EQ(s.size(0), kRollStatistics);
  EXPECT_NEAR(s[kAccompanimentSounds * kPhraseBars + 1].item<double>(), 8 / 16.0, 1e-6);  // density, in bar 2
  const std::int64_t classes = 16, octaves = classes + 24, onsets = octaves + 12, lasting = onsets + 32,
                     any = lasting + 2, intervals = any + 2;
  EXPECT_NEAR(s[classes + 12].item<double>(), 4 * 4 / 64.0, 1e-6);
  EXPECT_NEAR(s[classes + 12 + 7].item<double>(), 4 * 4 / 64.0, 1e-6);
  EXPECT_NEAR(s[octaves + 6].item<double>(), 8 / 64.0, 1e-6);
  EXPECT_NEAR(s[onsets + 16].item<double>(), 2 / 4.0, 1e-6);
  EXPECT_NEAR(s[lasting + 1].item<double>(), 2 / 63.0, 1e-6);
  EXPECT_NEAR(s[any].item<double>(), 4 / 64.0, 1e-6);
  EXPECT_NEAR(s[any + 1].item<double>(), 4 / 64.0, 1e-6);
  EXPECT_NEAR(s[intervals + 4].item<double>(), 4 / 64.0 / 4, 1e-6);  // fifths are fourths
  EXPECT_NEAR(s.narrow(0, intervals, 6).sum().item<double>(), 4 / 64.0 / 4, 1e-6);
}

class GanNetworks : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Both, GanNetworks, ::testing::Values("1d", "2d"));

TEST_P(GanNetworks, draw_rolls_of_0_and_1_that_are_consistent_and_pass_gradients_to_every_weight) {
  torch::manual_seed(1);
  const GanOptions o = small(GetParam());
  const auto asked_for = wishes();
  const PhraseBatch asked = phrase_batch(asked_for, o);
  const auto generator = make_generator(o);
  Random random(2);
  const torch::Tensor roll = roll_of(generator->logits(normal_tensor(random, {4, o.noise()}), asked), asked, {});
  ASSERT_EQ(roll.sizes(), (torch::IntArrayRef{4, kRollChannels, kPhraseSteps, kRollPitches}));
  const torch::Tensor hard = roll.detach().round();
  EXPECT_TRUE(torch::allclose(roll.detach(), hard, 0, 1e-5));
  EXPECT_LE(hard.select(1, kMelodySounds).sum(2).max().item<double>(), 1) << "one note of a melody at a time";
  for (const auto& [sounds, onset] :
       {std::pair{kMelodySounds, kMelodyOnset}, {kAccompanimentSounds, kAccompanimentOnset}})
    EXPECT_GE((hard.select(1, sounds) - hard.select(1, onset)).min().item<double>(), 0) << "an onset sounds";
  for (std::size_t i = 0; i < asked_for.size(); ++i) {
    const torch::Tensor mine = hard[static_cast<std::int64_t>(i)].contiguous();
    const std::span<const float> values(mine.data_ptr<float>(), kPhraseValues);
    // What the network calls onsets is what a reader finds: said again, the roll is the same, but that what sounds
    // longer than any note of a grid is struck again.
    const auto bars = roll_bars(values, asked_for[i].meter);
    const std::vector<float> again = phrase_roll(bars);
    bool longest = false;
    for (const GridBar& bar : bars)
      for (const BarNote& n : bar.notes) longest |= n.length == kLongestGridNote;
    for (std::size_t k = 0; k < kPhraseValues; ++k) {
      const auto channel = k / (kPhraseValues / kRollChannels);
      const bool sound = channel == kMelodySounds || channel == kAccompanimentSounds;
      if (!sound && longest)
        EXPECT_GE(again[k], values[k]) << i;
      else
        EXPECT_EQ(again[k], values[k]) << i;
    }
  }
  const auto discriminator = make_discriminator(o, {.width = 16});
  discriminator->refresh(true);
  const torch::Tensor logits = discriminator->forward(roll, asked);
  EXPECT_EQ(logits.sizes(), torch::IntArrayRef{6});  // four phrases, two pairs
  logits.sum().backward();
  for (const auto& p : generator->named_parameters())
    EXPECT_TRUE(p.value().grad().defined() && p.value().grad().abs().sum().item<double>() > 0) << p.key();
  for (const auto& p : discriminator->named_parameters()) EXPECT_TRUE(p.value().grad().defined()) << p.key();
}

TEST_P(GanNetworks, every_style_meter_and_mode_is_heard_by_both) {
  torch::manual_seed(1);
  const GanOptions o = small(GetParam());
  const auto generator = make_generator(o);
  const auto discriminator = make_discriminator(o, {.width = 16, .minibatch_deviation = false});
  discriminator->refresh(true);
  Random random(2);
  const torch::Tensor noise = normal_tensor(random, {2, o.noise()});
  const auto drawn = [&](const PhraseWish& wish) {
    const PhraseBatch asked = phrase_batch(std::vector<PhraseWish>(2, wish), o);
    const RollLogits logits = generator->logits(noise, asked);
    return (o.network == "2d" ? logits.sounds : logits.voices).detach();
  };
  const PhraseWish usual;
  const torch::Tensor roll = (torch::rand({2, kRollChannels, kPhraseSteps, kRollPitches}) > 0.9).to(torch::kFloat32);
  const auto judged = [&](const PhraseWish& wish) {
    return discriminator->forward(roll, phrase_batch(std::vector<PhraseWish>(2, wish), o)).detach();
  };
  for (const PhraseWish& other : {PhraseWish{.style = 1}, PhraseWish{.meter = 1}, PhraseWish{.minor = true},
                                  PhraseWish{.begins = true}, PhraseWish{.ends = true}}) {
    EXPECT_FALSE(torch::allclose(drawn(usual), drawn(other)));
    EXPECT_FALSE(torch::allclose(judged(usual), judged(other)));
  }
}

TEST(GanVoices, sound_one_pitch_each_at_most_and_pass_gradients_to_every_weight) {
  torch::manual_seed(1);
  GanOptions o = small("1d");
  o.voices = 3;
  const PhraseBatch asked = phrase_batch(wishes(), o);
  const auto generator = make_generator(o);
  Random random(2);
  const RollLogits logits = generator->logits(normal_tensor(random, {4, o.noise()}), asked);
  ASSERT_EQ(logits.voices.sizes(), (torch::IntArrayRef{4, kPhraseSteps, 3, kRollPitches + 1}));
  const torch::Tensor roll = roll_of(logits, asked, {});
  const torch::Tensor at_once = roll.detach().select(1, kAccompanimentSounds).sum(2);
  EXPECT_LE(at_once.max().item<double>(), 3);
  EXPECT_GE(at_once.max().item<double>(), 2);
  (roll * torch::randn_like(roll)).sum().backward();
  for (const auto& p : generator->named_parameters())
    EXPECT_TRUE(p.value().grad().defined() && p.value().grad().abs().sum().item<double>() > 0) << p.key();
}

TEST(GanVoices, keep_what_they_have_until_they_are_struck) {
  const GanOptions o = small("1d");
  const std::vector<PhraseWish> both{{.meter = 0}, {.meter = 1}};
  const PhraseBatch asked = phrase_batch(both, o);
  torch::manual_seed(3);
  // Every voice would rather sing something else at each step.
  RollLogits logits;
  logits.melody = torch::randn({2, kPhraseSteps, kRollPitches + 1});
  logits.voices = torch::randn({2, kPhraseSteps, 3, kRollPitches + 1});
  logits.melody_struck = torch::full({2, kPhraseSteps, 1}, -5.0);
  logits.struck = torch::full({2, kPhraseSteps, 3}, -5.0);
  logits.melody_struck.select(1, 6).fill_(5);
  logits.struck.select(1, 20).select(1, 1).fill_(5);
  const torch::Tensor roll = roll_of(logits, asked, {});
  const torch::Tensor choice = logits.melody.argmax(2), others = logits.voices.argmax(3);
  for (std::int64_t phrase = 0; phrase < 2; ++phrase)
    for (std::int64_t s = 0; s < kPhraseSteps; ++s) {
      const bool there = asked.filled[phrase][0][s][0].item<float>() > 0;
      const torch::Tensor melody = roll[phrase][kMelodySounds][s], chord = roll[phrase][kAccompanimentSounds][s];
      const torch::Tensor begins = roll[phrase][kAccompanimentOnset][s];
      const auto sings = [&](const torch::Tensor& of, std::int64_t pitch) {
        return there && pitch < kRollPitches ? of[pitch].item<float>() : 0;
      };
      const auto sung = choice[phrase][s < 6 ? 0 : 6].item<std::int64_t>();
      EXPECT_EQ(melody.sum().item<float>(), there && sung < kRollPitches ? 1 : 0) << phrase << " " << s;
      EXPECT_EQ(sings(melody, sung), there && sung < kRollPitches ? 1 : 0) << phrase << " " << s;
      std::set<std::int64_t> expected;
      for (std::int64_t v = 0; v < 3; ++v)
        expected.insert(others[phrase][v == 1 && s >= 20 ? 20 : 0][v].item<std::int64_t>());
      expected.erase(kRollPitches);
      EXPECT_EQ(chord.sum().item<float>(), there ? static_cast<float>(expected.size()) : 0) << phrase << " " << s;
      for (const std::int64_t pitch : expected) EXPECT_EQ(sings(chord, pitch), there ? 1 : 0);
      if (s != 0 && s != 20) {
        EXPECT_EQ(begins.sum().item<float>(), 0) << phrase << " " << s;
      }
    }
}

TEST(GanOptions, are_written_and_read_and_refused_where_they_make_no_network) {
  const GanOptions o = small("1d");
  EXPECT_EQ(to_json(gan_options(to_json(o))), to_json(o));
  EXPECT_EQ(o.noise(), 4 + 4 + 3 * 4 * 2);
  const auto refused = [&](const char* key, const nlohmann::json& value) {
    nlohmann::json json = to_json(o);
    json[key] = value;
    try {
      gan_options(json);
      ADD_FAILURE() << key << " " << value;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input) << key;
    }
  };
  refused("kind", "3d");
  refused("styles", nlohmann::json::array());
  refused("width", 1 << 20);
  refused("width", "wide");
  refused("blocks", 0);
  refused("noise_bar", -1);
  refused("voices", 0);
}

}  // namespace
}  // namespace euterpe
