#include "signal/descriptor_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>

#include "base/error.hpp"
#include "signal/beat.hpp"
#include "signal/chroma.hpp"
#include "signal/chroma_cqt.hpp"
#include "signal/cqt.hpp"
#include "signal/delta.hpp"
#include "signal/hpss.hpp"
#include "signal/mel.hpp"
#include "signal/onset.hpp"
#include "signal/pcen.hpp"
#include "signal/pitch.hpp"
#include "signal/spectral.hpp"
#include "signal/stft.hpp"
#include "signal/tempogram.hpp"
#include "signal/tonnetz.hpp"

namespace euterpe {

struct WholeRecording::Cache {
  std::optional<Matrix> magnitude, power, mel, mel_db, mfcc, chroma;
  std::optional<std::vector<float>> centroid, mean, median;
  std::optional<BeatFrames> beats;
  std::optional<PitchTrack> pitch;
  std::optional<HarmonicPercussive> parts;
};

namespace {

using Whole = WholeRecording;
using Strip = DescriptorStrip;

Matrix one_row(const std::vector<float>& values) {
  Matrix row(1, values.size(), 0);
  row.data = values;
  return row;
}

Matrix one_row(const std::vector<std::size_t>& frames) {
  return one_row(std::vector<float>(frames.begin(), frames.end()));
}

Matrix one_value(double value) { return one_row(std::vector<float>{static_cast<float>(value)}); }

double floor_of(const DescriptorSettings& s) { return s.top_db > 0 ? s.top_db : kNoFloor; }
double hop_of(const DescriptorSettings& s) { return static_cast<double>(s.stft.hop_length) / s.sample_rate; }

Matrix delta_of(Whole& r, int order) {
  constexpr std::size_t kWidth = 9;
  if (r.mfcc().frames < kWidth) {
    throw Error(Category::bad_input, "describe",
                fmt::format("{} frames are too few for deltas, which are fitted to {}", r.mfcc().frames, kWidth));
  }
  return delta(r.mfcc(), kWidth, order);
}

CqtOptions cqt_of(Whole& r) {
  CqtOptions options;
  options.hop_length = r.settings().stft.hop_length;
  return options;
}

YinOptions pitch_options(const DescriptorSettings& s) {
  YinOptions options;
  options.fmin = s.fmin_pitch;
  options.fmax = s.fmax_pitch;
  options.frame_length = s.stft.n_fft;
  options.hop_length = s.stft.hop_length;
  return options;
}

constexpr auto kFrames = DescriptorKind::frames;
constexpr auto kEvents = DescriptorKind::events;
constexpr auto kScalar = DescriptorKind::scalar;

const std::array kTable{
    DescriptorRow{"stft_magnitude", "", "|STFT|", kFrames, &Strip::magnitude, false, false,
                  [](Whole& r) { return r.magnitude(); }},
    DescriptorRow{"melspectrogram", "", "power in mel bands", kFrames, &Strip::mel, false, false,
                  [](Whole& r) { return r.mel(); }},
    DescriptorRow{"melspectrogram_htk", "", "power in HTK's mel bands", kFrames, nullptr, false, false,
                  [](Whole& r) {
                    MelOptions htk = r.settings().mel;
                    htk.htk = true;
                    htk.equal_area = false;
                    return mel_spectrogram(r.power(), r.settings().sample_rate, htk);
                  }},
    DescriptorRow{"melspectrogram_db", "dB", "the same below the greatest value", kFrames, nullptr, false, false,
                  [](Whole& r) {
                    const auto ref = static_cast<double>(r.mel().data.empty() ? 1.0f : std::ranges::max(r.mel().data));
                    return power_to_db(r.mel(), ref, floor_of(r.settings()));
                  }},
    DescriptorRow{"mfcc", "", "mel-frequency cepstral coefficients", kFrames, &Strip::mfcc, true, false,
                  [](Whole& r) { return r.mfcc(); }},
    DescriptorRow{"mfcc_delta", "", "their change a frame", kFrames, nullptr, false, false,
                  [](Whole& r) { return delta_of(r, 1); }},
    DescriptorRow{"mfcc_delta2", "", "the change of that", kFrames, nullptr, false, false,
                  [](Whole& r) { return delta_of(r, 2); }},
    DescriptorRow{"pcen", "", "per-channel energy normalization of the mel bands", kFrames, &Strip::pcen, false, false,
                  [](Whole& r) {
                    Matrix mel = r.mel();
                    for (float& v : mel.data) v *= 0x1p31f;  // its defaults are made for integer samples
                    return pcen(std::move(mel));
                  }},
    DescriptorRow{
        "rms", "", "root mean square", kFrames, &Strip::rms, false, false,
        [](Whole& r) { return one_row(rms(r.samples(), r.settings().stft.n_fft, r.settings().stft.hop_length)); }},
    DescriptorRow{"spectral_centroid", "Hz", "mean frequency", kFrames, &Strip::centroid, false, false,
                  [](Whole& r) { return one_row(r.centroid()); }},
    DescriptorRow{
        "spectral_bandwidth", "Hz", "deviation from it", kFrames, &Strip::bandwidth, false, false,
        [](Whole& r) { return one_row(spectral_bandwidth(r.power(), r.settings().sample_rate, r.centroid())); }},
    DescriptorRow{"spectral_rolloff", "Hz", "below it lies most of the magnitude", kFrames, &Strip::rolloff, false,
                  false,
                  [](Whole& r) {
                    return one_row(spectral_rolloff(r.power(), r.settings().sample_rate, r.settings().roll_percent));
                  }},
    DescriptorRow{"spectral_flatness", "", "0 a tone, 1 noise", kFrames, &Strip::flatness, false, false,
                  [](Whole& r) { return one_row(spectral_flatness(r.power())); }},
    DescriptorRow{"spectral_contrast", "dB", "peaks over valleys in octaves", kFrames, &Strip::contrast, true, false,
                  [](Whole& r) {
                    ContrastOptions options = r.settings().stream().contrast;
                    options.top_db = floor_of(r.settings());
                    return spectral_contrast(r.power(), r.settings().sample_rate, options);
                  }},
    DescriptorRow{"zero_crossing_rate", "", "share of samples with a change of sign", kFrames, &Strip::zero_crossings,
                  false, false,
                  [](Whole& r) {
                    return one_row(
                        zero_crossing_rate(r.samples(), r.settings().stft.n_fft, r.settings().stft.hop_length));
                  }},
    DescriptorRow{"tuning", "semitones", "deviation from A = 440 Hz", kScalar, nullptr, false, false,
                  [](Whole& r) { return one_value(estimate_tuning(r.magnitude(), r.settings().sample_rate)); }},
    DescriptorRow{"chroma_stft", "", "energy per pitch class", kFrames, &Strip::chroma, false, true,
                  [](Whole& r) { return r.chroma(); }},
    DescriptorRow{"tonnetz", "", "tonal centroids of chroma_stft", kFrames, &Strip::tonnetz, false, true,
                  [](Whole& r) { return tonnetz(r.chroma()); }},
    DescriptorRow{
        "chroma_cqt", "", "chroma of the CQT, 36 bins an octave", kFrames, nullptr, false, false,
        [](Whole& r) { return chroma_cqt(r.samples(), r.settings().sample_rate, r.settings().stft.hop_length); }},
    DescriptorRow{
        "chroma_cens", "", "chroma in steps of loudness, smoothed", kFrames, nullptr, false, false,
        [](Whole& r) { return chroma_cens(r.samples(), r.settings().sample_rate, r.settings().stft.hop_length); }},
    DescriptorRow{"cqt_magnitude", "", "|CQT|, seven octaves from C1", kFrames, nullptr, false, false,
                  [](Whole& r) { return cqt_magnitude(r.samples(), r.settings().sample_rate, cqt_of(r)); }},
    DescriptorRow{"hpss_harmonic", "", "magnitude of what lasts", kFrames, nullptr, false, false,
                  [](Whole& r) { return r.parts().harmonic; }},
    DescriptorRow{"hpss_percussive", "", "magnitude of what strikes", kFrames, nullptr, false, false,
                  [](Whole& r) { return r.parts().percussive; }},
    DescriptorRow{"onset_strength", "dB", "rise of the mel bands", kFrames, nullptr, false, false,
                  [](Whole& r) { return one_row(r.onset_envelope()); }},
    DescriptorRow{"onset_frames", "frame", "onsets", kEvents, nullptr, false, false,
                  [](Whole& r) {
                    return one_row(onset_detect(r.onset_envelope(), onset_peak_options(r.settings().sample_rate,
                                                                                       r.settings().stft.hop_length)));
                  }},
    DescriptorRow{"tempogram", "", "autocorrelation of the onset strength by lag", kFrames, nullptr, false, false,
                  [](Whole& r) { return tempogram(r.onset_envelope(), hop_of(r.settings())); }},
    DescriptorRow{"tempo", "bpm", "of the beats", kScalar, nullptr, false, false,
                  [](Whole& r) { return one_value(r.beats().bpm); }},
    DescriptorRow{"plp", "", "predominant local pulse", kFrames, nullptr, false, false,
                  [](Whole& r) {
                    return one_row(predominant_local_pulse(r.median_envelope(), r.settings().sample_rate,
                                                           r.settings().stft.hop_length));
                  }},
    DescriptorRow{"beat_frames", "frame", "beats by dynamic programming", kEvents, nullptr, false, false,
                  [](Whole& r) { return one_row(r.beats().frames); }},
    DescriptorRow{
        "yin", "Hz", "fundamental frequency", kFrames, nullptr, false, false,
        [](Whole& r) { return one_row(yin(r.samples(), r.settings().sample_rate, pitch_options(r.settings()))); }},
    DescriptorRow{"pyin_f0", "Hz", "the same by pYIN, NaN where unvoiced", kFrames, nullptr, false, false,
                  [](Whole& r) { return one_row(r.pitch().f0); }},
    DescriptorRow{"pyin_voiced", "", "1 where pYIN hears a voice", kFrames, nullptr, false, false,
                  [](Whole& r) {
                    const auto& voiced = r.pitch().voiced;
                    return one_row(std::vector<float>(voiced.begin(), voiced.end()));
                  }},
    DescriptorRow{"pyin_probability", "", "that a frame is voiced", kFrames, nullptr, false, false,
                  [](Whole& r) { return one_row(r.pitch().probability); }},
};

}  // namespace

DescriptorStreamOptions DescriptorSettings::stream() const {
  DescriptorStreamOptions options;
  options.sample_rate = sample_rate;
  options.stft = stft;
  options.mel = mel;
  options.mfcc = n_mfcc;
  options.roll_percent = roll_percent;
  options.tuning = tuning;
  ContrastOptions& contrast = options.contrast;
  while (contrast.n_bands > 1 && contrast.fmin * std::exp2(contrast.n_bands - 1) >= sample_rate / 2.0) {
    --contrast.n_bands;
  }
  return options;
}

std::span<const DescriptorRow> descriptor_table() { return kTable; }

std::vector<const DescriptorRow*> find_descriptors(std::string_view names) {
  std::vector<std::string_view> wanted;
  while (!names.empty()) {
    const std::size_t comma = names.find(',');
    if (comma != 0) wanted.push_back(names.substr(0, comma));
    names.remove_prefix(comma == names.npos ? names.size() : comma + 1);
  }
  std::vector<const DescriptorRow*> rows;
  for (const DescriptorRow& row : kTable) {
    const auto asked = [&](std::string_view name) { return name == "all" || name == row.name; };
    if (std::ranges::any_of(wanted, asked)) rows.push_back(&row);
  }
  for (const std::string_view name : wanted) {
    if (name == "all" || std::ranges::any_of(kTable, [&](const DescriptorRow& r) { return r.name == name; })) continue;
    std::vector<std::string_view> near;
    for (const DescriptorRow& row : kTable) {
      if (row.name.find(name) != row.name.npos || name.find(row.name) != name.npos) near.push_back(row.name);
    }
    if (near.empty()) std::ranges::transform(kTable, std::back_inserter(near), &DescriptorRow::name);
    throw Error(Category::usage, "describe", fmt::format("no descriptor \"{}\"", name),
                fmt::format("there are: {}", fmt::join(near, ", ")));
  }
  if (rows.empty()) throw Error(Category::usage, "describe", "no descriptor is named", "--list-descriptors lists them");
  return rows;
}

WholeRecording::WholeRecording(std::span<const float> samples, const DescriptorSettings& settings)
    : samples_(samples), settings_(settings), cache_(std::make_unique<Cache>()) {}
WholeRecording::~WholeRecording() = default;

const Matrix& WholeRecording::magnitude() {
  auto& kept = cache_->magnitude;
  if (!kept) kept = magnitude_spectrogram(samples_, settings_.sample_rate, settings_.stft);
  return *kept;
}

const Matrix& WholeRecording::power() {
  auto& kept = cache_->power;
  if (!kept) {
    kept = magnitude();
    for (float& v : kept->data) v *= v;
  }
  return *kept;
}

const Matrix& WholeRecording::mel() {
  auto& kept = cache_->mel;
  if (!kept) kept = mel_spectrogram(power(), settings_.sample_rate, settings_.mel);
  return *kept;
}

const Matrix& WholeRecording::mel_db() {
  auto& kept = cache_->mel_db;
  if (!kept) kept = power_to_db(mel(), 1, floor_of(settings_));
  return *kept;
}

const Matrix& WholeRecording::mfcc() {
  auto& kept = cache_->mfcc;
  if (!kept) kept = euterpe::mfcc(mel_db(), settings_.n_mfcc);
  return *kept;
}

const Matrix& WholeRecording::chroma() {
  auto& kept = cache_->chroma;
  if (!kept) {
    const double tuning = settings_.tuned ? estimate_tuning(power(), settings_.sample_rate) : settings_.tuning;
    kept = euterpe::chroma(power(), settings_.sample_rate, tuning);
  }
  return *kept;
}

const std::vector<float>& WholeRecording::centroid() {
  auto& kept = cache_->centroid;
  if (!kept) kept = spectral_centroid(power(), settings_.sample_rate);
  return *kept;
}

const std::vector<float>& WholeRecording::onset_envelope() {
  auto& kept = cache_->mean;
  const auto lead = static_cast<std::size_t>(settings_.stft.n_fft / (2 * settings_.stft.hop_length) + 1);
  if (!kept) kept = onset_strength(power_to_db(mel()), lead);
  return *kept;
}

const std::vector<float>& WholeRecording::median_envelope() {
  auto& kept = cache_->median;
  const auto lead = static_cast<std::size_t>(settings_.stft.n_fft / (2 * settings_.stft.hop_length) + 1);
  if (!kept) kept = onset_strength(power_to_db(mel()), lead, BandAggregate::median);
  return *kept;
}

const BeatFrames& WholeRecording::beats() {
  auto& kept = cache_->beats;
  if (!kept) kept = beat_track(median_envelope(), settings_.sample_rate, settings_.stft.hop_length);
  return *kept;
}

const PitchTrack& WholeRecording::pitch() {
  auto& kept = cache_->pitch;
  PyinOptions options;
  static_cast<YinOptions&>(options) = pitch_options(settings_);
  if (!kept) kept = pyin(samples_, settings_.sample_rate, options);
  return *kept;
}

const HarmonicPercussive& WholeRecording::parts() {
  auto& kept = cache_->parts;
  if (!kept) kept = hpss(magnitude());
  return *kept;
}

Matrix WholeRecording::compute(const DescriptorRow& row) {
  Matrix result = row.whole(*this);
  result.hop = hop_of(settings_);
  return result;
}

}  // namespace euterpe
