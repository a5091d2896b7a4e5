#include <torch/torch.h>

#include "train/trainer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "nn/safetensors.hpp"
#include "train/adamw_module.hpp"
#include "train/checkpoint_module.hpp"
#include "train/data_parallel.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

double learning_rate(const TrainerOptions& o, std::int64_t step) {
  if (step < o.warmup) return o.learning_rate * static_cast<double>(step + 1) / static_cast<double>(o.warmup);
  const double x = std::min(
      1.0, static_cast<double>(step - o.warmup) / static_cast<double>(std::max<std::int64_t>(1, o.steps - o.warmup)));
  const double floor = o.learning_rate * o.final_rate;
  return floor + (o.learning_rate - floor) * 0.5 * (1 + std::cos(3.141592653589793 * x));
}

/// Everything that a resumed run needs; random numbers are a function of seed and step, so they need no state.
class Run {
 public:
  Run(const TrainingTask& task, const TrainerOptions& options)
      : task_(task), options_(options), weights_(task.parameters), best_(weights_.value.clone()) {}

  fs::path checkpoint() const { return options_.folder / "checkpoint.safetensors"; }

  bool resume() {
    if (!fs::exists(checkpoint())) return false;
    const Safetensors file = open_run(checkpoint(), recipe(), [&](const nlohmann::json& state) {
      step = state.at("step");
      stale = state.at("stale");
      sum = state.at("sum");
      since = state.at("since");
      report.best_step = state.at("best_step");
      report.best_validation = state.at("best_validation");
      report.first_loss = state.at("first_loss");
      report.losses = state.at("losses").get<decltype(report.losses)>();
      report.validations = state.at("validations").get<decltype(report.validations)>();
    });
    for (const auto& [kind, flat] : buffers())
      for (const auto& [name, tensor] : weights_.views(flat)) load_tensor(file, kind + name, tensor);
    return true;
  }

  /// The others begin where the first process stands.
  void share_start() {
    Processes& all = processes();
    if (all.size() == 1) return;
    torch::NoGradGuard guard;
    torch::Tensor state =
        torch::tensor({static_cast<double>(step), sum, static_cast<double>(since), static_cast<double>(stale),
                       report.best_validation, static_cast<double>(report.best_step), report.first_loss},
                      torch::kFloat64);
    for (const auto& [kind, flat] : buffers()) {
      torch::Tensor mine = flat;
      if (!all.first()) mine.zero_();
      all.sum(mine);
    }
    if (!all.first()) state.zero_();
    state = state.to(best_.device());
    all.sum(state);
    state = state.cpu();
    step = static_cast<std::int64_t>(state[0].item<double>());
    sum = state[1].item<double>();
    since = static_cast<std::int64_t>(state[2].item<double>());
    stale = static_cast<int>(state[3].item<double>());
    report.best_validation = state[4].item<double>();
    report.best_step = static_cast<std::int64_t>(state[5].item<double>());
    report.first_loss = state[6].item<double>();
  }

  void save() const {
    Safetensors file;
    for (const auto& [kind, flat] : buffers())
      for (const auto& [name, tensor] : weights_.views(flat)) store_tensor(file, kind + name, tensor);
    save_run(checkpoint(), std::move(file), recipe(),
             {{"step", step},
              {"stale", stale},
              {"sum", sum},
              {"since", since},
              {"best_step", report.best_step},
              {"best_validation", report.best_validation},
              {"first_loss", report.first_loss},
              {"losses", report.losses},
              {"validations", report.validations}});
  }

  /// Loss and gradient over all processes, from the means over their own items. Each flag is set where it was in one of
  /// them, so that all stop after the same step, whoever is asked to.
  void gather(double& loss, std::int64_t items, bool& late, bool& asked) {
    Processes& all = processes();
    if (all.size() == 1) return;
    const auto n = static_cast<double>(items);
    torch::Tensor sums =
        torch::tensor({loss * n, n, late ? 1.0 : 0.0, asked ? 1.0 : 0.0}, torch::kFloat64).to(best_.device());
    all.sum(sums);
    sums = sums.cpu();
    const double count = std::max(1.0, sums[1].item<double>());
    loss = sums[0].item<double>() / count;
    late = sums[2].item<double>() > 0;
    asked = sums[3].item<double>() > 0;
    weights_.gradient().mul_(n / count);
    all.sum(weights_.gradient());
  }

  /// One step of the optimizer; returns the global gradient norm before clipping.
  double update(double loss) {
    const double norm = weights_.gradient_norm();
    if (!std::isfinite(norm) || !std::isfinite(loss))
      throw Error(Category::bad_input, "train", fmt::format("step {}: the gradient is not finite", step),
                  "a lower learning rate may help");
    weights_.step({.rate = learning_rate(options_, step),
                   .weight_decay = options_.weight_decay,
                   .beta1 = options_.beta1,
                   .beta2 = options_.beta2,
                   .clip = options_.clip,
                   .ema = options_.ema,
                   .number = step + 1},
                  norm);
    return norm;
  }

  /// Validates with the averaged weights in place, then puts the trained ones back.
  double validate() {
    torch::NoGradGuard guard;
    const torch::Tensor kept = weights_.value.clone();
    if (options_.ema > 0) weights_.value.copy_(weights_.average);
    double loss = 0;
    if (processes().first()) loss = task_.validate();
    if (processes().size() > 1) {
      torch::Tensor told = torch::tensor({loss}, torch::kFloat64).to(best_.device());
      processes().sum(told);
      loss = told.cpu()[0].item<double>();
    }
    const bool better = report.best_step == 0 || loss < report.best_validation;
    if (better) best_.copy_(weights_.value);
    weights_.value.copy_(kept);
    stale = better ? 0 : stale + 1;
    if (better) report.best_validation = loss, report.best_step = step;
    report.validations.emplace_back(step, loss);
    return loss;
  }

  void restore_best() {
    torch::NoGradGuard guard;
    weights_.value.copy_(best_);
  }

  std::int64_t step = 0;
  int stale = 0;
  double sum = 0;          ///< of the losses since the last entry of the curve
  std::int64_t since = 0;  ///< their number
  TrainingReport report;

 private:
  std::vector<std::pair<std::string, torch::Tensor>> buffers() const {
    return {{"parameter/", weights_.value},
            {"first/", weights_.first},
            {"second/", weights_.second},
            {"average/", weights_.average},
            {"best/", best_}};
  }

  /// All that the weights after a step depend on.
  nlohmann::json recipe() const {
    const TrainerOptions& o = options_;
    nlohmann::json out = task_.recipe;
    out.update({{"seed", o.seed},
                {"steps", o.steps},
                {"learning_rate", o.learning_rate},
                {"final_rate", o.final_rate},
                {"warmup", o.warmup},
                {"weight_decay", o.weight_decay},
                {"beta1", o.beta1},
                {"beta2", o.beta2},
                {"clip", o.clip},
                {"ema", o.ema}});
    return out;
  }

  const TrainingTask& task_;
  const TrainerOptions& options_;
  AdamW weights_;
  torch::Tensor best_;  ///< flat: the averaged weights of the best validation
};

struct Journal : RunJournal {
  Journal(const TrainerOptions& options, std::int64_t step)
      : RunJournal(options.folder, step, options.steps, options.seconds) {}
  void training(std::int64_t step, double loss, double norm, double learning_rate, double rate,
                const std::string& unit) {
    events.scalar("loss/train", loss, step);
    events.scalar("gradient_norm", norm, step);
    events.scalar("learning_rate", learning_rate, step);
    events.scalar(unit + "_per_second", rate, step);
    write({{"step", step},
           {"loss", loss},
           {"gradient_norm", norm},
           {"learning_rate", learning_rate},
           {unit + "_per_second", rate}});
    progress.note(fmt::format("loss {:.3f}, {:.0f} {}/s", loss, rate, unit));
  }
  void validation(std::int64_t step, double loss) {
    events.scalar("loss/valid", loss, step);
    write({{"step", step}, {"valid", loss}});
  }
};

}  // namespace

TrainingReport run_training(const TrainingTask& task, const TrainerOptions& options) {
  using Clock = std::chrono::steady_clock;
  const Processes& all = processes();
  if (all.size() > 1 && !task.shared)
    throw Error(Category::usage, "train", fmt::format("this network is trained by one process, not by {}", all.size()),
                "start it without torchrun");
  keep_freed_memory();
  Run run(task, options);
  std::optional<Journal> journal;
  if (all.first()) {
    fs::create_directories(options.folder);
    if (run.resume()) spdlog::info("resuming at step {} of {}", run.step, options.steps);
    journal.emplace(options, run.step);
  }
  run.share_start();
  const auto start = Clock::now();
  auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  std::int64_t items = 0;
  while (run.step < options.steps) {
    Random random = Random::stream(options.seed, static_cast<std::uint64_t>(run.step));
    const std::int64_t before = items;
    if (task.begin_step) task.begin_step(run.step);
    const torch::Tensor loss = task.loss(random, items);
    loss.backward();
    double value = loss.item<double>();
    bool late = options.seconds > 0 && elapsed() >= options.seconds, asked = interrupted();
    run.gather(value, items - before, late, asked);
    const double norm = run.update(value);
    if (run.step == 0) run.report.first_loss = value;
    run.report.last_loss = value;
    run.sum += value;
    ++run.since;
    ++run.step;
    if (journal) journal->progress.advance();
    // One process alone need not wait for the next step to hear of a signal.
    auto stopping = [&] { return asked || (all.size() == 1 && interrupted()); };
    const bool last = run.step == options.steps || late || stopping();
    if (run.step % 10 == 0 || last) {
      const double rate = static_cast<double>(items) * all.size() / elapsed();
      const double mean = run.sum / static_cast<double>(run.since);
      run.report.losses.emplace_back(run.step, mean);
      if (journal) journal->training(run.step, mean, norm, learning_rate(options, run.step - 1), rate, task.unit);
      run.sum = 0;
      run.since = 0;
    }
    const bool validating = run.step % options.evaluate_every == 0 || last;
    if (task.validate && validating && !stopping()) {
      const double valid = run.validate();
      if (journal) journal->validation(run.step, valid);
      if (journal)
        spdlog::info("step {}: validation loss {:.4f} (best {:.4f} at step {})", run.step, valid,
                     run.report.best_validation, run.report.best_step);
    }
    if (journal) journal->events.flush();
    // Asked once: a signal that comes after this line is met by the next step, after its checkpoint.
    const bool stop = stopping();
    if (journal && (run.step % options.checkpoint_every == 0 || last || stop)) run.save();
    if (stop)
      throw Error(Category::interrupted, "train",
                  interrupted() ? fmt::format("stopped by a signal after step {} of {}", run.step, options.steps)
                                : "another of the processes was interrupted",
                  "the same command goes on from there");
    if (late) break;
    if (options.patience > 0 && run.stale >= options.patience) {
      run.report.stopped_early = true;
      break;
    }
  }
  if (task.validate) run.restore_best();
  run.report.steps = run.step;
  run.report.seconds = elapsed();
  run.report.items_per_second =
      run.report.seconds > 0 ? static_cast<double>(items) * all.size() / run.report.seconds : 0;
  return run.report;
}

}  // namespace euterpe
