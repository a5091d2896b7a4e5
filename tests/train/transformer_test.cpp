#include "train/transformer.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"
#include "catalog/support.hpp"
#include "corpus/music.hpp"
#include "corpus/prepare.hpp"
#include "nn/model.hpp"
#include "score/remi_controls.hpp"

namespace euterpe {
namespace {

class TrainTransformer : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  void SetUp() override { set_threads(1); }

  static Shard corpus(bool with_valid = true) {
    Source source{"walks", "CC0-1.0", true, {}, {}};
    for (std::uint64_t i = 0; i < 12; ++i) {
      const std::string id = "walk" + std::to_string(i);
      source.pieces.push_back(
          {id, i % 2 ? "folk" : "pop", id, with_valid && i >= 9 ? "valid" : "train", test::walk(i)});
    }
    return prepare(std::span(&source, 1));
  }
  TransformerTraining tiny(const std::string& name) const {
    TransformerTraining t;
    t.name = name;
    t.run = folder / (name + ".run");
    t.out = folder / name;
    t.network.d_model = 32;
    t.network.layers = 1;
    t.network.heads = 2;
    t.network.ff = 32;
    t.network.context = 64;
    t.batch = 4;
    t.steps = 2;
    t.validation_sequences = 4;
    t.evaluate_every = 10;
    t.checkpoint_every = 10;
    return t;
  }
  std::vector<std::uint8_t> weights(const std::string& name) const {
    return read_file(folder / name / "model.safetensors");
  }
  Model model(const std::string& name) const { return find_model((folder / name).string()); }
};

TEST_F(TrainTransformer, lowers_the_loss_on_a_tiny_corpus) {
  auto t = tiny("m");
  t.steps = 60;
  t.learning_rate = 1e-2;
  const TransformerReport report = train_transformer(corpus(), t);
  EXPECT_EQ(report.steps, 60);
  EXPECT_NEAR(report.first_loss, std::log(RemiVocabulary::size()), 0.5);  // it knows nothing yet
  EXPECT_LT(report.last_loss, 0.6 * report.first_loss);
  EXPECT_LT(report.best_validation, 0.8 * report.first_loss);
  ASSERT_EQ(report.validation_by_style.size(), 2u);
  EXPECT_EQ(report.validation_by_style[0].first, "folk");
}

TEST_F(TrainTransformer, writes_a_card_that_says_where_the_weights_come_from) {
  Shard shard = corpus();
  shard.left_out["may_train = no"] = 7;
  write_shard(folder / "corpus.shard", shard);
  shard = read_shard(folder / "corpus.shard");
  const auto report = train_transformer(shard, tiny("m"));
  const auto card = model("m").card;
  EXPECT_EQ(card["task"], "compose");
  EXPECT_EQ(card["styles"], (nlohmann::json{"folk", "pop"}));
  EXPECT_EQ(card["data"][0]["licence"], "CC0-1.0");
  EXPECT_EQ(card["left_out"]["may_train = no"], 7);
  EXPECT_EQ(card["commercial"], true);
  EXPECT_EQ(card["training"]["manifest_hash"], sha256_file(folder / "corpus.shard"));
  EXPECT_EQ(card["training"]["steps"], 2);
  EXPECT_EQ(card["training"]["validated_on_held_out"], true);
  EXPECT_EQ(transformer_options(card["options"]).d_model, 32);
  EXPECT_EQ(report.parameters, parameter_count(transformer_options(card["options"])));
  EXPECT_FALSE(card.contains("from"));
}

TEST_F(TrainTransformer, one_source_of_non_commercial_terms_makes_the_weights_so) {
  Shard shard = corpus();
  shard.data.push_back({{"name", "b"}, {"licence", "CC-BY-NC-4.0"}, {"commercial", false}, {"pieces", 1}});
  train_transformer(shard, tiny("m"));
  EXPECT_EQ(model("m").card["commercial"], false);
  auto t = tiny("tuned");
  t.from = (folder / "m").string();
  train_transformer(corpus(), t);  // and what is fine-tuned from them stays so
  EXPECT_EQ(model("tuned").card["commercial"], false);
}

TEST_F(TrainTransformer, stopped_and_resumed_ends_with_the_same_weights) {
  auto whole = tiny("whole"), parts = tiny("parts");
  whole.steps = parts.steps = 6;
  whole.evaluate_every = parts.evaluate_every = 1;
  train_transformer(corpus(), whole);
  parts.seconds = 1e-6;  // each call makes one step, writes a checkpoint and stops
  for (int i = 1; i <= 6; ++i) EXPECT_EQ(train_transformer(corpus(), parts).steps, i);
  EXPECT_EQ(weights("parts"), weights("whole"));
  auto other = tiny("other");
  other.steps = 6;
  other.evaluate_every = 1;
  other.seed = 2;
  train_transformer(corpus(), other);
  EXPECT_NE(weights("other"), weights("whole"));
}

TEST_F(TrainTransformer, refuses_to_resume_with_another_batch_or_network) {
  auto t = tiny("m");
  train_transformer(corpus(), t);
  t.batch = 5;
  EXPECT_THROW(train_transformer(corpus(), t), Error);
  t = tiny("m");
  t.network.layers = 2;
  EXPECT_THROW(train_transformer(corpus(), t), Error);
}

TEST_F(TrainTransformer, goes_on_from_a_trained_model) {
  auto first = tiny("first");
  first.steps = 60;
  first.learning_rate = 1e-2;
  const auto before = train_transformer(corpus(), first);
  auto tuned = tiny("tuned");
  tuned.from = (folder / "first").string();
  tuned.network.d_model = 64;  // the model's own shape holds
  tuned.sampling = {{"pop", {0.93, 1}}};
  tuned.emotion_guidance = 2.5;
  Shard more = corpus();
  more.data.push_back({{"name", "b"}, {"licence", "CC0-1.0"}, {"commercial", true}, {"pieces", 1}});
  const auto after = train_transformer(more, tuned);
  EXPECT_LT(after.first_loss, 0.8 * before.first_loss);
  const auto card = model("tuned").card;
  EXPECT_EQ(card["from"]["hash"], model("first").hash);
  EXPECT_EQ(card["options"]["d_model"], 32);
  EXPECT_EQ(card["data"].size(), 2u);  // what it learned from and what its parent learned from, each said once
  EXPECT_EQ(card["sampling"], (nlohmann::json{{"pop", {{"temperature", 0.93}, {"top_p", 1.0}}}}));
  EXPECT_EQ(card["emotion_guidance"], 2.5);
  EXPECT_FALSE(model("first").card.contains("sampling"));
  // What follows from it is drawn and remembers as it did.
  auto third = tiny("third");
  third.from = (folder / "tuned").string();
  third.shares = {{"pop", 1}};
  train_transformer(corpus(), third);
  const auto last = model("third").card;
  EXPECT_EQ(last["sampling"], card["sampling"]);
  EXPECT_EQ(last["emotion_guidance"], 2.5);
  EXPECT_EQ(last["from"]["training"], card["training"]);
  EXPECT_EQ(last["from"]["from"]["training"]["steps"], 60);
  third.name = "fourth";
  third.out = folder / "fourth";
  third.run = folder / "fourth.run";
  third.from = (folder / "third").string();
  third.sampling = {{"pop", {1.1, 0.9}}};
  third.emotion_guidance = 1;
  train_transformer(corpus(), third);
  EXPECT_EQ(model("fourth").card["sampling"]["pop"]["temperature"], 1.1);
  EXPECT_EQ(model("fourth").card["emotion_guidance"], 1);
}

TEST_F(TrainTransformer, offers_only_what_it_learns) {
  Shard shard = corpus();
  for (ShardPiece& p : shard.pieces)
    if (p.style == "folk") {
      RemiControls controls = read_controls(std::span(p.tokens).subspan(1));
      const auto parts = std::find_if(p.tokens.begin() + 1, p.tokens.end(),
                                      [](Token t) { return !is_control(RemiVocabulary::kind(t)); });
      controls.set(TokenKind::variety, *remi_variety("folk", "jig"));
      controls.set(TokenKind::emotion, 2);
      auto tokens = controls.tokens();
      tokens.insert(tokens.begin(), p.tokens.front());
      tokens.insert(tokens.end(), parts, p.tokens.end());
      p.tokens = tokens;
    }
  train_transformer(shard, tiny("all"));
  EXPECT_EQ(model("all").card["varieties"], (nlohmann::json{"folk/jig"}));
  EXPECT_EQ(model("all").card["emotions"], true);
  auto t = tiny("some");
  t.shares = {{"pop", 1}};
  train_transformer(shard, t);
  EXPECT_EQ(model("some").card["varieties"], nlohmann::json::array());
  EXPECT_EQ(model("some").card["emotions"], false);
  t.sampling = {{"folk", {1, 1}}};
  EXPECT_THROW(train_transformer(shard, t), Error);
}

TEST_F(TrainTransformer, names_the_tokens_that_it_hardly_met_and_begins_them_anew_where_they_are_met) {
  const auto bar = [](const char* meter) { return RemiVocabulary::token(TokenKind::bar, *remi_meter(meter)); };
  const auto unmet = [&](const std::string& name, Token t) {
    const auto all = model(name).card["unmet"].get<std::vector<int>>();
    return std::find(all.begin(), all.end(), t) != all.end();
  };
  auto t = tiny("first");
  t.steps = 100;
  t.evaluate_every = 50;
  train_transformer(corpus(), t);
  EXPECT_FALSE(unmet("first", bar("4/4")));
  EXPECT_TRUE(unmet("first", bar("7/8")));
  EXPECT_TRUE(unmet("first", bar("5/4")));
  Source odd{"odd", "CC0-1.0", true, {}, {}};
  for (std::uint64_t i = 0; i < 3; ++i) {
    odd.pieces.push_back({"odd" + std::to_string(i), "folk", "odd" + std::to_string(i), "train", test::walk(20 + i)});
    odd.pieces.back().score.meters = {{0, 7, 8}};
  }
  t = tiny("tuned");
  t.from = (folder / "first").string();
  t.steps = 100;
  t.learning_rate = 1e-9;
  train_transformer(prepare(std::span(&odd, 1)), t);
  EXPECT_FALSE(unmet("tuned", bar("4/4")));  // the parent met it
  EXPECT_FALSE(unmet("tuned", bar("7/8")));
  EXPECT_TRUE(unmet("tuned", bar("5/4")));
  const std::vector<float> before = model("first").weights().floats("embedding"),
                           after = model("tuned").weights().floats("embedding");
  const auto cosine = [&](Token row) {
    double product = 0, a = 0, b = 0;
    for (std::size_t i = row * 32U; i < (row + 1) * 32U; ++i) {
      product += before[i] * after[i];
      a += before[i] * before[i];
      b += after[i] * after[i];
    }
    return product / std::sqrt(a * b);
  };
  EXPECT_GT(cosine(bar("4/4")), 0.99);
  EXPECT_GT(cosine(bar("5/4")), 0.99);  // nothing new to learn about it
  EXPECT_LT(std::abs(cosine(bar("7/8"))), 0.9);
}

TEST_F(TrainTransformer, refuses_what_it_cannot_learn_from) {
  Shard shard = corpus();
  for (ShardPiece& p : shard.pieces) p.split = "test";
  EXPECT_THROW(train_transformer(shard, tiny("m")), Error);
  shard = corpus();
  shard.tokenizer = "remi.v0";
  EXPECT_THROW(train_transformer(shard, tiny("m")), Error);
  auto t = tiny("m");
  t.network.heads = 3;
  EXPECT_THROW(train_transformer(corpus(), t), Error);
  t = tiny("m");
  t.from = (folder / "nowhere").string();
  EXPECT_THROW(train_transformer(corpus(), t), Error);
}

}  // namespace
}  // namespace euterpe
