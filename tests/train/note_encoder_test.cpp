#include "train/note_encoder.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "catalog/support.hpp"
#include "corpus/music.hpp"
#include "nn/note_encoder.hpp"
#include "train/note_masking.hpp"

namespace euterpe {
namespace {

std::vector<bool> only(std::size_t note, std::size_t of) {
  std::vector<bool> marked(of, false);
  marked[note] = true;
  return marked;
}

TEST(MaskedNotes, a_hidden_pitch_leaves_no_trace) {
  Score score = test::walk(1, 2), other = score;
  other.tracks[0].notes[5].pitch = static_cast<std::uint8_t>(other.tracks[0].notes[5].pitch + 7);
  MaskedNotes a{note_tokens(note_sequence(score)), {}}, b{note_tokens(note_sequence(other)), {}};
  ASSERT_NE(a.tokens.classes, b.tokens.classes);
  for (MaskedNotes* m : {&a, &b}) hide_aspect(*m, only(5, m->tokens.size()), NoteAspect::pitch);
  EXPECT_EQ(a.tokens.classes, b.tokens.classes);
  EXPECT_EQ(a.tokens.pitch, b.tokens.pitch);
  ASSERT_EQ(a.targets.size(), 1u);
  EXPECT_EQ(a.targets[0].attribute, NoteAttribute::pitch);
  EXPECT_EQ(b.targets[0].answer - a.targets[0].answer, 7);
}

TEST(MaskedNotes, a_hidden_time_leaves_no_trace_in_its_own_or_its_neighbors_steps_and_places) {
  Score score = test::walk(1, 2), other = score;
  other.tracks[0].notes[5].start += 100;
  MaskedNotes a{note_tokens(note_sequence(score)), {}}, b{note_tokens(note_sequence(other)), {}};
  ASSERT_NE(a.tokens.classes, b.tokens.classes);
  ASSERT_NE(a.tokens.time, b.tokens.time);
  for (MaskedNotes* m : {&a, &b}) hide_aspect(*m, only(5, m->tokens.size()), NoteAspect::time);
  EXPECT_EQ(a.tokens.classes, b.tokens.classes);
  EXPECT_EQ(a.tokens.time, b.tokens.time);
  EXPECT_EQ(a.targets.size(), 3u);  // step in beats, step in seconds, place in the bar
}

TEST(MaskedNotes, hidden_length_and_velocity_leave_no_trace) {
  Score score = test::walk(1, 2), other = score;
  other.tracks[0].notes[5].duration = 77;
  other.tracks[0].notes[6].velocity = 20;
  MaskedNotes a{note_tokens(note_sequence(score)), {}}, b{note_tokens(note_sequence(other)), {}};
  for (MaskedNotes* m : {&a, &b}) {
    hide_aspect(*m, only(5, m->tokens.size()), NoteAspect::length);
    hide_aspect(*m, only(6, m->tokens.size()), NoteAspect::velocity);
  }
  EXPECT_EQ(a.tokens.classes, b.tokens.classes);
}

TEST(MaskedNotes, what_was_hidden_before_is_not_asked_for) {
  const auto notes = note_sequence(test::walk(1, 2));
  Random random(4);
  for (int round = 0; round < 20; ++round) {
    const MaskedNotes masked = mask_notes(note_tokens(notes, {.hide = kHideMeter | kHideVelocity}), 0.5, random);
    ASSERT_FALSE(masked.targets.empty());
    for (const auto& t : masked.targets) {
      EXPECT_NE(t.attribute, NoteAttribute::step_beats);
      EXPECT_NE(t.attribute, NoteAttribute::velocity);
      EXPECT_GT(t.answer, note_class_offset(t.attribute));
      EXPECT_EQ(masked.tokens.at(t.note, t.attribute), 0);
    }
  }
}

TEST(MaskedNotes, about_the_share_asked_for_is_hidden) {
  const auto notes = note_sequence(test::walk(1, 16));
  Random random(4);
  std::size_t touched = 0, all = 0;
  for (int round = 0; round < 200; ++round) {
    const NoteTokens whole = note_tokens(notes);
    const MaskedNotes masked = mask_notes(whole, 0.2, random);
    std::vector<bool> hit(notes.size(), false);
    for (const auto& t : masked.targets) hit[t.note] = true;
    for (const bool h : hit) touched += h;
    all += notes.size();
  }
  EXPECT_NEAR(static_cast<double>(touched) / static_cast<double>(all), 0.2, 0.03);
}

class TrainNoteEncoder : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  std::vector<NotePiece> pieces;
  void SetUp() override {
    set_threads(1);
    for (std::uint64_t i = 0; i < 10; ++i)
      pieces.push_back({i % 2 ? "folk" : "pop", i >= 8, true, note_sequence(test::walk(i))});
  }
  NoteEncoderTraining tiny(const std::string& name) const {
    NoteEncoderTraining t;
    t.run = folder / name;
    t.network = {kNoteVocabulary, 32, 1, 2, 32, 64};
    t.steps = 4;
    t.notes = 256;
    t.evaluate_every = t.checkpoint_every = 1;
    return t;
  }
};

TEST_F(TrainNoteEncoder, learns_to_guess_masked_notes) {
  NoteEncoderTraining t = tiny("m");
  NoteEncoderReport before, after;
  t.steps = 1;
  train_note_encoder(pieces, t, &before);
  t = tiny("n");
  t.steps = 120;
  t.evaluate_every = t.checkpoint_every = 40;
  t.learning_rate = 1e-2;
  const Safetensors weights = train_note_encoder(pieces, t, &after);
  EXPECT_LT(after.best_validation, 0.6 * before.best_validation);
  ASSERT_EQ(after.pitch_by_source.size(), 2u);
  EXPECT_EQ(after.pitch_by_source[0].first, "folk");
  const NoteEncoder encoder(t.network, weights);  // and what it wrote can be read
  EXPECT_EQ(encoder.width(), 64);
}

TEST_F(TrainNoteEncoder, stopped_and_resumed_ends_with_the_same_weights) {
  const auto whole = write_safetensors(train_note_encoder(pieces, tiny("whole")));
  NoteEncoderTraining parts = tiny("parts");
  parts.seconds = 1e-6;  // each call makes one step, writes a checkpoint and stops
  for (int i = 0; i < 3; ++i) train_note_encoder(pieces, parts);
  EXPECT_EQ(write_safetensors(train_note_encoder(pieces, parts)), whole);
  NoteEncoderTraining other = tiny("other");
  other.seed = 2;
  EXPECT_NE(write_safetensors(train_note_encoder(pieces, other)), whole);
}

TEST_F(TrainNoteEncoder, needs_pieces_to_learn_from_and_to_validate_on) {
  EXPECT_THROW(train_note_encoder({}, tiny("none")), Error);
  EXPECT_THROW(train_note_encoder(std::span(pieces).subspan(0, 8), tiny("unvalidated")), Error);
}

}  // namespace
}  // namespace euterpe
