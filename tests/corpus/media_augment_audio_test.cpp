// What each step of an augmentation does to sound, and what it leaves alone.
#include "corpus/media_augment_audio.hpp"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "corpus/media_effects.hpp"
#include "media/encode.hpp"
#include "media/samples.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;

/// The frequency near `hertz` at which `samples` are strongest, the edges left out.
double pitch_of(std::span<const float> samples, double hertz) {
  const auto middle = samples.subspan(samples.size() / 4, samples.size() / 2);
  double at = hertz;
  for (const double step : {20.0, 1.0}) {
    const double from = at;
    double best = 0;
    for (int i = -12; i <= 12; ++i) {
      const double f = from * std::exp2(i * step / 1200), amplitude = test::amplitude_at(middle, f, kRate);
      if (amplitude > best) {
        best = amplitude;
        at = f;
      }
    }
  }
  return at;
}

double cents(double from, double to) { return 1200 * std::log2(to / from); }

double rms(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += double{v} * v;
  return std::sqrt(sum / static_cast<double>(x.size()));
}

AudioAugmentation chain(const std::string& toml) { return AudioAugmentation::from_toml(toml); }

AugmentationSounds sounds() {
  AugmentationSounds made;
  Random random(3);
  AudioBuffer noise{kRate, 1, {}}, response{kRate, 1, std::vector<float>(4000, 0.F)};
  for (int i = 0; i < 5000; ++i) noise.samples.push_back(static_cast<float>(0.1 * random.normal()));
  for (std::size_t i = 0; i < response.samples.size(); ++i)
    response.samples[i] = static_cast<float>(random.normal() * std::exp(-static_cast<double>(i) / 800));
  response.samples[0] = 8;
  made.noises.push_back(noise);
  made.responses.push_back(response);
  return made;
}

TEST(TimeStretch, changes_the_length_and_keeps_the_pitch) {
  const AudioBuffer tone = test::sine(440, 1.5, kRate);
  for (const double factor : {0.5, 0.8, 1.25, 2.0}) {
    const auto out = time_stretch(tone.samples, factor);
    EXPECT_EQ(out.size(), static_cast<std::size_t>(std::llround(tone.samples.size() * factor)));
    EXPECT_NEAR(cents(440, pitch_of(out, 440)), 0, 3) << factor;
    const auto middle = std::span(out).subspan(out.size() / 4, out.size() / 2);
    EXPECT_NEAR(rms(middle), rms(tone.samples), 0.05 * rms(tone.samples)) << factor;
  }
}

TEST(TimeStretch, by_one_is_the_recording) {
  const AudioBuffer music = test::sweep(100, 6000, 1, kRate);
  const auto out = time_stretch(music.samples, 1);
  for (std::size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], music.samples[i], 1e-4) << i;
}

TEST(PitchShift, by_100_cents_moves_a_tone_by_100_cents_and_keeps_the_length) {
  const AudioBuffer tone = test::sine(440, 1.5, kRate);
  for (const double shift : {-200.0, -100.0, 100.0, 150.0}) {
    const auto out = pitch_shift(tone.samples, shift);
    EXPECT_EQ(out.size(), tone.samples.size());
    EXPECT_NEAR(cents(440, pitch_of(out, 440)), shift, 3);
  }
}

TEST(ChangeSpeed, moves_pitch_and_length_together_and_lets_nothing_fold_back) {
  const auto faster = change_speed(test::sine(1000, 1, kRate).samples, 1.1);
  EXPECT_EQ(faster.size(), static_cast<std::size_t>(std::llround(kRate / 1.1)));
  EXPECT_NEAR(cents(1000, pitch_of(faster, 1000)), 1200 * std::log2(1.1), 3);
  // 8 kHz would become 16 kHz, beyond half the rate: it must be gone, not heard as an alias at 6,050 Hz.
  const auto gone = change_speed(test::sine(8000, 1, kRate).samples, 2);
  EXPECT_LT(rms(std::span(gone).subspan(500, gone.size() - 1000)), 0.005);
}

TEST(Equalize, gives_each_side_of_a_shelf_its_gain) {
  const auto level = [](FilterShape shape, double hertz) {
    AudioBuffer tone = test::sine(hertz, 1, kRate, 0.1);
    equalize(tone.samples, kRate, shape, 1000, 6, 0.7);
    return 20 * std::log10(test::amplitude_at(std::span(tone.samples).subspan(4000), hertz, kRate) / 0.1);
  };
  EXPECT_NEAR(level(FilterShape::low_shelf, 50), 6, 0.1);
  EXPECT_NEAR(level(FilterShape::low_shelf, 9000), 0, 0.1);
  EXPECT_NEAR(level(FilterShape::high_shelf, 50), 0, 0.1);
  EXPECT_NEAR(level(FilterShape::high_shelf, 9000), 6, 0.1);
  EXPECT_NEAR(level(FilterShape::peak, 1000), 6, 0.1);
  EXPECT_NEAR(level(FilterShape::peak, 50), 0, 0.2);
}

TEST(Convolve, is_the_sum_of_products) {
  Random random(1);
  std::vector<float> x(3000), h(200);
  for (float& v : x) v = static_cast<float>(random.normal());
  for (float& v : h) v = static_cast<float>(random.normal());
  const auto y = convolve(x, h);
  ASSERT_EQ(y.size(), x.size());
  for (const std::size_t n : {0UL, 7UL, 199UL, 1500UL, 2999UL}) {
    double sum = 0;
    for (std::size_t k = 0; k < h.size() && k <= n; ++k) sum += double{h[k]} * x[n - k];
    EXPECT_NEAR(y[n], sum, 1e-3);
  }
}

TEST(Augmentation, gain_is_one_factor_within_its_bounds) {
  const AudioBuffer music = test::sweep(100, 6000, 0.2, kRate);
  const AudioAugmentation gain = chain("[[step]]\nname='gain'\ndb=12");
  double least = 100, greatest = -100;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const AudioBuffer out = gain(music, seed);
    const double factor = out.samples[1000] / music.samples[1000], db = 20 * std::log10(factor);
    least = std::min(least, db);
    greatest = std::max(greatest, db);
    for (std::size_t i = 0; i < out.samples.size(); ++i) ASSERT_NEAR(out.samples[i], factor * music.samples[i], 1e-5);
  }
  EXPECT_GE(least, -12.01);
  EXPECT_LE(greatest, 12.01);
  EXPECT_LT(least, -6);
  EXPECT_GT(greatest, 6);
}

TEST(Augmentation, noise_comes_at_the_ratio_asked_for) {
  AudioAugmentation noise = chain("[[step]]\nname='noise'\nlow_db=10\nhigh_db=10");
  noise.set_sounds(sounds());
  const AudioBuffer music = test::sweep(100, 6000, 1, kRate);
  AudioBuffer out = noise(music, 5);
  for (std::size_t i = 0; i < out.samples.size(); ++i) out.samples[i] -= music.samples[i];
  EXPECT_NEAR(20 * std::log10(rms(music.samples) / rms(out.samples)), 10, 0.01);
}

TEST(Augmentation, a_codec_leaves_the_music_in_its_place) {
  const AudioBuffer music = test::sweep(100, 4000, 1.5, kRate);
  const AudioAugmentation codec = chain("[[step]]\nname='codec'\nlow_kbit=64\nhigh_kbit=64");
  for (std::uint64_t seed = 0; seed < 4; ++seed) {  // both formats
    const AudioBuffer out = codec(music, seed);
    ASSERT_EQ(out.frames(), music.frames());
    EXPECT_GT(test::snr(music.samples, out.samples, 0), 10) << seed;
    EXPECT_NE(out.samples, music.samples);
  }
}

TEST(Augmentation, every_step_gives_finite_samples_at_the_same_rate_and_the_same_for_the_same_seed) {
  const bool holds = rc::check("any step, any seed, any length", [] {
    const auto& kind = augmentation_steps()[*rc::gen::inRange<std::size_t>(0, augmentation_steps().size())];
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const int length = *rc::gen::inRange(1, 6000);
    AudioAugmentation step = AudioAugmentation::from_json({{{"name", kind.name}}});
    step.set_sounds(sounds());
    AudioBuffer audio{kRate, 1, {}};
    Random random(seed);
    for (int i = 0; i < length; ++i) audio.samples.push_back(static_cast<float>(random.uniform(-1, 1)));
    const AudioBuffer out = step(audio, seed);
    RC_ASSERT(out.sample_rate == kRate);
    RC_ASSERT(out.channels == 1);
    if (std::string_view(kind.name) != "stretch") RC_ASSERT(out.frames() == audio.frames());
    for (const float v : out.samples) RC_ASSERT(std::isfinite(v));
    RC_ASSERT(step(audio, seed).samples == out.samples);
  });
  EXPECT_TRUE(holds);
}

TEST(Augmentation, a_chain_survives_its_json_and_applies_each_step_by_chance) {
  const AudioAugmentation made =
      chain("[[step]]\nname='gain'\nprobability=0.5\n[[step]]\nname='pitch'\ncents=50\nprobability=0\n");
  const AudioAugmentation again = AudioAugmentation::from_json(made.json());
  const AudioBuffer music = test::sweep(100, 6000, 0.1, kRate);
  int untouched = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const AudioBuffer out = made(music, seed);
    EXPECT_EQ(out.samples, again(music, seed).samples);
    untouched += out.samples == music.samples;
  }
  EXPECT_GT(untouched, 30);
  EXPECT_LT(untouched, 70);
}

TEST(Augmentation, a_wrong_chain_is_refused_with_its_place) {
  const auto refusal = [](const std::string& toml) -> std::string {
    try {
      chain(toml);
    } catch (const Error& e) {
      return e.detail();
    }
    return "";
  };
  EXPECT_NE(refusal("[[step]]\nname='fuzz'").find("gain, eq, pitch"), std::string::npos);
  EXPECT_NE(refusal("[[step]]\nname='gain'\n[[step]]\nname='pitch'\nsemitones=3").find("step 2 (pitch)"),
            std::string::npos);
  EXPECT_NE(refusal("[[step]]\nname='pitch'\ncents=99999").find("from 0 to 1200"), std::string::npos);
  EXPECT_NE(refusal("[[step\nname").find("augmentation:1"), std::string::npos);
  EXPECT_NE(refusal("gain = 3").find("expected [[step]]"), std::string::npos);
  EXPECT_THROW(chain("[[step]]\nname='noise'")(test::sine(440, 0.1, kRate), 1), Error);  // no recordings
}

TEST(Mixup, weighs_two_recordings_and_repeats_the_shorter) {
  const AudioBuffer a{kRate, 1, {1, 1, 1, 1}}, b{kRate, 1, {0, -1}};
  EXPECT_EQ(mixup(a, b, 0.75).samples, (std::vector<float>{0.75F, 0.5F, 0.75F, 0.5F}));
}

TEST(Mixup, draws_its_weight_from_the_beta_distribution) {
  for (const double alpha : {0.2, 1.0, 4.0}) {
    Random random(7);
    double mean = 0, square = 0;
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      const double v = mixup_lambda(alpha, random);
      ASSERT_TRUE(v >= 0 && v <= 1);
      mean += v / kDraws;
      square += v * v / kDraws;
    }
    EXPECT_NEAR(mean, 0.5, 0.01) << alpha;
    EXPECT_NEAR(square - mean * mean, 1 / (4 * (2 * alpha + 1)), 0.005) << alpha;  // the distribution's variance
  }
}

TEST(SpecAugmentation, masks_whole_rows_and_columns_with_the_mean_and_leaves_the_rest) {
  const bool holds = rc::check("rows and columns", [] {
    Random random(*rc::gen::arbitrary<std::uint64_t>());
    Matrix mel(20, 50, 0.023);
    for (float& v : mel.data) v = static_cast<float>(random.uniform(-80, 0));
    const Matrix before = mel;
    spec_augment(mel, {1, 10, 1, 5}, random);
    std::vector<bool> row(mel.bins, true), column(mel.frames, true);
    for (std::size_t b = 0; b < mel.bins; ++b)
      for (std::size_t t = 0; t < mel.frames; ++t)
        if (mel.at(b, t) == before.at(b, t)) row[b] = column[t] = false;
    RC_ASSERT(std::count(row.begin(), row.end(), true) <= 5);
    RC_ASSERT(std::count(column.begin(), column.end(), true) <= 10);
    for (std::size_t b = 0; b < mel.bins; ++b)
      for (std::size_t t = 0; t < mel.frames; ++t)
        if (!row[b] && !column[t]) RC_ASSERT(mel.at(b, t) == before.at(b, t));
  });
  EXPECT_TRUE(holds);
  Matrix same(4, 4, 1);
  same.data.assign(16, 3);
  same.at(1, 1) = 5;
  const Matrix before = same;
  Random random(1);
  spec_augment(same, {0, 10, 0, 5}, random);  // off
  EXPECT_EQ(same.data, before.data);
}

}  // namespace
}  // namespace euterpe
