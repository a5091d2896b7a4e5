#include "train/sasrec.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"
#include "base/temporary_folder.hpp"

namespace euterpe {
namespace {

constexpr int kItems = 40;

/// Listeners who go round in steps of 3, or of 7, from anywhere: which of the two only the history says.
std::vector<std::vector<int>> rounds(std::size_t listeners) {
  std::vector<std::vector<int>> out;
  Random random(5);
  for (std::size_t l = 0; l < listeners; ++l) {
    const int stride = l % 2 ? 3 : 7;
    int item = static_cast<int>(random.below(kItems));
    out.emplace_back();
    for (std::size_t i = 0; i < 3 + l % 9; ++i, item = (item + stride) % kItems) out.back().push_back(item);
  }
  return out;
}

SasRecTraining small(const TemporaryFolder& folder, const std::string& name) {
  SasRecTraining t;
  t.network = {.d_model = 32, .layers = 1, .heads = 2, .ff = 32, .context = 8, .dropout = 0.1};
  t.run = folder / name;
  t.epochs = 200;
  t.batch = 16;
  t.learning_rate = 1e-2;
  t.negatives = 20;
  t.ema = 0.9;
  return t;
}

int best(const SasRec& model, const std::vector<int>& history) {
  const std::span<const int> one = history;
  const std::vector<float> user = model.encode(std::span(&one, 1));
  std::vector<float> scores;
  for (std::size_t i = 0; i < kItems; ++i) {
    float sum = 0;
    for (std::size_t k = 0; k < user.size(); ++k) sum += user[k] * model.item_vectors()[i * user.size() + k];
    scores.push_back(sum);
  }
  return static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

class TrainSasRec : public ::testing::TestWithParam<const char*> {
 protected:
  TemporaryFolder folder;
  void SetUp() override { set_threads(1); }
};
INSTANTIATE_TEST_SUITE_P(Losses, TrainSasRec, ::testing::Values("softmax", "sampled", "bce", "gbce"));

TEST_P(TrainSasRec, learns_from_the_history_what_the_last_item_alone_does_not_say) {
  const auto histories = rounds(120);
  SasRecTraining t = small(folder, "run");
  t.loss = GetParam();
  const SasRecReport report = train_sasrec(histories, kItems, t);
  const SasRec model(report.network, report.weights);
  int right = 0;
  for (int start = 0; start < kItems; ++start)
    for (const int stride : {3, 7}) {
      const std::vector<int> history{start, (start + stride) % kItems, (start + 2 * stride) % kItems};
      right += best(model, history) == (start + 3 * stride) % kItems;
    }
  EXPECT_GE(right, 72) << "of 80";
}

class SasRecTrained : public TrainSasRec {};
INSTANTIATE_TEST_SUITE_P(Once, SasRecTrained, ::testing::Values("softmax"));

TEST_P(SasRecTrained, reads_a_history_alike_alone_and_beside_others_and_its_latest_items_only) {
  SasRecTraining t = small(folder, "run");
  t.epochs = 2;
  const SasRecReport report = train_sasrec(rounds(40), kItems, t);
  const SasRec model(report.network, report.weights);
  const std::vector<int> a{1, 4, 7}, b{2, 9, 16, 23, 30, 37, 4}, none, longer{30, 31, 5, 2, 9, 16, 23, 30, 37, 4, 11},
      latest(longer.end() - 8, longer.end()), strange{-1, 1, 99, 4, 7};
  const std::span<const int> all[] = {a, none, b, longer, latest, strange};
  const auto together = model.encode(all);
  const auto of = [&](std::size_t i) {
    return std::vector<float>(together.begin() + 32 * i, together.begin() + 32 * (i + 1));
  };
  for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {
    const auto alone = model.encode(std::span(all).subspan(i, 1)), beside = of(i);
    for (std::size_t k = 0; k < alone.size(); ++k) EXPECT_NEAR(alone[k], beside[k], 1e-5) << i;
  }
  EXPECT_EQ(of(1), std::vector<float>(32, 0.0f));
  for (std::size_t k = 0; k < 32; ++k) {
    EXPECT_NEAR(of(3)[k], of(4)[k], 1e-5) << "no more than its context";
    EXPECT_NEAR(of(5)[k], of(0)[k], 1e-5) << "what is no item is passed over";
  }
}

TEST_P(SasRecTrained, broken_off_and_resumed_it_ends_in_the_same_weights) {
  const auto histories = rounds(40);
  const auto length = [](const SasRec& model) {
    const std::vector<int> history{1, 4, 7};
    const std::span<const int> one = history;
    double sum = 0;
    for (const float v : model.encode(std::span(&one, 1))) sum += std::abs(v);
    return sum;
  };
  SasRecTraining t = small(folder, "whole");
  t.epochs = 6;
  t.evaluate_every = 1;
  t.checkpoint_every = 2;
  const auto whole = write_safetensors(train_sasrec(histories, kItems, t, length).weights);
  t.run = folder / "parts";
  int validations = 0;
  const auto failing = [&](const SasRec& model) {
    if (++validations == 4) throw Error(Category::io, "test", "as if the power went");
    return length(model);
  };
  EXPECT_THROW(train_sasrec(histories, kItems, t, failing), Error);
  int further = 0;
  const auto counting = [&](const SasRec& model) { return ++further, length(model); };
  EXPECT_EQ(write_safetensors(train_sasrec(histories, kItems, t, counting).weights), whole);
  EXPECT_LT(further, 6) << "it began anew";
}

TEST_P(SasRecTrained, refuses_what_makes_no_training) {
  const auto refused = [&](const std::function<void(SasRecTraining&)>& change, Category category) {
    SasRecTraining t = small(folder, "none");
    change(t);
    try {
      train_sasrec(rounds(10), kItems, t);
      ADD_FAILURE();
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), category) << e.detail();
    }
  };
  refused([](auto& t) { t.loss = "hope"; }, Category::usage);
  refused([](auto& t) { t.batch = 0; }, Category::usage);
  refused([](auto& t) { t.network.heads = 3; }, Category::bad_input);
  EXPECT_THROW(train_sasrec(std::vector<std::vector<int>>{{1}, {}}, kItems, small(folder, "none")), Error);
}

}  // namespace
}  // namespace euterpe
