#include "recognize/catalog_answers.hpp"

#include <gtest/gtest.h>

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
  recognize_track(old, *catalog, track, track.path);
  const std::size_t before = catalog->answers(track.id).size();
  const TrackRecognition found = recognize_track(all, *catalog, track, track.path);
  EXPECT_EQ(found.stored, all.keys(true).size() == old.keys(true).size());
  EXPECT_GE(catalog->answers(track.id).size(), before);
  EXPECT_EQ(found.recognition.find("style")->values,
            recognize_track(old, *catalog, track, track.path).recognition.find("style")->values);
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
