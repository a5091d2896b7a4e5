#include <torch/torch.h>

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "train/adamw_module.hpp"
#include "train/adversarial_module.hpp"
#include "train/checkpoint_module.hpp"
#include "train/data_parallel.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

/// One of the two players.
struct Player {
  const char* name;
  AdamW weights;
  double rate = 0, ema = 0;
  double norm = 0;  ///< of the last gradient

  /// \param number of this player's steps so far, from 1
  void update(double loss, const AdversarialOptions& o, double scale, std::int64_t number) {
    norm = weights.gradient_norm();
    if (!std::isfinite(norm) || !std::isfinite(loss))
      throw Error(Category::bad_input, "train", fmt::format("the gradient of the {} is not finite", name),
                  "lower learning rates may help, or a gradient penalty");
    weights.step(
        {.rate = rate * scale, .weight_decay = 0, .beta1 = o.beta1, .beta2 = o.beta2, .ema = ema, .number = number},
        norm);
  }
};

void check(const AdversarialOptions& o) {
  const auto require = [](bool ok, const std::string& what) {
    if (!ok) throw Error(Category::usage, "train gan", what);
  };
  require(o.steps >= 1, fmt::format("steps {} is below 1", o.steps));
  require(o.learning_rate_g > 0 && o.learning_rate_d > 0, "learning rates must be above 0");
  require(o.final_rate >= 0 && o.final_rate <= 1, fmt::format("final-rate {} is outside 0 to 1", o.final_rate));
  require(std::min(o.beta1, o.beta2) >= 0 && std::max(o.beta1, o.beta2) < 1,
          "beta1 and beta2 must be in 0 … 1, 1 excluded");
  require(o.ema >= 0 && o.ema < 1, fmt::format("ema {} is outside 0 … 1, 1 excluded", o.ema));
  require(o.critics >= 1 && o.critics <= 100, fmt::format("critics {} is outside 1 to 100", o.critics));
  require(o.log_every >= 1 && o.checkpoint_every >= 1 && o.sample_every >= 0,
          "checkpoint-every must be at least 1, sample-every at least 0");
  require(o.seconds >= 0, fmt::format("seconds {} is below 0", o.seconds));
}

class AdversarialRun {
 public:
  AdversarialRun(const AdversarialTask& task, const AdversarialOptions& options)
      : task_(task),
        options_(options),
        generator_{"generator", AdamW(task.generator), options.learning_rate_g, options.ema},
        discriminator_{"discriminator", AdamW(task.discriminator), options.learning_rate_d, 0} {}

  bool resume() {
    if (!fs::exists(checkpoint())) return false;
    const Safetensors file = open_run(checkpoint(), recipe(), [&](const nlohmann::json& state) {
      step = state.at("step");
      sum_d_ = state.at("sum_d");
      sum_g_ = state.at("sum_g");
      since_ = state.at("since");
      report.first_alarms = state.at("first_alarms").get<decltype(report.first_alarms)>();
      report.loss_d = state.value("loss_d", 0.0);
      report.loss_g = state.value("loss_g", 0.0);
    });
    for (const auto& [name, tensor] : state_tensors()) load_tensor(file, name, tensor);
    return true;
  }

  void save() const {
    Safetensors file;
    for (const auto& [name, tensor] : state_tensors()) store_tensor(file, name, tensor);
    save_run(checkpoint(), std::move(file), recipe(),
             {{"step", step},
              {"sum_d", sum_d_},
              {"sum_g", sum_g_},
              {"since", since_},
              {"loss_d", report.loss_d},
              {"loss_g", report.loss_g},
              {"first_alarms", report.first_alarms}});
  }

  /// The discriminator's steps, then the generator's.
  void turn() {
    const double scale = rate_share();
    const auto draws = static_cast<std::uint64_t>(options_.critics) + 1;
    double loss_d = 0;
    for (int k = 0; k < options_.critics; ++k) {
      Random random = Random::stream(options_.seed, static_cast<std::uint64_t>(step) * draws + k);
      const torch::Tensor loss = task_.discriminator_loss(random, step);
      loss.backward();
      const double value = loss.item<double>();
      discriminator_.update(value, options_, scale, step * options_.critics + k + 1);
      loss_d += value / options_.critics;
    }
    // What a step of one player leaves in the other's gradient is none of its business.
    generator_.weights.gradient().zero_();
    for (const auto& [name, tensor] : task_.discriminator) torch::Tensor(tensor).set_requires_grad(false);
    Random random = Random::stream(options_.seed, static_cast<std::uint64_t>(step) * draws + draws - 1);
    const torch::Tensor loss = task_.generator_loss(random, step);
    loss.backward();
    const double loss_g = loss.item<double>();
    for (const auto& [name, tensor] : task_.discriminator) torch::Tensor(tensor).set_requires_grad(true);
    generator_.update(loss_g, options_, scale, step + 1);
    sum_d_ += loss_d;
    sum_g_ += loss_g;
    ++since_;
    ++step;
    if (task_.on_batch) task_.on_batch(step, loss_d, loss_g);
  }

  void write_row(RunJournal& journal, double steps_per_second) {
    const auto n = static_cast<double>(since_);
    report.loss_d = sum_d_ / n;
    report.loss_g = sum_g_ / n;
    sum_d_ = sum_g_ = 0;
    since_ = 0;
    const double samples = steps_per_second * static_cast<double>(task_.batch) * options_.critics;
    const std::pair<const char*, double> row[] = {{"loss_d", report.loss_d},
                                                  {"loss_g", report.loss_g},
                                                  {"gradient_norm_d", discriminator_.norm},
                                                  {"gradient_norm_g", generator_.norm},
                                                  {"learning_rate_g", options_.learning_rate_g * rate_share()},
                                                  {"samples_per_second", samples}};
    nlohmann::json out{{"step", step}};
    for (const auto& [name, value] : row) {
      out[name] = value;
      journal.events.scalar(name, static_cast<float>(value), step);
    }
    journal.write(out);
    journal.progress.note(fmt::format("D {:.3f}, G {:.3f}", report.loss_d, report.loss_g));
  }

  void sample(RunJournal& journal) {
    {
      const WithAverage average(*this);
      report.samples = task_.sample(step);
    }
    nlohmann::json row{{"step", step}, {"samples", report.samples.numbers}, {"alarms", nlohmann::json::object()}};
    std::string numbers;
    for (const auto& [name, value] : report.samples.numbers) {
      journal.events.scalar("sample/" + name, static_cast<float>(value), step);
      numbers += fmt::format(", {} {:.3g}", name, value);
    }
    spdlog::info("step {}: samples{}", step, numbers.empty() ? " written" : numbers.substr(1));
    for (const auto& [name, what] : report.samples.alarms) {
      journal.events.scalar("alarm/" + name, what.empty() ? 0.0F : 1.0F, step);
      if (what.empty()) continue;
      spdlog::warn("step {}: {}: {}", step, name, what);
      row["alarms"][name] = what;
      report.first_alarms.try_emplace(name, step);
    }
    journal.write(row);
  }

  void keep_average() {
    torch::NoGradGuard guard;
    if (options_.ema > 0) generator_.weights.value.copy_(generator_.weights.average);
  }

  std::int64_t step = 0;
  AdversarialReport report;
  bool row_is_due() const { return since_ > 0 && step % options_.log_every == 0; }
  bool row_is_open() const { return since_ > 0; }

 private:
  /// The averaged weights stand in place while it lives.
  class WithAverage {
   public:
    explicit WithAverage(AdversarialRun& run) : run_(run), kept_(run.generator_.weights.value.clone()) {
      run.keep_average();
    }
    ~WithAverage() { run_.generator_.weights.value.copy_(kept_); }
    WithAverage(const WithAverage&) = delete;
    WithAverage& operator=(const WithAverage&) = delete;

   private:
    torch::NoGradGuard guard_;
    AdversarialRun& run_;
    torch::Tensor kept_;
  };

  fs::path checkpoint() const { return options_.folder / "checkpoint.safetensors"; }

  double rate_share() const {
    const double done = static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, options_.steps));
    return 1 + (options_.final_rate - 1) * done;
  }

  AdamW::Named state_tensors() const {
    AdamW::Named out;
    for (const Player* p : {&generator_, &discriminator_})
      for (const auto& [kind, flat] : {std::pair{"parameter/", &p->weights.value},
                                       {"first/", &p->weights.first},
                                       {"second/", &p->weights.second},
                                       {"average/", &p->weights.average}}) {
        if (flat == &p->weights.average && p->ema == 0) continue;
        for (const auto& [name, tensor] : p->weights.views(*flat))
          out.emplace_back(fmt::format("{}/{}{}", p->name, kind, name), tensor);
      }
    for (const auto& [name, tensor] : task_.buffers) out.emplace_back("buffer/" + name, tensor);
    return out;
  }

  /// All that the weights after a step depend on.
  nlohmann::json recipe() const {
    const AdversarialOptions& o = options_;
    nlohmann::json out = task_.recipe;
    out.update({{"seed", o.seed},
                {"steps", o.steps},
                {"learning_rate_g", o.learning_rate_g},
                {"learning_rate_d", o.learning_rate_d},
                {"final_rate", o.final_rate},
                {"beta1", o.beta1},
                {"beta2", o.beta2},
                {"critics", o.critics},
                {"ema", o.ema}});
    return out;
  }

  const AdversarialTask& task_;
  const AdversarialOptions& options_;
  Player generator_, discriminator_;
  double sum_d_ = 0, sum_g_ = 0;  ///< of the losses since the last row of the curve
  std::int64_t since_ = 0;        ///< their number
};

}  // namespace

AdversarialReport run_adversarial(const AdversarialTask& task, const AdversarialOptions& options) {
  using Clock = std::chrono::steady_clock;
  check(options);
  if (processes().size() > 1)
    throw Error(Category::usage, "train",
                fmt::format("this network is trained by one process, not by {}", processes().size()),
                "start it without torchrun");
  keep_freed_memory();
  fs::create_directories(options.folder);
  AdversarialRun run(task, options);
  if (run.resume()) spdlog::info("resuming at step {} of {}", run.step, options.steps);
  RunJournal journal(options.folder, run.step, options.steps, options.seconds);
  const auto start = Clock::now();
  const std::int64_t began = run.step;
  auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  auto speed = [&] { return static_cast<double>(run.step - began) / std::max(1e-9, elapsed()); };
  while (run.step < options.steps) {
    run.turn();
    journal.progress.advance();
    const bool stop = interrupted();
    const bool late = options.seconds > 0 && elapsed() >= options.seconds;
    const bool last = run.step == options.steps || late;
    if (run.row_is_due() || (last && run.row_is_open())) run.write_row(journal, speed());
    const bool sampling = last || (options.sample_every > 0 && run.step % options.sample_every == 0);
    if (task.sample && sampling && !stop) run.sample(journal);
    journal.events.flush();
    if (run.step % options.checkpoint_every == 0 || last || stop) run.save();
    if (stop)
      throw Error(Category::interrupted, "train",
                  fmt::format("stopped by a signal after step {} of {}", run.step, options.steps),
                  "the same command goes on from there");
    if (late) break;
  }
  // A run that was finished already still says what it has come to.
  if (task.sample && run.report.samples.numbers.empty()) run.sample(journal);
  run.report.steps = run.step;
  run.report.seconds = elapsed();
  run.report.steps_per_second = speed();
  run.keep_average();
  return run.report;
}

}  // namespace euterpe
