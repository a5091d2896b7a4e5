#include "media/encode.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.hpp"
#include "base/files.hpp"
#include "media/decode.hpp"
#include "samples.hpp"

namespace euterpe {
namespace {

using test::Folder;
using test::snr;
using test::sweep;

struct Expectation {
  const char* name;
  double snr;  // dB that the copy must reach
  int slack;   // frames by which its length may differ
};

class RoundTrip : public testing::TestWithParam<Expectation> {};

TEST_P(RoundTrip, GivesBackWhatWentIn) {
  const Folder folder;
  const AudioBuffer audio = sweep(100, 4000, 3, 48000, 2);
  encode(folder / GetParam().name, audio);
  const AudioBuffer copy = decode(folder / GetParam().name, {0, 0});
  EXPECT_EQ(copy.channels, 2);
  EXPECT_EQ(copy.sample_rate, 48000);
  EXPECT_NEAR(static_cast<double>(copy.frames()), static_cast<double>(audio.frames()), GetParam().slack);
  for (int c = 0; c < 2; ++c) EXPECT_GT(snr(audio.channel(c), copy.channel(c), 3), GetParam().snr) << "channel " << c;
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTrip,
                         testing::Values(Expectation{"a.wav", 80, 0}, Expectation{"a.flac", 80, 0},
                                         Expectation{"a.mp3", 25, 1152}, Expectation{"a.ogg", 20, 0},
                                         Expectation{"a.opus", 15, 960}, Expectation{"a.m4a", 20, 2048}),
                         [](const auto& row) { return std::string(row.param.name).substr(2); });

TEST(Encode, ResamplesWhereTheFormatLacksTheRate) {
  const Folder folder;
  encode(folder / "a.opus", sweep(100, 4000, 2, 44100));
  encode(folder / "a.mp3", sweep(100, 4000, 2, 96000));
  EXPECT_EQ(probe_audio(folder / "a.mp3").sample_rate, 48000);
  EXPECT_NEAR(decode(folder / "a.opus").duration().value, 2, 0.05);
  EXPECT_NEAR(decode(folder / "a.mp3").duration().value, 2, 0.05);
}

TEST(Encode, ObeysTheBitRate) {
  const Folder folder;
  const AudioBuffer audio = sweep(100, 8000, 10, 44100);
  encode(folder / "small.mp3", audio, {.bitrate = 64000});
  encode(folder / "big.mp3", audio, {.bitrate = 192000});
  EXPECT_NEAR(static_cast<double>(std::filesystem::file_size(folder / "small.mp3")), 80000, 8000);
  EXPECT_NEAR(static_cast<double>(std::filesystem::file_size(folder / "big.mp3")), 240000, 24000);
}

TEST(Encode, WritesTitleAndArtistIntoEveryFormat) {
  const Folder folder;
  for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.ogg", "a.opus", "a.m4a"}) {
    encode(folder / name, sweep(100, 4000, 1, 48000), {.title = "Caf\u00e9 no. 7", .artist = "Nobody"});
    const AudioInfo info = probe_audio(folder / name);
    EXPECT_EQ(info.title, "Caf\u00e9 no. 7") << name;
    EXPECT_EQ(info.artist, "Nobody") << name;
  }
}

TEST(Encode, EqualInputGivesEqualBytes) {
  const Folder folder;
  const AudioBuffer audio = sweep(100, 4000, 2, 44100);
  for (const char* extension : {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a"}) {
    const std::string one = std::string("one") + extension, two = std::string("two") + extension;
    encode(folder / one, audio);
    encode(folder / two, audio);
    EXPECT_EQ(sha256_file(folder / one), sha256_file(folder / two)) << extension;
  }
}

TEST(Encode, ClipsInsteadOfWrappingAround) {
  const Folder folder;
  AudioBuffer loud = test::sine(440, 1, 22050, 3.0);
  encode(folder / "a.wav", loud);
  const AudioBuffer copy = decode(folder / "a.wav");
  for (std::size_t i = 0; i < copy.frames(); ++i) {
    if (std::abs(loud.samples[i]) > 1) {
      ASSERT_GT(copy.samples[i] * loud.samples[i], 0) << i;
    }
  }
}

TEST(Encode, RefusesWhatItCannotWriteAndLeavesNothingBehind) {
  const Folder folder;
  const auto category = [&](const char* name, const AudioBuffer& audio) {
    try {
      encode(folder / name, audio);
    } catch (const Error& error) {
      return error.category();
    }
    ADD_FAILURE() << name << " was written";
    return Category::interrupted;
  };
  const AudioBuffer good = test::sine(440, 0.1);
  EXPECT_EQ(category("a.xyz", good), Category::usage);
  EXPECT_EQ(category("a", good), Category::usage);
  EXPECT_EQ(category("a.mp3", test::sine(440, 0.1, 44100, 0.5, 3)), Category::usage);
  EXPECT_EQ(category("a.wav", {44100, 1, {}}), Category::bad_input);
  EXPECT_EQ(category("a.wav", {44100, 1, {0.0F, std::numeric_limits<float>::quiet_NaN()}}), Category::bad_input);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  write_file(folder / "file", std::string_view("in the way"));
  EXPECT_EQ(category("file/a.wav", good), Category::io);
}

}  // namespace
}  // namespace euterpe
