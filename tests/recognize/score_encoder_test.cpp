#include "recognize/score_encoder.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "catalog/support.hpp"
#include "corpus/music.hpp"
#include "recognize/training_score_encoder.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
  return ab / std::sqrt(aa * bb);
}

TEST(ScoreEncoder, the_shipped_one_hears_a_transposed_tune_as_nearer_than_another) {
  const ScoreEncoder encoder = ScoreEncoder::load();
  const auto tune = encoder.embed(test::walk(1)), moved = encoder.embed(test::walk(1, 8, 62));
  Score chords;
  Track& track = add_track(chords, "", 0, 0);
  for (int i = 0; i < 20; ++i)
    for (const int pitch : {36, 43, 48, 55, 60})
      track.notes.push_back({i * 1920, 1900, static_cast<std::uint8_t>(pitch + i % 3), 40, 0});
  chords.sort();
  ASSERT_EQ(tune.size(), 1u);
  ASSERT_EQ(tune[0].size(), static_cast<std::size_t>(encoder.width()));
  EXPECT_GT(cosine(tune[0], moved[0]), cosine(tune[0], encoder.embed(chords)[0]) + 0.1);
}

TEST(ScoreEncoder, one_note_drums_alone_and_two_hundred_thousand_notes) {
  const ScoreEncoder encoder = ScoreEncoder::load();
  EXPECT_TRUE(encoder.embed(Score{}).empty());
  Score score;
  Track& track = add_track(score, "", 0, 9);
  track.notes.push_back({0, 0, 38, 80, 9});
  EXPECT_EQ(encoder.embed(score).size(), 1u);
  for (int i = 1; i < 200000; ++i) track.notes.push_back({i * 60, 30, static_cast<std::uint8_t>(36 + i % 12), 80, 9});
  const auto vectors = encoder.embed(score);
  EXPECT_EQ(vectors.size(), 64u);
  for (const auto& vector : vectors)
    for (const float value : vector) ASSERT_TRUE(std::isfinite(value));
}

TEST(ScoreEncoder, refuses_a_model_of_another_task) { EXPECT_THROW(ScoreEncoder::load("style-score"), Error); }

TEST(ScoreEncoderTrainer, trains_from_a_folder_of_sets_and_what_it_writes_can_be_loaded) {
  set_threads(1);
  test::TemporaryFolder folder;
  for (int i = 0; i < 40; ++i) {
    std::filesystem::create_directories(folder / "nottingham");
    write_midi(folder / "nottingham" / ("tune" + std::to_string(i) + ".mid"),
               test::walk(static_cast<std::uint64_t>(i)));
  }
  const RecognizerTrainer& row = score_encoder_trainer();
  RecognizerTraining training;
  training.data = folder.path();
  training.out = folder / "score-encoder";
  training.run = folder / "run";
  for (const Setting& s : row.settings) training.settings[s.name] = s.fallback;
  training.settings["steps"] = 2;
  training.settings["notes"] = 128;
  training.settings["width"] = 32;
  training.settings["layers"] = 1;
  training.settings["ff"] = 32;
  training.settings["context"] = 64;
  const nlohmann::json report = row.train(training);
  EXPECT_EQ(report["training"]["steps"], 2);
  const ScoreEncoder encoder = ScoreEncoder::load(training.out.string());
  EXPECT_EQ(encoder.width(), 64);
  EXPECT_EQ(encoder.model().card["commercial"], true);
  EXPECT_EQ(encoder.embed(test::walk(1)).size(), 1u);
  training.settings["emopia"] = 1;
  EXPECT_THROW(row.train(training), Error);  // it is not there
}

TEST(ScoreEncoderTrainer, names_the_setting_that_is_out_of_range_before_it_reads_anything) {
  const RecognizerTrainer& row = score_encoder_trainer();
  RecognizerTraining training;
  training.data = "/no/such/folder";
  const auto complaint = [&](const std::string& name, double value) {
    for (const Setting& s : row.settings) training.settings[s.name] = s.fallback;
    training.settings[name] = value;
    try {
      row.train(training);
    } catch (const Error& e) {
      return std::pair(e.category(), std::string(e.what()));
    }
    return std::pair(Category::usage, std::string());
  };
  const std::pair<const char*, double> wrong[] = {
      {"steps", 0},         {"steps", 1.5},   {"notes", 8},   {"notes", -2048}, {"learning-rate", 0},
      {"learning-rate", 2}, {"share", 0},     {"share", 1},   {"width", 0},     {"width", 100},
      {"width", 1 << 20},   {"layers", 0},    {"layers", 65}, {"ff", 0},        {"ff", 100},
      {"context", 4},       {"context", 1e6}, {"emopia", 2},  {"notes", 100},   {"steps", std::nan("")}};
  for (const auto& [name, value] : wrong) {
    const auto [category, text] = complaint(name, value);
    EXPECT_EQ(category, Category::usage) << name << " " << value;
    EXPECT_NE(text.find(std::string("--") + name), std::string::npos) << name << " " << value << ": " << text;
  }
  EXPECT_EQ(complaint("steps", 10).first, Category::not_found) << "then the data";
}

}  // namespace
}  // namespace euterpe
