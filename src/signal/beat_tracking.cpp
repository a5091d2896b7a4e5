#include "signal/beat_tracking.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/hot.hpp"
#include "signal/mel.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050, kHop = 220;
constexpr std::size_t kBands = 64;
/// Mel bands at which the registers of RhythmChannels begin: up to 130, 330, 660, 1200, 3000 and 10,000 Hz.
constexpr std::array<std::size_t, RhythmChannels::kOnsets + 1> kRegisters{0, 2, 5, 10, 18, 38, kBands};
/// Below this mean probability of its beats a path follows nothing: steady noise and tones stay under it, and of
/// Emotify's 260 recordings four, ambient music all of them.
constexpr double kNoPulse = 0.1;
constexpr int kChromaEvery = 4;  ///< frames of kBeatHop a chroma frame

EUTERPE_HOT float weighted_sum(const float* x, const float* w, std::size_t n) {
  float sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * w[i];
  return sum;
}

/// The part of a filter that is not 0.
struct Filter {
  std::size_t first = 0;
  std::vector<float> weights;
};

std::vector<Filter> filters(const Matrix& bank) {
  std::vector<Filter> out;
  for (std::size_t b = 0; b < bank.bins; ++b) {
    const auto row = bank.row(b);
    Filter f;
    std::size_t last = 0;
    bool found = false;
    for (std::size_t i = 0; i < row.size(); ++i)
      if (row[i] > 0) {
        if (!found) f.first = i;
        found = true, last = i;
      }
    if (found)
      f.weights.assign(row.begin() + static_cast<std::ptrdiff_t>(f.first),
                       row.begin() + static_cast<std::ptrdiff_t>(last + 1));
    out.push_back(std::move(f));
  }
  return out;
}

void onsets(std::span<const float> mono, RhythmChannels& channels) {
  const StftOptions stft{1024, kHop};
  const std::size_t n = stft_frames(mono.size(), stft);
  const auto bank = filters(mel_filterbank(kRate, 1024, {static_cast<int>(kBands), 30, 10000}));
  std::vector<std::array<float, kBands>> mel(n);
  double sum = 0;
  for_each_power_frame(mono, stft, [&](std::size_t t, std::span<const float> power) {
    for (std::size_t b = 0; b < kBands; ++b) {
      mel[t][b] = weighted_sum(power.data() + bank[b].first, bank[b].weights.data(), bank[b].weights.size());
      sum += mel[t][b];
    }
  });
  for (auto& row : channels.onsets) row.assign(n, 0);
  if (!(sum > 0)) return;
  const auto scale = static_cast<float>(100.0 * static_cast<double>(n * kBands) / sum);
  for (auto& frame : mel)
    for (float& x : frame) x = std::log1p(scale * x);
  for (std::size_t t = 2; t < n; ++t)
    for (std::size_t c = 0; c < RhythmChannels::kOnsets; ++c) {
      float rise = 0;
      for (std::size_t b = kRegisters[c]; b < kRegisters[c + 1]; ++b) {
        const auto& before = mel[t - 2];
        float greatest = before[b];
        if (b > 0) greatest = std::max(greatest, before[b - 1]);
        if (b + 1 < kBands) greatest = std::max(greatest, before[b + 1]);
        rise += std::max(0.0F, mel[t][b] - greatest);
      }
      channels.onsets[c][t] = rise / static_cast<float>(kRegisters[c + 1] - kRegisters[c]);
    }
}

/// Each FFT bin's square root of power goes to the nearer two pitch classes.
void changes(std::span<const float> mono, RhythmChannels& channels) {
  constexpr int kFft = 4096;
  const StftOptions stft{kFft, kHop * kChromaEvery};
  const std::size_t n = stft_frames(mono.size(), stft);
  constexpr double kHertz = static_cast<double>(kRate) / kFft;
  constexpr std::size_t kFrom = 8, kBassTo = 42, kTo = 380;  // 43 Hz, 226 Hz, 2046 Hz
  std::array<std::array<float, 12>, kTo> share{};
  for (std::size_t i = kFrom; i < kTo; ++i) {
    const double pitch = 69 + 12 * std::log2(static_cast<double>(i) * kHertz / 440);
    const auto below = static_cast<int>(std::floor(pitch));
    share[i][static_cast<std::size_t>(below % 12)] = static_cast<float>(1 - (pitch - below));
    share[i][static_cast<std::size_t>((below + 1) % 12)] = static_cast<float>(pitch - below);
  }
  std::vector<float> all(12 * n), bass(12 * n);
  for_each_power_frame(mono, stft, [&](std::size_t t, std::span<const float> power) {
    std::array<float, 12> high{}, low{};
    for (std::size_t i = kFrom; i < kTo; ++i) {
      const float magnitude = std::sqrt(power[i]);
      auto& to = i < kBassTo ? low : high;
      for (std::size_t p = 0; p < 12; ++p) to[p] += share[i][p] * magnitude;
    }
    for (std::size_t p = 0; p < 12; ++p) all[p * n + t] = high[p] + low[p], bass[p * n + t] = low[p];
  });
  const auto frames = [](double seconds) {
    return static_cast<std::size_t>(std::lround(seconds / (kBeatHop * kChromaEvery)));
  };
  const std::array<std::vector<float>, RhythmChannels::kChanges> coarse{
      chroma_change(all, n, frames(0.4)), chroma_change(all, n, frames(1.2)), chroma_change(bass, n, frames(0.4))};
  for (std::size_t c = 0; c < coarse.size(); ++c) {
    auto& fine = channels.changes[c];
    fine.resize(channels.frames());
    for (std::size_t t = 0; t < fine.size(); ++t) {
      const std::size_t i = std::min(n - 1, t / kChromaEvery), next = std::min(n - 1, i + 1);
      const float part = static_cast<float>(t % kChromaEvery) / kChromaEvery;
      fine[t] = (1 - part) * coarse[c][i] + part * coarse[c][next];
    }
  }
}

}  // namespace

RhythmChannels rhythm_channels(std::span<const float> mono) {
  // Beyond all recordings, where the power would overflow.
  constexpr float kGreatest = 1e6F;
  std::vector<float> clean;
  if (std::any_of(mono.begin(), mono.end(), [](float x) { return !(std::abs(x) <= kGreatest); })) {
    clean.assign(mono.begin(), mono.end());
    for (float& x : clean) x = std::isfinite(x) ? std::clamp(x, -kGreatest, kGreatest) : 0;
    mono = clean;
  }
  RhythmChannels channels;
  onsets(mono, channels);
  changes(mono, channels);
  return channels;
}

BeatTrack track_beats(std::span<const float> mono22050) {
  return track_in_windows(static_cast<double>(mono22050.size()) / kRate, [&](double from, double to) {
    const auto first = static_cast<std::size_t>(from * kRate);
    const auto count = std::min(mono22050.size() - first, static_cast<std::size_t>((to - from) * kRate));
    const RhythmChannels channels = rhythm_channels(mono22050.subspan(first, count));
    BeatTrack track;
    const bool silent = std::all_of(std::begin(channels.onsets), std::end(channels.onsets), [](const auto& row) {
      return std::all_of(row.begin(), row.end(), [](float x) { return x == 0; });
    });
    if (silent || to - from < 1) return track;
    track = decode_beats(audio_beat_network()(channels));
    if (track.confidence < kNoPulse) return BeatTrack{};
    for (Beat& beat : track.beats) beat.time += from;
    return track;
  });
}

}  // namespace euterpe
