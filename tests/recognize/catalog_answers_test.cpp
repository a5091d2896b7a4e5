#include "recognize/catalog_answers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "recognize/music.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;
using test::hymn;

class CatalogAnswers : public ::testing::Test {
 protected:
  test::Folder folder;
  std::unique_ptr<Catalog> catalog = open_catalog(folder / "catalog");

  TrackRecord put(const fs::path& file, const char* kind) {
    TrackRecord track;
    track.id = sha256_file(file);
    track.path = file.string();
    track.kind = kind;
    catalog->put_track(track, {});
    return track;
  }
  TrackRecord put_hymn(const char* name, int bars) {
    write_midi(folder / name, hymn(bars));
    return put(folder / name, "score");
  }
  static RecognizeOptions only(const char* model) {
    RecognizeOptions options;
    for (const RecognizerModel& row : recognizer_models())
      if (std::string_view(row.name) != model) options.without.push_back(row.name);
    return options;
  }
};

TEST_F(CatalogAnswers, WhatIsStoredIsTheSameAndNeedsNoFile) {
  const TrackRecord track = put_hymn("hymn.mid", 40);
  Recognizer first, second;
  const TrackRecognition fresh = recognize_track(first, *catalog, track, track.path);
  EXPECT_FALSE(fresh.stored);
  fs::remove(track.path);
  const TrackRecognition kept = recognize_track(second, *catalog, track, track.path);
  EXPECT_TRUE(kept.stored);
  EXPECT_EQ(kept.recognition.answers, fresh.recognition.answers);
  EXPECT_EQ(kept.recognition.curve, fresh.recognition.curve);
  EXPECT_EQ(kept.recognition.embedding, fresh.recognition.embedding);
  EXPECT_EQ(kept.recognition.embedding_space, fresh.recognition.embedding_space);
  EXPECT_EQ(kept.recognition.duration, fresh.recognition.duration);
  EXPECT_EQ(second.stages().total(), 0);
}

TEST_F(CatalogAnswers, AreThoseOfAFreshAnswerWithoutCatalog) {
  const TrackRecord track = put_hymn("hymn.mid", 24);
  Recognizer recognizer;
  const Recognition direct = recognizer.recognize(fs::path(track.path));
  const Recognition stored = recognize_track(recognizer, *catalog, track, track.path).recognition;
  EXPECT_EQ(stored.answers, direct.answers);
  EXPECT_EQ(stored.curve, direct.curve);
}

TEST_F(CatalogAnswers, AskingForOneTaskStoresAllThatItsModelSays) {
  const TrackRecord track = put_hymn("hymn.mid", 16);
  RecognizeOptions narrow;
  narrow.tasks = {"style"};
  Recognizer style(narrow), style_model(only("style-score"));
  EXPECT_EQ(recognize_track(style, *catalog, track, track.path).recognition.answers.size(), 1u);
  EXPECT_TRUE(recognize_track(style_model, *catalog, track, track.path).stored);
}

TEST_F(CatalogAnswers, OnlyTheModelThatIsNewIsAsked) {
  const TrackRecord track = put_hymn("hymn.mid", 16);
  Recognizer old(only("style-score")), all;
  ASSERT_GT(all.keys(true).size(), old.keys(true).size()) << "needs a second model of scores";
  recognize_track(old, *catalog, track, track.path);
  // A mark in what is stored, which no model would say.
  std::vector<AnswerRecord> stored = catalog->answers(track.id);
  const auto style = std::find_if(stored.begin(), stored.end(), [](const auto& r) { return r.task == "style-score"; });
  ASSERT_NE(style, stored.end());
  nlohmann::json said = nlohmann::json::parse(style->answer);
  said["answers"][0]["values"] = {{"folk", 0.123}, {"pop", 0.877}};
  style->answer = said.dump();
  catalog->put_answers(track.id, {*style});

  const TrackRecognition found = recognize_track(all, *catalog, track, track.path);
  EXPECT_FALSE(found.stored);
  EXPECT_EQ(found.recognition.find("style")->values,
            (std::vector<std::pair<std::string, double>>{{"pop", 0.877}, {"folk", 0.123}}));
  for (const ModelKey& key : all.keys(true)) {
    const auto records = catalog->answers(track.id);
    EXPECT_EQ(std::count_if(records.begin(), records.end(),
                            [&](const AnswerRecord& r) {
                              return key == ModelKey{r.task, r.model_hash};
                            }),
              1)
        << key.task;
  }
  EXPECT_TRUE(recognize_track(all, *catalog, track, track.path).stored);
}

TEST_F(CatalogAnswers, OfAProgramThatAnsweredOtherwiseAreComputedAnew) {
  const TrackRecord track = put_hymn("hymn.mid", 16);
  Recognizer recognizer(only("style-score"));
  const Recognition fresh = recognize_track(recognizer, *catalog, track, track.path).recognition;
  const std::string hash = fresh.find("style")->model_hash;
  const std::string version = "answers " + std::to_string(kAnswerVersion) + " ";
  // The model and its detector of the unknown, which is in the same file.
  EXPECT_EQ(recognizer.keys(true).front().hash, sha256(std::string_view(version + hash + hash)));
  EXPECT_EQ(recognizer.keys(true).back().hash, fresh.embedding_space);
  // What stands under another key is another program's.
  std::vector<AnswerRecord> stored = catalog->answers(track.id);
  catalog->forget_track(track.id);
  put(track.path, "score");
  for (AnswerRecord& record : stored) record.model_hash = sha256(std::string_view("answers 1 " + hash + hash));
  catalog->put_answers(track.id, stored);
  EXPECT_EQ(stored_answers(recognizer, *catalog, track).others, stored.size());
  EXPECT_FALSE(recognize_track(recognizer, *catalog, track, track.path).stored);
}

TEST_F(CatalogAnswers, AreListedWithoutAskingAnyone) {
  const TrackRecord track = put_hymn("hymn.mid", 16);
  Recognizer recognizer;
  EXPECT_TRUE(stored_answers(recognizer, *catalog, track).answers.empty());
  const Recognition fresh = recognize_track(recognizer, *catalog, track, track.path).recognition;
  const StoredAnswers stored = stored_answers(recognizer, *catalog, track);
  EXPECT_EQ(stored.answers, fresh.answers);
  EXPECT_EQ(stored.none, "");
  EXPECT_EQ(stored.others, 0u);
}

TEST_F(CatalogAnswers, ThatThereIsNoneIsRememberedToo) {
  encode(folder / "silence.wav", {22050, 1, std::vector<float>(44100, 0.0f)});
  const TrackRecord track = put(folder / "silence.wav", "audio");
  Recognizer first, second;
  EXPECT_THROW(recognize_track(first, *catalog, track, track.path), Error);
  fs::remove(track.path);  // not read again
  try {
    recognize_track(second, *catalog, track, track.path);
    FAIL() << "silence has an answer";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), Category::bad_input);
    EXPECT_NE(error.detail().find("silence"), std::string::npos) << error.what();
  }
}

TEST_F(CatalogAnswers, AFileThatIsAnotherNowIsRefused) {
  const TrackRecord track = put_hymn("hymn.mid", 8);
  write_midi(track.path, hymn(9));
  Recognizer recognizer;
  EXPECT_THROW(recognize_track(recognizer, *catalog, track, track.path), Error);
  EXPECT_TRUE(catalog->answers(track.id).empty());
}

TEST_F(CatalogAnswers, TravelWithAnExportAndGoWithTheirTrack) {
  const TrackRecord track = put_hymn("hymn.mid", 8);
  Recognizer recognizer;
  const Recognition fresh = recognize_track(recognizer, *catalog, track, track.path).recognition;
  std::stringstream backup;
  catalog->export_to(backup);
  const auto restored = open_catalog(folder / "restored");
  restored->import_from(backup);
  fs::remove(track.path);
  EXPECT_EQ(recognize_track(recognizer, *restored, track, track.path).recognition.answers, fresh.answers);
  catalog->forget_track(track.id);
  EXPECT_TRUE(catalog->answers(track.id).empty());
  EXPECT_TRUE(catalog->embeddings(kEmbeddingTask, fresh.embedding_space).empty());
}

TEST_F(CatalogAnswers, TheNearestTrackIsTheOneThatIsNearlyTheSame) {
  Recognizer recognizer;
  const TrackRecord a = put_hymn("a.mid", 16), b = put_hymn("b.mid", 17);
  Score walk;
  Track& track = add_track(walk, "piano", 0, 0);
  Random random(3);
  for (int i = 0; i < 200; ++i)
    track.notes.push_back({i * 120, 120, static_cast<std::uint8_t>(40 + random.below(50)), 80, 0});
  write_midi(folder / "c.mid", walk);
  const TrackRecord c = put(folder / "c.mid", "score");
  const Recognition found = recognize_track(recognizer, *catalog, a, a.path).recognition;
  recognize_track(recognizer, *catalog, b, b.path);
  recognize_track(recognizer, *catalog, c, c.path);
  const auto near = similar_recognized(*catalog, found, 2, a.id);
  ASSERT_EQ(near.size(), 2u);
  EXPECT_EQ(near.front().first, b.id);
  EXPECT_GT(near.front().second, near.back().second);
  EXPECT_EQ(similar_recognized(*catalog, found, 1).front().first, a.id);  // itself, where it is not left out
}

}  // namespace
}  // namespace euterpe
