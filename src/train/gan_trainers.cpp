#include "train/gan_trainers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "train/dense_gan.hpp"
#include "train/gan.hpp"
#include "train/grid_corpus.hpp"

namespace euterpe {
namespace {

constexpr std::array<Setting, 28> kSettings{
    {{"steps", 20000, "Steps of the generator"},
     {"batch", kItsOwn, "Pairs of phrases a step (16), or pictures (dense: 64)"},
     {"width", 96, "Channels of the generator"},
     {"blocks", 3, "Blocks of the 1-D generator's time network"},
     {"voices", 6, "Of its accompaniment, each holding a pitch or a rest until struck"},
     {"critic-width", 96, "Channels of the discriminator"},
     {"noise-piece", 32, "Numbers of noise that the phrases of a piece share"},
     {"noise-phrase", 32, "That the bars of a phrase share"},
     {"noise-bar", 12, "Of a bar, and of each part in it"},
     {"stochastic", 0, "1 = binary neurons draw, 0 = they round"},
     {"slope", 1, "Slope of the neurons' gradient at the end, annealed from 1"},
     {"spectral", 1, "1 = spectral norms in the discriminator"},
     {"minibatch", kItsOwn, "1 = it sees the standard deviation of a batch, 0 = it does not (dense)"},
     {"match", 0.2, "Weight of matching the real rolls' moments, 0 = off"},
     {"shift", 0.5, "Share of the pairs that the discriminator sees in another key, 0 = off"},
     {"penalty-weight", 10, "Weight of the penalty"},
     {"penalty-every", 1, "Steps between penalties, each of which weighs so much more"},
     {"critics", 1, "Steps of the discriminator before each of the generator"},
     {"learning-rate-g", kItsOwn, "Step of the generator (1e-3, dense: 1e-4)"},
     {"learning-rate-d", kItsOwn, "Step of the discriminator (2e-4, dense: 1e-4)"},
     {"final-rate", kItsOwn, "Share of both at the end (0.1, dense: 1)"},
     {"beta1", kItsOwn, "Adam's memory of the gradient (0, dense: 0.9)"},
     {"beta2", kItsOwn, "Adam's memory of its square (0.99, dense: 0.999)"},
     {"ema", kItsOwn, "Decay of the generator's averaged weights (0.998), 0 = off (dense)"},
     {"instance-noise", 0, "dense: standard deviation of what blurs the pictures, falling to 0; 0 = off"},
     {"sample-every", 1000, "Steps between samples"},
     {"checkpoint-every", 500, "Steps between checkpoints"},
     {"seconds", 0, "Stop after so long, 0 = no limit"}}};
constexpr std::array<const char*, 3> kNetworks{"1d", "2d", "dense"};
constexpr std::array<const char*, 4> kLosses{"minimax", "nonsaturating", "hinge", "wgan"};
constexpr std::array<const char*, 3> kPenalties{"none", "gradient", "r1"};
constexpr std::array<WordSetting, 5> kWords{
    {{"network", "1d", "1d: bar by bar, time then pitch; 2d: a picture; dense: 28 × 28, or an IDX file's images",
      kNetworks},
     {"loss", "", "minimax, nonsaturating (dense), hinge (the others) or wgan", kLosses},
     {"penalty", "none", "On the discriminator's gradient: none, gradient (WGAN-GP's) or r1", kPenalties},
     {"sets", "jsb,nottingham,pop909", "Data sets to learn from where --data holds them all", {}},
     {"styles", "all", "Styles to learn, separated by commas; all = whatever is there", {}}}};

std::string its_own(const std::string& given, const char* fallback) { return given.empty() ? fallback : given; }

/// Error{usage} where the network has no use for a setting that was given.
void refuse_settings(const TrainingRequest& t, std::initializer_list<std::string_view> foreign) {
  for (const Setting& setting : kSettings)
    if (std::find(foreign.begin(), foreign.end(), setting.name) != foreign.end() && t[setting.name] != setting.fallback)
      throw Error(Category::usage, "train gan",
                  fmt::format("--{} does not go with --network {}", setting.name, t.word("network")), "leave it out");
}

/// What both kinds of networks are told of the loop.
void read_loop(const TrainingRequest& t, AdversarialOptions& o) {
  o.folder = t.run;
  o.seed = t.seed;
  o.steps = std::lround(t["steps"]);
  o.learning_rate_g = t.get("learning-rate-g", o.learning_rate_g);
  o.learning_rate_d = t.get("learning-rate-d", o.learning_rate_d);
  o.final_rate = t.get("final-rate", o.final_rate);
  o.beta1 = t.get("beta1", o.beta1);
  o.beta2 = t.get("beta2", o.beta2);
  o.ema = t.get("ema", o.ema);
  o.critics = static_cast<int>(std::lround(t["critics"]));
  o.sample_every = std::lround(t["sample-every"]);
  o.checkpoint_every = std::lround(t["checkpoint-every"]);
  o.seconds = t["seconds"];
}

nlohmann::json train_rolls(const TrainingRequest& t) {
  refuse_settings(t, {"instance-noise"});
  if (t.word("network") == "2d") refuse_settings(t, {"voices", "blocks"});
  const GridCorpus corpus =
      read_grid_corpus(t.data, listed_names(t.word("sets")), listed_names(t.word("styles")), t.forbidden);
  GanTraining o;
  o.name = t.out.filename().string();
  o.out = t.out;
  read_loop(t, o);
  const auto whole = [&](const char* name) { return static_cast<int>(std::lround(t[name])); };
  o.network.network = t.word("network");
  o.network.width = whole("width");
  o.network.blocks = whole("blocks");
  o.network.voices = whole("voices");
  o.network.noise_piece = whole("noise-piece");
  o.network.noise_phrase = whole("noise-phrase");
  o.network.noise_bar = whole("noise-bar");
  o.network.stochastic = whole("stochastic") != 0;
  o.critic_width = whole("critic-width");
  o.loss = its_own(t.word("loss"), o.loss.c_str());
  o.spectral = whole("spectral") != 0;
  o.minibatch_deviation = t.get("minibatch", o.minibatch_deviation) != 0;
  o.penalty = t.word("penalty");
  o.penalty_weight = t["penalty-weight"];
  o.penalty_every = whole("penalty-every");
  o.match = t["match"];
  o.shift = t["shift"];
  o.slope = t["slope"];
  o.batch = static_cast<int>(std::lround(t.get("batch", o.batch)));
  return train_gan(corpus, o);
}

nlohmann::json train_dense(const TrainingRequest& t) {
  refuse_settings(t, {"width", "blocks", "voices", "critic-width", "noise-piece", "noise-phrase", "noise-bar",
                      "stochastic", "slope", "spectral", "match", "shift", "penalty-every", "critics"});
  const PictureSet pictures =
      read_pictures(t.data, listed_names(t.word("sets")), listed_names(t.word("styles")), t.forbidden);
  DenseGanTraining o;
  o.out = t.out;
  read_loop(t, o);
  o.batch = std::lround(t.get("batch", static_cast<double>(o.batch)));
  o.loss = its_own(t.word("loss"), o.loss.c_str());
  o.penalty = t.word("penalty");
  o.penalty_weight = t["penalty-weight"];
  o.minibatch_deviation = t.get("minibatch", o.minibatch_deviation) != 0;
  o.noise = t["instance-noise"];
  return train_dense_gan(pictures, o);
}

nlohmann::json train_network(const TrainingRequest& t) {
  return t.word("network") == "dense" ? train_dense(t) : train_rolls(t);
}

}  // namespace

std::span<const TrainerRow> gan_trainers() {
  static constexpr std::array<TrainerRow, 1> rows{
      {{"gan", "Phrases of four bars as piano rolls, by two networks that play against each other",
        "a shard, or a folder with all data sets; for --network dense also an IDX file of images, plain or .gz",
        kSettings, train_network, "gan", kWords}}};
  return rows;
}

}  // namespace euterpe
