#include "signal/frame_descriptors.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "signal/chroma.hpp"
#include "signal/kernels.hpp"
#include "signal/mel.hpp"
#include "signal/rhythm.hpp"
#include "signal/spectral.hpp"
#include "signal/stft_strips.hpp"

namespace euterpe {
namespace {

using D = FrameDescriptors;

constexpr std::size_t kMargin = D::kFrameLength / 2;  // samples that the first and last frame reach beyond their place

/// The segments' series, to be put one behind the other once at the end. What has been joined is let go, so that a
/// recording of hours is not held twice.
struct Parts {
  std::vector<FrameDescriptors> parts;

  template <class Member>
  Matrix joined(Member member) {
    std::size_t frames = 0;
    for (const auto& part : parts) frames += (part.*member).frames;
    Matrix all((parts.front().*member).bins, frames, D::kHopSeconds);
    std::size_t at = 0;
    for (auto& part : parts) {
      const Matrix m = std::exchange(part.*member, {});
      for (std::size_t b = 0; b < m.bins; ++b) {
        std::ranges::copy(m.row(b), all.row(b).begin() + static_cast<std::ptrdiff_t>(at));
      }
      at += m.frames;
    }
    return all;
  }
  template <class Member>
  std::vector<float> joined_row(Member member) {
    std::vector<float> all;
    for (auto& part : parts) {
      const std::vector<float> series = std::exchange(part.*member, {});
      all.insert(all.end(), series.begin(), series.end());
    }
    return all;
  }
};

Matrix band_levels(const Matrix& mel_db) {
  Matrix bands(D::kBands, mel_db.frames, mel_db.hop);
  const std::size_t width = mel_db.bins / D::kBands;
  for (std::size_t m = 0; m < mel_db.bins; ++m) {
    kernels::add_scaled(mel_db.row(m).data(), 1.0f / static_cast<float>(width),
                        bands.row(std::min<std::size_t>(m / width, D::kBands - 1)).data(), bands.frames);
  }
  return bands;
}

/// Cuts a series that was computed over a slice with margins to the slice's own frames.
std::vector<float> cut(std::vector<float> series, std::size_t first, std::size_t count) {
  series.erase(series.begin(), series.begin() + static_cast<std::ptrdiff_t>(first));
  series.resize(count);
  return series;
}

/// `samples` with `before` samples of the previous segment in front (a whole number of hops); describes `count` frames.
FrameDescriptors describe(std::span<const float> samples, std::size_t before, std::size_t count) {
  StftStrips strips({.n_fft = D::kFrameLength, .hop_length = D::kHop});
  const std::size_t bins = strips.bins();
  const MelFilters filters(D::kSampleRate, D::kFrameLength);
  strip::Contrast bands(D::kSampleRate, bins, {});
  constexpr double kHzPerBin = static_cast<double>(D::kSampleRate) / D::kFrameLength;

  FrameDescriptors result;
  Matrix power(bins, count, D::kHopSeconds), mel(filters.size(), count, D::kHopSeconds),
      peak(bands.size(), count, D::kHopSeconds), valley(bands.size(), count, D::kHopSeconds);
  for (auto* series : {&result.centroid, &result.bandwidth, &result.rolloff, &result.flatness}) series->resize(count);
  std::vector<lanes::Row> mel_strip(filters.size()), high(bands.size()), low(bands.size());
  for (std::size_t first = 0; first < count; first += lanes::kLanes) {
    const std::size_t n = std::min(lanes::kLanes, count - first);
    strips.transform(samples, static_cast<std::ptrdiff_t>(before + first * D::kHop) - D::kFrameLength / 2, n);
    const float* magnitude = strips.magnitude();
    put_strip(strips.power(), first, n, power);  // tuning, and chroma that goes by it, need the whole segment
    filters.apply(strips.power(), mel_strip.front().value);
    put_strip(mel_strip.front().value, first, n, mel);
    bands.peaks_and_valleys(magnitude, high.front().value, low.front().value);
    put_strip(high.front().value, first, n, peak);
    put_strip(low.front().value, first, n, valley);
    lanes::Row center, value;
    const auto put = [&](const lanes::Row& row, std::vector<float>& series) {
      std::copy_n(row.value, n, series.begin() + static_cast<std::ptrdiff_t>(first));
    };
    strip::spectral_centroid(magnitude, bins, kHzPerBin, center.value);
    put(center, result.centroid);
    strip::spectral_bandwidth(magnitude, bins, kHzPerBin, center.value, value.value);
    put(value, result.bandwidth);
    strip::spectral_rolloff(magnitude, bins, kHzPerBin, 0.85, value.value);
    put(value, result.rolloff);
    strip::spectral_flatness(strips.power(), bins, value.value);
    put(value, result.flatness);
  }
  result.contrast = strip::contrast_db(std::move(peak), std::move(valley));
  result.tuning = estimate_tuning(power, D::kSampleRate);
  result.chroma = chroma(power, D::kSampleRate, result.tuning);
  const Matrix mel_db = power_to_db(std::move(mel));
  result.mfcc = mfcc(mel_db, D::kMfcc);
  result.bands = band_levels(mel_db);
  result.onset = onset_strength(mel_db);
  result.rms = cut(rms(samples, D::kFrameLength, D::kHop), before / D::kHop, count);
  result.zero_crossings = cut(zero_crossing_rate(samples, D::kFrameLength, D::kHop), before / D::kHop, count);
  return result;
}

}  // namespace

struct FrameDescriber::Impl {
  std::vector<float> buffer;  // samples not yet described, `before` described ones in front
  std::size_t before = 0;
  std::uint64_t samples = 0;
  Parts done;

  /// Describes `count` frames and keeps what the next segment's first frames reach back to.
  void segment(std::size_t count) {
    done.parts.push_back(describe(buffer, before, count));
    const std::size_t keep_from = before + count * D::kHop - std::min(before + count * D::kHop, kKeep);
    buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(std::min(keep_from, buffer.size())));
    before = kKeep;
  }
  static constexpr std::size_t kKeep = 2 * kMargin;
};

FrameDescriber::FrameDescriber() : impl_(std::make_unique<Impl>()) {}
FrameDescriber::~FrameDescriber() = default;
FrameDescriber::FrameDescriber(FrameDescriber&&) noexcept = default;

void FrameDescriber::push(std::span<const float> mono) {
  constexpr std::size_t kBlock = 1 << 16;
  for (; !mono.empty(); mono = mono.subspan(std::min(kBlock, mono.size()))) {
    const auto block = mono.first(std::min(kBlock, mono.size()));
    const auto at = static_cast<std::ptrdiff_t>(impl_->buffer.size());
    impl_->buffer.insert(impl_->buffer.end(), block.begin(), block.end());
    for (auto s = impl_->buffer.begin() + at; s != impl_->buffer.end(); ++s) *s = std::isfinite(*s) ? *s : 0.0f;
    impl_->samples += block.size();
    if (impl_->buffer.size() >= impl_->before + (kSegmentFrames - 1) * D::kHop + kMargin + D::kHop) {
      impl_->segment(kSegmentFrames);
    }
  }
}

FrameDescriptors FrameDescriber::finish() {
  const std::size_t described = impl_->done.parts.size() * kSegmentFrames;
  const auto total = static_cast<std::size_t>(impl_->samples / D::kHop) + 1;
  if (total > described) impl_->segment(total - described);
  const auto& parts = impl_->done.parts;
  FrameDescriptors result;
  if (parts.size() == 1) {
    result = std::move(impl_->done.parts.front());
  } else {
    Parts& done = impl_->done;
    result.mfcc = done.joined(&D::mfcc);
    result.chroma = done.joined(&D::chroma);
    result.contrast = done.joined(&D::contrast);
    result.bands = done.joined(&D::bands);
    result.centroid = done.joined_row(&D::centroid);
    result.bandwidth = done.joined_row(&D::bandwidth);
    result.rolloff = done.joined_row(&D::rolloff);
    result.flatness = done.joined_row(&D::flatness);
    result.rms = done.joined_row(&D::rms);
    result.zero_crossings = done.joined_row(&D::zero_crossings);
    result.onset = done.joined_row(&D::onset);
    std::vector<double> tunings;
    for (const auto& part : parts) tunings.push_back(part.tuning);
    std::ranges::nth_element(tunings, tunings.begin() + static_cast<std::ptrdiff_t>(tunings.size() / 2));
    result.tuning = tunings[tunings.size() / 2];
  }
  result.seconds = static_cast<double>(impl_->samples) / D::kSampleRate;
  return result;
}

FrameDescriptors frame_descriptors(std::span<const float> mono22050) {
  FrameDescriber describer;
  describer.push(mono22050);
  return describer.finish();
}

}  // namespace euterpe
