#include "train/gan_trainers.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/error.hpp"
#include "base/text.hpp"
#include "train/gan.hpp"
#include "train/grid_corpus.hpp"

namespace euterpe {
namespace {

constexpr std::array<Setting, 24> kSettings{
    {{"steps", 20000, "Steps of the generator"},
     {"batch", 16, "Pairs of phrases a step"},
     {"width", 96, "Channels of the generator"},
     {"blocks", 3, "Blocks of the 1-D generator's time network"},
     {"critic-width", 96, "Channels of the discriminator"},
     {"noise-piece", 32, "Numbers of noise that the phrases of a piece share"},
     {"noise-phrase", 32, "That the bars of a phrase share"},
     {"noise-bar", 12, "Of a bar, and of each part in it"},
     {"stochastic", 0, "1 = binary neurons draw, 0 = they round"},
     {"slope", 1, "Slope of the neurons' gradient at the end, annealed from 1"},
     {"spectral", 1, "1 = spectral norms in the discriminator"},
     {"minibatch", 1, "1 = it sees the standard deviation of a batch"},
     {"penalty-weight", 10, "Weight of the penalty"},
     {"penalty-every", 1, "Steps between penalties, each of which weighs so much more"},
     {"critics", 1, "Steps of the discriminator before each of the generator"},
     {"learning-rate-g", 3e-4, "Step of the generator"},
     {"learning-rate-d", 3e-4, "Step of the discriminator"},
     {"final-rate", 0.1, "Share of both at the end"},
     {"beta1", 0, "Adam's memory of the gradient"},
     {"beta2", 0.99, "Adam's memory of its square"},
     {"ema", 0.999, "Decay of the generator's averaged weights, 0 = off"},
     {"sample-every", 1000, "Steps between samples"},
     {"checkpoint-every", 500, "Steps between checkpoints"},
     {"seconds", 0, "Stop after so long, 0 = no limit"}}};
constexpr std::array<const char*, 2> kNetworks{"1d", "2d"};
constexpr std::array<const char*, 4> kLosses{"minimax", "nonsaturating", "hinge", "wgan"};
constexpr std::array<const char*, 3> kPenalties{"none", "gradient", "r1"};
constexpr std::array<WordSetting, 5> kWords{
    {{"network", "1d", "1d: bar by bar, time then pitch; 2d: a picture", kNetworks},
     {"loss", "hinge", "minimax, nonsaturating, hinge or wgan", kLosses},
     {"penalty", "none", "On the discriminator's gradient: none, gradient (WGAN-GP's) or r1", kPenalties},
     {"sets", "jsb,nottingham,pop909", "Data sets to learn from, of those below --data", {}},
     {"styles", "chorale,folk,pop", "Styles to learn, of those in --data", {}}}};

/// "chorale,folk"
std::vector<std::string> names(const std::string& list) {
  const auto out = parse_csv(list);
  if (!out)
    throw Error(Category::usage, "train gan", fmt::format("\"{}\" is no list", list), "say it so: chorale,folk");
  return *out;
}

nlohmann::json train_rolls(const TrainingRequest& t) {
  const GridCorpus corpus = read_grid_corpus(t.data, names(t.word("sets")), names(t.word("styles")), t.forbidden);
  GanTraining o;
  o.name = t.out.filename().string();
  o.run = t.run;
  o.out = t.out;
  o.seed = t.seed;
  const auto whole = [&](const char* name) { return static_cast<int>(std::lround(t[name])); };
  o.network.network = t.word("network");
  o.network.width = whole("width");
  o.network.blocks = whole("blocks");
  o.network.noise_piece = whole("noise-piece");
  o.network.noise_phrase = whole("noise-phrase");
  o.network.noise_bar = whole("noise-bar");
  o.network.stochastic = whole("stochastic") != 0;
  o.critic_width = whole("critic-width");
  o.loss = t.word("loss");
  o.spectral = whole("spectral") != 0;
  o.minibatch_deviation = whole("minibatch") != 0;
  o.penalty = t.word("penalty");
  o.penalty_weight = t["penalty-weight"];
  o.penalty_every = whole("penalty-every");
  o.slope = t["slope"];
  o.steps = whole("steps");
  o.batch = whole("batch");
  o.learning_rate_g = t["learning-rate-g"];
  o.learning_rate_d = t["learning-rate-d"];
  o.final_rate = t["final-rate"];
  o.beta1 = t["beta1"];
  o.beta2 = t["beta2"];
  o.ema = t["ema"];
  o.critics = whole("critics");
  o.sample_every = whole("sample-every");
  o.checkpoint_every = whole("checkpoint-every");
  o.seconds = t["seconds"];
  return train_gan(corpus, o);
}

}  // namespace

std::span<const TrainerRow> gan_trainers() {
  static constexpr std::array<TrainerRow, 1> rows{
      {{"gan", "Phrases of four bars as piano rolls, by two networks that play against each other",
        "a shard, or a folder with all data sets", kSettings, train_rolls, "gan", kWords}}};
  return rows;
}

}  // namespace euterpe
