#include "compose/chord_tones.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "catalog/support.hpp"
#include "compose/tiny_composer.hpp"
#include "compose/write_together.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

/// What is taken from each token after `bar` was said under the chords.
std::vector<float> taken(const char* chords, std::vector<Token> bar, const char* meter = "4/4") {
  std::vector<float> logits(static_cast<std::size_t>(V::size()), 0.0F);
  bar.insert(bar.begin(), V::token(TokenKind::bar, *remi_meter(meter)));
  lean_on_chords(logits, parse_bar_chords(chords).front(), bar, *remi_meter(meter));
  for (float& x : logits) x = -x;
  return logits;
}
Token at(int position) { return V::token(TokenKind::position, position); }
Token note(int pitch) { return V::token(TokenKind::pitch, pitch); }
Token lasts(int steps) { return V::token(TokenKind::duration, steps - 1); }
bool nothing(const std::vector<float>& logits) {
  return std::all_of(logits.begin(), logits.end(), [](float x) { return x == 0; });
}

TEST(ChordTones, foreign_pitches_cost_on_a_beat_more_than_between) {
  const auto beat = taken("Am", {at(12)}), between = taken("Am", {at(18)});
  for (const int tone : {57, 60, 64, 69, 81}) EXPECT_EQ(beat[note(tone)], 0) << tone;
  for (const int other : {58, 59, 62, 67, 68}) {
    EXPECT_GT(between[note(other)], 0) << other;
    EXPECT_GT(beat[note(other)], between[note(other)]) << other;
  }
  EXPECT_EQ(beat[lasts(12)], 0);
  EXPECT_EQ(taken("Am7", {at(12)})[note(67)], 0);  // the seventh is a tone where it is asked
}

TEST(ChordTones, the_second_chord_holds_from_the_middle_on) {
  EXPECT_EQ(taken("C F", {at(12)})[note(67)], 0);
  EXPECT_GT(taken("C F", {at(24)})[note(67)], 0);
  EXPECT_EQ(taken("C F", {at(12)}, "3/4")[note(67)], 0);
  EXPECT_GT(taken("C F", {at(24)}, "3/4")[note(67)], 0);
}

TEST(ChordTones, a_foreign_note_may_pass_but_not_stay) {
  const auto passing = taken("C", {at(0), note(62)});
  EXPECT_EQ(passing[lasts(6)], 0);
  EXPECT_GT(passing[lasts(12)], 0);
  EXPECT_GT(passing[lasts(24)], passing[lasts(12)]);
  EXPECT_EQ(passing[lasts(48)], passing[lasts(60)]);  // the next bar has its own chord
  const auto tone = taken("C", {at(0), note(64)});
  EXPECT_EQ(tone[lasts(48)], 0);
  const auto into_the_next = taken("C F", {at(0), note(67)});
  EXPECT_EQ(into_the_next[lasts(24)], 0);
  EXPECT_GT(into_the_next[lasts(48)], 0);
  // Durations in a row add up.
  EXPECT_EQ(taken("C", {at(0), note(62), lasts(12)})[lasts(12)], passing[lasts(24)]);
}

TEST(ChordTones, without_a_chord_or_a_place_nothing_is_taken) {
  EXPECT_TRUE(nothing(taken("N", {at(0), note(61)})));
  EXPECT_TRUE(nothing(taken("C", {})));
}

TEST(ChordTones, are_what_is_written_under_an_asked_chord) {
  test::TemporaryFolder folder;
  test::save_tiny_composer(folder / "tiny", 256);
  const Model model = find_model((folder / "tiny").string());
  const ComposerNetwork network(transformer_options(model.card["options"]), model.weights(),
                                tokens_of_vocabulary(V::kName));
  // Over all roots, for random weights have pitches that they like best.
  double tones = 0, notes = 0;
  for (int root = 0; root < 12; ++root)
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      WritingPlan plan;
      plan.bars = 2;
      plan.chords = {{Chord{root, ChordQuality::major, 0}}};
      std::vector<Writer> writer;
      writer.emplace_back(network, plan);
      std::vector<Random> random{Random(seed)};
      write_together(writer, random);
      for (const Track& track : decode_remi(writer[0].tokens()).tracks)
        for (const Note& n : track.notes) {
          if (track.drums) continue;
          const int interval = (n.pitch - root + 120) % 12;
          tones += interval == 0 || interval == 4 || interval == 7;
          ++notes;
        }
    }
  EXPECT_GT(tones / notes, 0.3);  // a quarter of all pitches are
}

}  // namespace
}  // namespace euterpe
