#include "train/note_classifier.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <torch/torch.h>

#include <cmath>
#include <filesystem>
#include <mutex>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/temporary_folder.hpp"
#include "corpus/music.hpp"
#include "nn/note_encoder_module.hpp"

namespace euterpe {
namespace {

/// Keeps the checkpoint as it lies there when the third epoch has been learned and not yet been written: as if the
/// process had been killed then.
class KilledInTheThirdEpoch : public spdlog::sinks::base_sink<std::mutex> {
 public:
  KilledInTheThirdEpoch(std::filesystem::path from, std::filesystem::path to)
      : from_(std::move(from)), to_(std::move(to)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string text(message.payload.data(), message.payload.size());
    if (text.find("epoch 3 of") != std::string::npos) std::filesystem::copy(from_, to_);
  }
  void flush_() override {}

 private:
  std::filesystem::path from_, to_;
};

/// Toy task: half of the walks hold three notes far below all others, which is what the label says.
class NoteClassifiers : public ::testing::Test {
 protected:
  std::vector<std::vector<SequenceNote>> pieces;
  std::vector<NoteExample> examples;
  FineTuning options;

  static NoteEncoder encoder() {
    const TransformerOptions shape{kNoteVocabulary, 32, 2, 2, 32, 64};
    torch::manual_seed(5);
    NoteEncoderModule network(shape);
    Safetensors file;
    put_parameters(*network, file);
    return {shape, file};
  }

  void SetUp() override {
    set_threads(1);
    for (std::uint64_t i = 0; i < 24; ++i) {
      auto notes = note_sequence(test::walk(i, 4));
      if (i % 2)
        for (const std::size_t at : {3 + i % 5, 11 + i % 7, 22 + i % 3}) notes[at].pitch = 30;
      pieces.push_back(std::move(notes));
    }
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const int label = static_cast<int>(i % 2);
      examples.push_back({pieces[i], {one_hot(label, 2), {label ? 1.0f : -1.0f}}, 1});
    }
    options.shape.heads = {{"low", 2, true}, {"amount", 1, false}};
    options.shape.trained_layers = 2;
    options.shape.window = 64;
    options.epochs = 25;
    options.patience = 0;
    options.notes = 256;
    options.learning_rate = 1e-2;
    options.layer_rate = 1;
    options.semitones = 0;
    options.drop_notes = 0.02;
    options.ema = 0.9;
  }
  std::span<const NoteExample> train() const { return std::span(examples).subspan(0, 16); }
  std::span<const NoteExample> valid() const { return std::span(examples).subspan(16); }
};

TEST_F(NoteClassifiers, learn_a_toy_task) {
  FineTuningReport report;
  const NoteEncoder start = encoder();
  const Safetensors weights = fine_tune(start, train(), valid(), options, &report);
  const NoteClassifier classifier(start, options.shape, weights);
  int right = 0;
  for (std::size_t i = 16; i < examples.size(); ++i) {
    const auto answer = classifier.piece(pieces[i]);
    ASSERT_EQ(answer.size(), 2u);
    EXPECT_NEAR(answer[0][0] + answer[0][1], 1, 1e-6);
    right += (answer[0][1] > 0.5) == (i % 2 == 1);
    if (i % 2 == 0) continue;
    EXPECT_GT(answer[1][0], 0);
  }
  EXPECT_GE(right, 7) << "of 8";
  EXPECT_LT(report.train_losses.back(), 0.7 * report.train_losses.front());
}

TEST_F(NoteClassifiers, the_same_seed_gives_the_same_weights_and_another_seed_others) {
  options.epochs = 2;
  const NoteEncoder start = encoder();
  const auto first = write_safetensors(fine_tune(start, train(), valid(), options));
  EXPECT_EQ(write_safetensors(fine_tune(start, train(), valid(), options)), first);
  options.seed = 2;
  EXPECT_NE(write_safetensors(fine_tune(start, train(), valid(), options)), first);
}

TEST_F(NoteClassifiers, killed_and_resumed_they_end_with_the_same_weights) {
  options.epochs = 5;
  const NoteEncoder start = encoder();
  const auto expected = write_safetensors(fine_tune(start, train(), valid(), options));
  const TemporaryFolder folder;
  options.run = folder / "whole";
  const auto level = spdlog::get_level();
  spdlog::set_level(spdlog::level::info);
  auto& sinks = spdlog::default_logger()->sinks();
  sinks.push_back(std::make_shared<KilledInTheThirdEpoch>(folder / "whole", folder / "parts"));
  EXPECT_EQ(write_safetensors(fine_tune(start, train(), valid(), options)), expected);
  sinks.pop_back();
  spdlog::set_level(level);
  ASSERT_TRUE(std::filesystem::exists(folder / "parts" / "checkpoint.safetensors"));

  options.run = folder / "parts";
  FineTuningReport report;
  EXPECT_EQ(write_safetensors(fine_tune(start, train(), valid(), options, &report)), expected);
  EXPECT_EQ(report.epochs, 5);
  EXPECT_EQ(report.train_losses.size(), 5u);
  options.learning_rate *= 2;
  EXPECT_THROW(fine_tune(start, train(), valid(), options), Error) << "another recipe";
}

TEST_F(NoteClassifiers, lower_blocks_stay_with_the_encoder) {
  options.epochs = 1;
  options.shape.trained_layers = 1;
  const NoteEncoder start = encoder();
  const Safetensors weights = fine_tune(start, train(), {}, options);
  EXPECT_TRUE(weights.has("encoder.block1.qkv"));
  EXPECT_FALSE(weights.has("encoder.block0.qkv"));
  EXPECT_FALSE(weights.has("encoder.embedding"));
  Safetensors prefixed;
  for (const auto& [name, tensor] : weights.tensors) prefixed.tensors["a." + name] = tensor;
  const auto shape = note_classifier_shape(to_json(options.shape));  // as a card holds it
  const NoteClassifier read(start, shape, prefixed, "a."), direct(start, options.shape, weights);
  EXPECT_EQ(read.piece(pieces[0]), direct.piece(pieces[0]));
  Safetensors again;
  read.put(again, "a.");
  EXPECT_EQ(write_safetensors(again), write_safetensors(prefixed));
  EXPECT_THROW(NoteClassifier(start, shape, weights, "b."), Error);
}

TEST_F(NoteClassifiers, unlabeled_heads_count_nothing) {
  options.epochs = 2;
  for (NoteExample& e : examples) e.targets[1].clear();
  FineTuningReport report;
  fine_tune(encoder(), train(), valid(), options, &report);
  EXPECT_EQ(report.valid_by_head[1], 0);
  EXPECT_GT(report.valid_by_head[0], 0);
}

TEST_F(NoteClassifiers, answer_for_one_note_and_drums_alone_and_refuse_none) {
  options.epochs = 1;
  const NoteEncoder start = encoder();
  const NoteClassifier classifier(start, options.shape, fine_tune(start, train(), {}, options));
  EXPECT_THROW(classifier.piece({}), Error);
  const std::vector<SequenceNote> one(pieces[0].begin(), pieces[0].begin() + 1);
  std::vector<SequenceNote> drums = pieces[1];
  for (auto& note : drums) note.program = kDrumFamily;
  for (const auto& notes : {one, drums}) {
    const auto answer = classifier.piece(notes);
    EXPECT_TRUE(std::isfinite(answer[1][0]));
    EXPECT_NEAR(answer[0][0] + answer[0][1], 1, 1e-6);
  }
  EXPECT_THROW(fine_tune(start, {}, {}, options), Error);
}

}  // namespace
}  // namespace euterpe
