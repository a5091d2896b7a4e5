#include <torch/torch.h>

#include "train/adversarial_module.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <set>
#include <sstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "catalog/support.hpp"
#include "train/sample_health.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

torch::Tensor normal(Random& random, std::vector<std::int64_t> shape) {
  torch::Tensor out = torch::empty(shape);
  for (std::int64_t i = 0; i < out.numel(); ++i) out.data_ptr<float>()[i] = static_cast<float>(random.normal());
  return out;
}

/// A generator that moves a normal number, and a critic that is a line: real numbers have mean 3.
struct Duel {
  torch::Tensor shift, slope, seen;
  AdversarialTask task;
  std::int64_t calls = 0, kill_at = -1, poison_at = -1, samples = 0;
  double sampled = 0;

  Duel() {
    at::set_num_threads(1);
    shift = torch::zeros({1}).set_requires_grad(true);
    slope = torch::full({1, 1}, 0.1F).set_requires_grad(true);
    seen = torch::zeros({1});
    task.generator = {{"shift", shift}};
    task.discriminator = {{"slope", slope}};
    task.buffers = {{"seen", seen}};
    task.batch = 8;
    task.discriminator_loss = [this](Random& random, std::int64_t) {
      if (++calls == kill_at) ::kill(::getpid(), SIGKILL);
      const torch::Tensor real = normal(random, {8, 1}) + 3, fake = (normal(random, {8, 1}) + shift).detach();
      seen += real.sum();
      const torch::Tensor loss = (torch::mm(fake, slope) - torch::mm(real, slope)).mean() + slope.square().sum();
      return calls == poison_at ? loss * NAN : loss;
    };
    task.generator_loss = [this](Random& random, std::int64_t) {
      EXPECT_FALSE(slope.requires_grad());
      return -torch::mm(normal(random, {8, 1}) + shift, slope).mean();
    };
    task.sample = [this](std::int64_t) {
      ++samples;
      sampled = shift.item<double>();
      return SampleReport{{{"shift", sampled}}, {{"far", sampled > 0.5 ? "beyond a half" : ""}}};
    };
  }
};

class Adversarial : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  AdversarialOptions options(const std::string& run) const {
    AdversarialOptions o;
    o.folder = folder / run;
    o.steps = 20;
    o.learning_rate_g = o.learning_rate_d = 0.1;
    o.critics = 2;
    o.ema = 0.9;
    o.sample_every = 5;
    o.checkpoint_every = 5;
    return o;
  }
  std::vector<nlohmann::json> rows(const std::string& run) const {
    std::istringstream lines(read_text(folder / run / "metrics.jsonl"));
    std::vector<nlohmann::json> out;
    for (std::string line; std::getline(lines, line);) out.push_back(nlohmann::json::parse(line));
    return out;
  }
};

TEST_F(Adversarial, killed_and_resumed_repeats_the_uninterrupted_run_bit_for_bit) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Duel doomed;
    doomed.kill_at = 26;  // in the 13th step
    run_adversarial(doomed.task, options("killed"));
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

  Duel whole, resumed;
  const AdversarialReport expected = run_adversarial(whole.task, options("whole"));
  const AdversarialReport report = run_adversarial(resumed.task, options("killed"));
  EXPECT_EQ(resumed.calls, 20);  // from the checkpoint at step 10 on
  EXPECT_TRUE(torch::equal(resumed.shift, whole.shift));
  EXPECT_TRUE(torch::equal(resumed.slope, whole.slope));
  EXPECT_TRUE(torch::equal(resumed.seen, whole.seen));
  EXPECT_EQ(report.loss_d, expected.loss_d);
  EXPECT_EQ(report.samples.numbers, expected.samples.numbers);
  EXPECT_EQ(report.first_alarms, expected.first_alarms);
}

TEST_F(Adversarial, samples_are_of_the_averaged_weights_which_stay_at_the_end) {
  Duel duel;
  run_adversarial(duel.task, options("run"));
  EXPECT_EQ(duel.samples, 4);
  EXPECT_EQ(duel.shift.item<double>(), duel.sampled);
  Duel plain;
  auto o = options("plain");
  o.ema = 0;
  run_adversarial(plain.task, o);
  EXPECT_GT(plain.shift.item<double>(), duel.shift.item<double>());  // an average lags behind
}

TEST_F(Adversarial, writes_both_losses_and_norms_the_numbers_of_samples_and_the_first_step_of_an_alarm) {
  Duel duel;
  const AdversarialReport report = run_adversarial(duel.task, options("run"));
  int curve = 0, alarms = 0;
  for (const auto& row : rows("run")) {
    if (row.contains("loss_d")) {
      ++curve;
      EXPECT_TRUE(row.contains("loss_g") && row["gradient_norm_d"] > 0 && row["gradient_norm_g"] > 0) << row;
    } else {
      EXPECT_TRUE(row["samples"].contains("shift")) << row;
      alarms += row["alarms"].contains("far");
    }
  }
  EXPECT_EQ(curve, 2);
  ASSERT_TRUE(report.first_alarms.contains("far"));
  EXPECT_EQ(report.first_alarms.at("far") % 5, 0);
  EXPECT_EQ(alarms, 1 + (20 - report.first_alarms.at("far")) / 5);
  bool events = false;
  for (const auto& entry : fs::directory_iterator(folder / "run"))
    events |= entry.path().filename().string().find("tfevents") != std::string::npos && entry.file_size() > 100;
  EXPECT_TRUE(events);
}

TEST_F(Adversarial, refuses_a_run_of_other_options_and_a_gradient_that_is_no_number) {
  Duel first;
  run_adversarial(first.task, options("run"));
  auto other = options("run");
  other.critics = 1;
  Duel second;
  EXPECT_THROW(
      {
        try {
          run_adversarial(second.task, other);
        } catch (const Error& e) {
          EXPECT_EQ(e.category(), Category::usage);
          EXPECT_NE(std::string(e.what()).find("critics 2, this one 1"), std::string::npos) << e.what();
          throw;
        }
      },
      Error);
  Duel poisoned;
  poisoned.poison_at = 7;
  try {
    run_adversarial(poisoned.task, options("poisoned"));
    FAIL() << "was accepted";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("discriminator"), std::string::npos) << e.what();
  }
}

TEST_F(Adversarial, rates_fall_along_a_line) {
  Duel duel;
  auto o = options("run");
  o.final_rate = 0.5;
  run_adversarial(duel.task, o);
  for (const auto& row : rows("run")) {
    if (!row.contains("learning_rate_g")) continue;
    EXPECT_NEAR(row["learning_rate_g"].get<double>(), 0.1 * (1 - 0.5 * row["step"].get<double>() / 20), 1e-12);
  }
}

/// The alarms' names that are raised for these samples beside the same real ones.
std::set<std::string> raised(const std::vector<float>& generated, const std::vector<float>& real) {
  std::set<std::string> out;
  for (const auto& [name, what] : sample_health(generated, real, 64).alarms())
    if (!what.empty()) out.insert(name);
  return out;
}

TEST(SampleHealth, alarms_fire_on_collapse_and_on_empty_samples_and_not_on_healthy_ones) {
  Random random(1);
  auto draw = [&](double density) {
    std::vector<float> out(32 * 64);
    for (float& v : out) v = random.uniform() < density ? 1.0F : 0.0F;
    return out;
  };
  const std::vector<float> real = draw(0.2);
  EXPECT_EQ(raised(draw(0.2), real), std::set<std::string>{});
  EXPECT_EQ(raised(draw(0.25), real), std::set<std::string>{});
  std::vector<float> same;
  for (int i = 0; i < 32; ++i) same.insert(same.end(), real.begin(), real.begin() + 64);
  EXPECT_EQ(raised(same, real), std::set<std::string>{"mode collapse"});
  std::vector<float> two;  // half of the pairs alike is still healthy enough; nine of ten is not
  for (int i = 0; i < 32; ++i) {
    const auto from = real.begin() + (i % 16 == 0 ? 64 : 0);
    two.insert(two.end(), from, from + 64);
  }
  EXPECT_EQ(raised(two, real), std::set<std::string>{"mode collapse"});
  EXPECT_EQ(raised(std::vector<float>(32 * 64), real), (std::set<std::string>{"all zero", "density", "mode collapse"}));
  EXPECT_TRUE(raised(draw(0.8), real).contains("density"));
}

TEST(SampleHealth, distances_and_densities_are_those_counted_by_hand) {
  const std::vector<float> generated{1, 0, 0, 0, 1, 1, 0, 0}, real{0, 0, 0, 0, 1, 1, 1, 1};
  const SampleHealth h = sample_health(generated, real, 4);
  EXPECT_DOUBLE_EQ(h.empty, 0);
  EXPECT_DOUBLE_EQ(h.real_empty, 0.5);
  EXPECT_DOUBLE_EQ(h.density, 3 / 8.0);
  EXPECT_DOUBLE_EQ(h.distance, 0.25);
  EXPECT_DOUBLE_EQ(h.real_distance, 1);
  EXPECT_DOUBLE_EQ(h.distance_ratio(), 0.25);
}

}  // namespace
}  // namespace euterpe
