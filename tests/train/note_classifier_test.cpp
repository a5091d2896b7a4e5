#include "train/note_classifier.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "corpus/music.hpp"
#include "nn/note_encoder_module.hpp"

namespace euterpe {
namespace {

/// Toy task: half of the walks hold three notes far below all others, which is what the label says.
class NoteClassifiers : public ::testing::Test {
 protected:
  std::vector<std::vector<SequenceNote>> pieces;
  std::vector<std::vector<std::size_t>> planted;  // indices of the low notes
  std::vector<NoteExample> examples;
  FineTuning options;

  static NoteEncoder encoder() {
    const TransformerOptions shape{kNoteVocabulary, 32, 2, 2, 32, 64, 0.1};
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
      auto& low = planted.emplace_back();
      if (i % 2)
        for (const std::size_t at : {3 + i % 5, 11 + i % 7, 22 + i % 3}) {
          notes[at].pitch = 30;
          low.push_back(at);
        }
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

TEST_F(NoteClassifiers, learn_a_toy_task_and_saliency_points_at_the_planted_notes) {
  FineTuningReport report;
  const NoteEncoder start = encoder();
  const Safetensors weights = fine_tune(start, train(), valid(), options, &report);
  const NoteClassifier classifier(start, options.shape, weights);
  int right = 0, found = 0, all = 0;
  for (std::size_t i = 16; i < examples.size(); ++i) {
    const auto answer = classifier.piece(pieces[i]);
    ASSERT_EQ(answer.size(), 2u);
    EXPECT_NEAR(answer[0][0] + answer[0][1], 1, 1e-6);
    right += (answer[0][1] > 0.5) == (i % 2 == 1);
    if (i % 2 == 0) continue;
    EXPECT_GT(answer[1][0], 0);
    const auto weight = classifier.saliency(classifier.windows_of(pieces[i])[0], 0, 1);
    ASSERT_EQ(weight.size(), pieces[i].size());
    std::vector<std::size_t> order(weight.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return weight[a] > weight[b]; });
    for (std::size_t k = 0; k < planted[i].size(); ++k)
      found += std::find(planted[i].begin(), planted[i].end(), order[k]) != planted[i].end();
    all += static_cast<int>(planted[i].size());
  }
  EXPECT_GE(right, 7) << "of 8";
  EXPECT_GE(found * 10, all * 7) << found << " of " << all;
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
    EXPECT_EQ(classifier.saliency(classifier.windows_of(notes)[0], 0, 0).size(), notes.size());
  }
  EXPECT_THROW(fine_tune(start, {}, {}, options), Error);
}

}  // namespace
}  // namespace euterpe
