#include "signal/landmarks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

// Power of a full-scale sine under a Hann window is (window / 4)²; what lies 96 dB below that is silence.
constexpr float kFloor = 2.62144e5F * 2.5e-10F;
constexpr float kMinRise = 1.0F;  // log2 of power over the surroundings' mean: 3 dB
constexpr int kRankRadius = 22;   // frames on either side in which peaks compete, about a second in all
constexpr int kPad = kLandmarkBins;

struct Candidate {
  Peak peak;
  float rise;
};

/// out[b] = max of in[b − r … b + r], the range cut at the edges.
EUTERPE_HOT void running_max(const float* in, float* out, int n, int r) {
  for (int b = 0; b < n; ++b) out[b] = in[b];
  for (int k = 1; k <= r; ++k) {
    for (int b = 0; b < n - k; ++b) out[b] = std::max(out[b], in[b + k]);
    for (int b = k; b < n; ++b) out[b] = std::max(out[b], in[b - k]);
  }
}

EUTERPE_HOT void accumulate_max(const float* in, float* out, int n) {
  for (int b = 0; b < n; ++b) out[b] = std::max(out[b], in[b]);
}

EUTERPE_HOT void accumulate_sum(const float* in, float* out, int n) {
  for (int b = 0; b < n; ++b) out[b] += in[b];
}

}  // namespace

struct PeakPicker::Impl {
  explicit Impl(const PeakOptions& o) : options(o), fft(kLandmarkWindow), window(kLandmarkWindow) {
    for (int i = 0; i < kLandmarkWindow; ++i)
      window[i] = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / kLandmarkWindow));
    const std::size_t rows = ring_rows();
    values.resize(rows * kPad);
    maxima.resize(rows * kPad);
    sums.resize(rows * kPad);
    buffer.reserve(2 * kLandmarkWindow);
  }

  std::size_t ring_rows() const { return 2 * static_cast<std::size_t>(options.time_radius) + 1; }
  float* row(std::vector<float>& ring, std::uint32_t frame) { return ring.data() + (frame % ring_rows()) * kPad; }

  void add_frame(const float* samples) {
    for (int i = 0; i < kLandmarkWindow; ++i) windowed[i] = std::isfinite(samples[i]) ? samples[i] * window[i] : 0.F;
    fft.forward(windowed, spectrum);
    float* value = row(values, frames);
    for (int b = 0; b < kLandmarkBins; ++b) value[b] = std::log2(std::norm(spectrum[kLandmarkFirstBin + b]) + kFloor);
    running_max(value, row(maxima, frames), kLandmarkBins, options.bin_radius);
    box_mean(value, row(sums, frames));
    ++frames;
    const auto radius = static_cast<std::uint32_t>(options.time_radius);
    if (frames > radius) find_peaks(frames - 1 - radius, frames);
  }

  /// Mean over ± 2 · bin_radius: the surroundings that a peak must rise from are wider than where it must be alone.
  void box_mean(const float* in, float* out) const {
    const int r = 2 * options.bin_radius;
    double sum = 0;
    for (int b = 0; b < std::min(r, kLandmarkBins); ++b) sum += in[b];
    for (int b = 0; b < kLandmarkBins; ++b) {
      if (b + r < kLandmarkBins) sum += in[b + r];
      if (b - r - 1 >= 0) sum -= in[b - r - 1];
      out[b] = static_cast<float>(sum / (std::min(b + r, kLandmarkBins - 1) - std::max(b - r, 0) + 1));
    }
  }

  /// Peaks of `frame`, when all frames before `end` are known.
  void find_peaks(std::uint32_t frame, std::uint32_t end) {
    const auto radius = static_cast<std::uint32_t>(options.time_radius);
    const std::uint32_t begin = frame > radius ? frame - radius : 0;
    std::fill_n(around, kLandmarkBins, -std::numeric_limits<float>::infinity());
    std::fill_n(mean, kLandmarkBins, 0.F);
    for (std::uint32_t t = begin; t < end; ++t) {
      accumulate_max(row(maxima, t), around, kLandmarkBins);
      accumulate_sum(row(sums, t), mean, kLandmarkBins);
    }
    const float* value = row(values, frame);
    const float scale = 1.F / static_cast<float>(end - begin);
    for (int b = 0; b < kLandmarkBins; ++b) {
      const float rise = value[b] - mean[b] * scale;
      if (value[b] >= around[b] && rise > kMinRise)
        candidates.push_back({{frame, static_cast<std::uint16_t>(b)}, rise});
    }
  }

  PeakOptions options;
  RealFft fft;
  std::vector<float> window, values, maxima, sums, buffer;
  std::vector<Candidate> candidates;
  std::uint32_t frames = 0;
  float windowed[kLandmarkWindow];
  std::complex<float> spectrum[kLandmarkWindow / 2 + 1];
  float around[kPad], mean[kPad];
};

PeakPicker::PeakPicker(const PeakOptions& options) : impl_(std::make_unique<Impl>(options)) {
  EUTERPE_ASSERT(options.time_radius > 0 && options.bin_radius > 0 && options.per_second > 0);
}
PeakPicker::~PeakPicker() = default;
PeakPicker::PeakPicker(PeakPicker&&) noexcept = default;

void PeakPicker::push(std::span<const float> mono) {
  auto& buffer = impl_->buffer;
  while (!mono.empty()) {
    const std::size_t taken = std::min<std::size_t>(mono.size(), 2 * kLandmarkWindow - buffer.size());
    buffer.insert(buffer.end(), mono.begin(), mono.begin() + static_cast<std::ptrdiff_t>(taken));
    mono = mono.subspan(taken);
    std::size_t at = 0;
    for (; at + kLandmarkWindow <= buffer.size(); at += kLandmarkHop) impl_->add_frame(buffer.data() + at);
    buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

Constellation PeakPicker::finish() {
  const std::uint32_t frames = impl_->frames;
  const auto radius = static_cast<std::uint32_t>(impl_->options.time_radius);
  for (std::uint32_t t = frames > radius ? frames - radius : 0; t < frames; ++t) impl_->find_peaks(t, frames);

  // A peak stays if fewer than `room` better ones lie within kRankRadius: unlike the best of each second, this does not
  // depend on where an excerpt begins.
  const auto& found = impl_->candidates;
  const double room = impl_->options.per_second * (2 * kRankRadius + 1) * kLandmarkFrame;
  Constellation result{frames, {}};
  std::size_t begin = 0, end = 0;
  for (const Candidate& c : found) {
    while (found[begin].peak.frame + kRankRadius < c.peak.frame) ++begin;
    while (end < found.size() && found[end].peak.frame <= c.peak.frame + kRankRadius) ++end;
    const auto better = std::count_if(found.begin() + static_cast<std::ptrdiff_t>(begin),
                                      found.begin() + static_cast<std::ptrdiff_t>(end),
                                      [&](const Candidate& o) { return o.rise > c.rise; });
    if (static_cast<double>(better) < room) result.peaks.push_back(c.peak);
  }
  return result;
}

Constellation constellation(std::span<const float> mono, const PeakOptions& options) {
  PeakPicker picker(options);
  picker.push(mono);
  return picker.finish();
}

std::vector<Landmark> landmarks(const Constellation& constellation, int fan_out) {
  const auto& peaks = constellation.peaks;
  std::vector<Landmark> result;
  result.reserve(peaks.size() * static_cast<std::size_t>(fan_out));
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    int paired = 0;
    for (std::size_t j = i + 1; j < peaks.size() && paired < fan_out; ++j) {
      const std::uint32_t step = peaks[j].frame - peaks[i].frame;
      if (step > kLandmarkMaxStep) break;
      const int rise = int{peaks[j].bin} - int{peaks[i].bin};
      if (step == 0 || rise < -127 || rise > 127) continue;
      const std::uint32_t hash =
          (std::uint32_t{peaks[i].bin} << 14) | (static_cast<std::uint32_t>(rise + 128) << 6) | step;
      result.push_back({hash, peaks[i].frame});
      ++paired;
    }
  }
  return result;
}

namespace {

// Blob: "ELM" and a version digit, frames u32, peaks u32 (little-endian), then per peak the frames since the one before
// as a varint (7 bits a byte, least first) and the bin as u16.
constexpr char kMagic[] = {'E', 'L', 'M'};
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeader = 12;

void put(std::vector<std::uint8_t>& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint32_t get(std::span<const std::uint8_t> in, std::size_t at, int bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) value |= std::uint32_t{in[at + static_cast<std::size_t>(i)]} << (8 * i);
  return value;
}

[[noreturn]] void damaged(std::size_t at, std::string_view what) {
  throw Error(Category::bad_input, "read_landmarks", fmt::format("byte {}: {}", at, what),
              "ingest the track again to renew its landmarks");
}

}  // namespace

std::vector<std::uint8_t> landmarks_blob(std::span<const float> mono22050) {
  return landmarks_blob(constellation(mono22050, kTrackPeaks));
}

std::vector<std::uint8_t> landmarks_blob(const Constellation& constellation) {
  std::vector<std::uint8_t> out(std::begin(kMagic), std::end(kMagic));
  out.reserve(kHeader + 3 * constellation.peaks.size());
  out.push_back('0' + kVersion);
  put(out, constellation.frames, 4);
  put(out, static_cast<std::uint32_t>(constellation.peaks.size()), 4);
  std::uint32_t last = 0;
  for (const Peak& p : constellation.peaks) {
    std::uint32_t step = p.frame - last;
    for (; step >= 128; step >>= 7) out.push_back(static_cast<std::uint8_t>(step | 128));
    out.push_back(static_cast<std::uint8_t>(step));
    put(out, p.bin, 2);
    last = p.frame;
  }
  return out;
}

Constellation read_landmarks_blob(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeader) damaged(bytes.size(), "the header is cut off");
  if (std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0 || bytes[3] < '1' || bytes[3] > '9')
    damaged(0, "these are no landmarks");
  if (bytes[3] > '0' + kVersion)
    throw Error(Category::newer_version, "read_landmarks", "the landmarks were made by a newer version");
  Constellation result{get(bytes, 4, 4), {}};
  const std::size_t count = get(bytes, 8, 4);
  if (count > (bytes.size() - kHeader) / 3)
    damaged(8, fmt::format("{} peaks do not fit {} bytes", count, bytes.size()));
  result.peaks.reserve(count);
  std::size_t at = kHeader;
  std::uint64_t frame = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t step = 0;
    for (int shift = 0;; shift += 7) {
      if (at + 3 > bytes.size()) damaged(at, "the list of peaks is cut off");
      if (shift > 28) damaged(at, "a step in time is too long");
      step |= std::uint64_t{bytes[at] & 127U} << shift;
      if (bytes[at++] < 128) break;
    }
    if (at + 2 > bytes.size()) damaged(at, "the list of peaks is cut off");
    const Peak peak{static_cast<std::uint32_t>(frame += step), static_cast<std::uint16_t>(get(bytes, at, 2))};
    if (frame >= result.frames || peak.bin >= kLandmarkBins) damaged(at, "a peak lies outside of the recording");
    if (i > 0 && peak.frame == result.peaks.back().frame && peak.bin <= result.peaks.back().bin)
      damaged(at, "the peaks are out of order");
    result.peaks.push_back(peak);
    at += 2;
  }
  if (at != bytes.size()) damaged(at, "bytes follow the last peak");
  return result;
}

}  // namespace euterpe
