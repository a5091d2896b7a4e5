/// Evaluations of what is heard, from a folder to their report, on a few real recordings.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"
#include "corpus/csv_table.hpp"
#include "corpus/noises.hpp"
#include "evaluate/task.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

/// A few recordings of each set, copied into a folder of the same layout.
class AudioTasks : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  fs::path data;

  void SetUp() override {
    const char* root = std::getenv("EUTERPE_DATA");
    if (root == nullptr) GTEST_SKIP() << "EUTERPE_DATA is not set: no recordings to hear";
    data = root;
  }
  bool is_there(const char* set) const { return fs::is_directory(data / set); }
  void copy(const fs::path& file) const {
    fs::create_directories((folder / file).parent_path());
    fs::copy_file(data / file, folder / file);
  }
  /// `artists` artists of each style with one clip each, and the two tables.
  void copy_emotify(std::size_t artists) const {
    const CsvTable table(data / "emotify" / "artists.csv", {"file", "artist"});
    std::map<std::string, std::map<std::string, std::string>> clips;  // style, artist: file
    for (std::size_t i = 0; i < table.rows(); ++i) {
      const std::string file = table.at(i, 0);
      clips[file.substr(0, file.find('/'))].emplace(table.at(i, 1), file);
    }
    for (const auto& [style, by_artist] : clips) {
      std::size_t taken = 0;
      for (const auto& [artist, file] : by_artist)
        if (taken++ < artists) copy(fs::path("emotify") / file);
    }
    for (const char* name : {"artists.csv", "votes.csv"}) copy(fs::path("emotify") / name);
  }
};

TEST_F(AudioTasks, EmotionsOfRecordingsAreJudgedByTheShippedModel) {
  if (!is_there("emotify")) GTEST_SKIP() << (data / "emotify") << " is not there";
  copy_emotify(2);
  EvaluateOptions options;
  options.data = folder.path();
  const auto report = evaluate_emotion_audio(options);
  EXPECT_EQ(report.at("n"), 8);
  const auto& pearson = report.at("pearson");
  EXPECT_EQ(pearson.size(), 20u) << "nine emotions, their mean, and the error of each";
  double sum = 0;
  for (const auto& [emotion, r] : pearson.items()) {
    if (emotion.ends_with("_se")) continue;
    EXPECT_LE(std::abs(r.get<double>()), 1) << emotion;
    if (emotion != "mean") sum += r.get<double>();
  }
  EXPECT_NEAR(pearson.at("mean").get<double>(), sum / 9, 1e-9);
  EXPECT_GT(pearson.at("mean").get<double>(), 0.3) << "of clips that it learned from";
  EXPECT_EQ(report.at("model").at("name"), "style-audio");
}

TEST_F(AudioTasks, InstrumentsAreJudgedByTheShippedModel) {
  if (!is_there("instruments")) GTEST_SKIP() << (data / "instruments") << " is not there";
  for (const char* name : {"Cello", "Flute", "Snare_drum"}) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(data / "instruments" / name))
      files.push_back(fs::path("instruments") / name / entry.path().filename());
    std::sort(files.begin(), files.end());
    for (std::size_t i = 0; i < 3; ++i) copy(files[i]);
  }
  EvaluateOptions options;
  options.data = folder.path();
  const auto report = evaluate_instrument(options);
  EXPECT_EQ(report.at("n"), 9);
  EXPECT_GT(report.at("accuracy").get<double>(), 0.7) << "of recordings that it learned from";
  for (const char* key : {"macro_recall", "ece", "ece_perfect_95", "confusion"})
    EXPECT_TRUE(report.contains(key)) << key;
  EXPECT_EQ(report.at("model").at("name"), "instrument");
}

TEST_F(AudioTasks, NoisesAreMoreUnknownThanMusic) {
  if (!is_there("emotify") || !is_there("noises")) GTEST_SKIP() << "emotify or noises is not there";
  copy_emotify(2);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(data / "noises")) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("n")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  int training = 0, held_out = 0;
  for (const std::string& name : names) {
    int& taken = noise_is_for_training(name) ? training : held_out;
    if (taken < 3) ++taken, copy(fs::path("noises") / name);
  }
  ASSERT_EQ(held_out, 3);
  EvaluateOptions options;
  options.data = folder.path();
  const auto report = evaluate_unknown(options);
  EXPECT_EQ(report.at("n_music"), 8);
  EXPECT_EQ(report.at("n_other"), 3) << "noises for training are not asked";
  EXPECT_GT(report.at("auroc").get<double>(), 0.9);
  EXPECT_LE(report.at("false_unknown").get<double>(), 0.25);
  EXPECT_EQ(report.at("by_source").at("noises").at("n"), 3);
}

}  // namespace
}  // namespace euterpe
