#include "nn/context_mixing.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>

#include "base/error.hpp"
#include "base/random.hpp"
#include "nn/frame_contexts.hpp"
#include "nn/voice_contexts.hpp"
#include "train/context_mixing.hpp"

namespace euterpe {
namespace {

/// A tune that goes round: 5 7 8 10 5 7 8 10 …, with a symbol drawn now and then.
std::vector<std::uint8_t> round_tune(int length, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint8_t> row;
  for (int i = 0; i < length; ++i)
    row.push_back(random.uniform() < 0.05 ? static_cast<std::uint8_t>(1 + random.below(40))
                                          : std::array<std::uint8_t, 4>{5, 7, 8, 10}[static_cast<std::size_t>(i % 4)]);
  return row;
}

/// One voice, whose contexts are its last two symbols.
class LastTwo : public ChoiceHistory {
 public:
  ChoicePoint next() override {
    ChoicePoint point;
    point.features = features_;
    point.expected = features_[0] == 0 ? -1 : static_cast<int>(features_[0]);
    point.reference = static_cast<int>(features_[0]);
    point.lowest = 1;
    point.highest = 40;
    return point;
  }
  void choose(int symbol) override { features_ = {static_cast<std::uint32_t>(symbol), features_[0]}; }
  std::unique_ptr<ChoiceHistory> clone() const override { return std::make_unique<LastTwo>(*this); }

 private:
  std::array<std::uint32_t, 2> features_{};
};

ContextShape two_chains() {
  ContextShape shape;
  shape.symbols = 41;
  shape.repeats = {{"last", false, false, {{{0}, {1}, {}, {}}}}};
  shape.choices = {{"last", false, false, {{{0}, {1}, {}, {}}}}, {"own", true, true, {{{0}, {1}, {}, {}}}}};
  return shape;
}

PieceReplay replay_of(const std::vector<std::vector<std::uint8_t>>& rows) {
  return [&rows](std::size_t piece, const ChoiceVisitor& visit) {
    LastTwo history;
    for (const std::uint8_t symbol : rows[piece]) {
      visit(history.next(), symbol);
      history.choose(symbol);
    }
  };
}

double nats_of(const ContextMixing& model, const std::vector<std::uint8_t>& row) {
  LastTwo history;
  ContextCounts own;
  double nats = 0;
  for (const std::uint8_t symbol : row) {
    nats += model.nats(history.next(), symbol, own);
    model.remember(history.next(), symbol, own);
    history.choose(symbol);
  }
  return nats / static_cast<double>(row.size());
}

TEST(ContextCounts, KeepsAHundredThousandContextsApart) {
  ContextCounts counts;
  Random random(3);
  std::map<std::uint32_t, std::pair<int, int>> truth;
  for (int i = 0; i < 100000; ++i) {
    const auto context = static_cast<std::uint32_t>(random.next() >> (i % 3 == 0 ? 50 : 32)) | 1u;
    const bool yes = random.uniform() < 0.5;
    counts.add_answer(context, yes, 1);
    counts.add_symbol(context, yes ? 7 : -3, 2);
    ++(yes ? truth[context].first : truth[context].second);
  }
  for (const auto& [context, n] : truth) {
    EXPECT_EQ(counts.answers(context).yes, n.first);
    EXPECT_EQ(counts.answers(context).no, n.second);
    std::vector<ContextCounts::Follower> followers;
    counts.collect(context, followers);
    for (const auto& f : followers) EXPECT_EQ(f.count, 2 * (f.symbol == 7 ? n.first : n.second));
  }
  std::vector<ContextCounts::Follower> none;
  counts.collect(2, none);
  EXPECT_TRUE(none.empty());
}

TEST(ContextCounts, KeepsWhatPiecesHaveInCommon) {
  ContextCounts counts;
  for (int piece = 0; piece < 3; ++piece) {
    counts.begin_piece();
    counts.add_answer(10, true, 20);
    counts.add_symbol(30, 5 + piece % 2, 7);
    if (piece > 1) continue;
    for (int i = 0; i < 50; ++i) counts.add_answer(static_cast<std::uint32_t>(100 + piece), false, 1);
    counts.add_symbol(static_cast<std::uint32_t>(200 + piece), 3, 9);
  }
  counts.compact(2);
  ContextCounts read;
  read.decode(counts.encode_answers(), counts.encode_symbols());
  for (const ContextCounts* c : {&counts, &read}) {
    EXPECT_EQ(c->answers(10).yes, 60);
    EXPECT_EQ(c->answers(100).no, 0);
    EXPECT_EQ(c->answers(101).no, 0);
    std::vector<ContextCounts::Follower> followers;
    c->collect(200, followers);
    c->collect(201, followers);
    EXPECT_TRUE(followers.empty());
    c->collect(30, followers);
    ASSERT_EQ(followers.size(), 2u);
    for (const auto& f : followers) EXPECT_EQ(f.count, f.symbol == 5 ? 14 : 7);
  }
  auto bytes = counts.encode_symbols();
  bytes.pop_back();
  EXPECT_THROW(read.decode({}, bytes), Error);
}

TEST(ContextMixing, ProbabilitiesSumToOneAndAreThoseOfTheLikelihood) {
  std::vector<std::vector<std::uint8_t>> rows;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) rows.push_back(round_tune(60, seed));
  ContextMixing model(two_chains());
  fit_context_mixing(model, rows.size(), replay_of(rows), {2, 0.02, 0.5, 1, 1});
  LastTwo history;
  ContextCounts own;
  for (const std::uint8_t symbol : round_tune(40, 9)) {
    std::vector<float> p(41);
    model.distribution(history.next(), own, p);
    EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1.0, 1e-4);
    EXPECT_NEAR(-std::log(p[symbol]), model.nats(history.next(), symbol, own), 1e-3);
    model.remember(history.next(), symbol, own);
    history.choose(symbol);
  }
}

TEST(ContextMixing, LearnsARoundTune) {
  std::vector<std::vector<std::uint8_t>> rows;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) rows.push_back(round_tune(80, seed));
  ContextMixing model(two_chains());
  const auto losses = fit_context_mixing(model, rows.size(), replay_of(rows), {6, 0.02, 0.8, 1, 1});
  EXPECT_LT(losses.back(), losses.front());
  // −0.9625 ln 0.96 …: a drawn symbol costs ln 40 and its two successors are seen in new contexts
  EXPECT_LT(nats_of(model, round_tune(400, 77)), 0.75);
}

/// Counting a piece out of the tables and in again must leave what was there: nothing else keeps the weights honest.
TEST(ContextMixing, APieceIsPredictedWithoutItself) {
  const std::vector<std::vector<std::uint8_t>> rows{round_tune(80, 1), round_tune(80, 2)};
  ContextMixing both(two_chains()), other(two_chains());
  const auto learn = [&](ContextMixing& m, std::size_t piece) {
    replay_of(rows)(piece, [&](const ChoicePoint& point, int symbol) { m.learn(point, symbol); });
  };
  learn(both, 0);
  learn(both, 1);
  learn(other, 1);
  ContextCounts minus;
  replay_of(rows)(0, [&](const ChoicePoint& p, int symbol) { both.forget(p, symbol, minus); });
  const ContextCounts nothing;
  replay_of(rows)(0, [&](const ChoicePoint& p, int symbol) {
    EXPECT_NEAR(both.nats(p, symbol, minus), other.nats(p, symbol, nothing), 1e-5);
  });
}

/// The same where rare contexts were left out: what stayed for the piece's sake alone must go with it.
TEST(ContextMixing, APieceIsPredictedAsIfTablesWereMadeWithoutIt) {
  const std::vector<std::vector<std::uint8_t>> rows{round_tune(80, 1), round_tune(80, 2), round_tune(80, 3)};
  ContextMixing all(two_chains()), others(two_chains());
  for (std::size_t piece = 0; piece < rows.size(); ++piece)
    for (ContextMixing* model : {&all, &others}) {
      if (model == &others && piece == 0) continue;
      model->memory().begin_piece();
      replay_of(rows)(piece, [&](const ChoicePoint& point, int symbol) { model->learn(point, symbol); });
    }
  all.memory().compact(2);
  others.memory().compact(2);
  ContextCounts minus;
  replay_of(rows)(0, [&](const ChoicePoint& p, int symbol) { all.forget(p, symbol, minus); });
  const ContextCounts nothing;
  replay_of(rows)(0, [&](const ChoicePoint& p, int symbol) {
    EXPECT_NEAR(all.nats(p, symbol, minus), others.nats(p, symbol, nothing), 0.05);  // counts above 31 are rounded
  });
}

TEST(ContextMixing, TheSameSeedGivesTheSameWeights) {
  const std::vector<std::vector<std::uint8_t>> rows{round_tune(60, 1), round_tune(60, 2), round_tune(60, 3)};
  const auto weights = [&](std::uint64_t seed) {
    ContextMixing model(two_chains());
    fit_context_mixing(model, rows.size(), replay_of(rows), {2, 0.02, 0.5, 1, seed});
    Safetensors file;
    model.save_weights(file);
    return file.floats("choices.confidence");
  };
  EXPECT_EQ(weights(4), weights(4));
}

TEST(ContextMixing, RefusesWeightsOfAnotherShape) {
  ContextMixing model(two_chains());
  Safetensors file;
  model.save_weights(file);
  file.put("repeats.bias", {2}, std::vector<float>{0, 0});
  EXPECT_THROW(model.load_weights(file), Error);
}

/// No feature may look at what is yet to be chosen: two pieces that are equal up to a choice meet it alike.
template <class History>
void expect_no_future(const std::vector<int>& a, const std::vector<int>& b, std::size_t equal) {
  History first, second;
  for (std::size_t i = 0; i < equal; ++i) {
    const ChoicePoint p = first.next(), q = second.next();
    ASSERT_EQ(std::vector<std::uint32_t>(p.features.begin(), p.features.end()),
              std::vector<std::uint32_t>(q.features.begin(), q.features.end()));
    ASSERT_EQ(p.expected, q.expected);
    first.choose(a[i]);
    second.choose(b[i]);
  }
}

TEST(VoiceHistory, SeesThePastAlone) {
  Random random(5);
  std::vector<int> a, b;
  for (int i = 0; i < 400; ++i) {
    a.push_back(static_cast<int>(random.below(kVoiceSymbols)));
    b.push_back(i < 317 ? a.back() : static_cast<int>(random.below(kVoiceSymbols)));
  }
  expect_no_future<VoiceHistory>(a, b, 318);
}

TEST(VoiceHistory, EveryVoiceExpectsTheNoteItHolds) {
  VoiceHistory history;
  for (const int symbol : {50, 45, 40, 30}) {
    EXPECT_EQ(history.next().expected, -1);
    history.choose(symbol);
  }
  for (const int symbol : {50, 45, 40, 30}) {
    const ChoicePoint point = history.next();
    EXPECT_EQ(point.expected, symbol);
    EXPECT_EQ(point.reference, symbol);
    history.choose(symbol + 1);
  }
}

TEST(FrameHistory, SeesThePastAlone) {
  Random random(6);
  std::vector<int> a;
  while (a.size() < 600) {
    int symbol = 0;
    while ((symbol += 1 + static_cast<int>(random.below(30))) < kFrameSymbols) a.push_back(symbol);
    a.push_back(0);
  }
  std::vector<int> b = a;
  for (std::size_t i = 511; i < b.size(); ++i) b[i] = 0;
  expect_no_future<FrameHistory>(a, b, 512);
}

TEST(FrameHistory, ChosenPitchesRise) {
  FrameHistory history;
  for (const int symbol : {10, 20, 30, 0, 12}) history.choose(symbol);
  const ChoicePoint point = history.next();
  EXPECT_EQ(point.lowest, 13);
  EXPECT_EQ(point.expected, 20);  // the second of the frame before
}

}  // namespace
}  // namespace euterpe
