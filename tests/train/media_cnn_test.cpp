#include "train/media_cnn.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "catalog/support.hpp"

namespace euterpe {
namespace {

constexpr int kBands = 16, kFrames = 32;

/// Noise; those of class 1 hold a blob around band 4, frame `at`.
void draw_blob(Random& random, std::span<float> chunk, bool blob, int at) {
  for (float& v : chunk) v = static_cast<float>(-40 + 3 * random.normal());
  if (!blob) return;
  for (int b = 3; b <= 5; ++b)
    for (int t = at - 2; t <= at + 2; ++t) chunk[static_cast<std::size_t>(b * kFrames + t)] += 25;
}

void draw(Random& random, int views, std::span<float> chunks, std::span<float> targets) {
  const bool blob = random.below(2) == 1;
  const std::size_t size = chunks.size() / static_cast<std::size_t>(views);
  for (std::size_t v = 0; v < static_cast<std::size_t>(views); ++v) {
    draw_blob(random, chunks.subspan(v * size, size), blob, 4 + static_cast<int>(random.below(24)));
    targets[3 * v] = blob ? 0.0f : 1.0f;
    targets[3 * v + 1] = blob ? 1.0f : 0.0f;
    targets[3 * v + 2] = std::numeric_limits<float>::quiet_NaN();
  }
}

CnnTraining tiny(const std::filesystem::path& run) {
  CnnTraining t;
  t.network.bands = kBands;
  t.network.frames = kFrames;
  t.network.widths = {6, 8};
  t.network.embedding = 8;
  t.heads = {{"blob", CnnHead::Kind::classes, 2, 1}, {"unknown", CnnHead::Kind::values, 1, 1}};
  t.draw = t.draw_valid = draw;
  t.run = run;
  t.batch = 8;
  t.steps = 4;
  t.contrastive = 0.1;
  t.validation_pieces = 16;
  t.evaluate_every = 1;
  return t;
}

class TrainCnn : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
};

TEST_F(TrainCnn, learns_what_tells_classes_apart) {
  CnnTraining t = tiny(folder / "run");
  t.steps = 100;
  t.learning_rate = 1e-2;
  t.evaluate_every = 50;
  t.mix = 0;
  t.masks = {0, 0, 0, 0};
  t.contrastive = 0;
  const CnnReport report = train_cnn(t);
  EXPECT_LT(report.validation_by_head[0].second, 0.2);
  EXPECT_EQ(report.validation_by_head[1].second, 0);  // targets that are not known cost nothing
}

TEST_F(TrainCnn, stopped_and_resumed_ends_with_the_same_weights) {
  const CnnTraining whole = tiny(folder / "whole");
  const auto expected = write_safetensors(train_cnn(whole).weights);
  CnnTraining parts = tiny(folder / "parts");
  parts.seconds = 1e-6;  // each call makes one step, writes a checkpoint and stops
  CnnReport report;
  for (int i = 1; i <= 4; ++i) {
    report = train_cnn(parts);
    EXPECT_EQ(report.steps, i);
  }
  EXPECT_EQ(write_safetensors(report.weights), expected);
  CnnTraining other = tiny(folder / "other");
  other.seed = 2;
  EXPECT_NE(write_safetensors(train_cnn(other).weights), expected);
}

TEST_F(TrainCnn, goes_on_from_trained_weights_and_refuses_another_recipe) {
  CnnTraining first = tiny(folder / "first");
  first.steps = 60;
  first.learning_rate = 1e-2;
  first.mix = 0;
  first.evaluate_every = 50;
  const CnnReport before = train_cnn(first);
  CnnTraining tuned = first;
  tuned.run = folder / "tuned";
  tuned.steps = 30;
  tuned.from = &before.weights;
  const CnnReport after = train_cnn(tuned);
  EXPECT_LT(after.validation_by_head[0].second, 0.3);
  first.batch = 6;
  EXPECT_THROW(train_cnn(first), Error);
}

}  // namespace
}  // namespace euterpe
