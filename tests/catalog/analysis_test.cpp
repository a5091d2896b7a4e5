#include "catalog/analysis.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numbers>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "catalog/similar.hpp"
#include "media/encode.hpp"
#include "media/loudness.hpp"
#include "score/descriptors.hpp"
#include "score/midi.hpp"
#include "signal/audio_features.hpp"
#include "signal/landmarks.hpp"

namespace euterpe {
namespace {

class AnalysisTest : public testing::Test {
 protected:
  const TemporaryFolder folder_;
};

/// A minor triads on every beat.
AudioBuffer beats(int sample_rate, int channels, double bpm, double seconds) {
  AudioBuffer audio;
  audio.sample_rate = sample_rate;
  audio.channels = channels;
  const auto frames = static_cast<std::size_t>(seconds * sample_rate);
  audio.samples.assign(frames * static_cast<std::size_t>(channels), 0.0f);
  for (int c = 0; c < channels; ++c) {
    const auto samples = audio.channel(c);
    for (std::size_t i = 0; i < frames; ++i) {
      const double t = static_cast<double>(i) / sample_rate, since = std::fmod(t, 60 / bpm);
      double sum = 0;
      for (const double hz : {220.0, 261.626, 329.628, 440.0}) sum += std::sin(2 * std::numbers::pi * hz * since);
      samples[i] = static_cast<float>(0.15 * sum * std::exp(-5 * since));
    }
  }
  return audio;
}

Score scale_in_g(double bpm) {
  Score score;
  score.tempos = {{0, static_cast<std::uint32_t>(60e6 / bpm)}};
  score.meters = {{0, 3, 4, 24, 8}};
  Track& track = add_track(score, "Fiddle", 40, 0);
  std::int64_t at = 0;
  for (const int pitch :
       {67, 69, 71, 72, 74, 76, 78, 79, 78, 76, 74, 72, 71, 69, 67, 62, 67, 71, 74, 67, 62, 71, 67, 67}) {
    track.notes.push_back({at, 480, static_cast<std::uint8_t>(pitch), 80, 0, 64});
    at += 480;
  }
  return score;
}

TEST_F(AnalysisTest, of_audio_finds_tempo_key_loudness_and_a_fingerprint) {
  const auto path = folder_ / "beats.wav";
  encode(path, beats(22050, 1, 100, 15));
  const Analysis analysis = analyze_file(path);
  EXPECT_EQ(analysis.kind, "audio");
  EXPECT_NEAR(analysis.duration, 15, 0.01);
  EXPECT_NEAR(analysis.descriptors.numbers.at("tempo_bpm"), 100, 2);
  EXPECT_EQ(analysis.descriptors.texts.at("key"), "A minor");
  EXPECT_NEAR(analysis.descriptors.numbers.at("onsets_per_second"), 100.0 / 60, 0.2);
  const Loudness loudness = measure_loudness(beats(22050, 1, 100, 15));
  EXPECT_NEAR(analysis.descriptors.numbers.at("loudness_lufs"), loudness.integrated, 0.15);
  EXPECT_NEAR(analysis.descriptors.numbers.at("true_peak_dbtp"), loudness.true_peak, 0.1);
  EXPECT_EQ(analysis.descriptors.embedding_space, "audio.v1");
  EXPECT_EQ(analysis.descriptors.embedding.size(), audio_feature_names().size());
  EXPECT_FALSE(read_landmarks_blob(analysis.blobs.at("landmarks.v1")).peaks.empty());
  EXPECT_TRUE(analysis.warnings.empty());
}

TEST_F(AnalysisTest, measures_the_loudness_of_stereo_as_it_is_and_describes_it_as_mono) {
  const auto path = folder_ / "stereo.flac";
  AudioBuffer stereo = beats(44100, 2, 120, 10);
  for (float& s : stereo.channel(1)) s = -s;  // a mono mix of this is silence; the recording is not
  encode(path, stereo);
  const Analysis analysis = analyze_file(path);
  EXPECT_NEAR(analysis.descriptors.numbers.at("loudness_lufs"), measure_loudness(stereo).integrated, 0.15);
  EXPECT_EQ(analysis.descriptors.numbers.at("tempo_bpm"), 0);
}

TEST_F(AnalysisTest, of_silence_has_no_loudness_no_key_and_no_tempo) {
  const auto path = folder_ / "silence.wav";
  AudioBuffer audio;
  audio.samples.assign(3 * 22050, 0.0f);
  encode(path, audio);
  const Analysis analysis = analyze_file(path);
  EXPECT_FALSE(analysis.descriptors.numbers.contains("loudness_lufs"));
  EXPECT_FALSE(analysis.descriptors.texts.contains("key"));
  EXPECT_EQ(analysis.descriptors.numbers.at("key_confidence"), 0);
  EXPECT_EQ(analysis.descriptors.numbers.at("tempo_bpm"), 0);
  for (const auto& [name, number] : analysis.descriptors.numbers) EXPECT_TRUE(std::isfinite(number)) << name;
}

TEST_F(AnalysisTest, of_a_score_reads_what_is_written_and_hears_the_key) {
  const auto path = folder_ / "tune.mid";
  write_midi(path, scale_in_g(90));
  const Analysis analysis = analyze_file(path);
  EXPECT_EQ(analysis.kind, "score");
  EXPECT_NEAR(analysis.duration, 24 * 60.0 / 90, 0.01);
  EXPECT_NEAR(analysis.descriptors.numbers.at("tempo_bpm"), 90, 0.01);
  EXPECT_EQ(analysis.descriptors.texts.at("key"), "G major");
  EXPECT_EQ(analysis.descriptors.texts.at("meter"), "3/4");
  EXPECT_EQ(analysis.descriptors.numbers.at("notes"), 24);
  EXPECT_EQ(analysis.descriptors.numbers.at("bars"), 8);
  EXPECT_EQ(analysis.descriptors.embedding_space, "score.v1");
  EXPECT_EQ(analysis.descriptors.embedding.size(), score_feature_names().size());
}

TEST_F(AnalysisTest, knows_a_score_by_its_content_under_any_name) {
  const auto path = folder_ / "tune.mp3";
  write_file(path, write_midi(scale_in_g(100)));
  EXPECT_EQ(analyze_file(path).kind, "score");
}

TEST_F(AnalysisTest, takes_the_title_of_a_score_from_its_conductor_track_unless_it_says_nothing) {
  for (const auto& [name, title] :
       {std::pair<std::string, std::string>{"The Silver Spear", "The Silver Spear"}, {"Tempo Track", ""}}) {
    Score score = scale_in_g(100);
    Track conductor;
    conductor.name = name;
    conductor.texts.push_back({0, 0x03, name});
    score.tracks.insert(score.tracks.begin(), conductor);
    const auto path = folder_ / "titled.mid";
    write_midi(path, score);
    EXPECT_EQ(analyze_file(path).title, title);
  }
}

TEST_F(AnalysisTest, says_which_file_is_bad) {
  const auto text = folder_ / "letter.mp3";
  write_file(text, std::string_view("Dear Sir or Madam, this is no music."));
  const auto empty = folder_ / "empty.mid";
  write_file(empty, std::string_view(""));
  for (const auto& path : {text, empty, folder_ / "missing.wav"}) {
    try {
      analyze_file(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_TRUE(error.category() == Category::bad_input || error.category() == Category::not_found) << error.what();
      EXPECT_NE(std::string(error.what()).find(path.filename().string()), std::string::npos) << error.what();
    }
  }
}

TEST_F(AnalysisTest, similar_tracks_are_nearest_after_every_dimension_is_given_equal_weight) {
  const auto catalog = open_catalog(folder_ / "catalog");
  const auto put = [&](char letter, std::vector<float> embedding, const char* space = "audio.v1") {
    TrackRecord track;
    track.id = std::string(64, letter);
    track.kind = "audio";
    track.path = std::string("/music/") + letter;
    Descriptors descriptors;
    descriptors.embedding_space = space;
    descriptors.embedding = std::move(embedding);
    catalog->put_track(track, descriptors);
    return descriptors;
  };
  // The first dimension is a thousand times as large as the second; alone it would call a and c alike.
  const Descriptors a = put('a', {5000, 1, 7});
  put('b', {4000, 1.1f, 7});
  put('c', {5001, -1, 7});
  put('d', {1000, -1, 7});
  put('e', {1000, 0.1f, 7});
  put('f', {5000, 1, 7}, "score.v1");
  const auto found = similar_tracks(*catalog, a, 3);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].first[0], 'a');
  EXPECT_DOUBLE_EQ(found[0].second, 1);
  EXPECT_EQ(found[1].first[0], 'b');
  EXPECT_GT(found[1].second, 0.5);
  const auto all = similar_tracks(*catalog, a, 100);
  ASSERT_EQ(all.size(), 5u);
  for (const auto& [id, similarity] : all) {
    if (id[0] == 'c') {
      EXPECT_LT(similarity, 0.5);
    }
  }
  EXPECT_EQ(all.back().first[0], 'd');
  EXPECT_TRUE(similar_tracks(*catalog, Descriptors{}, 3).empty());
}

}  // namespace
}  // namespace euterpe
