// From recordings to a manifest: what is left out, what is mended, and that no artist is both learned and tested.
#include "corpus/media_prepare_audio.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "catalog/support.hpp"
#include "corpus/datasets.hpp"
#include "corpus/media_augment_audio.hpp"
#include "media/encode.hpp"
#include "media/samples.hpp"
#include "signal/music.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

constexpr int kRate = 22050;

class Recordings : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;

  fs::path write(const std::string& name, std::vector<float> samples, int channels = 1, int rate = kRate) {
    fs::create_directories((folder / name).parent_path());
    encode(folder / name, {rate, channels, std::move(samples)});
    return folder / name;
  }
  Verdict verdict(const fs::path& path, const DefectLimits& limits = {}) { return judge(examine_audio(path), limits); }
};

std::vector<float> two(const std::vector<float>& left, const std::vector<float>& right) {
  std::vector<float> both = left;
  both.insert(both.end(), right.begin(), right.end());
  return both;
}

std::vector<float> times(std::vector<float> x, float factor) {
  for (float& v : x) v *= factor;
  return x;
}

std::vector<float> clipped(std::vector<float> x, float at) {
  for (float& v : x) v = std::clamp(v, -at, at);
  return x;
}

bool has(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

TEST_F(Recordings, sound_ones_stay_whole) {
  const Verdict v = verdict(write("a.wav", test::music(1, 4)));
  EXPECT_EQ(v.left_out, "");
  EXPECT_TRUE(v.mended.empty());
  EXPECT_EQ(v.channel, -1);
  EXPECT_EQ(v.offset, 0);
  EXPECT_NEAR(v.length, 4, 0.11);
}

TEST_F(Recordings, silent_ones_are_left_out_and_silence_at_the_ends_is_cut) {
  EXPECT_EQ(verdict(write("s.wav", std::vector<float>(kRate, 0.F))).left_out, "silent");
  std::vector<float> framed(kRate, 0.F);
  const auto music = test::music(1, 2);
  framed.insert(framed.end(), music.begin(), music.end());
  framed.resize(framed.size() + 2 * kRate, 0.F);
  const Verdict cut = verdict(write("f.wav", framed));
  EXPECT_EQ(cut.left_out, "");
  EXPECT_TRUE(has(cut.mended, "silence at the ends"));
  EXPECT_NEAR(cut.offset, 1, 0.1);
  EXPECT_NEAR(cut.length, 2, 0.3);
  std::vector<float> gap = test::excerpt(music, 0, 0.5);
  gap.resize(5 * kRate, 0.F);
  gap.insert(gap.end(), music.begin(), music.begin() + kRate / 2);
  const auto path = write("g.wav", gap);
  EXPECT_EQ(verdict(path).left_out, "silent");
  DefectLimits off;
  off.silent_share = 1;
  EXPECT_EQ(verdict(path, off).left_out, "");
}

TEST_F(Recordings, clipped_ones_are_told_from_loud_ones_whatever_their_level) {
  auto music = test::music(1, 4);
  float peak = 0;
  for (const float v : music) peak = std::max(peak, std::abs(v));
  music = times(music, 0.9F / peak);
  const auto path = write("c.wav", times(clipped(music, 0.2F), 2.F));
  EXPECT_EQ(verdict(path).left_out, "clipped");
  DefectLimits off;
  off.clipped_share = 1;
  EXPECT_EQ(verdict(path, off).left_out, "");
  EXPECT_EQ(verdict(write("loud.wav", music)).left_out, "");
  // A low tone's crest is nearly flat and yet none.
  EXPECT_EQ(examine_audio(write("low.wav", test::sine(30, 1, kRate, 0.9).samples)).clipped_share, 0);
}

TEST_F(Recordings, files_that_break_off_are_known_in_every_container) {
  const auto music = test::music(1, 6);
  for (const char* name : {"a.wav", "a.flac", "a.ogg", "a.mp3"}) {
    const auto path = write(name, music);
    EXPECT_EQ(verdict(path).left_out, "") << name;
    auto bytes = read_file(path);
    bytes.resize(bytes.size() * 6 / 10);
    const auto broken = folder / (std::string("broken_") + name);
    write_file(broken, bytes);
    EXPECT_EQ(verdict(broken).left_out, "broken off") << name;
    DefectLimits off;
    off.broken = false;
    EXPECT_EQ(verdict(broken, off).left_out, "") << name;
  }
}

TEST_F(Recordings, an_end_at_full_level_is_noted_and_left_out_where_asked) {
  const auto whole = test::music(1, 4);
  const auto path = write("cut.wav", test::sine(440, 2, kRate).samples);
  EXPECT_TRUE(has(verdict(path).noted, "abrupt end"));
  DefectLimits pieces;
  pieces.end_db = -10;
  EXPECT_EQ(verdict(path, pieces).left_out, "abrupt end");
  auto fading = test::sine(440, 2, kRate).samples;
  for (std::size_t i = 0; i < fading.size(); ++i)
    fading[i] *= static_cast<float>(1 - static_cast<double>(i) / static_cast<double>(fading.size()));
  const Verdict faded = verdict(write("fade.wav", fading), pieces);
  EXPECT_EQ(faded.left_out, "");
  EXPECT_FALSE(has(faded.noted, "abrupt end"));
}

TEST_F(Recordings, wrong_channels_and_offsets_are_mended_when_the_clip_is_read) {
  const auto music = times(test::music(1, 3), 0.5F);
  struct Case {
    const char* name;
    std::vector<float> samples;
    int channels;
    const char* defect;
  };
  auto offset = music;
  for (float& v : offset) v += 0.05F;
  const std::vector<Case> cases{
      {"m/right.wav", two(std::vector<float>(music.size(), 0.F), music), 2, "empty channel"},
      {"m/inverted.wav", two(music, times(music, -0.9F)), 2, "inverted channel"},
      {"m/dc.wav", offset, 1, "dc offset"},
  };
  for (const Case& c : cases) write(c.name, c.samples, c.channels);
  PrepareAudioOptions options;
  options.keep_near_duplicates = true;
  const std::vector<AudioSource> sources{audio_source_from_folder(folder / "m")};
  AudioManifest manifest = prepare_audio(sources, options);
  ASSERT_EQ(manifest.clips.size(), cases.size());
  for (const AudioClip& clip : manifest.clips) {
    const auto c = std::find_if(cases.begin(), cases.end(), [&](const Case& x) { return clip.id == x.name; });
    ASSERT_NE(c, cases.end()) << clip.id;
    EXPECT_TRUE(has(clip.mended, c->defect)) << clip.id;
    const AudioBuffer heard = load_clip(clip, kRate);
    ASSERT_EQ(heard.channels, 1);
    for (std::size_t i = 0; i < heard.frames(); i += 100) ASSERT_NEAR(heard.samples[i], music[i], 2e-3) << clip.id;
  }
  const Verdict same = verdict(write("same.wav", two(music, music), 2));
  EXPECT_TRUE(same.mended.empty());
  EXPECT_TRUE(has(same.noted, "mono in stereo"));
}

TEST_F(Recordings, a_recording_from_a_lower_rate_is_noted_and_left_out_where_asked) {
  Random random(1);
  std::vector<float> noise(2 * 8000);
  for (float& v : noise) v = static_cast<float>(0.1 * random.normal());
  const auto low = write("low.wav", noise, 1, 8000);
  const auto path = write("up.wav", decode(low, {.sample_rate = 44100}).samples, 1, 44100);
  EXPECT_TRUE(has(verdict(path).noted, "upsampled"));
  EXPECT_FALSE(has(verdict(low).noted, "upsampled"));
  DefectLimits wide;
  wide.bandwidth = 8000;
  EXPECT_EQ(verdict(path, wide).left_out, "narrow band");
}

TEST_F(Recordings, doubles_are_left_out_and_named_by_what_they_double) {
  const auto a = test::music(1, 8);
  write("set/a.wav", a);
  fs::copy_file(folder / "set/a.wav", folder / "set/b.wav");
  write("set/c.flac", a);
  write("set/d.mp3", test::excerpt(a, 2, 5));
  write("set/e.wav", test::music(2, 8));
  write("set/f.wav", std::vector<float>(kRate, 0.F));
  test::write(folder / "set/g.mp3", "this is no audio file");
  const std::vector<AudioSource> sources{audio_source_from_folder(folder / "set")};
  const AudioManifest manifest = prepare_audio(sources);
  ASSERT_EQ(manifest.clips.size(), 2u);
  EXPECT_EQ(manifest.clips[0].id, "set/a.wav");
  EXPECT_EQ(manifest.clips[1].id, "set/e.wav");
  EXPECT_EQ(manifest.counts,
            (std::map<std::string, int>{
                {"exact double", 1}, {"the same sound", 1}, {"near duplicate", 1}, {"silent", 1}, {"unreadable", 1}}));
  for (const LeftOutClip& clip : manifest.left_out)
    if (clip.reason.find("d") != std::string::npos && clip.id != "set/g.mp3") {
      EXPECT_NE(clip.detail.find("set/a.wav"), std::string::npos) << clip.id << ": " << clip.detail;
    }
}

TEST_F(Recordings, of_one_artist_never_stand_in_two_splits) {
  std::string csv = "file,artist\n";
  for (int i = 0; i < 24; ++i) {
    const std::string name = "rock/" + std::to_string(i) + ".wav";
    write("set/" + name, test::sine(200 + 10 * i, 0.4, 8000).samples, 1, 8000);
    csv += name + ",artist " + std::to_string(i / 4) + "\n";
  }
  test::write(folder / "set/artists.csv", csv);
  const std::vector<AudioSource> sources{audio_source_from_folder(folder / "set")};
  AudioManifest manifest = prepare_audio(sources);
  std::map<std::string, std::set<std::string>> splits;
  for (const AudioClip& clip : manifest.clips) {
    EXPECT_EQ(clip.label, "rock");
    EXPECT_EQ(clip.split, split_of(clip.group));
    splits[clip.group].insert(clip.split);
  }
  EXPECT_EQ(manifest.clips.size(), 24u);
  EXPECT_EQ(splits.size(), 6u);
  for (const auto& [group, names] : splits) EXPECT_EQ(names.size(), 1u) << group;

  write_audio_manifest(folder / "m.jsonl", manifest);
  manifest.clips[1].split = manifest.clips[1].split == "train" ? "test" : "train";
  EXPECT_THROW(write_audio_manifest(folder / "m.jsonl", manifest), Error);
  EXPECT_EQ(audio_source_from_folder(folder / "set", GroupBy::file).items[3].group, "set/rock/11.wav");
  EXPECT_EQ(audio_source_from_folder(folder / "set", GroupBy::folder).items[3].group, "set/rock");
}

TEST_F(Recordings, may_be_named_one_by_one_and_must_be_there) {
  const fs::path path = write("set/a.wav", test::music(1, 1));
  write("set/b.wav", test::music(2, 1));
  const AudioSource source = audio_source_from_folder(path);
  ASSERT_EQ(source.items.size(), 1u);
  EXPECT_EQ(source.items[0].id, "set/a.wav");
  fs::copy_file(path, folder / "set/take.1");
  EXPECT_EQ(audio_source_from_folder(folder / "set/take.1").items.size(), 1u);
  EXPECT_EQ(audio_source_from_folder(folder / "set").items.size(), 2u);
  EXPECT_THROW(audio_source_from_folder(folder / "nowhere"), Error);
  fs::create_directories(folder / "hollow");
  EXPECT_THROW(audio_source_from_folder(folder / "hollow"), Error);
}

TEST_F(Recordings, of_a_known_set_keep_its_licence_and_artists_where_one_class_is_named) {
  const fs::path path = write("set/rock/a.wav", test::music(1, 1));
  test::write(folder / "set/votes.csv", "");
  test::write(folder / "set/artists.csv", "file,artist\nrock/a.wav,someone\n");
  for (const fs::path& named : {folder / "set", folder / "set/rock", folder / "set/rock/", path}) {
    SCOPED_TRACE(named);
    const AudioSource source = audio_source_from_folder(named);
    EXPECT_EQ(source.name, "emotify");
    EXPECT_FALSE(source.commercial);
    ASSERT_EQ(source.items.size(), 1u);
    EXPECT_EQ(source.items[0].id, "emotify/rock/a.wav");
    EXPECT_EQ(source.items[0].label, "rock");
    EXPECT_EQ(source.items[0].group, "emotify/someone");
    EXPECT_EQ(source.items[0].licence, source.licence);
  }
}

TEST_F(Recordings, the_catalogs_owners_word_holds) {
  const auto catalog = open_catalog(folder / "catalog");
  const auto add = [&](const std::string& name, std::uint64_t seed, bool may_train) {
    TrackRecord track;
    track.path = write("in/" + name, test::music(seed, 1)).string();
    track.id = sha256_file(track.path);
    track.kind = "audio";
    track.artist = "someone";
    RightsRecord rights;
    rights.may_train = may_train;
    rights.licence = "CC0-1.0";
    catalog->put_track(track, {}, rights);
    return track.id;
  };
  const std::string yes = add("a.wav", 1, true), no = add("b.wav", 2, false);
  const std::vector<AudioSource> own{audio_source_from_catalog(*catalog)};
  const AudioManifest manifest = prepare_audio(own);
  ASSERT_EQ(manifest.clips.size(), 1u);
  EXPECT_EQ(manifest.clips[0].sha256, yes);
  EXPECT_EQ(manifest.clips[0].group, "artist/someone");
  EXPECT_EQ(manifest.counts.at("may_train = no"), 1);
  // The same file by way of its folder.
  PrepareAudioOptions options;
  options.forbidden = {no};
  const std::vector<AudioSource> by_folder{audio_source_from_folder(folder / "in")};
  EXPECT_EQ(prepare_audio(by_folder, options).clips.size(), 1u);
}

TEST_F(Recordings, a_manifest_reads_as_it_was_written_and_moves_with_its_folder) {
  write("set/x/a.wav", test::music(1, 1));
  write("set/x/quiet.wav", std::vector<float>(kRate, 0.F));
  const std::vector<AudioSource> sources{audio_source_from_folder(folder / "set")};
  AudioManifest made = prepare_audio(sources);
  made.augment = AudioAugmentation::from_toml("[[step]]\nname='gain'").json();
  write_audio_manifest(folder / "set/manifest.jsonl", made);
  fs::rename(folder / "set", folder / "elsewhere");
  const AudioManifest read = read_audio_manifest(folder / "elsewhere/manifest.jsonl");
  ASSERT_EQ(read.clips.size(), 1u);
  EXPECT_EQ(read.clips[0].path, folder / "elsewhere/x/a.wav");
  EXPECT_EQ(read.clips[0].group, made.clips[0].group);
  EXPECT_EQ(read.clips[0].length, made.clips[0].length);
  EXPECT_EQ(read.hash, made.hash);
  EXPECT_EQ(read.split_hash, made.split_hash);
  EXPECT_EQ(read.counts, made.counts);
  EXPECT_EQ(read.augment, made.augment);
  ASSERT_EQ(read.left_out.size(), 1u);
  EXPECT_EQ(read.left_out[0].reason, "silent");
  EXPECT_GT(load_clip(read.clips[0], 16000).frames(), 12000u);
  EXPECT_NEAR(load_clip(read.clips[0], 16000, 0.25, 0.5).frames(), 8000, 2);
}

TEST_F(Recordings, a_manifest_that_was_changed_or_is_none_is_refused_with_its_line) {
  write("set/a.wav", test::music(1, 1));
  const std::vector<AudioSource> sources{audio_source_from_folder(folder / "set")};
  AudioManifest made = prepare_audio(sources);
  const fs::path path = folder / "m.jsonl";
  write_audio_manifest(path, made);
  const std::string good = read_text(path);
  const auto refusal = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    write_file(path, text);
    try {
      read_audio_manifest(path);
    } catch (const Error& e) {
      return std::string(name(e.category())) + " " + e.detail();
    }
    return std::string("accepted");
  };
  EXPECT_NE(refusal("euterpe-audio", "something").find("m.jsonl:1: this is no audio manifest"), std::string::npos);
  EXPECT_NE(refusal("\"version\":1", "\"version\":2").find("newer_version"), std::string::npos);
  EXPECT_NE(refusal("\"split\":\"", "\"split\":\"x").find("m.jsonl:2: there is no split"), std::string::npos);
  EXPECT_NE(refusal("\"length\":", "\"length\":-").find("m.jsonl:2: the part"), std::string::npos);
  EXPECT_NE(refusal("\"group\":\"set", "\"group\":\"tes").find("the splits are not those"), std::string::npos);
  EXPECT_NE(refusal("{\"channel\"", "{channel").find("m.jsonl:2"), std::string::npos);
}

}  // namespace
}  // namespace euterpe
