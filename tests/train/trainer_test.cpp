#include <torch/torch.h>

#include "train/trainer.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <map>
#include <sstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "catalog/support.hpp"
#include "nn/safetensors.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

/// A line fitted to noisy batches: every step's batch comes from the Random alone, as in real tasks.
struct Fit {
  torch::Tensor matrix, offset;
  TrainingTask task;
  std::int64_t calls = 0;
  std::int64_t kill_at = -1, poison_at = -1;  ///< call at which the process dies, or the gradient becomes NaN

  Fit() {
    at::set_num_threads(1);
    torch::manual_seed(1);
    matrix = torch::randn({4, 3}).set_requires_grad(true);
    offset = torch::zeros({3}).set_requires_grad(true);
    task.parameters = {{"matrix", matrix}, {"offset", offset}};
    task.unit = "examples";
    task.loss = [this](Random& random, std::int64_t& items) {
      if (++calls == kill_at) ::kill(::getpid(), SIGKILL);
      const auto [x, y] = batch(random);
      items += x.size(0);
      auto loss = error(x, y);
      return calls == poison_at ? loss * NAN : loss;
    };
    task.validate = [this] {
      Random fixed(99);
      const auto [x, y] = batch(fixed);
      return error(x, y).item<double>();
    };
  }
  static std::pair<torch::Tensor, torch::Tensor> batch(Random& random) {
    torch::Tensor x = torch::empty({16, 4}), y = torch::empty({16, 3});
    for (int i = 0; i < 16; ++i) {
      double sum = 0;
      for (int j = 0; j < 4; ++j) {
        const double v = random.normal();
        x[i][j] = v;
        sum += v * (j + 1);
      }
      for (int j = 0; j < 3; ++j) y[i][j] = sum * (j - 1) + 0.5 + 0.1 * random.normal();
    }
    return {x, y};
  }
  torch::Tensor error(const torch::Tensor& x, const torch::Tensor& y) const {
    return (torch::matmul(x, matrix) + offset - y).square().mean();
  }
};

class Trainer : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  TrainerOptions options(const std::string& run) const {
    TrainerOptions o;
    o.folder = folder / run;
    o.steps = 20;
    o.warmup = 3;
    o.learning_rate = 0.1;
    o.ema = 0.9;
    o.evaluate_every = 4;
    o.checkpoint_every = 5;
    return o;
  }
  static std::string refusal(Fit& fit, const TrainerOptions& o, Category category) {
    try {
      run_training(fit.task, o);
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), category) << e.what();
      return e.what();
    }
    ADD_FAILURE() << "was accepted";
    return {};
  }
};

TEST_F(Trainer, killed_and_resumed_repeats_the_uninterrupted_run_bit_for_bit) {
  // Forked before libtorch has any thread of its own here.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Fit doomed;
    doomed.kill_at = 14;
    run_training(doomed.task, options("killed"));
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

  Fit whole;
  const TrainingReport expected = run_training(whole.task, options("whole"));
  Fit resumed;
  const TrainingReport report = run_training(resumed.task, options("killed"));
  EXPECT_EQ(resumed.calls, 10);  // from the checkpoint at step 10 on
  EXPECT_TRUE(torch::equal(resumed.matrix, whole.matrix));
  EXPECT_TRUE(torch::equal(resumed.offset, whole.offset));
  EXPECT_EQ(report.losses, expected.losses);
  EXPECT_EQ(report.validations, expected.validations);
  EXPECT_EQ(report.first_loss, expected.first_loss);
  EXPECT_EQ(report.best_step, expected.best_step);
}

TEST_F(Trainer, resumed_between_two_points_of_the_curve_draws_the_same_curve) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Fit doomed;
    doomed.kill_at = 17;
    run_training(doomed.task, options("killed"));
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  Fit whole, resumed;
  const auto expected = run_training(whole.task, options("whole"));
  const auto report = run_training(resumed.task, options("killed"));
  EXPECT_EQ(resumed.calls, 5);
  EXPECT_EQ(report.losses, expected.losses);
}

TEST_F(Trainer, refuses_to_resume_with_other_options_and_says_which) {
  Fit first;
  run_training(first.task, options("run"));
  auto other = options("run");
  other.seed = 2;
  EXPECT_NE(refusal(first, other, Category::usage).find("seed 1"), std::string::npos);
  other = options("run");
  other.steps = 40;
  EXPECT_NE(refusal(first, other, Category::usage).find("steps 20, this one 40"), std::string::npos);
  other = options("run");
  other.learning_rate = 0.2;
  EXPECT_NE(refusal(first, other, Category::usage).find("learning_rate"), std::string::npos);
  Fit fit;
  fit.task.recipe = {{"batch", 32}};
  EXPECT_NE(refusal(fit, options("run"), Category::usage).find("batch"), std::string::npos);
  Fit larger;
  larger.task.parameters[0].second = torch::zeros({5, 3}).set_requires_grad(true);
  EXPECT_NE(refusal(larger, options("run"), Category::bad_input).find("matrix"), std::string::npos);
  // What does not change the weights may change.
  other = options("run");
  other.checkpoint_every = 7;
  EXPECT_NO_THROW(run_training(first.task, other));
}

TEST_F(Trainer, refuses_a_checkpoint_that_is_cut_short_or_holds_no_state) {
  Fit fit;
  run_training(fit.task, options("run"));
  const fs::path path = folder / "run/checkpoint.safetensors";
  const auto bytes = read_file(path);
  write_file(path, std::span(bytes).first(bytes.size() / 2));
  EXPECT_NE(refusal(fit, options("run"), Category::bad_input).find("checkpoint.safetensors"), std::string::npos);
  write_file(path, std::span(bytes).first(0));
  refusal(fit, options("run"), Category::bad_input);
  write_safetensors(path, Safetensors{});
  EXPECT_NE(refusal(fit, options("run"), Category::bad_input).find("state"), std::string::npos);
}

TEST_F(Trainer, stops_at_a_gradient_that_is_not_finite_and_keeps_the_last_good_checkpoint) {
  Fit fit;
  fit.poison_at = 8;
  EXPECT_NE(refusal(fit, options("run"), Category::bad_input).find("step 7"), std::string::npos);
  Fit again;
  run_training(again.task, options("run"));
  EXPECT_EQ(again.calls, 15);
}

TEST_F(Trainer, leaves_the_best_averaged_weights_in_place) {
  auto o = options("run");
  o.steps = 200;
  o.evaluate_every = 20;
  Fit fit;
  const double before = fit.task.validate();
  const TrainingReport report = run_training(fit.task, o);
  EXPECT_LT(report.best_validation, 0.05 * before);
  EXPECT_EQ(fit.task.validate(), report.best_validation);
  double best = INFINITY;
  for (const auto& [step, loss] : report.validations) best = std::min(best, loss);
  EXPECT_EQ(best, report.best_validation);
}

TEST_F(Trainer, stops_early_when_validation_does_not_improve) {
  auto o = options("run");
  o.steps = 100;
  o.patience = 3;
  Fit fit;
  int validations = 0;
  fit.task.validate = [&] { return ++validations <= 2 ? 2.0 - validations : 5.0; };
  const TrainingReport report = run_training(fit.task, o);
  EXPECT_TRUE(report.stopped_early);
  EXPECT_EQ(report.steps, 20);  // five validations, four steps apart
  EXPECT_EQ(report.best_step, 8);
}

TEST_F(Trainer, writes_the_curve_as_json_lines_and_for_tensorboard) {
  Fit fit;
  run_training(fit.task, options("run"));
  std::istringstream lines(read_text(folder / "run/metrics.jsonl"));
  int losses = 0, validations = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    losses += row.contains("loss");
    validations += row.contains("valid");
  }
  EXPECT_EQ(losses, 2);
  EXPECT_EQ(validations, 5);
  bool events = false;
  for (const auto& entry : fs::directory_iterator(folder / "run"))
    events |= entry.path().filename().string().find("tfevents") != std::string::npos && entry.file_size() > 100;
  EXPECT_TRUE(events);
}

TEST_F(Trainer, warms_up_and_then_anneals_along_a_cosine) {
  auto o = options("run");
  o.steps = 40;
  o.warmup = 10;
  Fit fit;
  run_training(fit.task, o);
  std::istringstream lines(read_text(folder / "run/metrics.jsonl"));
  std::map<int, double> rate;
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    if (row.contains("learning_rate")) rate[row["step"]] = row["learning_rate"];
  }
  EXPECT_DOUBLE_EQ(rate.at(10), 0.1);
  auto cosine = [](double x) { return 0.005 + 0.095 * 0.5 * (1 + std::cos(M_PI * x)); };
  EXPECT_NEAR(rate.at(20), cosine(9.0 / 30), 1e-12);
  EXPECT_NEAR(rate.at(40), cosine(29.0 / 30), 1e-12);
}

}  // namespace
}  // namespace euterpe
