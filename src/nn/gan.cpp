#include <torch/torch.h>

#include "nn/gan.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "nn/gan_module.hpp"
#include "nn/note_encoder_module.hpp"

namespace euterpe {
namespace {

Error bad_options(const std::string& detail) { return Error(Category::bad_input, "gan_options", detail); }

/// Callers draw many pieces at a time, each on its own thread; more threads below would be in each other's way.
/// (libtorch keeps this number for each calling thread.)
void one_thread() {
  static thread_local const bool once = [] {
    at::set_num_threads(1);
    return true;
  }();
  (void)once;
}

}  // namespace

int GanOptions::condition() const {
  return static_cast<int>(styles.size()) + static_cast<int>(grid_meters().size()) + 3;
}

nlohmann::json to_json(const GanOptions& o) {
  return {{"kind", o.network},        {"styles", o.styles},           {"width", o.width},
          {"blocks", o.blocks},       {"noise_piece", o.noise_piece}, {"noise_phrase", o.noise_phrase},
          {"noise_bar", o.noise_bar}, {"voices", o.voices},           {"stochastic", o.stochastic}};
}

GanOptions gan_options(const nlohmann::json& json) {
  GanOptions o;
  try {
    o.network = json.at("kind").get<std::string>();
    o.styles = json.at("styles").get<std::vector<std::string>>();
    o.stochastic = json.at("stochastic").get<bool>();
    const auto number = [&](const char* name, int low, int high) {
      const auto value = json.at(name).get<std::int64_t>();
      if (value < low || value > high)
        throw bad_options(fmt::format("{} {} is outside {} to {}", name, value, low, high));
      return static_cast<int>(value);
    };
    o.width = number("width", 8, 512);
    o.blocks = number("blocks", 1, 8);
    o.noise_piece = number("noise_piece", 1, 512);
    o.noise_phrase = number("noise_phrase", 1, 512);
    o.noise_bar = number("noise_bar", 1, 128);
    o.voices = number("voices", 1, 16);
  } catch (const nlohmann::json::exception& e) {
    throw bad_options(e.what());
  }
  constexpr std::size_t kMostStyles = 64;
  if (o.network != "1d" && o.network != "2d") throw bad_options("unknown network \"" + o.network + "\"");
  if (o.styles.empty() || o.styles.size() > kMostStyles)
    throw bad_options(fmt::format("{} styles, 1 to {} are possible", o.styles.size(), kMostStyles));
  return o;
}

std::vector<float> condition_of(const PhraseWish& wish, const GanOptions& options) {
  std::vector<float> out(static_cast<std::size_t>(options.condition()));
  const std::size_t styles = options.styles.size(), meters = grid_meters().size();
  EUTERPE_ASSERT(wish.style >= 0 && static_cast<std::size_t>(wish.style) < styles);
  EUTERPE_ASSERT(wish.meter >= 0 && static_cast<std::size_t>(wish.meter) < meters);
  out[static_cast<std::size_t>(wish.style)] = 1;
  out[styles + static_cast<std::size_t>(wish.meter)] = 1;
  out[styles + meters] = wish.minor ? 1 : 0;
  out[styles + meters + 1] = wish.begins ? 1 : 0;
  out[styles + meters + 2] = wish.ends ? 1 : 0;
  return out;
}

namespace {

torch::Tensor rolls_of(std::span<const float> values) {
  return torch::from_blob(const_cast<float*>(values.data()), {static_cast<std::int64_t>(values.size() / kPhraseValues),
                                                              kRollChannels, kPhraseSteps, kRollPitches});
}

}  // namespace

struct PhraseGenerator::Network {
  std::shared_ptr<GeneratorModule> generator;
};

PhraseGenerator::PhraseGenerator(const Model& model) : network_(std::make_shared<Network>()) {
  const auto options = model.card.find("options");
  if (options == model.card.end()) throw bad_options(model.name + ": its card has no options");
  options_ = gan_options(*options);
  network_->generator = make_generator(options_);
  load_parameters(*network_->generator, model.weights());
}

std::vector<float> PhraseGenerator::draw(std::span<const PhraseWish> wishes, std::span<const float> noise,
                                         std::uint64_t seed) const {
  const auto n = static_cast<std::int64_t>(wishes.size());
  EUTERPE_ASSERT(noise.size() == wishes.size() * static_cast<std::size_t>(options_.noise()));
  if (n == 0) return {};
  one_thread();
  torch::NoGradGuard guard;
  const torch::Tensor z = torch::from_blob(const_cast<float*>(noise.data()), {n, options_.noise()}, torch::kFloat32);
  const PhraseBatch asked = phrase_batch(wishes, options_);
  Random random(seed);
  const torch::Tensor roll = roll_of(network_->generator->logits(z, asked), asked,
                                     {.slope = 1, .random = options_.stochastic ? &random : nullptr})
                                 .contiguous();
  const float* values = roll.data_ptr<float>();
  return {values, values + roll.numel()};
}

struct PhraseJudge::Network {
  std::shared_ptr<DiscriminatorModule> discriminator;
};

std::optional<PhraseJudge> PhraseJudge::of(const Model& model, const GanOptions& options) {
  const auto judge = model.card.find("judge");
  if (judge == model.card.end()) return std::nullopt;
  DiscriminatorOptions o;
  o.spectral = false;  // its weights are stored as they act
  try {
    o.width = judge->at("width").get<int>();
    o.minibatch_deviation = judge->at("minibatch_deviation").get<bool>();
  } catch (const nlohmann::json::exception&) {
    throw bad_options(model.name + ": the judge in its card has no width or no minibatch_deviation");
  }
  if (o.width < kLeastCriticWidth || o.width > kMostCriticWidth)
    throw bad_options(fmt::format("{}: its judge is {} wide, {} to {} is possible", model.name, o.width,
                                  kLeastCriticWidth, kMostCriticWidth));
  auto network = std::make_shared<Network>();
  network->discriminator = make_discriminator(options, o);
  load_parameters(*network->discriminator, model.weights(), kJudgePrefix);
  network->discriminator->refresh(false);
  return PhraseJudge(options, network);
}

std::vector<double> PhraseJudge::operator()(std::span<const float> candidates, const PhraseWish& wish,
                                            std::span<const float> beside, const PhraseWish& beside_wish) const {
  one_thread();
  torch::NoGradGuard guard;
  const torch::Tensor rolls = rolls_of(candidates);
  const std::int64_t n = rolls.size(0);
  const bool alone = beside.empty();
  const torch::Tensor other = alone ? rolls : rolls_of(beside).expand_as(rolls);
  std::vector<PhraseWish> wishes;
  for (std::int64_t i = 0; i < n; ++i) {
    wishes.push_back(alone ? wish : beside_wish);
    wishes.push_back(wish);
  }
  const torch::Tensor logits =
      network_->discriminator->forward(torch::stack({other, rolls}, 1).flatten(0, 1), phrase_batch(wishes, options_));
  std::vector<double> out;
  for (std::int64_t i = 0; i < n; ++i)
    out.push_back(logits[2 * i + 1].item<double>() + (alone ? 0 : logits[2 * n + i].item<double>()));
  return out;
}

}  // namespace euterpe
