#include "media/decode.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "base/files.hpp"
#include "media/encode.hpp"
#include "samples.hpp"

namespace euterpe {
namespace {

using test::amplitude_at;
using test::Folder;
using test::sine;
using test::snr;
using test::sweep;

// What decode() throws for a file, as text; fails if it does not throw.
Error error_of(const std::filesystem::path& path, const DecodeOptions& options = {}) {
  try {
    decode(path, options);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << path << " was decoded";
  return {Category::usage, "", ""};
}

void put16(std::vector<std::uint8_t>& out, unsigned v) {
  out.push_back(static_cast<std::uint8_t>(v));
  out.push_back(static_cast<std::uint8_t>(v >> 8));
}
void put32(std::vector<std::uint8_t>& out, std::uint32_t v) {
  put16(out, v & 0xFFFF);
  put16(out, v >> 16);
}

// A float WAV file by hand; `claimed` bytes of data in its header.
std::vector<std::uint8_t> float_wav(const std::vector<float>& samples, int rate, unsigned channels,
                                    std::uint32_t claimed) {
  std::vector<std::uint8_t> out;
  out.reserve(44 + 4 * samples.size());
  const auto tag = [&](std::string_view name) {
    for (const char c : name) out.push_back(static_cast<std::uint8_t>(c));
  };
  tag("RIFF"), put32(out, 36 + claimed), tag("WAVE"), tag("fmt "), put32(out, 16);
  put16(out, 3), put16(out, channels), put32(out, static_cast<std::uint32_t>(rate));
  put32(out, static_cast<std::uint32_t>(rate) * 4 * channels), put16(out, 4 * channels), put16(out, 32);
  tag("data"), put32(out, claimed);
  for (const float sample : samples) put32(out, std::bit_cast<std::uint32_t>(sample));
  return out;
}

TEST(Decode, MixesStereoDownToTheMean) {
  const Folder folder;
  AudioBuffer stereo = sine(440, 1, 22050, 0.8, 2);
  for (float& sample : stereo.channel(1)) sample = 0;
  encode(folder / "a.wav", stereo);
  const AudioBuffer mono = decode(folder / "a.wav");
  ASSERT_EQ(mono.channels, 1);
  EXPECT_NEAR(amplitude_at(mono.samples, 440, 22050), 0.4, 0.001);
}

TEST(Decode, KeepsTheSidesApartWhenEightChannelsBecomeTwo) {
  const Folder folder;
  AudioBuffer eight{48000, 8, std::vector<float>(8 * 48000, 0.0F)};
  const AudioBuffer tone = sine(1000, 1, 48000, 0.8);
  std::copy(tone.samples.begin(), tone.samples.end(), eight.channel(0).begin());  // front left
  encode(folder / "a.wav", eight);
  const AudioBuffer all = decode(folder / "a.wav", {0, 0});
  EXPECT_EQ(all.channels, 8);
  EXPECT_EQ(all.frames(), 48000U);
  const AudioBuffer two = decode(folder / "a.wav", {48000, 2});
  EXPECT_GT(amplitude_at(two.channel(0), 1000, 48000), 0.1);
  EXPECT_LT(amplitude_at(two.channel(1), 1000, 48000), 1e-4);
}

TEST(Decode, ResamplingKeepsFrequencyAmplitudeAndLength) {
  const Folder folder;
  for (const int rate : {8000, 11025, 44100, 48000, 96000, 192000}) {
    encode(folder / "a.wav", sine(1000, 2, rate));
    const AudioBuffer audio = decode(folder / "a.wav");
    EXPECT_EQ(audio.sample_rate, 22050);
    EXPECT_NEAR(static_cast<double>(audio.frames()), 2 * 22050, 2) << rate;
    const auto middle = std::span<const float>(audio.samples).subspan(4000, 32000);
    EXPECT_NEAR(amplitude_at(middle, 1000, 22050), 0.5, 0.002) << rate;
    EXPECT_LT(amplitude_at(middle, 1010, 22050), 0.002) << rate;
  }
}

TEST(Decode, ResamplingLetsNothingAboveHalfTheRateFoldBack) {
  const Folder folder;
  encode(folder / "a.wav", sine(15000, 1, 44100));
  const AudioBuffer audio = decode(folder / "a.wav");
  EXPECT_LT(amplitude_at(audio.samples, 22050 - 15000, 22050), 1e-4);
}

TEST(Decode, StartAndDurationCutTheSamePieceOutOfEveryFormat) {
  const Folder folder;
  const AudioBuffer audio = sweep(100, 5000, 40, 22050);
  for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.ogg", "a.m4a"}) {
    encode(folder / name, audio);
    const AudioBuffer whole = decode(folder / name);
    for (const double start : {2.5, 25.25}) {  // read through, and sought
      const AudioBuffer part = decode(folder / name, {22050, 1, start, 3});
      ASSERT_EQ(part.frames(), 3U * 22050) << name;
      const auto begin = static_cast<std::size_t>(start * 22050);
      const auto same = std::span<const float>(whole.samples).subspan(begin, part.frames());
      EXPECT_GT(snr(same, part.samples, 2), 20) << name << " from " << start;
    }
  }
}

TEST(Decode, ATruncatedMp3GivesWhatThereIsAndSaysSo) {
  const Folder folder;
  encode(folder / "a.mp3", sweep(100, 5000, 20, 44100));
  auto bytes = read_file(folder / "a.mp3");
  bytes.resize(bytes.size() / 2);
  write_file(folder / "cut.mp3", bytes);
  std::string warning;
  const AudioBuffer audio = decode(folder / "cut.mp3", {}, &warning);
  EXPECT_NEAR(audio.duration().value, 10, 0.5);
  EXPECT_NE(warning.find("breaks off"), std::string::npos) << warning;
}

TEST(Decode, ATruncatedWavAndFlacGiveWhatThereIs) {
  const Folder folder;
  for (const char* name : {"a.wav", "a.flac", "a.ogg"}) {
    encode(folder / name, sweep(100, 5000, 20, 44100));
    auto bytes = read_file(folder / name);
    bytes.resize(bytes.size() / 2);
    write_file(folder / name, bytes);
    const double seconds = decode(folder / name).duration().value;
    EXPECT_GT(seconds, 5) << name;
    EXPECT_LT(seconds, 16) << name;
  }
}

TEST(Decode, DamagedPacketsAreSkippedWithAWarning) {
  const Folder folder;
  encode(folder / "a.flac", sweep(100, 5000, 20, 44100));
  auto bytes = read_file(folder / "a.flac");
  for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 30000; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  write_file(folder / "a.flac", bytes);
  std::string warning;
  const AudioBuffer audio = decode(folder / "a.flac", {}, &warning);
  EXPECT_GT(audio.duration().value, 15);
  EXPECT_FALSE(warning.empty());
}

TEST(Decode, AnIntactFileGivesNoWarning) {
  const Folder folder;
  for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.ogg", "a.opus", "a.m4a"}) {
    encode(folder / name, sweep(100, 5000, 5, 48000));
    std::string warning = "something";
    decode(folder / name, {}, &warning);
    EXPECT_EQ(warning, "") << name;
  }
}

TEST(Decode, SamplesThatAreNoNumberBecomeSilenceAndAreCounted) {
  const Folder folder;
  std::vector<float> samples = sine(500, 1, 44100).samples;
  samples[100] = std::numeric_limits<float>::quiet_NaN();
  samples[20000] = std::numeric_limits<float>::infinity();
  write_file(folder / "a.wav", float_wav(samples, 44100, 1, static_cast<std::uint32_t>(samples.size() * 4)));
  std::string warning;
  const AudioBuffer audio = decode(folder / "a.wav", {}, &warning);
  for (const float sample : audio.samples) ASSERT_TRUE(std::isfinite(sample));
  EXPECT_NEAR(amplitude_at(audio.samples, 500, 22050), 0.5, 0.01);
  EXPECT_NE(warning.find("2 samples"), std::string::npos) << warning;
}

TEST(Decode, ABlockAtATimeGivesTheSameSamplesAsAll) {
  const Folder folder;
  encode(folder / "a.ogg", sweep(100, 5000, 12, 44100, 2));
  const AudioBuffer whole = decode(folder / "a.ogg", {22050, 2});
  std::vector<float> left;
  std::size_t blocks = 0;
  decode_blocks(folder / "a.ogg", {22050, 2}, [&](const AudioBuffer& block) {
    const auto samples = block.channel(0);
    left.insert(left.end(), samples.begin(), samples.end());
    EXPECT_LE(block.frames(), std::size_t{1} << 16);
    ++blocks;
    return true;
  });
  EXPECT_GT(blocks, 3U);
  ASSERT_EQ(left.size(), whole.frames());
  EXPECT_TRUE(std::equal(left.begin(), left.end(), whole.channel(0).begin()));
}

TEST(DecodeError, NamesTheCause) {
  const Folder folder;
  write_file(folder / "empty.mp3", std::string_view{});
  EXPECT_NE(error_of(folder / "empty.mp3").detail().find("empty (0 bytes)"), std::string::npos);
  EXPECT_EQ(error_of(folder / "empty.mp3").category(), Category::bad_input);

  std::string text;
  for (int i = 0; i < 500; ++i) text += "This is a shopping list, not a song.\n";
  write_file(folder / "list.mp3", text);
  EXPECT_NE(error_of(folder / "list.mp3").detail().find("text, not audio"), std::string::npos);

  EXPECT_EQ(error_of(folder / "absent.wav").category(), Category::not_found);
  EXPECT_EQ(error_of(folder.path()).category(), Category::bad_input);

  write_file(folder / "nothing.wav", float_wav({}, 44100, 1, 0));
  EXPECT_EQ(error_of(folder / "nothing.wav").category(), Category::bad_input);
  EXPECT_NE(error_of(folder / "nothing.wav").detail().find("no "), std::string::npos);

  encode(folder / "a.wav", sine(440, 1));
  EXPECT_NE(error_of(folder / "a.wav", {22050, 1, 60}).detail().find("behind the end"), std::string::npos);
}

TEST(DecodeError, AHeaderThatLiesAboutItsSizeAllocatesNothing) {
  const Folder folder;
  const std::vector<float> samples = sine(440, 0.5, 44100).samples;
  write_file(folder / "lie.wav", float_wav(samples, 44100, 1, 0xFFFFFF00U));
  EXPECT_NEAR(decode(folder / "lie.wav").duration().value, 0.5, 0.01);
  write_file(folder / "rate.wav", float_wav(samples, 2000000000, 1, 4096));
  EXPECT_EQ(error_of(folder / "rate.wav").category(), Category::bad_input);
}

TEST(DecodeError, APlaylistUnderAnotherNameOpensNoOtherFile) {
  const Folder folder;
  encode(folder / "secret.wav", sine(440, 1));
  const std::string secret = (folder / "secret.wav").string();
  write_file(folder / "a.mp3", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n" + secret + "\n#EXT-X-ENDLIST\n");
  EXPECT_EQ(error_of(folder / "a.mp3").category(), Category::bad_input);
  write_file(folder / "b.mp3", "ffconcat version 1.0\nfile '" + secret + "'\n");
  EXPECT_EQ(error_of(folder / "b.mp3").category(), Category::bad_input);
}

TEST(Probe, TellsContainerCodecAndLength) {
  const Folder folder;
  encode(folder / "a.ogg", sine(440, 3, 44100, 0.5, 2));
  const AudioInfo info = probe_audio(folder / "a.ogg");
  EXPECT_EQ(info.container, "ogg");
  EXPECT_EQ(info.codec, "vorbis");
  EXPECT_EQ(info.sample_rate, 44100);
  EXPECT_EQ(info.channels, 2);
  EXPECT_NEAR(info.duration, 3, 0.05);
}

TEST(Probe, ReadsTagsAndTakesBytesThatAreNoUtf8AsLatin1) {
  const Folder folder;
  encode(folder / "a.mp3", sine(440, 2, 44100));
  auto bytes = read_file(folder / "a.mp3");
  std::string tag(128, '\0');  // ID3v1
  std::memcpy(tag.data(), "TAG", 3);
  std::memcpy(tag.data() + 3, "Caf\xE9", 4);
  std::memcpy(tag.data() + 33, "Erik", 4);
  bytes.insert(bytes.end(), tag.begin(), tag.end());
  write_file(folder / "b.mp3", bytes);
  const AudioInfo info = probe_audio(folder / "b.mp3");
  EXPECT_EQ(info.title, "Caf\xC3\xA9");
  EXPECT_EQ(info.artist, "Erik");
}

TEST(Names, AreKnownInEitherCase) {
  EXPECT_TRUE(is_audio_name("x/SONG.MP3"));
  EXPECT_TRUE(is_audio_name("a.b.flac"));
  EXPECT_FALSE(is_audio_name("a.mid"));
  EXPECT_FALSE(is_audio_name("mp3"));
  EXPECT_TRUE(is_midi_name("a.MID"));
  EXPECT_FALSE(is_midi_name("a.txt"));
}

TEST(RealFiles, OfSeveralFormatsDecodeToWhatTheirHeadersPromise) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data) GTEST_SKIP() << "EUTERPE_DATA is not set: no real recordings to decode";
  std::size_t seen = 0;
  for (const char* folder : {"librosa", "instruments", "emotify/rock", "noises"}) {
    std::size_t here = 0;
    for (const auto& path : walk_files({std::filesystem::path(data) / folder})) {
      if (!is_audio_name(path) || ++here > 4) continue;
      const AudioInfo info = probe_audio(path);
      const AudioBuffer audio = decode(path);
      EXPECT_NEAR(audio.duration().value, info.duration, 0.1) << path;
      ++seen;
    }
  }
  EXPECT_GE(seen, 8U);
}

}  // namespace
}  // namespace euterpe
