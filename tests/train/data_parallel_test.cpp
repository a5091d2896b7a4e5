#include <torch/torch.h>

#include "train/data_parallel.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "nn/transformer_module.hpp"
#include "train/trainer.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

constexpr int kBatch = 4, kTime = 24, kVocabulary = 17;

/// A tiny Transformer that learns to count, with dropout, sequences of unequal length and a stressed head. \param
/// patience above 0: nothing that it learns is found better
TrainingReport count(const fs::path& folder, std::int64_t die_at, int patience = 0) {
  at::set_num_threads(1);
  torch::manual_seed(processes().first() ? 3 : 4);  // only the first process's start counts
  TransformerModule network(TransformerOptions{kVocabulary, 32, 2, 2, 32, kTime, false, 0.1});
  auto loss = [&](const std::vector<std::vector<std::int64_t>>& rows, Random* random, std::int64_t first,
                  const StressedHead& head = {}) {
    torch::Tensor tokens = torch::zeros({static_cast<std::int64_t>(rows.size()), kTime}, torch::kInt64);
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::copy(rows[i].begin(), rows[i].end(), tokens.data_ptr<std::int64_t>() + static_cast<std::int64_t>(i) * kTime);
    return network->loss(tokens, 0, random, first, {}, head);
  };
  auto draw = [](Random& random) {
    std::vector<std::int64_t> row(3 + random.below(kTime - 3));
    const std::uint64_t start = random.below(16), stride = 1 + random.below(3);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = 1 + static_cast<std::int64_t>((start + i * stride) % 16);
    return row;
  };
  TrainingTask task;
  for (auto& p : network->named_parameters()) task.parameters.emplace_back(p.key(), p.value());
  task.shared = true;
  std::int64_t calls = 0;
  task.loss = [&](Random& random, std::int64_t& items) {
    if (++calls == die_at) ::kill(::getpid(), SIGKILL);
    const auto [begin, end] = processes().share(kBatch);
    std::vector<std::vector<std::int64_t>> rows;
    for (int i = 0; i < kBatch; ++i) {
      auto row = draw(random);
      if (i < begin || i >= end) continue;
      items += static_cast<std::int64_t>(row.size()) - 1;
      rows.push_back(std::move(row));
    }
    return loss(rows, &random, begin, {4, 10});
  };
  task.validate = [&] {
    if (patience > 0) return 1.0;
    torch::NoGradGuard guard;
    Random fixed(8);
    return loss({draw(fixed), draw(fixed)}, nullptr, 0).item<double>();
  };
  TrainerOptions options;
  options.folder = folder;
  options.steps = 40;
  options.warmup = 5;
  options.learning_rate = 0.01;
  options.evaluate_every = 20;
  options.checkpoint_every = 20;
  if (patience > 0) options.evaluate_every = options.checkpoint_every = 5;
  options.patience = patience;
  return run_training(task, options);
}

/// What one of two processes does: the test starts this program anew, since libtorch's threads do not survive a fork.
TEST(OneOfTwo, DISABLED_process) {
  const fs::path folder = std::getenv("EUTERPE_TEST_FOLDER");
  const std::string rank = std::getenv("RANK");
  nlohmann::json out;
  try {
    const TrainingReport report =
        count(folder / ("run" + rank), std::stoll(std::getenv(("EUTERPE_TEST_DIES_" + rank).c_str())),
              std::stoi(std::getenv("EUTERPE_TEST_PATIENCE")));
    out = {{"steps", report.steps},
           {"best_step", report.best_step},
           {"losses", report.losses},
           {"validations", report.validations},
           {"first", report.first_loss}};
  } catch (const Error& e) {
    out = {{"error", e.what()}};
  }
  write_file(folder / ("report" + rank), out.dump());
}

class DataParallel : public ::testing::Test {
 protected:
  TemporaryFolder folder;

  static int free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
  }
  /// Exit status of both; process 1 dies at its call `dies`.
  std::pair<int, int> two(int dies = -1, int patience = 0) {
    const std::string port = std::to_string(free_port());
    pid_t children[2];
    for (int rank = 0; rank < 2; ++rank) {
      children[rank] = ::fork();
      if (children[rank] == 0) {
        ::setenv("RANK", std::to_string(rank).c_str(), 1);
        ::setenv("WORLD_SIZE", "2", 1);
        ::setenv("MASTER_ADDR", "127.0.0.1", 1);
        ::setenv("MASTER_PORT", port.c_str(), 1);
        ::setenv("EUTERPE_TEST_FOLDER", folder.path().c_str(), 1);
        ::setenv("EUTERPE_TEST_DIES_0", "-1", 1);
        ::setenv("EUTERPE_TEST_PATIENCE", std::to_string(patience).c_str(), 1);
        ::setenv("EUTERPE_TEST_DIES_1", std::to_string(dies).c_str(), 1);
        ::execl("/proc/self/exe", "train_test", "--gtest_also_run_disabled_tests",
                "--gtest_filter=OneOfTwo.DISABLED_process", nullptr);
        ::_exit(127);
      }
    }
    std::pair<int, int> status;
    ::waitpid(children[0], &status.first, 0);
    ::waitpid(children[1], &status.second, 0);
    return status;
  }
  nlohmann::json report(int rank) const {
    return nlohmann::json::parse(read_text(folder / ("report" + std::to_string(rank))));
  }
  static bool unsupported(const nlohmann::json& report) {
    return report.contains("error") && report["error"].get<std::string>().find("gloo's headers") != std::string::npos;
  }
};

TEST_F(DataParallel, two_processes_draw_the_curve_of_one) {
  ASSERT_EQ(two(), (std::pair{0, 0}));
  const auto first = report(0), second = report(1);
  if (unsupported(first)) GTEST_SKIP() << "built without gloo's headers";
  ASSERT_FALSE(first.contains("error")) << first;
  const TrainingReport whole = count(folder / "whole", -1);
  const auto losses = first["losses"].get<decltype(whole.losses)>();
  ASSERT_EQ(losses.size(), whole.losses.size());
  for (std::size_t i = 0; i < losses.size(); ++i) {
    EXPECT_EQ(losses[i].first, whole.losses[i].first);
    EXPECT_NEAR(losses[i].second, whole.losses[i].second, 1e-3);
  }
  EXPECT_LT(whole.losses.back().second, 0.8 * whole.first_loss);  // a curve, not a line
  const auto validations = first["validations"].get<decltype(whole.validations)>();
  ASSERT_EQ(validations.size(), 2u);
  EXPECT_NEAR(validations[1].second, whole.validations[1].second, 1e-3);
  EXPECT_EQ(first["losses"], second["losses"]);  // all processes tell the same
  EXPECT_EQ(first["validations"], second["validations"]);
  EXPECT_TRUE(fs::exists(folder / "run0/metrics.jsonl"));
  EXPECT_TRUE(fs::exists(folder / "run0/checkpoint.safetensors"));
  EXPECT_FALSE(fs::exists(folder / "run1"));  // only the first process writes
}

TEST_F(DataParallel, a_process_that_dies_ends_the_other_which_resumes_on_the_same_curve) {
  const auto [survivor, dead] = two(27);
  EXPECT_TRUE(WIFSIGNALED(dead));
  ASSERT_EQ(survivor, 0);
  if (unsupported(report(0))) GTEST_SKIP() << "built without gloo's headers";
  const std::string error = report(0).value("error", "");
  EXPECT_NE(error.find("process 0 of 2 cannot reach the others"), std::string::npos) << error;
  EXPECT_NE(error.find("has ended"), std::string::npos) << error;
  ASSERT_EQ(two(), (std::pair{0, 0}));  // from the checkpoint at step 20 on
  const TrainingReport whole = count(folder / "whole", -1);
  const auto losses = report(0)["losses"].get<decltype(whole.losses)>();
  ASSERT_EQ(losses.size(), whole.losses.size());
  for (std::size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(losses[i].second, whole.losses[i].second, 1e-3);
}

TEST_F(DataParallel, resumed_processes_lose_patience_together) {
  const auto dead = two(13, 3).second;  // after validations at the steps 5 and 10
  EXPECT_TRUE(WIFSIGNALED(dead));
  if (unsupported(report(0))) GTEST_SKIP() << "built without gloo's headers";
  ASSERT_EQ(two(-1, 3), (std::pair{0, 0}));
  for (const int rank : {0, 1}) {
    ASSERT_FALSE(report(rank).contains("error")) << rank << report(rank);
    EXPECT_EQ(report(rank)["steps"], 20) << rank;  // three validations no better than that at step 5
    EXPECT_EQ(report(rank)["best_step"], 5) << rank;
  }
}

TEST(Processes, share_everything_and_say_what_is_missing) {
  auto with = [](const std::map<std::string, std::string>& variables) {
    for (const char* name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT"}) ::unsetenv(name);
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
    const Processes out;
    return std::tuple{out.rank(), out.size(), out.local_rank(), out.share(10)};
  };
  using Share = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(with({}), (std::tuple{0, 1, 0, Share{0, 10}}));
  EXPECT_EQ(with({{"WORLD_SIZE", "3"}, {"RANK", "0"}, {"MASTER_PORT", "1"}}), (std::tuple{0, 3, 0, Share{0, 3}}));
  EXPECT_EQ(with({{"WORLD_SIZE", "3"}, {"RANK", "2"}, {"LOCAL_RANK", "1"}, {"MASTER_PORT", "1"}}),
            (std::tuple{2, 3, 1, Share{6, 10}}));
  auto refusal = [&](const std::map<std::string, std::string>& variables) -> std::string {
    try {
      with(variables);
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::usage);
      return e.detail();
    }
    return "accepted";
  };
  EXPECT_NE(refusal({{"WORLD_SIZE", "2"}}).find("RANK"), std::string::npos);
  EXPECT_NE(refusal({{"WORLD_SIZE", "2"}, {"RANK", "2"}}).find("0 to 1"), std::string::npos);
  EXPECT_NE(refusal({{"WORLD_SIZE", "two"}}).find("two"), std::string::npos);
  EXPECT_NE(refusal({{"WORLD_SIZE", "2"}, {"RANK", "1"}}).find("MASTER_PORT"), std::string::npos);
  with({});
}

}  // namespace
}  // namespace euterpe
