/// Audio in blocks must be described as the whole recording is.
#include "signal/descriptor_stream.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "base/error.hpp"
#include "base/random.hpp"
#include "signal/chroma.hpp"
#include "signal/music.hpp"
#include "signal/reference.hpp"
#include "signal/tonnetz.hpp"

namespace euterpe {
namespace {

using Descriptors = std::map<std::string, Matrix>;

Descriptors streamed(std::span<const float> samples, const DescriptorStreamOptions& options, std::size_t block) {
  std::map<std::string, std::vector<std::vector<float>>> frames;
  std::uint64_t next = 0;
  DescriptorStream stream(options, [&](const DescriptorStrip& strip) {
    EXPECT_EQ(strip.first, next);
    next += strip.count;
    for (const auto& [name, member] : kStreamingDescriptors) {
      const auto& rows = strip.*member;
      for (std::size_t l = 0; l < strip.count; ++l) {
        auto& frame = frames[name].emplace_back(rows.bins);
        for (std::size_t b = 0; b < rows.bins; ++b) frame[b] = rows.at(b, l);
      }
    }
  });
  for (std::size_t at = 0; at < samples.size(); at += block) {
    stream.push(samples.subspan(at, std::min(block, samples.size() - at)));
  }
  stream.finish();
  Descriptors result;
  for (const auto& [name, columns] : frames) {
    Matrix matrix(columns.front().size(), columns.size(), 0);
    for (std::size_t t = 0; t < matrix.frames; ++t) {
      for (std::size_t b = 0; b < matrix.bins; ++b) matrix.at(b, t) = columns[t][b];
    }
    result[name] = std::move(matrix);
  }
  return result;
}

Matrix one_row(const std::vector<float>& values) {
  Matrix row(1, values.size(), 0);
  row.data = values;
  return row;
}

Descriptors whole(std::span<const float> samples, const DescriptorStreamOptions& o) {
  const Matrix power = power_spectrogram(samples, o.sample_rate, o.stft);
  const Matrix mel = mel_spectrogram(power, o.sample_rate, o.mel);
  const Matrix classes = chroma(power, o.sample_rate, o.tuning);
  const auto centroid = spectral_centroid(power, o.sample_rate);
  ContrastOptions contrast = o.contrast;
  contrast.top_db = kNoFloor;
  Matrix scaled = mel;
  for (float& v : scaled.data) v *= static_cast<float>(o.pcen_scale);
  Descriptors result;
  result["magnitude"] = magnitude_spectrogram(samples, o.sample_rate, o.stft);
  result["mel"] = mel;
  result["mel_db"] = power_to_db(mel, 1, kNoFloor);
  result["mfcc"] = mfcc(power_to_db(mel, 1, kNoFloor), o.mfcc);
  result["pcen"] = pcen(std::move(scaled), o.pcen);
  result["chroma"] = classes;
  result["tonnetz"] = tonnetz(classes);
  result["contrast"] = spectral_contrast(power, o.sample_rate, contrast);
  result["centroid"] = one_row(centroid);
  result["bandwidth"] = one_row(spectral_bandwidth(power, o.sample_rate, centroid));
  result["rolloff"] = one_row(spectral_rolloff(power, o.sample_rate, o.roll_percent));
  result["flatness"] = one_row(spectral_flatness(power));
  result["rms"] = one_row(rms(samples, o.stft.n_fft, o.stft.hop_length));
  result["zero_crossings"] = one_row(zero_crossing_rate(samples, o.stft.n_fft, o.stft.hop_length));
  return result;
}

void expect_equal(const Descriptors& pieces, const Descriptors& all) {
  ASSERT_EQ(pieces.size(), kStreamingDescriptors.size());
  ASSERT_EQ(all.size(), kStreamingDescriptors.size());
  for (const auto& [name, expected] : all) {
    const Matrix& ours = pieces.at(name);
    ASSERT_EQ(ours.bins, expected.bins) << name;
    ASSERT_EQ(ours.frames, expected.frames) << name;
    for (std::size_t i = 0; i < ours.data.size(); ++i) {
      const double scale = std::max(1e-3, std::abs(static_cast<double>(expected.data[i])));
      ASSERT_NEAR(ours.data[i], expected.data[i], 1e-5 * scale) << name << " at " << i;
    }
  }
}

/// Chords over a beat, with a silent stretch, a clipped one and a fade to nothing.
std::vector<float> recording(std::uint64_t seed, std::size_t length) {
  auto samples = test::music(seed, static_cast<double>(length) / kLandmarkRate + 1);
  samples.resize(length);
  const std::size_t part = length / 5;
  for (std::size_t i = part; i < 2 * part; ++i) samples[i] = 0;
  for (std::size_t i = 2 * part; i < 3 * part; ++i) samples[i] = std::clamp(20 * samples[i], -1.0f, 1.0f);
  for (std::size_t i = 4 * part; i < length; ++i)
    samples[i] *= std::exp(-12.0f * static_cast<float>(i - 4 * part) / static_cast<float>(part + 1));
  return samples;
}

TEST(DescriptorStream, gives_the_numbers_of_the_whole_recording_at_blocks_of_1_441_and_65536_samples) {
  const auto samples = recording(1, 100001);
  DescriptorStreamOptions options;
  options.tuning = -0.13;
  const Descriptors all = whole(samples, options);
  for (const std::size_t block : {1u, 441u, 65536u}) {
    SCOPED_TRACE(block);
    expect_equal(streamed(samples, options, block), all);
  }
}

RC_GTEST_PROP(DescriptorStream, gives_the_numbers_of_the_whole_recording_for_any_length_block_and_options, ()) {
  DescriptorStreamOptions options;
  options.sample_rate = *rc::gen::element(8000, 22050, 44100);
  options.stft.n_fft = *rc::gen::element(400, 512, 1024, 2048);
  options.stft.hop_length = *rc::gen::inRange(options.stft.n_fft / 8, 2 * options.stft.n_fft);
  options.stft.win_length = *rc::gen::element(0, options.stft.n_fft / 2, options.stft.n_fft - 3);
  options.mel.n_mels = *rc::gen::inRange(20, 60);
  options.mel.htk = *rc::gen::arbitrary<bool>();
  options.tuning = 0.01 * *rc::gen::inRange(-50, 50);
  if (options.sample_rate == 8000) options.contrast.n_bands = 5;  // what fits
  const auto length = static_cast<std::size_t>(*rc::gen::inRange(0, 40000));
  const auto block = static_cast<std::size_t>(*rc::gen::element(1, 7, 441, 5000, 65536));
  const auto samples = recording(static_cast<std::uint64_t>(*rc::gen::inRange(1, 1000)), length);
  expect_equal(streamed(samples, options, block), whole(samples, options));
  RC_ASSERT(!testing::Test::HasFatalFailure());
}

TEST(DescriptorStream, of_real_music_gives_the_numbers_of_the_whole) {
  EUTERPE_REFERENCE_OR_SKIP(clips);
  for (const auto& clip : clips) {
    const auto samples = reference::read_wav(clip / "input.wav");
    expect_equal(streamed(samples, {}, 441), whole(samples, {}));
  }
}

TEST(DescriptorStream, of_nothing_is_one_silent_frame) {
  const Descriptors none = streamed({}, {}, 1);
  EXPECT_EQ(none.at("mel").frames, 1u);
  EXPECT_EQ(none.at("rms").at(0, 0), 0.0f);
  EXPECT_EQ(none.at("mel_db").at(5, 0), power_to_db(Matrix(1, 1, 1)).data[0]);
}

TEST(DescriptorStream, hears_what_is_not_a_number_as_silence) {
  auto broken = recording(2, 30000);
  auto silenced = broken;
  for (std::size_t i = 9000; i < 9010; ++i) {
    broken[i] = i % 2 == 0 ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
    silenced[i] = 0;
  }
  expect_equal(streamed(broken, {}, 441), whole(silenced, {}));
}

TEST(DescriptorStream, at_a_low_sample_rate_has_the_octaves_of_contrast_that_there_are) {
  DescriptorStreamOptions options;
  options.sample_rate = 8000;
  EXPECT_EQ(streamed(recording(3, 9000), options, 441).at("contrast").bins, 6u);
}

TEST(DescriptorStream, refuses_frames_that_are_not_centered_and_more_mfcc_than_bands) {
  DescriptorStreamOptions options;
  options.mfcc = 129;
  EXPECT_THROW(DescriptorStream(options, [](const DescriptorStrip&) {}), Error);
  options.mfcc = 13;
  options.stft.center = false;
  EXPECT_THROW(DescriptorStream(options, [](const DescriptorStrip&) {}), Error);
}

}  // namespace
}  // namespace euterpe
