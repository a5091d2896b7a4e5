#include "compose/infill.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "catalog/support.hpp"
#include "compose/tiny_composer.hpp"
#include "compose/write_together.hpp"
#include "compose/writing_context.hpp"
#include "nn/decoder.hpp"
#include "score/tokenizer.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

void append(std::vector<Token>& to, const std::vector<Token>& from) { to.insert(to.end(), from.begin(), from.end()); }

class FillGap : public ::testing::Test {
 protected:
  /// Quarters up and down a scale; two of `bars` are to be written, `before` stand before them.
  WritingPlan plan_of(int bars, int before = 3) const {
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
    plan.before.assign(passage.bars.begin(), passage.bars.begin() + before);
    plan.after.assign(passage.bars.begin() + before + 2, passage.bars.end());
    plan.bars = 2;
    plan.meters = {V::value(passage.bars.front().front())};
    plan.draw_tempo = false;
    return plan;
  }

  /// Nats of the first two bars behind the gap without Bar and Left, or of as much as is heard, read in order of time
  /// from a bar before the gap on.
  static double nats_behind(const ComposerNetwork& network, const WritingPlan& plan, const Writer& writer,
                            std::size_t from = 0) {
    std::vector<Token> music = writer.header();
    if (from > 0) music.erase(music.begin());
    for (const auto& bar : std::span(plan.before).subspan(from)) append(music, bar);
    for (std::size_t i = 0; i < writer.written().size(); ++i) {
      std::vector<Token> bar = writer.written()[i];
      std::erase_if(bar, [](Token t) { return V::kind(t) == TokenKind::left; });
      const std::size_t left = plan.after.size() + writer.written().size() - 1 - i;
      if (left < kLeftBars) bar.insert(bar.begin() + 1, V::token(TokenKind::left, static_cast<int>(left)));
      append(music, bar);
    }
    const std::size_t gap_end = music.size();
    append(music, beyond(network, plan));
    const auto places = music_places(music);
    Decoder decoder(network.weights());
    double nats = 0;
    std::span<const float> logits;
    for (std::size_t i = 0; i < music.size(); ++i) {
      const TokenKind kind = V::kind(music[i]);
      if (i >= gap_end && kind != TokenKind::bar && kind != TokenKind::left) {
        double total = 0;
        for (const float l : logits) total += std::exp(double{l});
        nats += std::log(total) - logits[static_cast<std::size_t>(network.number(music[i]))];
      }
      logits = decoder.step(network.number(music[i]), places[i]);
    }
    return nats;
  }

  static std::vector<Token> beyond(const ComposerNetwork& network, const WritingPlan& plan) {
    std::vector<Token> out = plan.after[0];
    append(out, plan.after[1]);
    out.resize(std::min(out.size(), room_beyond(static_cast<std::size_t>(network.weights()->options().context))));
    return out;
  }

  ComposerNetwork network_of(int context) const {
    const auto folder = folder_ / std::to_string(context);
    test::save_tiny_composer(folder, context);
    const Model model = find_model(folder.string());
    return ComposerNetwork(transformer_options(model.card.at("options")), model.weights(),
                           tokens_of_vocabulary(model.card.at("tokenizer").get<std::string>()));
  }

  test::TemporaryFolder folder_;
  ComposerNetwork network_ = network_of(512);
};

TEST_F(FillGap, what_stands_behind_is_heard_in_order_of_time) {
  for (const int bars : {9, 20}) {  // an end that is near is counted in bars, a far one is not
    const WritingPlan plan = plan_of(bars);
    std::vector<Writer> writers;
    writers.emplace_back(network_, plan);
    std::vector<Random> randoms{Random(7)};
    write_together(writers, randoms);
    ASSERT_EQ(writers[0].written().size(), 2u);
    const double nats = nats_behind(network_, plan, writers[0]);
    EXPECT_GT(nats, 10) << bars;
    EXPECT_NEAR(writers[0].nats_beyond(), nats, 1e-6 * nats) << bars;
  }
}

TEST_F(FillGap, a_fill_that_is_longer_than_its_room_is_heard_whole) {
  constexpr std::size_t kContext = 80;
  const ComposerNetwork network = network_of(kContext);
  const WritingPlan plan = plan_of(30, 20);
  const std::size_t behind = beyond(network, plan).size();
  int longer = 0;
  for (std::uint64_t seed = 0; seed < 64; ++seed)
    for (const Writer& fill : fill_gap(network, plan, seed)) {
      std::size_t written = 0;
      for (const auto& bar : fill.written()) written += bar.size() - 1;  // without Left: the piece's end is far
      const std::vector<Token> header = fill.header();
      if (writing_context(plan, header, {}, kContext, true).size() + written + behind <= kContext) continue;
      std::size_t from = plan.before.size(), size = header.size() + written + behind;
      if (size > kContext) continue;
      ++longer;
      while (from > 0 && size + plan.before[from - 1].size() <= kContext) size += plan.before[--from].size();
      const double nats = nats_behind(network, plan, fill, from);
      EXPECT_NEAR(fill.nats_beyond(), nats, 1e-6 * nats);
    }
  EXPECT_GT(longer, 0) << "fills that had to be read anew";
}

TEST_F(FillGap, of_all_fills_the_one_from_which_the_music_goes_on_best_comes_first) {
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
  const std::vector<Writer> fills = fill_gap(network_, plan, 3);
  EXPECT_EQ(fills.front().tokens(), best);
  std::sort(nats.begin(), nats.end());
  for (std::size_t i = 0; i < nats.size(); ++i) EXPECT_EQ(fills[i].nats_beyond(), nats[i]);
}

}  // namespace
}  // namespace euterpe
