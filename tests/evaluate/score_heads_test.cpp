#include "recognize/score_heads.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/random.hpp"
#include "evaluate/score_heads.hpp"
#include "recognize/training_score_heads.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

class Folder {
 public:
  Folder()
      : path_(fs::temp_directory_path() /
              (std::to_string(getpid()) + testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Q1 loud, fast, major; Q2 loud, fast, minor; Q3 soft, slow, minor; Q4 soft, slow, major.
Score feeling(int quadrant, std::uint64_t seed) {
  Random random(seed);
  const bool aroused = quadrant < 2, minor = quadrant == 1 || quadrant == 2;
  Score score;
  Track& track = add_track(score, "piano", 0, 0);
  const int major_scale[] = {0, 2, 4, 5, 7, 9, 11}, minor_scale[] = {0, 2, 3, 5, 7, 8, 10};
  const int root = 48 + static_cast<int>(random.below(6)), step = aroused ? 120 : 480;
  for (int at = 0; at < 8 * 1920; at += step) {
    const auto degree = random.below(7);
    const int pitch = root + 12 + (minor ? minor_scale : major_scale)[degree];
    const auto velocity = static_cast<std::uint8_t>((aroused ? 95 : 45) + random.below(26));
    track.notes.push_back({at, step - 10, static_cast<std::uint8_t>(pitch), velocity, 0});
    if (at % 1920 == 0)
      for (const int above : {0, minor ? 3 : 4, 7})
        track.notes.push_back({at, 1800, static_cast<std::uint8_t>(root + above), velocity, 0});
  }
  score.sort();
  return score;
}

LabeledScores planted(int songs) {
  LabeledScores set;
  set.name = "planted";
  set.labels = quadrant_labels();
  for (int song = 0; song < songs; ++song)
    for (int clip = 0; clip < 2; ++clip) {
      LabeledScore item;
      item.id = "planted/" + std::to_string(song) + "_" + std::to_string(clip);
      item.group = "song" + std::to_string(song);
      item.split = "train";
      item.label = song % 4;
      item.score = feeling(item.label, static_cast<std::uint64_t>(song * 2 + clip));
      set.items.push_back(std::move(item));
    }
  return set;
}

double sum(const std::vector<double>& p) { return std::accumulate(p.begin(), p.end(), 0.0); }

TEST(ScoreHeads, LearnWhatWasPlantedAndSavedAnswerAsFresh) {
  const auto examples = head_examples(planted(24), ScoreTask::emotion, nullptr);
  ASSERT_EQ(examples.size(), 48u);
  HeadReport report;
  ScoreHeads fresh = fit_score_heads(ScoreTask::emotion, quadrant_labels(), examples, 1, nullptr, &report);
  EXPECT_GT(report.inner_accuracy, 0.9);
  EXPECT_EQ(fresh.class_mean().size(), 4 * task_feature_names(ScoreTask::emotion).size());

  const Folder folder;
  Safetensors weights;
  fresh.put(weights);
  save_model(folder.path() / "mine", weights,
             {{"name", "mine"}, {"task", "score-emotion"}, {"network", "forest"}, {"options", fresh.options()}, {"commercial", false}});
  const ScoreHeads read = ScoreHeads::load((folder.path() / "mine").string());
  for (int quadrant = 0; quadrant < 4; ++quadrant) {
    ScoreEvidence evidence;
    evidence.emotion = task_evidence(feeling(quadrant, 1000), ScoreTask::emotion, nullptr);
    const auto p = fresh.probabilities(evidence.emotion), q = read.probabilities(evidence.emotion);
    EXPECT_NEAR(sum(p), 1, 1e-9);
    for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(p[k], q[k], 0.02);
    const auto answers = read.answers(evidence);
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].task, "quadrant");
    EXPECT_EQ(answers[0].values.front().first, quadrant_labels()[static_cast<std::size_t>(quadrant)]);
    EXPECT_EQ(answers[1].task, "valence-arousal");
    for (const auto& [name, value] : answers[1].values)
      EXPECT_EQ(value > 0, name == "arousal" ? quadrant < 2 : quadrant == 0 || quadrant == 3) << name << quadrant;
    EXPECT_EQ(answers[0].model, "mine");
    EXPECT_FALSE(answers[0].commercial);
    EXPECT_THROW(read.answers({}), Error) << "evidence of nothing";
  }
}

TEST(ScoreHeads, TheSameSeedGivesTheSameModel) {
  const auto examples = head_examples(planted(8), ScoreTask::emotion, nullptr);
  Safetensors one, two;
  fit_score_heads(ScoreTask::emotion, quadrant_labels(), examples, 3).put(one);
  fit_score_heads(ScoreTask::emotion, quadrant_labels(), examples, 3).put(two);
  EXPECT_EQ(write_safetensors(one), write_safetensors(two));
}

TEST(ScoreHeads, FoldsNeverDivideASong) {
  const auto examples = head_examples(planted(12), ScoreTask::emotion, nullptr);
  const auto folds = head_folds(examples, 4, 3, 5);
  std::map<std::string, std::set<int>> of_group;
  for (std::size_t i = 0; i < examples.size(); ++i) of_group[examples[i].group].insert(folds[i]);
  for (const auto& [group, where] : of_group) EXPECT_EQ(where.size(), 1u) << group;
  EXPECT_EQ(std::set<int>(folds.begin(), folds.end()).size(), 3u);
}

TEST(ScoreHeads, LoudnessIsNotAskedOfNotatedScores) {
  Score performed = feeling(0, 1), notated = performed;
  for (Note& note : notated.tracks[0].notes) note.velocity = 64;
  EXPECT_FALSE(task_evidence(performed, ScoreTask::emotion, nullptr).flat);
  EXPECT_TRUE(task_evidence(notated, ScoreTask::emotion, nullptr).flat);

  const auto examples = head_examples(planted(16), ScoreTask::emotion, nullptr);
  const ScoreHeads heads = fit_score_heads(ScoreTask::emotion, quadrant_labels(), examples, 1);
  // Two scores that differ in their one loudness alone are the same to it.
  Score soft = notated;
  for (Note& note : soft.tracks[0].notes) note.velocity = 20;
  EXPECT_EQ(heads.probabilities(task_evidence(notated, ScoreTask::emotion, nullptr)),
            heads.probabilities(task_evidence(soft, ScoreTask::emotion, nullptr)));
}

TEST(ScoreHeads, TooFewNotesAndTheWrongKindAllowNoTask) {
  Score one;
  add_track(one, "", 0, 0).notes.push_back({0, 480, 60, 80, 0});
  Score drums;
  Track& kit = add_track(drums, "kit", 0, 9);
  kit.drums = true;
  for (int i = 0; i < 16; ++i) kit.notes.push_back({i * 240, 60, 42, 80, 9});
  for (const ScoreTask task : {ScoreTask::emotion, ScoreTask::composer, ScoreTask::drum_style}) {
    EXPECT_TRUE(task_evidence({}, task, nullptr).views.empty());
    EXPECT_TRUE(task_evidence(one, task, nullptr).views.empty());
    EXPECT_EQ(task_evidence(drums, task, nullptr).views.empty(), task != ScoreTask::drum_style);
    EXPECT_EQ(task_evidence(feeling(0, 1), task, nullptr).views.empty(), task == ScoreTask::drum_style);
  }
}

TEST(ScoreHeads, ForeignModelsAreRefused) {
  const Folder folder;
  Safetensors weights;
  const std::vector<float> zero{0.0f};
  weights.put("x", {1}, zero);
  save_model(folder.path() / "other", weights, {{"name", "other"}, {"task", "style-audio"}, {"network", "mlp"}});
  EXPECT_THROW(ScoreHeads::load((folder.path() / "other").string()), Error);
  save_model(folder.path() / "bare", weights, {{"name", "bare"}, {"task", "composer-score"}, {"network", "n-grams"}});
  EXPECT_THROW(ScoreHeads::load((folder.path() / "bare").string()), Error);
  save_model(folder.path() / "hollow", weights,
             {{"name", "hollow"},
              {"task", "composer-score"},
              {"network", "n-grams"},
              {"options",
               {{"labels", {"a", "b"}},
                {"descriptors", "score.v1"},
                {"temperature", 1},
                {"members",
                 {{{"kind", "ngrams"},
                   {"dynamics", "any"},
                   {"weight", 1},
                   {"temperature", 1},
                   {"features", nlohmann::json::array()}}}}}}});
  EXPECT_THROW(ScoreHeads::load((folder.path() / "hollow").string()), Error) << "tensors are missing";
  EXPECT_THROW(ScoreHeads::load("no-such-model"), Error);
}

TEST(ScoreHeads, FoldersWithoutTheSetAreRefused) {
  const Folder folder;
  for (const ScoreTask task : {ScoreTask::emotion, ScoreTask::composer, ScoreTask::drum_style}) {
    EXPECT_THROW(read_labeled(task, folder.path()), Error);
    EXPECT_THROW(read_labeled(task, folder.path() / "nowhere"), Error);
  }
}

/// EMOPIA's layout, read, trained and evaluated by folds as the commands do it.
TEST(ScoreHeads, TrainAndEvaluateAFolder) {
  const Folder folder;
  const fs::path set = folder.path() / "emopia";
  fs::create_directories(set);
  std::ofstream csv(set / "clips.csv");
  csv << "file,split,song,quadrant\n";
  for (const LabeledScore& item : planted(16).items) {
    const std::string file = item.id.substr(8) + ".mid";
    write_midi(set / file, item.score);
    csv << file << (item.group == "song15" || item.group == "song14" ? ",val," : ",train,") << item.group << ","
        << item.label + 1 << "\n";
  }
  csv.close();
  RecognizerTraining training;
  training.data = folder.path();
  training.out = folder.path() / "model";
  training.settings["encoder"] = 0;
  const auto trained = score_emotion_trainer().train(training);
  EXPECT_EQ(trained.at("labels"), nlohmann::json(quadrant_labels()));

  EvaluateOptions options;
  options.data = set;
  options.model = training.out.string();
  const auto held_out = evaluate_emotion_score(options);
  EXPECT_EQ(held_out.at("n"), 4);
  EXPECT_EQ(held_out.at("split"), "not learned from");
  EXPECT_GE(held_out.at("accuracy_arousal").get<double>(), 0.75);
  options.model.clear();
  options.folds = 4;
  const auto folds = evaluate_emotion_score(options);
  EXPECT_EQ(folds.at("n"), 32);
  EXPECT_GT(folds.at("accuracy_4q").get<double>(), 0.8);
  for (const char* key :
       {"accuracy_4q_se", "accuracy_arousal_se", "accuracy_valence_se", "ece", "ece_perfect_95", "macro_recall"})
    EXPECT_TRUE(folds.contains(key)) << key;
  EXPECT_TRUE(folds.at("baseline").contains("accuracy"));
  options.folds = 1;
  EXPECT_THROW(evaluate_emotion_score(options), Error);
}

TEST(GroupedError, OneSongManyTimesIsOneSong) {
  const std::vector<double> hits{1, 1, 0, 0};
  EXPECT_NEAR(grouped_error(hits, {"a", "b", "c", "d"}), 0.25, 1e-9);
  EXPECT_NEAR(grouped_error(hits, {"a", "a", "c", "c"}), std::sqrt(2.0) / 4, 1e-9);
  EXPECT_NEAR(grouped_error(hits, {"a", "b", "a", "b"}), 0, 1e-9);
}

}  // namespace
}  // namespace euterpe
