#include "signal/descriptor_stream.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "signal/chroma.hpp"
#include "signal/kernels.hpp"
#include "signal/stft_strips.hpp"
#include "signal/tonnetz.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kLanes = DescriptorStrip::kLanes;
using Rows = std::vector<lanes::Row>;

DescriptorStreamOptions checked(DescriptorStreamOptions options) {
  if (options.sample_rate < 1 || !options.stft.center || options.mfcc < 1 || options.mfcc > options.mel.n_mels) {
    throw Error(Category::usage, "describe",
                std::to_string(options.mfcc) + " MFCC of " + std::to_string(options.mel.n_mels) + " bands at " +
                    std::to_string(options.sample_rate) + " Hz",
                "frames must be centered, and MFCC be no more than the mel bands");
  }
  ContrastOptions& contrast = options.contrast;
  while (contrast.n_bands > 1 && contrast.fmin * std::exp2(contrast.n_bands - 1) >= options.sample_rate / 2.0) {
    --contrast.n_bands;
  }
  return options;
}

DescriptorStrip::Rows view(const Rows& rows) { return {rows.front().value, rows.size()}; }

}  // namespace

struct DescriptorStream::Impl {
  Impl(const DescriptorStreamOptions& given, Visit visitor)
      : options(checked(given)),
        visit(std::move(visitor)),
        strips(options.stft),
        mel_filters(options.sample_rate, options.stft.n_fft, options.mel),
        chroma_filters(options.sample_rate, options.stft.n_fft, options.tuning),
        contrast_bands(options.sample_rate, strips.bins(), options.contrast),
        basis(dct_basis(static_cast<std::size_t>(options.mfcc), mel_filters.size())),
        normalizer(mel_filters.size(), static_cast<double>(options.stft.hop_length) / options.sample_rate,
                   options.pcen),
        hop(static_cast<std::size_t>(options.stft.hop_length)),
        reach(static_cast<std::size_t>(options.stft.n_fft) + (kLanes - 1) * hop),
        mel(mel_filters.size()),
        mel_db(mel.size()),
        mfcc(basis.bins),
        normalized(mel.size()),
        contrast(contrast_bands.size()),
        valley(contrast.size()) {
    buffer.reserve(reach);
  }

  DescriptorStreamOptions options;
  Visit visit;
  StftStrips strips;
  MelFilters mel_filters;
  ChromaFilters chroma_filters;
  strip::Contrast contrast_bands;
  Matrix basis;
  Pcen normalizer;

  std::size_t hop, reach;                         // samples between frames, and those that a whole strip covers
  std::vector<float> buffer;                      // the samples from `base` on
  std::uint64_t base = 0, samples = 0, next = 0;  // next: frame not yet handed out

  Rows mel, mel_db, mfcc, normalized, contrast, valley, chroma = Rows(12), tonal = Rows(6);
  Rows centroid = Rows(1), bandwidth = Rows(1), rolloff = Rows(1), flatness = Rows(1), level = Rows(1),
       crossings = Rows(1);

  /// Where the next frame begins, counted from the recording's first sample; negative for the first ones.
  std::int64_t begin() const { return static_cast<std::int64_t>(next * hop) - options.stft.n_fft / 2; }

  void describe_spectrum(std::size_t count) {
    const std::size_t bins = strips.bins();
    const float *magnitude = strips.magnitude(), *power = strips.power();
    const double hz_per_bin = static_cast<double>(options.sample_rate) / options.stft.n_fft;
    mel_filters.apply(power, mel.front().value);
    mel_db = mel;
    kernels::decibels(mel_db.front().value, 1e-10f, mel_db.size() * kLanes);
    for (std::size_t c = 0; c < basis.bins; ++c) {
      kernels::weighted_rows(mel_db.front().value, basis.row(c).data(), basis.frames, mfcc[c].value);
    }
    const auto scale = static_cast<float>(options.pcen_scale);
    for (std::size_t m = 0; m < mel.size(); ++m) {
      for (std::size_t l = 0; l < kLanes; ++l) normalized[m].value[l] = mel[m].value[l] * scale;
    }
    normalizer.process(normalized.front().value, count, kLanes);
    chroma_filters.apply(power, chroma.front().value);
    tonnetz(chroma.front().value, tonal.front().value);
    contrast_bands.peaks_and_valleys(magnitude, contrast.front().value, valley.front().value);
    kernels::decibels(contrast.front().value, 1e-10f, contrast.size() * kLanes);
    kernels::decibels(valley.front().value, 1e-10f, valley.size() * kLanes);
    for (std::size_t k = 0; k < contrast.size(); ++k) {
      for (std::size_t l = 0; l < kLanes; ++l) contrast[k].value[l] -= valley[k].value[l];
    }
    strip::spectral_centroid(magnitude, bins, hz_per_bin, centroid.front().value);
    strip::spectral_bandwidth(magnitude, bins, hz_per_bin, centroid.front().value, bandwidth.front().value);
    strip::spectral_rolloff(magnitude, bins, hz_per_bin, options.roll_percent, rolloff.front().value);
    strip::spectral_flatness(power, bins, flatness.front().value);
  }

  void describe_wave(std::size_t count) {
    const int length = options.stft.n_fft;
    for (std::size_t l = 0; l < count; ++l) {
      const std::int64_t from = begin() + static_cast<std::int64_t>(l * hop);
      const auto place = [&](std::int64_t at) {
        const std::int64_t inside = std::clamp<std::int64_t>(at, 0, static_cast<std::int64_t>(samples));
        return static_cast<std::size_t>(inside - static_cast<std::int64_t>(base));
      };
      const auto frame = std::span<const float>(buffer).subspan(place(from), place(from + length) - place(from));
      level.front().value[l] = rms_of(frame, length);
      crossings.front().value[l] = zero_crossings_of(frame, length);
    }
  }

  /// Describes `count` frames and drops what no later one reaches.
  void emit(std::size_t count) {
    strips.transform(buffer, begin() - static_cast<std::int64_t>(base), count);
    describe_spectrum(count);
    describe_wave(count);
    DescriptorStrip strip;
    strip.first = next;
    strip.count = count;
    strip.magnitude = {strips.magnitude(), strips.bins()};
    strip.mel = view(mel);
    strip.mel_db = view(mel_db);
    strip.mfcc = view(mfcc);
    strip.pcen = view(normalized);
    strip.chroma = view(chroma);
    strip.tonnetz = view(tonal);
    strip.contrast = view(contrast);
    strip.centroid = view(centroid);
    strip.bandwidth = view(bandwidth);
    strip.rolloff = view(rolloff);
    strip.flatness = view(flatness);
    strip.rms = view(level);
    strip.zero_crossings = view(crossings);
    visit(strip);
    next += count;
    const auto keep = static_cast<std::uint64_t>(std::max<std::int64_t>(begin(), 0));
    const auto dropped = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(keep - base, buffer.size()));
    buffer.erase(buffer.begin(), buffer.begin() + dropped);
    base = keep;  // may lie ahead of what came, where the hop is longer than the frame
  }
};

DescriptorStream::DescriptorStream(const DescriptorStreamOptions& options, Visit visit)
    : impl_(std::make_unique<Impl>(options, std::move(visit))) {}
DescriptorStream::~DescriptorStream() = default;
DescriptorStream::DescriptorStream(DescriptorStream&&) noexcept = default;

void DescriptorStream::push(std::span<const float> block) {
  Impl& s = *impl_;
  while (!block.empty()) {
    if (s.samples < s.base) {
      const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(s.base - s.samples, block.size()));
      s.samples += skipped;
      block = block.subspan(skipped);
      continue;
    }
    const auto end = static_cast<std::uint64_t>(s.begin() + static_cast<std::int64_t>(s.reach));
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(end - s.samples, block.size()));
    for (const float x : block.first(taken)) s.buffer.push_back(std::isfinite(x) ? x : 0.0f);
    s.samples += taken;
    block = block.subspan(taken);
    if (s.samples == end) s.emit(kLanes);
  }
}

void DescriptorStream::finish() {
  Impl& s = *impl_;
  const std::uint64_t total = 1 + s.samples / s.hop;
  while (s.next < total) s.emit(static_cast<std::size_t>(std::min<std::uint64_t>(kLanes, total - s.next)));
}

}  // namespace euterpe
