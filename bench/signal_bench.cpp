/// What analysis costs beyond the transform that it cannot do without: each counter `times_fft` is a ratio to the bare
/// FFTs of the same frames, timed in the same iteration, so that it says the same on any machine.
#include <benchmark/benchmark.h>

#include <chrono>
#include <complex>
#include <vector>

#include "base/random.hpp"
#include "signal/audio_features.hpp"
#include "signal/frame_descriptors.hpp"
#include "signal/mel.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

constexpr int kRate = FrameDescriptors::kSampleRate;
constexpr double kSeconds = 30;

std::vector<float> music() {
  std::vector<float> samples(static_cast<std::size_t>(kSeconds * kRate));
  Random random(1);
  double low = 0;
  for (float& s : samples) s = static_cast<float>(0.3 * (low = 0.95 * low + 0.05 * random.normal()));
  return samples;
}

double seconds_of(auto&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void bare_transforms(const std::vector<float>& samples) {
  RealFft fft(2048);
  std::vector<std::complex<float>> bins(1025);
  for (std::size_t t = 0; t + 2048 <= samples.size(); t += 512) {
    fft.forward(samples.data() + t, bins.data());
    benchmark::DoNotOptimize(bins.data());
  }
}

void compare(benchmark::State& state, auto&& work) {
  const std::vector<float> samples = music();
  double ours = 0, bare = 0;
  for (auto _ : state) {
    bare += seconds_of([&] { bare_transforms(samples); });
    const double taken = seconds_of([&] { work(samples); });
    ours += taken;
    state.SetIterationTime(taken);
  }
  state.counters["times_fft"] = ours / bare;
  state.counters["times_real_time"] = kSeconds * static_cast<double>(state.iterations()) / ours;
}

void spectrogram(benchmark::State& state) {
  compare(state, [](const std::vector<float>& samples) {
    benchmark::DoNotOptimize(power_spectrogram(samples, kRate).data.data());
  });
}
BENCHMARK(spectrogram)->UseManualTime()->Unit(benchmark::kMillisecond);

void spectrogram_and_mel(benchmark::State& state) {
  compare(state, [](const std::vector<float>& samples) {
    benchmark::DoNotOptimize(mel_spectrogram(power_spectrogram(samples, kRate), kRate).data.data());
  });
}
BENCHMARK(spectrogram_and_mel)->UseManualTime()->Unit(benchmark::kMillisecond);

void all_frame_descriptors(benchmark::State& state) {
  compare(state,
          [](const std::vector<float>& samples) { benchmark::DoNotOptimize(frame_descriptors(samples).onset.data()); });
}
BENCHMARK(all_frame_descriptors)->UseManualTime()->Unit(benchmark::kMillisecond);

void feature_vector(benchmark::State& state) {
  compare(state, [](const std::vector<float>& samples) {
    benchmark::DoNotOptimize(audio_features(frame_descriptors(samples)).data());
  });
}
BENCHMARK(feature_vector)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace euterpe
