#include "train/gan.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"
#include "base/temporary_folder.hpp"
#include "corpus/music.hpp"
#include "corpus/prepare.hpp"
#include "nn/model.hpp"
#include "score/midi.hpp"
#include "train/phrase_pairs.hpp"
#include "train/tiny_gan.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

/// A walk over chords of whole bars.
Score accompanied(std::uint64_t seed) {
  Score score = test::walk(seed, 12, 72);
  Track& chords = add_track(score, "chords", 0, 1);
  for (int bar = 0; bar < 12; ++bar)
    for (const int pitch : {48, 52, 55})
      chords.notes.push_back({bar * 1920, 1920, static_cast<std::uint8_t>(pitch + (bar % 2 ? 5 : 0)), 80, 1});
  score.sort();
  return score;
}

class TrainGan : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  void SetUp() override {
    set_threads(1);
    Source source{"walks", "CC0-1.0", true, {}, {}};
    for (std::uint64_t i = 0; i < 8; ++i) {
      const std::string id = "walk" + std::to_string(i);
      source.pieces.push_back({id, i % 2 ? "folk" : "pop", id, i >= 6 ? "valid" : "train", accompanied(i)});
    }
    write_shard(folder / "walks.shard", prepare(std::span(&source, 1)));
  }
  GridCorpus corpus() const { return read_grid_corpus(folder / "walks.shard", {}, {}, {}); }
  GanTraining tiny(const std::string& name) const {
    GanTraining t = test::tiny_gan_training(folder.path(), name);
    t.steps = 30;
    t.checkpoint_every = 3;
    t.sample_every = 10;
    return t;
  }
};

TEST_F(TrainGan, killed_at_any_moment_and_resumed_it_writes_the_same_weights_bit_for_bit) {
  const GridCorpus walks = corpus();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    train_gan(walks, tiny("killed"));
    ::_exit(0);
  }
  while (!fs::exists(folder / "killed.run/checkpoint.safetensors"))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_FALSE(fs::exists(folder / "killed"));
  train_gan(walks, tiny("killed"));
  train_gan(walks, tiny("whole"));
  EXPECT_EQ(read_file(folder / "killed/model.safetensors"), read_file(folder / "whole/model.safetensors"));
  EXPECT_EQ(find_model((folder / "killed").string()).card["metrics"],
            find_model((folder / "whole").string()).card["metrics"]);
}

TEST_F(TrainGan, finished_and_asked_again_it_says_what_it_came_to_and_writes_the_same_model) {
  const GridCorpus walks = corpus();
  const nlohmann::json first = train_gan(walks, tiny("m"));
  const auto weights = read_file(folder / "m/model.safetensors");
  fs::remove_all(folder / "m");
  const nlohmann::json again = train_gan(walks, tiny("m"));
  EXPECT_EQ(first["metrics"], again["metrics"]);
  EXPECT_EQ(first["training"]["loss_d"], again["training"]["loss_d"]);
  EXPECT_EQ(read_file(folder / "m/model.safetensors"), weights);
}

TEST_F(TrainGan, a_style_without_a_piece_to_learn_from_is_named) {
  EXPECT_EQ(listed_names(" folk , pop,"), (std::vector<std::string>{"folk", "pop"}));
  EXPECT_TRUE(listed_names("all").empty());
  try {
    read_grid_corpus(folder / "walks.shard", {}, {"folk", "chorale"}, {});
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::usage);
    EXPECT_NE(e.detail().find("chorale"), std::string::npos) << e.detail();
  }
}

TEST_F(TrainGan, leaves_sheets_midi_curves_alarms_and_a_card_that_says_where_it_comes_from) {
  GanTraining how = tiny("m");
  how.network.network = "2d";  // each pitch for itself: at first every second one sounds
  const nlohmann::json result = train_gan(corpus(), how);
  for (const char* step : {"000010", "000020", "000030"}) {
    EXPECT_GT(fs::file_size(folder / ("m.run/sheet-" + std::string(step) + ".png")), 1000u);
    for (const char* style : {"folk", "pop"})
      EXPECT_NO_THROW(read_midi(folder / ("m.run/sample-" + std::string(style) + "-" + step + ".mid")));
  }
  std::istringstream lines(read_text(folder / "m.run/metrics.jsonl"));
  int curve = 0, samples = 0, alarms = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    curve += row.contains("gradient_norm_g");
    samples += row.contains("samples");
    alarms += row.contains("alarms") && row["alarms"].contains("density");
  }
  EXPECT_EQ(curve, 3);
  EXPECT_EQ(samples, 3);
  EXPECT_GE(alarms, 1) << "after ten steps every second place of the accompaniment still sounds";
  EXPECT_TRUE(result["training"]["first_alarms"].contains("density"));
  const Model model = find_model((folder / "m").string());
  EXPECT_EQ(model.card["network"], "gan");
  EXPECT_EQ(model.card["styles"], (nlohmann::json{"folk", "pop"}));
  EXPECT_EQ(model.card["data"][0]["licence"], "CC0-1.0");
  EXPECT_EQ(model.card["commercial"], true);
  EXPECT_EQ(model.card["frames"]["folk"].size(), 3u);
  EXPECT_TRUE(fs::exists(folder / "m/passages.idx"));
  const PhraseGenerator generator(model);
  EXPECT_EQ(generator.options().width, 12);
}

TEST_F(TrainGan, every_loss_with_every_penalty_on_both_networks_takes_a_step) {
  const GridCorpus walks = corpus();
  int runs = 0;
  for (const char* network : {"1d", "2d"})
    for (const char* loss : {"minimax", "nonsaturating", "hinge", "wgan"})
      for (const char* penalty : {"none", "gradient", "r1"}) {
        auto t = tiny("m" + std::to_string(runs++));
        t.network.network = network;
        t.network.stochastic = runs % 2 == 0;
        t.loss = loss;
        t.penalty = penalty;
        t.spectral = runs % 3 == 0;
        t.minibatch_deviation = runs % 4 == 0;
        t.match = runs % 5 == 0;
        t.steps = 1;
        EXPECT_NO_THROW(train_gan(walks, t)) << network << " " << loss << " " << penalty;
      }
}

TEST_F(TrainGan, refuses_words_and_numbers_that_make_no_training) {
  const GridCorpus walks = corpus();
  const auto refused = [&](GanTraining t, const std::string& words) {
    try {
      train_gan(walks, t);
      ADD_FAILURE() << words;
    } catch (const Error& e) {
      EXPECT_NE(e.detail().find(words), std::string::npos) << e.detail();
    }
  };
  auto t = tiny("m");
  t.loss = "kind";
  refused(t, "kind");
  t = tiny("m");
  t.penalty = "death";
  refused(t, "death");
  t = tiny("m");
  t.batch = 0;
  refused(t, "batch");
  t = tiny("m");
  t.batch = 1;
  refused(t, "deviation");
  t = tiny("m");
  t.checkpoint_every = 0;
  refused(t, "checkpoint-every");
  t = tiny("m");
  t.beta1 = 1;
  refused(t, "beta1");
  t = tiny("m");
  t.penalty_weight = -1;
  refused(t, "penalty");
  t = tiny("m");
  t.network.width = 4;
  refused(t, "width");
}

TEST_F(TrainGan, pairs_are_two_different_phrases_of_one_piece_and_say_what_they_are) {
  const GridCorpus walks = corpus();
  const PhrasePairs pairs(walks, "train");
  Random random(1);
  const PhraseDraw draw = pairs.draw(random, 40);
  ASSERT_EQ(draw.wishes.size(), 80u);
  ASSERT_EQ(draw.rolls.size(), 80 * kPhraseValues);
  int begins = 0, folk = 0;
  for (std::size_t i = 0; i < 80; i += 2) {
    EXPECT_EQ(draw.wishes[i].style, draw.wishes[i + 1].style);
    const auto at = draw.rolls.begin() + static_cast<std::ptrdiff_t>(i * kPhraseValues);
    EXPECT_FALSE(std::equal(at, at + kPhraseValues, at + kPhraseValues));
    begins += draw.wishes[i].begins;
    folk += draw.wishes[i].style == 0;
  }
  EXPECT_GT(begins, 2);
  EXPECT_GT(folk, 10);
  EXPECT_LT(folk, 30);
}

TEST(PhraseForm, names_what_comes_back_and_what_comes_back_varied) {
  const auto phrase = [](int pitch, int last) {
    std::vector<GridBar> bars(kPhraseBars, GridBar{0, {{0, kGridMelody, pitch, 4}, {8, kGridMelody, pitch, 4}}});
    bars.back().notes.back().pitch = last;
    return bars;
  };
  BarGrid grid;
  for (const auto& bars : {phrase(60, 60), phrase(60, 62), phrase(72, 72), phrase(60, 60)})
    grid.bars.insert(grid.bars.end(), bars.begin(), bars.end());
  EXPECT_EQ(phrase_form(grid), "AaBA");
}

}  // namespace
}  // namespace euterpe
