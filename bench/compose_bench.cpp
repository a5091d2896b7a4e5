/// How long bars take through the autoencoder, and phrases through the GAN's generator, beside how long they play: the
/// best of all repetitions, on one thread.
#include <torch/torch.h>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <vector>

#include "base/parallel.hpp"
#include "base/random.hpp"
#include "compose/compose.hpp"
#include "nn/gan_module.hpp"
#include "nn/model.hpp"
#include "nn/vae.hpp"
#include "score/bar_grid.hpp"

namespace euterpe {
namespace {

class Best {
 public:
  void time(auto&& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    seconds_ = std::min(seconds_, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  void report(benchmark::State& state, double playing) const {
    state.counters["best_seconds"] = seconds_;
    state.counters["playing_seconds"] = playing;
    state.counters["times_real_time"] = playing / seconds_;
  }

 private:
  double seconds_ = std::numeric_limits<double>::infinity();
};

/// A song said again: encoded, and decoded from the means at temperature 0.
void song(benchmark::State& state) {
  set_threads(1);
  at::set_num_threads(1);
  const Model model = find_model("vae");
  const Vae codec(vae_options(model.card.at("options").at("codec")), model.weights());
  ComposeOptions wish;
  wish.style = "pop";
  wish.bars = 96;
  wish.seed = 1;
  const Score piece = Composer(model).compose(wish).score;
  BarGrid grid = bar_grid(piece);
  std::vector<int> meters;
  for (const GridBar& bar : grid.bars) meters.push_back(bar.meter);
  std::size_t notes = 0;
  Best best;
  for (auto _ : state)
    best.time([&] {
      Random none(0);
      const auto back = codec.decode(codec.encode(grid.bars).mean, meters, {}, none);
      notes = 0;
      for (const GridBar& bar : back) notes += bar.notes.size();
    });
  best.report(state, piece.duration().value);
  state.counters["notes"] = static_cast<double>(notes);
  set_threads(0);
}
BENCHMARK(song)->Name("vae/song_of_96_bars")->Iterations(5)->Unit(benchmark::kMillisecond);

/// Weights are drawn, for they do not change how long a roll takes.
void phrases(benchmark::State& state) {
  constexpr int kPhrases = 100;
  constexpr double kPlaying = kPhrases * kPhraseBars * 2.0;  // of 4/4 at 120 quarter notes a minute
  at::set_num_threads(1);
  torch::NoGradGuard guard;
  torch::manual_seed(1);
  GanOptions o;
  o.styles = {"chorale", "folk", "pop"};
  const auto generator = make_generator(o);
  Random random(1);
  Best best;
  for (auto _ : state)
    best.time([&] {
      const PhraseBatch asked = phrase_batch(std::vector<PhraseWish>(kPhrases), o);
      const torch::Tensor noise = normal_tensor(random, {kPhrases, o.noise()});
      benchmark::DoNotOptimize(roll_of(generator->logits(noise, asked), asked, {}));
    });
  best.report(state, kPlaying);
}
BENCHMARK(phrases)->Name("gan/100_phrases")->Iterations(5)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace euterpe
