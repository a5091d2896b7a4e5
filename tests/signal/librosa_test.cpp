/// Every descriptor against librosa 0.10.1's own output on the same samples.
#include <gtest/gtest.h>

#include "signal/chroma.hpp"
#include "signal/delta.hpp"
#include "signal/mel.hpp"
#include "signal/pcen.hpp"
#include "signal/reference.hpp"
#include "signal/rhythm.hpp"
#include "signal/spectral.hpp"
#include "signal/stft.hpp"
#include "signal/tonnetz.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;
constexpr double kTolerance = 1e-5;

Matrix one_row(const std::vector<float>& values) {
  Matrix row(1, values.size(), 0);
  row.data = values;
  return row;
}

TEST(Librosa, descriptors_are_equal_within_one_in_a_hundred_thousand) {
  EUTERPE_REFERENCE_OR_SKIP(clips);
  for (const auto& clip : clips) {
    SCOPED_TRACE(clip.filename().string());
    const std::vector<float> samples = reference::read_wav(clip / "input.wav");
    const Matrix power = power_spectrogram(samples, kRate);
    const auto expect = [&](const char* name, const Matrix& ours, double tolerance = kTolerance) {
      EXPECT_LT(reference::relative_error(ours, reference::read_npy(clip / (std::string(name) + ".npy"))), tolerance)
          << name;
    };
    const Matrix mel = mel_spectrogram(power, kRate);
    expect("melspectrogram", mel);
    expect("melspectrogram_db", power_to_db(mel, static_cast<double>(std::ranges::max(mel.data))));
    expect("melspectrogram", mel_spectrogram(samples, kRate));
    MelOptions htk;
    htk.htk = true;
    htk.equal_area = false;
    expect("melspectrogram_htk", mel_spectrogram(power, kRate, htk));
    const Matrix mel_db = power_to_db(mel);
    expect("mfcc", mfcc(mel_db));
    expect("mfcc_delta", delta(mfcc(mel_db)));
    Matrix loud = mel;
    for (float& v : loud.data) v *= 2147483648.0f;
    expect("pcen", pcen(std::move(loud)));
    expect("onset_strength", one_row(onset_strength(mel_db)));
    const std::vector<float> centroid = spectral_centroid(power, kRate);
    expect("spectral_centroid", one_row(centroid));
    expect("spectral_bandwidth", one_row(spectral_bandwidth(power, kRate, centroid)));
    expect("spectral_rolloff", one_row(spectral_rolloff(power, kRate)));
    expect("spectral_flatness", one_row(spectral_flatness(power)));
    expect("spectral_contrast", spectral_contrast(power, kRate));
    expect("rms", one_row(rms(samples)));
    expect("zero_crossing_rate", one_row(zero_crossing_rate(samples)));
    EXPECT_NEAR(estimate_tuning(magnitude_spectrogram(samples, kRate), kRate),
                reference::read_npy(clip / "tuning.npy").at(0, 0), 1e-6);
    const Matrix classes = chroma(power, kRate, estimate_tuning(power, kRate));
    expect("chroma_stft", classes);
    expect("tonnetz", tonnetz(classes));
  }
}

/// The beginning of a synthetic clip and librosa's figures for those of its frames that lie wholly within it.
TEST(Librosa, descriptors_of_the_beginning_of_a_synthetic_clip_are_equal) {
  const auto golden = std::filesystem::path(__FILE__).parent_path() / "golden";
  const std::vector<float> samples = reference::read_npy(golden / "input.npy").data;
  const Matrix power = power_spectrogram(samples, kRate);
  const auto expect = [&](const char* name, const Matrix& ours, double tolerance = kTolerance) {
    const Matrix theirs = reference::read_npy(golden / (std::string(name) + ".npy"));
    Matrix cut(ours.bins, theirs.frames, ours.hop);
    for (std::size_t b = 0; b < cut.bins; ++b) std::ranges::copy(ours.row(b).first(cut.frames), cut.row(b).begin());
    EXPECT_LT(reference::relative_error(cut, theirs), tolerance) << name;
  };
  const Matrix mel = mel_spectrogram(power, kRate);
  const Matrix mel_db = power_to_db(mel);
  const std::vector<float> centroid = spectral_centroid(power, kRate);
  expect("melspectrogram", mel);
  expect("mfcc", mfcc(mel_db));
  expect("onset_strength", one_row(onset_strength(mel_db)));
  expect("spectral_centroid", one_row(centroid));
  expect("spectral_bandwidth", one_row(spectral_bandwidth(power, kRate, centroid)));
  expect("spectral_rolloff", one_row(spectral_rolloff(power, kRate)));
  expect("spectral_flatness", one_row(spectral_flatness(power)));
  expect("spectral_contrast", spectral_contrast(power, kRate));
  expect("rms", one_row(rms(samples)));
  expect("zero_crossing_rate", one_row(zero_crossing_rate(samples)));
  constexpr double kTuningOfTheWholeClip = 0.02;
  expect("chroma_stft", chroma(power, kRate, kTuningOfTheWholeClip));
}

}  // namespace
}  // namespace euterpe
