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
#include "train/classifier.hpp"

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
             {{"name", "mine"},
              {"task", "score-emotion"},
              {"network", "forest"},
              {"options", fresh.options()},
              {"commercial", false}});
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

/// A bar of a style again and again, with small accents of its own.
Score beat(int style, std::uint64_t seed) {
  static constexpr int kKeys[3][4] = {{36, 42, 38, 42}, {51, 44, 51, 37}, {45, 50, 47, 43}};
  Random random(seed);
  Score score;
  Track& kit = add_track(score, "kit", 0, 9);
  kit.drums = true;
  const int step = 480 / (style + 1);
  for (int i = 0, at = 0; at < 6 * 1920; at += step, ++i)
    kit.notes.push_back(
        {at, 60, static_cast<std::uint8_t>(kKeys[style][i % 4]), static_cast<std::uint8_t>(70 + random.below(40)), 9});
  return score;
}

/// Groove's layout: two styles in every session, and "odd" in the first alone.
LabeledScores planted_grooves(int sessions) {
  LabeledScores set;
  set.name = "groove";
  set.labels = {"jazz", "odd", "rock"};
  for (int session = 0; session < sessions; ++session)
    for (int part = 0; part < (session == 0 ? 6 : 4); ++part) {
      LabeledScore item;
      item.group = "groove/drummer" + std::to_string(session);
      item.id = item.group + "/" + std::to_string(part);
      item.split = session == sessions - 1 ? "valid" : session == sessions - 2 ? "test" : "train";
      const int style = part < 4 ? part % 2 : 2;
      item.label = style == 0 ? 2 : style == 1 ? 0 : 1;
      item.score = beat(style, static_cast<std::uint64_t>(session * 10 + part));
      set.items.push_back(std::move(item));
    }
  return set;
}

TEST(ScoreHeads, DrumsAreDividedBySessionAndWhatOneSessionAloneHoldsJudgesNobody) {
  const LabeledScores set = planted_grooves(6);
  const auto examples = head_examples(set, ScoreTask::drum_style, nullptr);
  ASSERT_EQ(examples.size(), 26u);
  for (std::size_t i = 0; i < examples.size(); ++i) EXPECT_EQ(examples[i].group, set.items[i].group);
  const auto fold = head_folds(examples, 3, 3, 1);
  const auto elsewhere = label_is_elsewhere(examples, fold);
  for (std::size_t i = 0; i < examples.size(); ++i) EXPECT_EQ(elsewhere[i], examples[i].label != 1) << i;
  HeadReport report;
  const ScoreHeads heads = fit_score_heads(ScoreTask::drum_style, set.labels, examples, 1, nullptr, &report);
  EXPECT_EQ(report.examples, 26u);
  EXPECT_EQ(report.judged, 24u);
  // Nobody was taught to doubt by what nobody could know, and yet the odd one is learned.
  EXPECT_LT(report.inner_nll, 0.3);
  const auto p = heads.probabilities(task_evidence(beat(2, 99), ScoreTask::drum_style, nullptr));
  EXPECT_EQ(std::max_element(p.begin(), p.end()) - p.begin(), 1);
}

TEST(ScoreHeads, OneSessionAloneIsDividedByPiece) {
  LabeledScores set = planted_grooves(4);
  for (LabeledScore& item : set.items) item.group = "groove/drummer0";
  HeadReport report;
  fit_score_heads(ScoreTask::drum_style, set.labels, head_examples(set, ScoreTask::drum_style, nullptr), 1, nullptr,
                  &report);
  EXPECT_EQ(report.judged, set.items.size());
  EXPECT_GT(report.inner_accuracy, 0.8);
}

TEST(ScoreHeads, DrumsAreEvaluatedBySessionAndByPerformanceAndOnThePublishedValidationSplit) {
  const Folder folder;
  const fs::path groove = folder.path() / "groove";
  fs::create_directories(groove);
  const LabeledScores set = planted_grooves(6);
  std::ofstream csv(groove / "info.csv");
  csv << "drummer,session,id,style,bpm,beat_type,midi_filename,split\n";
  for (std::size_t i = 0; i < set.items.size(); ++i) {
    const LabeledScore& item = set.items[i];
    const std::string file = std::to_string(i) + ".mid";
    write_midi(groove / file, item.score);
    csv << "d," << item.group.substr(7) << "," << item.id.substr(7) << ","
        << set.labels[static_cast<std::size_t>(item.label)] << ",120,beat," << file << ","
        << (item.split == "valid" ? "validation" : item.split) << "\n";
  }
  csv.close();
  EvaluateOptions options;
  options.data = folder.path();
  options.folds = 3;
  const auto folds = evaluate_drum_style(options);
  EXPECT_EQ(folds.at("n"), 26);
  EXPECT_EQ(folds.at("groups"), 6);
  EXPECT_EQ(folds.at("unlearned"), nlohmann::json({{"n", 2}, {"labels", {"odd"}}}));
  EXPECT_GT(folds.at("accuracy_learned").get<double>(), folds.at("accuracy").get<double>());
  ASSERT_EQ(folds.at("left_out").size(), 1u);
  EXPECT_NE(folds.at("left_out")[0].get<std::string>().find("notes"), std::string::npos);
  EXPECT_EQ(folds.at("by_performance").at("groups"), 26);
  EXPECT_FALSE(folds.at("by_performance").contains("unlearned"));

  RecognizerTraining training;
  training.data = folder.path();
  training.out = folder.path() / "model";
  training.settings["encoder"] = 0;
  drum_style_trainer().train(training);
  options.folds = 0;
  options.model = training.out.string();
  const auto held_out = evaluate_drum_style(options);
  EXPECT_EQ(held_out.at("split"), "valid");
  EXPECT_EQ(held_out.at("n"), 4);
  options.split = "test";
  EXPECT_EQ(evaluate_drum_style(options).at("split"), "test");
  options.folds = 3;
  options.extra["encoder"] = "yes";
  EXPECT_THROW(evaluate_drum_style(options), Error);
}

TEST(ScoreHeads, VectorsOfAnotherEncoderThanTheInstalledOneAreRefused) {
  const ScoreEncoder encoder = ScoreEncoder::load();
  Examples examples;
  Random random(1);
  for (int i = 0; i < 24; ++i) {
    std::vector<float> x(static_cast<std::size_t>(encoder.width()));
    for (float& v : x) v = static_cast<float>(random.normal());
    examples.add(x, i % 4, std::to_string(i), i);
  }
  ClassifierOptions small;
  small.classes = 4;
  small.hidden = {4};
  small.epochs = 1;
  ScoreMember member;
  member.kind = ScoreMember::Kind::embedding;
  member.network = train_classifier_by_group(examples, small, 2);
  const ScoreHeads heads(ScoreTask::emotion, quadrant_labels(), {member}, 1);
  Safetensors weights;
  heads.put(weights);
  const Folder folder;
  const auto saved = [&](const nlohmann::json& learned_with) {
    save_model(folder.path() / "mine", weights,
               {{"name", "mine"},
                {"task", "score-emotion"},
                {"network", "mlp"},
                {"options", heads.options()},
                {"training", {{"encoder", learned_with}}}});
    return ScoreHeads::load((folder.path() / "mine").string());
  };
  EXPECT_TRUE(saved(encoder.model().hash).wants_embedding());
  for (const nlohmann::json& other : {nlohmann::json("0123"), nlohmann::json()}) {
    try {
      saved(other);
      FAIL() << other;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::unsupported);
      EXPECT_NE(std::string(e.what()).find("score-encoder"), std::string::npos) << e.what();
    }
  }
}

TEST(GroupedError, OneSongManyTimesIsOneSong) {
  const std::vector<double> hits{1, 1, 0, 0};
  EXPECT_NEAR(grouped_error(hits, {"a", "b", "c", "d"}), 0.25, 1e-9);
  EXPECT_NEAR(grouped_error(hits, {"a", "a", "c", "c"}), std::sqrt(2.0) / 4, 1e-9);
  EXPECT_NEAR(grouped_error(hits, {"a", "b", "a", "b"}), 0, 1e-9);
}

}  // namespace
}  // namespace euterpe
