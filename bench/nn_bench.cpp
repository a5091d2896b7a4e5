/// What reading safetensors costs beyond the copy that it cannot do without: `times_memcpy` is the ratio to a plain
/// copy of the same bytes, timed in the same iteration, so that it says the same on any machine.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "nn/safetensors.hpp"

namespace euterpe {
namespace {

double seconds_of(auto&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void read(benchmark::State& state) {
  Safetensors file;
  const std::vector<float> values(1 << 16, 0.5f);
  for (int i = 0; i < 64; ++i) file.put("layer." + std::to_string(i), {256, 256}, values);
  const std::vector<std::uint8_t> bytes = write_safetensors(file);
  double reading = 0, copying = 0;
  for (auto _ : state) {
    reading += seconds_of([&] { benchmark::DoNotOptimize(read_safetensors(bytes)); });
    copying += seconds_of([&] {
      std::vector<std::uint8_t> copy(bytes);
      benchmark::DoNotOptimize(copy.data());
    });
  }
  state.counters["times_memcpy"] = reading / copying;
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(read)->Name("safetensors/read_16MB")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace euterpe
