#include "recognize/audio_encoder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <thread>

#include "base/error.hpp"
#include "catalog/support.hpp"
#include "recognize/training_audio_encoder.hpp"

namespace euterpe {
namespace {

AudioBuffer tones(double seconds, double hertz = 440) {
  AudioBuffer audio{kEncoderRate, 1, std::vector<float>(static_cast<std::size_t>(seconds * kEncoderRate))};
  for (std::size_t i = 0; i < audio.samples.size(); ++i) {
    const double t = static_cast<double>(i) / kEncoderRate;
    audio.samples[i] = static_cast<float>(0.1 * std::sin(6.2831853 * hertz * t) * (1 + std::sin(12 * t)));
  }
  return audio;
}

bool finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

class ShippedEncoder : public ::testing::Test {
 protected:
  static const AudioEncoder& encoder() {
    static const AudioEncoder loaded = AudioEncoder::load();
    return loaded;
  }
};

TEST_F(ShippedEncoder, gives_one_vector_for_every_chunk) {
  const auto width = static_cast<std::size_t>(encoder().width());
  EXPECT_EQ(encoder().embed(tones(3)).size(), width);
  EXPECT_EQ(encoder().embed(tones(30)).size(), 10 * width);
  EXPECT_EQ(encoder().embed(tones(30)), encoder().embed(tones(30)));
}

TEST_F(ShippedEncoder, answers_to_short_silent_and_broken_input) {
  const auto width = static_cast<std::size_t>(encoder().width());
  for (const double seconds : {0.001, 0.2, 0.25, 1.0, 4.4}) {
    const auto e = encoder().embed(tones(seconds));
    EXPECT_EQ(e.size(), width) << seconds;
    EXPECT_TRUE(finite(e)) << seconds;
  }
  AudioBuffer silent = tones(3), broken = tones(3);
  std::fill(silent.samples.begin(), silent.samples.end(), 0.0f);
  EXPECT_TRUE(finite(encoder().embed(silent)));
  broken.samples[1000] = std::numeric_limits<float>::quiet_NaN();
  broken.samples[2000] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(finite(encoder().embed(broken)));
}

TEST_F(ShippedEncoder, hears_the_music_and_not_its_level) {
  AudioBuffer loud = tones(3);
  const auto expected = encoder().embed(loud);
  for (float& s : loud.samples) s *= 4;
  const auto e = encoder().embed(loud), other = encoder().embed(tones(3, 90));
  double same = 0, apart = 0;
  for (std::size_t i = 0; i < e.size(); ++i) {
    same += std::pow(e[i] - expected[i], 2);
    apart += std::pow(other[i] - expected[i], 2);
  }
  EXPECT_LT(same, 1e-4 * apart);
}

TEST_F(ShippedEncoder, answers_many_threads_as_it_answers_one) {
  const auto expected = encoder().embed(tones(6));
  std::vector<std::vector<float>> got(3);
  std::vector<std::thread> threads;
  for (auto& g : got) threads.emplace_back([&g] { g = encoder().embed(tones(6)); });
  for (auto& t : threads) t.join();
  for (const auto& g : got) EXPECT_EQ(g, expected);
}

TEST(AudioEncoder, names_a_model_without_a_network) {
  Model model;
  model.folder = "somewhere";
  model.card = {{"options", nlohmann::json::object()}};
  EXPECT_THROW(AudioEncoder::from(model), Error);
}

TEST(ChunkStarts, cover_the_recording_evenly) {
  const CnnOptions o;
  EXPECT_EQ(chunk_starts(128, o), std::vector<std::size_t>{0});
  for (const std::size_t frames : {190u, 192u, 300u, 1292u, 5000u}) {
    const auto starts = chunk_starts(frames, o);
    EXPECT_EQ(starts.front(), 0u);
    EXPECT_LE(starts.back() + 128, frames);
    EXPECT_TRUE(starts.size() == 1 || starts.back() + 128 == frames);
    for (std::size_t i = 1; i < starts.size(); ++i) {
      EXPECT_GT(starts[i], starts[i - 1] + 63);
      EXPECT_LE(starts[i], starts[i - 1] + 192);
    }
  }
}

TEST(TrainAudioEncoder, learns_the_same_from_clips_just_rendered_and_from_kept_ones) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data || !std::filesystem::is_directory(std::filesystem::path(data) / "jsb"))
    GTEST_SKIP() << "$EUTERPE_DATA/jsb is not there";
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "data");
  std::filesystem::create_directory_symlink(std::filesystem::path(data) / "jsb", folder / "data" / "jsb");
  RecognizerTraining training;
  training.data = folder / "data";
  training.out = folder / "model";
  training.run = folder / "run";
  for (const Setting& s : kAudioEncoderTrainer.settings) training.settings[s.name] = s.fallback;
  training.settings["clips"] = training.settings["valid-clips"] = training.settings["batch"] = 2;
  training.settings["clip-seconds"] = 4;
  training.settings["steps"] = 1;
  kAudioEncoderTrainer.train(training);
  const Model first = find_model(training.out.string());
  EXPECT_TRUE(first.card.at("commercial").get<bool>());
  EXPECT_EQ(first.card.at("data").size(), 1u);
  EXPECT_EQ(AudioEncoder::from(first).width(), 192);
  std::filesystem::remove(training.run / "checkpoint.safetensors");
  kAudioEncoderTrainer.train(training);
  EXPECT_EQ(find_model(training.out.string()).hash, first.hash);
}

TEST(RenderedTargets, say_what_sounds_within_the_chunk) {
  HeardClip clip;
  clip.notes = {{0.5f, 2.0f, 40, 69, 90}, {1.0f, 1.2f, kPercussion + 36, 36, 100}, {6.0f, 7.0f, 30, 45, 90}};
  clip.ensemble = 2;
  clip.style = 1;
  clip.tempo = 100;
  int width = 0;
  for (const CnnHead& head : rendered_heads(3)) width += head.width;
  std::vector<float> t(static_cast<std::size_t>(width));
  rendered_targets(clip, 0, 3, 3, t);
  EXPECT_EQ(t[40], 1);
  EXPECT_EQ(t[30], 0);
  EXPECT_EQ(t[128], 1);      // bass drum
  EXPECT_EQ(t[129], 0);      // snare
  EXPECT_EQ(t[128 + 9], 1);  // drums at all
  EXPECT_EQ(t[128 + 12 + 2], 1);
  EXPECT_EQ(t[128 + 12 + 8 + 1], 1);
  const std::size_t values = 128 + 12 + 8 + 3;
  EXPECT_NEAR(t[values + 2], 0, 1e-6);  // 100 quarter notes a minute
  EXPECT_GT(t[values + 6 + 9], 3);      // A alone
  rendered_targets(clip, 5, 8, 3, t);
  EXPECT_EQ(t[40], 0);
  EXPECT_EQ(t[30], 1);
  rendered_targets(clip, 3, 5, 3, t);
  EXPECT_TRUE(std::isnan(t[values + 4]));  // nothing sounds: no mean pitch
}

}  // namespace
}  // namespace euterpe
