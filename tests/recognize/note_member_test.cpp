#include "recognize/note_member.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "catalog/support.hpp"
#include "corpus/music.hpp"
#include "train/note_encoder.hpp"

namespace euterpe {
namespace {

/// Walks in major against the same walks an octave and more below: what the label says.
class NoteMembers : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  std::vector<std::vector<SequenceNote>> pieces;
  std::vector<NoteMemberExample> examples;
  std::vector<std::size_t> train, valid;
  NoteMemberOptions options;

  void SetUp() override {
    set_threads(1);
    for (std::uint64_t i = 0; i < 20; ++i) pieces.push_back(note_sequence(test::walk(i, 4, i % 2 ? 40 : 62)));
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      examples.push_back({pieces[i], static_cast<int>(i % 2)});
      (i < 14 ? train : valid).push_back(i);
    }
    options.epochs = 120;
    options.window = 64;
    options.learning_rate = 1e-2;
    options.semitones = 1;
  }
  NoteEncoder encoder() {
    NoteEncoderTraining pretraining;
    pretraining.run = folder / "run";
    pretraining.network = {kNoteVocabulary, 32, 2, 2, 32, 64};
    pretraining.steps = 1;
    pretraining.notes = 128;
    std::vector<NotePiece> corpus;
    for (std::size_t i = 0; i < 4; ++i) corpus.push_back({"walks", i == 3, true, pieces[i]});
    return {pretraining.network, train_note_encoder(corpus, pretraining)};
  }
};

TEST_F(NoteMembers, learn_from_their_rows_and_are_read_back_as_they_were_written) {
  const NoteEncoder start = encoder();
  const NoteMember member = NoteMember::fit(start, examples, train, valid, options, 1);
  int right = 0;
  for (const std::size_t row : valid) {
    const auto p = member.probabilities(examples[row].notes);
    ASSERT_EQ(p.size(), 2u);
    EXPECT_NEAR(p[0] + p[1], 1, 1e-6);
    right += (p[1] > 0.5) == (examples[row].label == 1);
  }
  EXPECT_GE(right, 5) << "of 6";

  Safetensors file;
  member.put(file, "opinion.3.");
  const NoteMember read = NoteMember::from(start, member.options(), file, "opinion.3.");
  EXPECT_EQ(read.classes(), 2);
  EXPECT_EQ(read.probabilities(pieces[0]), member.probabilities(pieces[0]));
}

TEST_F(NoteMembers, refuse_what_does_not_belong_to_them) {
  options.epochs = 1;
  const NoteEncoder start = encoder();
  EXPECT_THROW(NoteMember::fit(start, examples, {}, valid, options, 1), Error);
  const NoteMember member = NoteMember::fit(start, examples, train, {}, options, 1);
  EXPECT_THROW(member.probabilities({}), Error);
  Safetensors file;
  member.put(file, "a.");
  EXPECT_THROW(NoteMember::from(start, member.options(), file, "b."), Error);
  EXPECT_THROW(NoteMember::from(start, nlohmann::json::object(), file, "a."), Error);
  nlohmann::json deeper = member.options();
  deeper["trained_layers"] = 3;  // the encoder has two
  EXPECT_THROW(NoteMember::from(start, deeper, file, "a."), Error);
  deeper["trained_layers"] = "two";
  EXPECT_THROW(NoteMember::from(start, deeper, file, "a."), Error);
}

}  // namespace
}  // namespace euterpe
