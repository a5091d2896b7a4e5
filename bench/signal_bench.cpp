/// What analysis costs beyond what it cannot do without: each counter `times_…` is a ratio to the transforms of the
/// same frames, or to the traffic with memory, timed in the same iteration, so that it says the same on any machine.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <complex>
#include <ctime>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "signal/audio_features.hpp"
#include "signal/descriptor_stream.hpp"
#include "signal/frame_descriptors.hpp"
#include "signal/frame_fft.hpp"
#include "signal/mel.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

constexpr int kRate = FrameDescriptors::kSampleRate;
constexpr std::size_t kHop = FrameDescriptors::kHop;
constexpr double kSeconds = 30;

std::vector<float> music() {
  std::vector<float> samples(static_cast<std::size_t>(kSeconds * kRate));
  Random random(1);
  double low = 0;
  for (float& s : samples) s = static_cast<float>(0.3 * (low = 0.95 * low + 0.05 * random.normal()));
  return samples;
}

/// CPU time, so that other programs on the machine do not count.
double seconds_of(auto&& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

/// The transforms alone: all frames that lie within the samples, windowed, in double, sixteen at a time.
void bare_transforms(const std::vector<float>& samples) {
  const StftOptions options;
  FrameFft fft(options.n_fft, stft_window(options));
  std::vector<lanes::Row> re(1025), im(1025);
  for (std::size_t t = 0; t + 15 * kHop + 2048 <= samples.size(); t += 16 * kHop) {
    fft.forward(samples.data() + t, kHop, re.front().value, im.front().value);
    benchmark::DoNotOptimize(re.data());
  }
}

/// The same by FFmpeg's transform, in float, one after the other.
void single_transforms(const std::vector<float>& samples) {
  RealFft fft(2048);
  std::vector<std::complex<float>> bins(1025);
  for (std::size_t t = 0; t + 2048 <= samples.size(); t += kHop) {
    fft.forward(samples.data() + t, bins.data());
    benchmark::DoNotOptimize(bins.data());
  }
}

/// Seconds that memory takes for `bytes` read or written, by copies that are larger than the caches.
double traffic_seconds(double bytes) {
  static const std::vector<float> from(1 << 24, 1.0f);
  static std::vector<float> to(from.size());
  const double taken = seconds_of([&] { std::ranges::copy(from, to.begin()); });
  benchmark::DoNotOptimize(to.data());
  return taken * bytes / (2.0 * static_cast<double>(from.size() * sizeof(float)));
}

/// `values`: floats a frame that the result holds. Counters, all from the same iterations: times_fft is the cost over
/// that of the transforms alone, times_traffic over that of reading the samples and writing the result once, and
/// times_bound over both together, which no implementation with this transform can go below.
void compare(benchmark::State& state, double values, auto&& work) {
  const std::vector<float> samples = music();
  const auto frames = static_cast<double>(samples.size() / kHop + 1);
  const double bytes = sizeof(float) * (static_cast<double>(samples.size()) + frames * values);
  double ours = 0, bare = 0, single = 0, traffic = 0;
  for (auto _ : state) {
    bare += seconds_of([&] { bare_transforms(samples); });
    single += seconds_of([&] { single_transforms(samples); });
    traffic += traffic_seconds(bytes);
    const double taken = seconds_of([&] { work(samples); });
    ours += taken;
    state.SetIterationTime(taken);
  }
  state.counters["times_fft"] = ours / bare;
  state.counters["times_single_fft"] = ours / single;
  state.counters["times_traffic"] = ours / traffic;
  state.counters["times_bound"] = ours / (bare + traffic);
  state.counters["times_real_time"] = kSeconds * static_cast<double>(state.iterations()) / ours;
}

void complex_stft(benchmark::State& state) {
  compare(state, 2 * 1025,
          [](const std::vector<float>& samples) { benchmark::DoNotOptimize(stft(samples, kRate).data.data()); });
}
BENCHMARK(complex_stft)->UseManualTime()->Unit(benchmark::kMillisecond);

void spectrogram(benchmark::State& state) {
  compare(state, 1025, [](const std::vector<float>& samples) {
    benchmark::DoNotOptimize(power_spectrogram(samples, kRate).data.data());
  });
}
BENCHMARK(spectrogram)->UseManualTime()->Unit(benchmark::kMillisecond);

void stft_and_mel(benchmark::State& state) {
  compare(state, 128, [](const std::vector<float>& samples) {
    benchmark::DoNotOptimize(mel_spectrogram(samples, kRate).data.data());
  });
}
BENCHMARK(stft_and_mel)->UseManualTime()->Unit(benchmark::kMillisecond);

void streamed_descriptors(benchmark::State& state) {
  compare(state, 0, [](const std::vector<float>& samples) {
    float sum = 0;
    DescriptorStream stream({}, [&](const DescriptorStrip& strip) { sum += strip.tonnetz.at(0, 0); });
    for (std::size_t at = 0; at < samples.size(); at += 441) {
      stream.push(std::span(samples).subspan(at, std::min<std::size_t>(441, samples.size() - at)));
    }
    stream.finish();
    benchmark::DoNotOptimize(sum);
  });
}
BENCHMARK(streamed_descriptors)->UseManualTime()->Unit(benchmark::kMillisecond);

void all_frame_descriptors(benchmark::State& state) {
  compare(state, 55,
          [](const std::vector<float>& samples) { benchmark::DoNotOptimize(frame_descriptors(samples).onset.data()); });
}
BENCHMARK(all_frame_descriptors)->UseManualTime()->Unit(benchmark::kMillisecond);

void feature_vector(benchmark::State& state) {
  compare(state, 0, [](const std::vector<float>& samples) {
    benchmark::DoNotOptimize(audio_features(frame_descriptors(samples)).data());
  });
}
BENCHMARK(feature_vector)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace euterpe
