#include "compose/infill.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "catalog/support.hpp"
#include "compose/tiny_composer.hpp"
#include "compose/write_together.hpp"
#include "nn/decoder.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

void append(std::vector<Token>& to, const std::vector<Token>& from) { to.insert(to.end(), from.begin(), from.end()); }

class FillGap : public ::testing::Test {
 protected:
  /// Quarters up and down a scale; bars 4 and 5 of `bars` are to be written.
  WritingPlan plan_of(int bars) const {
    Score piece;
    piece.meters = {{0, 4, 4}};
    piece.tracks.resize(1);
    constexpr std::array<std::uint8_t, 8> kScale{60, 62, 64, 65, 67, 69, 71, 72};
    for (int i = 0; i < 4 * bars; ++i)
      piece.tracks[0].notes.push_back({i * 480, 480, kScale[static_cast<std::size_t>((i * 3 + i / 7) % 8)], 80, 0});
    RemiOptions remi;
    remi.velocities = false;
    remi.style = "folk";
    const RemiPassage passage = cut_at_bars(encode_remi(piece, remi));
    WritingPlan plan;
    plan.controls.set(TokenKind::style, *remi_style("folk"));
    plan.parts = {V::token(TokenKind::part, 0), V::token(TokenKind::program, 0)};
    plan.before.assign(passage.bars.begin(), passage.bars.begin() + 3);
    plan.after.assign(passage.bars.begin() + 5, passage.bars.end());
    plan.bars = 2;
    plan.meters = {V::value(passage.bars.front().front())};
    plan.draw_tempo = false;
    return plan;
  }

  /// Nats of the first two bars behind the gap without Bar and Left, read from the beginning in order of time.
  double nats_behind(const WritingPlan& plan, const Writer& writer) const {
    std::vector<Token> music = writer.header();
    for (const auto& bar : plan.before) append(music, bar);
    for (std::size_t i = 0; i < writer.written().size(); ++i) {
      std::vector<Token> bar = writer.written()[i];
      std::erase_if(bar, [](Token t) { return V::kind(t) == TokenKind::left; });
      const std::size_t left = plan.after.size() + writer.written().size() - 1 - i;
      if (left < kLeftBars) bar.insert(bar.begin() + 1, V::token(TokenKind::left, static_cast<int>(left)));
      append(music, bar);
    }
    const std::size_t gap_end = music.size();
    for (std::size_t i = 0; i < 2; ++i) append(music, plan.after[i]);
    const auto places = music_places(music);
    Decoder decoder(network_.weights());
    double nats = 0;
    std::span<const float> logits;
    for (std::size_t i = 0; i < music.size(); ++i) {
      const TokenKind kind = V::kind(music[i]);
      if (i >= gap_end && kind != TokenKind::bar && kind != TokenKind::left) {
        double total = 0;
        for (const float l : logits) total += std::exp(double{l});
        nats += std::log(total) - logits[static_cast<std::size_t>(network_.number(music[i]))];
      }
      logits = decoder.step(network_.number(music[i]), places[i]);
    }
    return nats;
  }

  test::TemporaryFolder folder_;
  ComposerNetwork network_ = [this] {
    test::save_tiny_composer(folder_ / "tiny", 512);
    const Model model = find_model((folder_ / "tiny").string());
    return ComposerNetwork(transformer_options(model.card.at("options")), model.weights(),
                           tokens_of_vocabulary(model.card.at("tokenizer").get<std::string>()));
  }();
};

TEST_F(FillGap, what_stands_behind_is_heard_in_order_of_time) {
  for (const int bars : {9, 20}) {  // an end that is near is counted in bars, a far one is not
    const WritingPlan plan = plan_of(bars);
    std::vector<Writer> writers;
    writers.emplace_back(network_, plan);
    std::vector<Random> randoms{Random(7)};
    write_together(writers, randoms);
    ASSERT_EQ(writers[0].written().size(), 2u);
    const double nats = nats_behind(plan, writers[0]);
    EXPECT_GT(nats, 10) << bars;
    EXPECT_NEAR(writers[0].nats_beyond(), nats, 1e-6 * nats) << bars;
  }
}

TEST_F(FillGap, of_all_fills_the_one_is_taken_from_which_the_music_goes_on_best) {
  const WritingPlan plan = plan_of(12);
  std::vector<double> nats;
  std::vector<Token> best;
  for (int fill = 1; fill <= kFills; ++fill) {
    std::vector<Writer> writers;
    writers.emplace_back(network_, plan);
    std::vector<Random> randoms{Random::stream(3, static_cast<std::uint64_t>(fill))};
    write_together(writers, randoms);
    if (nats.empty() || writers[0].nats_beyond() < *std::min_element(nats.begin(), nats.end()))
      best = writers[0].tokens();
    nats.push_back(writers[0].nats_beyond());
  }
  EXPECT_LT(*std::min_element(nats.begin(), nats.end()), nats[0]);  // one fill alone would have been another
  EXPECT_EQ(fill_gap(network_, plan, 3).tokens(), best);
}

}  // namespace
}  // namespace euterpe
