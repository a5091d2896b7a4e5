/// Onsets, tempogram, tempo, pulse and beats against librosa 0.10.1, and where no librosa can be asked: what a listener
/// would say.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "signal/beat.hpp"
#include "signal/mel.hpp"
#include "signal/onset.hpp"
#include "signal/reference.hpp"
#include "signal/stft.hpp"
#include "signal/tempogram.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;
constexpr double kHop = 512.0 / kRate;

Matrix one_row(const std::vector<float>& values) {
  Matrix row(1, values.size(), 0);
  row.data = values;
  return row;
}

/// librosa's figures for the whole of a synthetic clip.
Matrix golden(const std::string& name) {
  return reference::read_npy(std::filesystem::path(__FILE__).parent_path() / "golden" / ("rhythm_" + name + ".npy"));
}

std::vector<std::size_t> frames_of(const Matrix& row) { return {row.data.begin(), row.data.end()}; }

/// A click every `period` frames, fading within four.
std::vector<float> clicks(std::size_t frames, double period, std::size_t first = 5) {
  std::vector<float> envelope(frames, 0.0f);
  for (double at = static_cast<double>(first); at < static_cast<double>(frames); at += period) {
    const auto t = static_cast<std::size_t>(std::lround(at));
    for (std::size_t k = 0; k < 4 && t + k < frames; ++k) envelope[t + k] += std::pow(0.3f, static_cast<float>(k));
  }
  return envelope;
}

TEST(Rhythm, onsets_of_a_golden_envelope_are_those_of_librosa) {
  const std::vector<float> envelope = golden("mean_envelope").data;
  const auto onsets = onset_detect(envelope, onset_peak_options(kRate));
  EXPECT_EQ(onsets, frames_of(golden("onset_frames")));
  EXPECT_EQ(onset_backtrack(onsets, envelope), frames_of(golden("onset_frames_backtracked")));
}

TEST(Rhythm, tempogram_of_a_golden_envelope_is_that_of_librosa) {
  const Matrix theirs = golden("tempogram_every_60th_frame");
  const Matrix all = tempogram(golden("mean_envelope").data, kHop);
  ASSERT_EQ(all.bins, 384u);
  ASSERT_EQ(all.frames, 431u);
  Matrix ours(theirs.bins, theirs.frames, 0);
  for (std::size_t lag = 0; lag < ours.bins; ++lag) {
    for (std::size_t i = 0; i < ours.frames; ++i) ours.at(lag, i) = all.at(lag, 60 * i);
  }
  EXPECT_LT(reference::relative_error(ours, theirs), 1e-5);
}

TEST(Rhythm, beats_tempo_and_pulse_of_a_golden_envelope_are_those_of_librosa) {
  const std::vector<float> envelope = golden("median_envelope").data;
  const BeatFrames beats = beat_track(envelope, kRate);
  EXPECT_EQ(beats.frames, frames_of(golden("beat_frames")));
  EXPECT_NEAR(beats.bpm, static_cast<double>(golden("tempo").data[0]), 1e-4);
  BeatTrackOptions whole;
  whole.trim = false;
  EXPECT_EQ(beat_track(envelope, kRate, 512, whole).frames, frames_of(golden("beat_frames_untrimmed")));
  EXPECT_LT(reference::relative_error(one_row(predominant_local_pulse(envelope, kRate)), golden("plp")), 1e-5);
}

TEST(Rhythm, rhythm_of_recordings_is_that_of_librosa) {
  EUTERPE_REFERENCE_OR_SKIP(clips);
  for (const auto& clip : clips) {
    SCOPED_TRACE(clip.filename().string());
    const auto theirs = [&](const char* name) { return reference::read_npy(clip / (std::string(name) + ".npy")); };
    const Matrix mel_db =
        power_to_db(mel_spectrogram(power_spectrogram(reference::read_wav(clip / "input.wav"), kRate), kRate));
    const std::vector<float> mean = onset_strength(mel_db), median = onset_strength(mel_db, 3, BandAggregate::median);
    EXPECT_LT(reference::relative_error(one_row(mean), theirs("onset_strength")), 1e-5);
    EXPECT_LT(reference::relative_error(tempogram(mean, kHop), theirs("tempogram")), 1e-5);
    EXPECT_LT(reference::relative_error(one_row(predominant_local_pulse(median, kRate)), theirs("plp")), 1e-4);
    EXPECT_EQ(onset_detect(mean), frames_of(theirs("onset_frames")));
    const BeatFrames beats = beat_track(median, kRate);
    EXPECT_EQ(beats.frames, frames_of(theirs("beat_frames")));
    EXPECT_NEAR(beats.bpm, static_cast<double>(theirs("tempo").data[0]), 1e-4);
  }
}

TEST(Rhythm, peak_windows_follow_the_sample_rate) {
  const PeakPickOptions low = onset_peak_options(22050), high = onset_peak_options(44100);
  EXPECT_EQ(low.pre_max, 1u);
  EXPECT_EQ(low.pre_avg, 4u);
  EXPECT_EQ(low.post_avg, 5u);
  EXPECT_EQ(low.wait, 1u);
  EXPECT_EQ(high.pre_max, 2u);
  EXPECT_EQ(high.pre_avg, 8u);
  EXPECT_EQ(high.post_avg, 9u);
  EXPECT_EQ(high.wait, 2u);
}

TEST(Rhythm, a_peak_closer_than_the_wait_to_the_one_before_is_left_out) {
  std::vector<float> x(20, 0.0f);
  x[5] = x[8] = x[14] = 1;
  PeakPickOptions options;
  EXPECT_EQ(peak_pick(x, options), (std::vector<std::size_t>{5, 8, 14}));
  options.wait = 3;
  EXPECT_EQ(peak_pick(x, options), (std::vector<std::size_t>{5, 14}));
}

TEST(Rhythm, an_onset_goes_back_to_the_minimum_before_it_or_to_the_beginning) {
  const std::vector<float> energy{3, 4, 2, 1, 5, 6, 6, 2, 7};
  EXPECT_EQ(onset_backtrack(std::vector<std::size_t>{1, 3, 5, 8}, energy), (std::vector<std::size_t>{0, 3, 3, 7}));
  EXPECT_TRUE(onset_backtrack({}, energy).empty());
}

TEST(Rhythm, one_loud_band_moves_the_mean_rise_and_leaves_the_median) {
  Matrix mel_db(4, 10, kHop);
  mel_db.at(2, 5) = 40;
  EXPECT_FLOAT_EQ(onset_strength(mel_db)[7], 10);  // the rise into frame 5, two frames later
  EXPECT_FLOAT_EQ(onset_strength(mel_db, 3, BandAggregate::median)[7], 0);
  for (std::size_t band = 0; band < 3; ++band) mel_db.at(band, 5) = 40;
  EXPECT_FLOAT_EQ(onset_strength(mel_db, 3, BandAggregate::median)[7], 40);
}

TEST(Rhythm, beats_fall_on_the_clicks) {
  for (const double bpm : {75.0, 100.0, 120.0, 160.0}) {
    SCOPED_TRACE(bpm);
    const double period = 60 / bpm / kHop;
    const std::vector<float> envelope = clicks(1300, period, 17);
    const BeatFrames beats = beat_track(envelope, kRate);
    EXPECT_NEAR(beats.bpm, bpm, 0.04 * bpm);  // whole lags
    ASSERT_GT(beats.frames.size(), 30u);
    for (const std::size_t frame : beats.frames) {
      const double beat = (static_cast<double>(frame) - 17) / period;
      EXPECT_LE(std::abs(beat - std::round(beat)) * period, 1.5) << frame;
    }
  }
}

TEST(Rhythm, a_given_tempo_is_kept) {
  BeatTrackOptions options;
  options.bpm = 60 / (40 * kHop);
  const auto beats = beat_track(clicks(1300, 20), kRate, 512, options).frames;
  ASSERT_GT(beats.size(), 10u);
  for (std::size_t i = 1; i < beats.size(); ++i) EXPECT_EQ(beats[i] - beats[i - 1], 40u);
}

TEST(Rhythm, silence_has_no_onset_no_beat_and_no_pulse) {
  const std::vector<float> silence(500, 0.0f);
  EXPECT_TRUE(onset_detect(silence).empty());
  const BeatFrames beats = beat_track(silence, kRate);
  EXPECT_EQ(beats.bpm, 0);
  EXPECT_TRUE(beats.frames.empty());
  EXPECT_EQ(predominant_local_pulse(silence, kRate), silence);
  EXPECT_EQ(tempogram(silence, kHop).data, std::vector<float>(384 * 500, 0.0f));
}

TEST(Rhythm, a_silent_stretch_stays_zero_beside_a_loud_one) {
  std::vector<float> envelope = clicks(1500, 20);
  for (float& v : envelope) v *= 1e4f;
  std::fill(envelope.begin() + 600, envelope.end(), 0.0f);
  const Matrix lags = tempogram(envelope, kHop);
  for (std::size_t lag = 0; lag < lags.bins; ++lag) {
    for (std::size_t t = 800; t < lags.frames; ++t) ASSERT_EQ(lags.at(lag, t), 0.0f);
  }
}

TEST(Rhythm, an_envelope_too_short_to_tell_has_the_tempo_nearest_to_the_prior) {
  // One rise correlates with nothing, so that the prior alone decides, whole lags about 120 bpm: 117.45.
  const std::vector<float> envelope{0, 0, 0, 2.4425783f, 0};
  EXPECT_NEAR(tempogram_tempo(envelope, kRate), 60 * kRate / 512.0 / 22, 1e-9);
}

TEST(Rhythm, envelopes_of_a_few_frames_give_an_answer_of_their_length) {
  for (std::size_t n = 0; n < 8; ++n) {
    SCOPED_TRACE(n);
    std::vector<float> envelope(n, 0.0f);
    if (n > 0) envelope.back() = 2;
    EXPECT_EQ(tempogram(envelope, kHop).frames, n);
    EXPECT_EQ(predominant_local_pulse(envelope, kRate).size(), n);
    for (const std::size_t frame : beat_track(envelope, kRate).frames) EXPECT_LT(frame, n);
    for (const std::size_t frame : onset_detect(envelope)) EXPECT_LT(frame, n);
    EXPECT_GT(tempogram_tempo(envelope, kRate), 0);
  }
}

TEST(Rhythm, an_envelope_with_a_nan_has_no_onsets_and_no_beats) {
  std::vector<float> envelope = clicks(300, 20);
  envelope[100] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(onset_detect(envelope).empty());
  EXPECT_TRUE(beat_track(envelope, kRate).frames.empty());
}

}  // namespace
}  // namespace euterpe
