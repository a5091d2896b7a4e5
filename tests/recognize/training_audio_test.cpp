#include "recognize/training_audio.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <functional>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/random.hpp"
#include "recognize/metrics.hpp"
#include "recognize/music.hpp"
#include "signal/audio_features.hpp"
#include "signal/separation_features.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;
using test::Folder;
using test::write_tone;

constexpr std::size_t kWidth = 4;
constexpr int kArtists = 120;

std::string failure(const std::function<void()>& action, Category category) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), category) << error.what();
    return std::string(error.what()) + " " + error.hint();
  }
  ADD_FAILURE() << "no error";
  return {};
}

/// Clips of three styles by 120 artists, who differ as much as the styles do; votes follow the same descriptors.
AudioClips planted_clips(bool votes) {
  AudioClips clips;
  clips.labels = {"calm", "loud", "odd"};
  Random random(11);
  for (int artist = 0; artist < kArtists; ++artist) {
    std::vector<float> manner(audio_feature_names().size());
    for (float& v : manner) v = static_cast<float>(random.normal());
    for (int i = 0; i < 4; ++i) {
      LabeledClip clip;
      clip.label = artist % 3;
      clip.group = "artist" + std::to_string(artist);
      clip.file = clip.group + "/" + std::to_string(i);
      auto view = manner;
      for (float& v : view) v += static_cast<float>(0.3 * random.normal());  // of one clip
      for (std::size_t f = 0; f < 45; ++f) view[f] += clip.label == static_cast<int>(f % 3) ? 0.8f : 0.0f;
      clip.evidence.views = {view};
      clip.evidence.duration = Seconds(30);
      clip.evidence.separation.assign(kSeparationFeatures, 0.0f);
      clip.evidence.embedding.assign(3 * kWidth, static_cast<float>(artist));
      if (votes) {
        clip.votes.assign(9, 0.1);
        clip.votes[0] = 0.2 + 0.2 * clip.label;
      }
      clips.clips.push_back(clip);
    }
  }
  return clips;
}

std::vector<std::size_t> all_of(const AudioClips& clips) {
  std::vector<std::size_t> all(clips.clips.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

void music_of_two_kinds(const fs::path& folder) {
  fs::create_directories(folder / "hum");
  fs::create_directories(folder / "hiss");
  for (int i = 0; i < 6; ++i) {
    write_tone(folder / "hum" / (std::to_string(i) + ".wav"), 200 + 20 * i, 0.6, 0.001);
    write_tone(folder / "hiss" / (std::to_string(i) + ".wav"), 210 + 20 * i, 0.6, 0.3);
  }
}

RecognizerTraining quick(const RecognizerTrainer& trainer, const fs::path& data, const fs::path& out) {
  RecognizerTraining training = default_training(trainer);
  training.data = data;
  training.out = out;
  training.settings["unknown"] = 0;
  return training;
}

TEST(ClipFolds, KeepAnArtistWholeAndSpreadTheStyles) {
  const AudioClips clips = planted_clips(false);
  const auto folds = clip_folds(clips, all_of(clips), 5, 3);
  std::map<std::string, std::set<int>> of_artist;
  std::array<std::array<int, 3>, 5> count{};
  for (std::size_t i = 0; i < folds.size(); ++i) {
    of_artist[clips.clips[i].group].insert(folds[i]);
    ++count[static_cast<std::size_t>(folds[i])][static_cast<std::size_t>(clips.clips[i].label)];
  }
  for (const auto& [artist, its] : of_artist) EXPECT_EQ(its.size(), 1u) << artist;
  for (const auto& fold : count)
    for (const int n : fold) EXPECT_EQ(n, 32);
}

TEST(AudioHeads, TellTheStyleOfArtistsNeverHeardWithHonestProbabilities) {
  const AudioClips clips = planted_clips(false);
  std::vector<std::size_t> known, unseen;
  for (std::size_t i = 0; i < clips.clips.size(); ++i) (i < 320 ? known : unseen).push_back(i);
  const AudioHeads heads = fit_audio_heads(clips, known, kWidth, {});
  std::vector<Prediction> predictions;
  for (const std::size_t i : unseen) {
    const auto answers = heads.answers(clips.clips[i].evidence);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].task, "style");
    Prediction prediction{std::vector<double>(3), clips.clips[i].label};
    for (const auto& [label, p] : answers[0].values)
      prediction
          .probabilities[static_cast<std::size_t>(std::ranges::find(clips.labels, label) - clips.labels.begin())] = p;
    EXPECT_NEAR(std::accumulate(prediction.probabilities.begin(), prediction.probabilities.end(), 0.0), 1, 1e-9);
    EXPECT_GE(answers[0].values[0].second, answers[0].values[1].second);
    predictions.push_back(prediction);
  }
  EXPECT_GT(accuracy(predictions), 0.7);
  EXPECT_LE(expected_calibration_error(predictions), perfect_calibration_interval(predictions, 1).second);
}

TEST(AudioHeads, ForetellVotesWhereClipsHaveThem) {
  const AudioClips clips = planted_clips(true);
  AudioHeadReport report;
  const AudioHeads heads = fit_audio_heads(clips, all_of(clips), kWidth, {}, &report);
  ASSERT_EQ(heads.heads().size(), 3u);
  EXPECT_GT(report.unseen_pearson[0], 0.5);  // amazement was planted
  EXPECT_EQ(report.unseen_pearson[8], 0);    // every clip is as sad as any other
  const AudioEvidence& evidence = clips.clips[0].evidence;
  EXPECT_FLOAT_EQ(heads.outputs(evidence)[3],  // the first emotion, of two opinions
                  (heads.values()(evidence)[0] + heads.forest()(AudioHeads::forest_input()(evidence))[0]) / 2);
  const auto answers = heads.answers(evidence);
  EXPECT_EQ(answers[1].task, "emotion");
  EXPECT_EQ(answers[1].kind, Answer::Kind::values);
  EXPECT_EQ(answers[1].values.size(), 9u);
  EXPECT_EQ(answers[2].task, "valence-arousal");
}

TEST(AudioHeads, AreTheSameWhateverTheNumberOfThreadsAndWhenReadAgain) {
  const Folder folder;
  music_of_two_kinds(folder.path);
  const auto training = quick(style_audio_trainer(), folder.path, folder / "model");
  style_audio_trainer().train(training);
  const AudioEncoder encoder = AudioEncoder::load();
  const AudioClips clips = read_audio_clips(folder.path, "emotify", encoder);
  const AudioHeads heads = fit_audio_heads(clips, all_of(clips), static_cast<std::size_t>(encoder.width()),
                                           audio_head_options(training, "style"));
  const AudioHeads loaded = AudioHeads::load((folder / "model").string());
  for (const LabeledClip& clip : clips.clips) EXPECT_EQ(loaded.outputs(clip.evidence), heads.outputs(clip.evidence));
  EXPECT_EQ(loaded.head("style")->temperature, heads.head("style")->temperature);
}

TEST(AudioHeads, TellWhatASideOfARecordingIsLikeFromItsViewAlone) {
  const AudioClips clips = planted_clips(false);
  const AudioHeads heads = fit_audio_heads(clips, all_of(clips), kWidth,
                                           {.parts = {{AudioPart::descriptors, 1},
                                                      {AudioPart::covariance, 1},
                                                      {AudioPart::separation, 1},
                                                      {AudioPart::embedding, 1}}});
  AudioEvidence evidence;  // neither covariance nor separation nor embedding
  evidence.views = clips.clips[0].evidence.views;
  EXPECT_EQ(heads.answers(evidence)[0].values[0].first, "calm");
  evidence.embedding.resize(kWidth + 1);
  EXPECT_NE(failure([&] { heads.answers(evidence); }, Category::unsupported).find("embedding"), std::string::npos);
}

TEST(TrainStyleAudio, MakesACommercialModelFromTheUsersOwnFolders) {
  const Folder folder;
  music_of_two_kinds(folder.path / "music");
  write_tone(folder / "new.wav", 333, 0.6, 0.28);
  style_audio_trainer().train(quick(style_audio_trainer(), folder.path / "music", folder / "model"));
  const AudioHeads heads = AudioHeads::load((folder / "model").string());
  fs::create_directories(folder.path / "other" / "hiss");
  fs::rename(folder / "new.wav", folder.path / "other" / "hiss" / "new.wav");
  const AudioClips found = read_audio_clips(folder.path / "other", "emotify", AudioEncoder::load());
  const auto answers = heads.answers(found.clips.at(0).evidence);
  ASSERT_EQ(answers.size(), 1u);  // nobody voted
  EXPECT_EQ(answers[0].values[0].first, "hiss");
  EXPECT_TRUE(answers[0].commercial);
  EXPECT_EQ(heads.model().card["data"][0]["licence"], "the user's own");
}

TEST(ReadAudioClips, SaysWhatALayoutLacks) {
  const Folder folder;
  const AudioEncoder encoder = AudioEncoder::load();
  failure([&] { read_audio_clips(folder / "nowhere", "emotify", encoder); }, Category::not_found);
  EXPECT_NE(failure([&] { read_audio_clips(folder.path, "emotify", encoder); }, Category::bad_input)
                .find("one folder of audio files for each label"),
            std::string::npos);
  fs::create_directories(folder / "only");
  write_tone(folder.path / "only" / "a.wav", 440, 0.5, 0);
  write_tone(folder.path / "only" / "b.wav", 450, 0.5, 0);
  const AudioClips one = read_audio_clips(folder.path, "emotify", encoder);
  EXPECT_NE(failure([&] { fit_audio_heads(one, all_of(one), static_cast<std::size_t>(encoder.width()), {}); },
                    Category::bad_input)
                .find("two are the least"),
            std::string::npos);
  std::ofstream(folder / "votes.csv")
      << "file,genre,amazement,solemnity,tenderness,nostalgia,calmness,power,joyful_activation,tension,sadness,mood\n"
         "only/a.wav,only,0,0,0,0,7,0,0,0,0,3\n";
  EXPECT_NE(failure([&] { read_audio_clips(folder.path, "emotify", encoder); }, Category::bad_input).find("calmness"),
            std::string::npos);
}

TEST(ReadAudioClips, LeavesOutWhatCannotBeHeardAndWhatMayNotBe) {
  const Folder folder;
  music_of_two_kinds(folder.path);
  std::ofstream(folder.path / "hum" / "broken.mp3") << "this is no music";
  encode(folder.path / "hum" / "silence.wav", {22050, 1, std::vector<float>(22050, 0.0f)});
  std::ofstream(folder / "artists.csv") << "file,artist\nhum/0.wav,Ann\nhum/1.wav,Ann\n";
  const AudioClips clips = read_audio_clips(folder.path, "emotify", AudioEncoder::load());
  EXPECT_EQ(clips.clips.size(), 12u);
  EXPECT_EQ(clips.labels, (std::vector<std::string>{"hiss", "hum"}));
  EXPECT_EQ(clips.clips[6].file, "hum/0.wav");
  EXPECT_EQ(clips.clips[6].group, "Ann");
  EXPECT_EQ(clips.clips[7].group, "Ann");
  EXPECT_EQ(clips.clips[8].group, "hum/2.wav");
}

TEST(ValenceArousal, PlacesEmotionsWhereRussellDoes) {
  const auto at = [](std::initializer_list<std::size_t> chosen) {
    std::vector<double> votes(9, 0.0);
    for (const std::size_t e : chosen) votes[e] = 0.5;
    return valence_arousal(votes);
  };
  const auto joy = at({6}), tension = at({7}), sadness = at({8}), calm = at({4}), none = at({});
  EXPECT_TRUE(joy.first > 0 && joy.second > 0);
  EXPECT_TRUE(tension.first < 0 && tension.second > 0);
  EXPECT_TRUE(sadness.first < 0 && sadness.second < 0);
  EXPECT_TRUE(calm.first > 0 && calm.second < 0);
  EXPECT_EQ(none, (std::pair{0.0, 0.0}));
  EXPECT_NEAR(at({6, 7}).first, (joy.first + tension.first) / 2, 1e-12);
}

}  // namespace
}  // namespace euterpe
