#include <torch/torch.h>

#include "train/trainer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "nn/safetensors.hpp"
#include "train/tensorboard.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr int kCheckpointVersion = 1;

/// A parameter with its optimizer state.
struct Slot {
  std::string name;
  torch::Tensor value, first, second, average, best;
};

void store(Safetensors& file, const std::string& name, const torch::Tensor& tensor) {
  const torch::Tensor t = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  file.put(name, t.sizes().vec(), std::span(t.data_ptr<float>(), static_cast<std::size_t>(t.numel())));
}

void load(const Safetensors& file, const std::string& name, torch::Tensor& into) {
  const auto shape = into.sizes().vec();
  auto values = file.floats(name, shape);
  torch::NoGradGuard guard;
  into.copy_(torch::from_blob(values.data(), shape, torch::kFloat32));
}

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
  Run(const TrainingTask& task, const TrainerOptions& options) : task_(task), options_(options) {
    for (const auto& [name, value] : task.parameters) {
      auto zeros = torch::zeros_like(value).detach();
      slots_.push_back({name, value, zeros, zeros.clone(), value.detach().clone(), value.detach().clone()});
    }
  }

  fs::path checkpoint() const { return options_.folder / "checkpoint.safetensors"; }

  bool resume() {
    if (!fs::exists(checkpoint())) return false;
    const Safetensors file = read_safetensors(checkpoint());
    try {
      const auto state = nlohmann::json::parse(file.metadata.at("state"));
      if (state.at("version").get<int>() > kCheckpointVersion)
        throw Error(Category::newer_version, "resume", checkpoint().string() + ": made by a newer version");
      const auto mine = recipe(), theirs = state.at("recipe");
      for (const auto& [key, value] : mine.items())
        if (!theirs.contains(key) || theirs[key] != value)
          throw Error(Category::usage, "resume",
                      fmt::format("{}: the run there has {} {}, this one {}", options_.folder.string(), key,
                                  theirs.value(key, nlohmann::json()).dump(), value.dump()),
                      "give the same options, or another --run folder");
      step = state.at("step");
      stale = state.at("stale");
      sum = state.at("sum");
      since = state.at("since");
      report.best_step = state.at("best_step");
      report.best_validation = state.at("best_validation");
      report.first_loss = state.at("first_loss");
      report.losses = state.at("losses").get<decltype(report.losses)>();
      report.validations = state.at("validations").get<decltype(report.validations)>();
    } catch (const nlohmann::json::exception& e) {
      throw Error(Category::bad_input, "resume", checkpoint().string() + ": " + e.what());
    } catch (const std::out_of_range&) {
      throw Error(Category::bad_input, "resume", checkpoint().string() + ": holds no training state");
    }
    for (Slot& s : slots_) {
      load(file, "parameter/" + s.name, s.value);
      load(file, "first/" + s.name, s.first);
      load(file, "second/" + s.name, s.second);
      load(file, "average/" + s.name, s.average);
      load(file, "best/" + s.name, s.best);
    }
    return true;
  }

  void save() const {
    Safetensors file;
    for (const Slot& s : slots_) {
      store(file, "parameter/" + s.name, s.value);
      store(file, "first/" + s.name, s.first);
      store(file, "second/" + s.name, s.second);
      store(file, "average/" + s.name, s.average);
      store(file, "best/" + s.name, s.best);
    }
    file.metadata["state"] = nlohmann::json{
        {"version", kCheckpointVersion},
        {"recipe", recipe()},
        {"step", step},
        {"stale", stale},
        {"sum", sum},
        {"since", since},
        {"best_step", report.best_step},
        {"best_validation", report.best_validation},
        {"first_loss", report.first_loss},
        {"losses", report.losses},
        {"validations",
         report.validations}}.dump();
    write_safetensors(checkpoint(), file);
  }

  /// AdamW (Loshchilov and Hutter 2019) on the gradients in place; returns the global gradient norm before clipping.
  double update() {
    torch::NoGradGuard guard;
    double square = 0;
    for (const Slot& s : slots_)
      if (s.value.grad().defined()) square += s.value.grad().square().sum().item<double>();
    const double norm = std::sqrt(square);
    if (!std::isfinite(norm))
      throw Error(Category::bad_input, "train", fmt::format("step {}: the gradient is not finite", step),
                  "a lower learning rate may help");
    const double shrink = options_.clip > 0 && norm > options_.clip ? options_.clip / norm : 1.0;
    const double rate = learning_rate(options_, step);
    const double t = static_cast<double>(step + 1);
    const double c1 = 1 - std::pow(options_.beta1, t), c2 = 1 - std::pow(options_.beta2, t);
    // The average starts short-sighted and lengthens, so that it does not drag the random start along.
    const double decay = std::min(options_.ema, (1 + t) / (10 + t));
    for (Slot& s : slots_) {
      torch::Tensor grad = s.value.grad();
      if (!grad.defined()) continue;
      if (shrink != 1.0) grad.mul_(shrink);
      s.first.mul_(options_.beta1).add_(grad, 1 - options_.beta1);
      s.second.mul_(options_.beta2).addcmul_(grad, grad, 1 - options_.beta2);
      if (s.value.dim() > 1 && options_.weight_decay > 0) s.value.mul_(1 - rate * options_.weight_decay);
      s.value.addcdiv_(s.first, (s.second / c2).sqrt_().add_(1e-8), -rate / c1);
      if (options_.ema > 0) s.average.mul_(decay).add_(s.value, 1 - decay);
      grad.zero_();
    }
    return norm;
  }

  /// Validates with the averaged weights in place, then puts the trained ones back.
  double validate() {
    torch::NoGradGuard guard;
    std::vector<torch::Tensor> kept;
    for (Slot& s : slots_) {
      kept.push_back(s.value.detach().clone());
      if (options_.ema > 0) s.value.copy_(s.average);
    }
    const double loss = task_.validate();
    const bool better = report.validations.empty() || loss < report.best_validation;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (better) slots_[i].best.copy_(slots_[i].value);
      slots_[i].value.copy_(kept[i]);
    }
    stale = better ? 0 : stale + 1;
    if (better) report.best_validation = loss, report.best_step = step;
    report.validations.emplace_back(step, loss);
    return loss;
  }

  void restore_best() {
    torch::NoGradGuard guard;
    for (Slot& s : slots_) s.value.copy_(s.best);
  }

  std::int64_t step = 0;
  int stale = 0;
  double sum = 0;          ///< of the losses since the last entry of the curve
  std::int64_t since = 0;  ///< their number
  TrainingReport report;

 private:
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
  std::vector<Slot> slots_;
};

}  // namespace

TrainingReport run_training(const TrainingTask& task, const TrainerOptions& options) {
  using Clock = std::chrono::steady_clock;
  fs::create_directories(options.folder);
  Run run(task, options);
  if (run.resume()) spdlog::info("resuming at step {} of {}", run.step, options.steps);
  TensorboardWriter events(options.folder);
  std::ofstream metrics(options.folder / "metrics.jsonl", std::ios::app);
  Progress progress("train", static_cast<std::uint64_t>(options.steps), "steps");
  progress.advance(static_cast<std::uint64_t>(run.step));
  const auto start = Clock::now();
  auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  std::int64_t items = 0;
  double norm = 0;
  while (run.step < options.steps) {
    Random random = Random::stream(options.seed, static_cast<std::uint64_t>(run.step));
    const torch::Tensor loss = task.loss(random, items);
    loss.backward();
    const double value = loss.item<double>();
    norm = run.update();
    if (run.step == 0) run.report.first_loss = value;
    run.report.last_loss = value;
    run.sum += value;
    ++run.since;
    ++run.step;
    progress.advance();
    const bool out_of_time = options.seconds > 0 && elapsed() >= options.seconds;
    const bool last = run.step == options.steps || out_of_time || interrupted();
    if (run.step % 10 == 0 || last) {
      const double rate = static_cast<double>(items) / elapsed();
      const double mean = run.sum / static_cast<double>(run.since);
      run.report.losses.emplace_back(run.step, mean);
      events.scalar("loss/train", mean, run.step);
      events.scalar("gradient_norm", norm, run.step);
      events.scalar("learning_rate", learning_rate(options, run.step - 1), run.step);
      events.scalar(task.unit + "_per_second", rate, run.step);
      metrics << nlohmann::json{{"step", run.step},
                                {"loss", mean},
                                {"gradient_norm", norm},
                                {"learning_rate", learning_rate(options, run.step - 1)},
                                {task.unit + "_per_second", rate}}
                     .dump()
              << '\n'
              << std::flush;
      progress.note(fmt::format("loss {:.3f}, {:.0f} {}/s", mean, rate, task.unit));
      run.sum = 0;
      run.since = 0;
    }
    if (task.validate && !interrupted() && (run.step % options.evaluate_every == 0 || last)) {
      const double valid = run.validate();
      events.scalar("loss/valid", valid, run.step);
      metrics << nlohmann::json{{"step", run.step}, {"valid", valid}}.dump() << '\n' << std::flush;
      spdlog::info("step {}: validation loss {:.4f} (best {:.4f} at step {})", run.step, valid,
                   run.report.best_validation, run.report.best_step);
    }
    events.flush();
    // Asked once: a signal that comes after this line is met by the next step, after its checkpoint.
    const bool stop = interrupted();
    if (run.step % options.checkpoint_every == 0 || last || stop) run.save();
    if (stop) check_interrupt();
    if (out_of_time) break;
    if (options.patience > 0 && run.stale >= options.patience) {
      run.report.stopped_early = true;
      break;
    }
  }
  if (task.validate) run.restore_best();
  run.report.steps = run.step;
  run.report.seconds = elapsed();
  run.report.items_per_second = run.report.seconds > 0 ? static_cast<double>(items) / run.report.seconds : 0;
  return run.report;
}

}  // namespace euterpe
