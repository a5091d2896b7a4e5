#include "catalog/ingest.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/random.hpp"
#include "catalog/support.hpp"
#include "catalog/walk.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;
using test::exported;
using test::TemporaryFolder;
using Status = IngestItem::Status;

/// Describes a file by its bytes alone; a file that begins with "bad" cannot be read.
Analysis by_content(const fs::path& path) {
  const auto bytes = read_file(path);
  if (bytes.size() > 2 && bytes[0] == 'b' && bytes[1] == 'a' && bytes[2] == 'd')
    throw Error(Category::bad_input, "analyze", path.native() + ": byte 0: expected a file, found 'bad'");
  Analysis found;
  found.kind = path.extension() == ".mid" ? "score" : "audio";
  found.duration = static_cast<double>(bytes.size());
  found.descriptors.numbers["sum"] = 0;
  for (const auto byte : bytes) found.descriptors.numbers["sum"] += byte;
  found.descriptors.embedding_space = "test.v1";
  found.descriptors.embedding = {static_cast<float>(bytes.back()), 1.0f};
  found.blobs["landmarks.v1"].assign(bytes.begin(), bytes.begin() + 20);
  return found;
}

IngestOptions options_with(std::function<Analysis(const fs::path&)> analyze, int workers = 2) {
  IngestOptions options;
  options.analyze = std::move(analyze);
  options.workers = workers;
  return options;
}

/// 30 WAV and 30 MIDI files in folders; ten pairs of equal content, two bad ones, one of another kind.
void make_library(const fs::path& folder) {
  for (int i = 0; i < 30; ++i) {
    test::write(folder / fmt::format("audio/{}/{:02}.wav", i % 3, i), test::wav(200 + 10 * (i % 25), 0.05));
    test::write(folder / fmt::format("midi/{:02}.mid", i), test::midi(40 + i % 25));
  }
  test::write(folder / "midi/broken.mid", "bad");
  test::write(folder / "midi/second.mid", "bad as well");
  test::write(folder / "notes.txt", "no music");
}

TEST(Ingest, AFolderGoesInOnceAndIsKnownTheNextTime) {
  TemporaryFolder music, store;
  make_library(music.path());
  const auto catalog = open_catalog(store.path());
  std::atomic<int> calls{0};
  const auto options = options_with([&](const fs::path& path) {
    ++calls;
    return by_content(path);
  });
  const IngestSummary first = ingest(*catalog, {music.path()}, options);
  EXPECT_EQ(first.added, 50u);
  EXPECT_EQ(first.known, 10u);
  EXPECT_EQ(first.failed, 2u);
  EXPECT_EQ(first.skipped, 1u);
  EXPECT_EQ(catalog->tracks().size(), 50u);
  const TrackRecord track = catalog->track(sha256(test::midi(40))).value();
  EXPECT_EQ(track.path, (music / "midi/00.mid").native());  // 25.mid holds the same
  EXPECT_EQ(track.title, "00");
  EXPECT_EQ(track.kind, "score");
  EXPECT_EQ(catalog->blob(track.id, "landmarks.v1")->size(), 20u);

  const std::string before = exported(*catalog);
  calls = 0;
  const IngestSummary second = ingest(*catalog, {music.path(), music / "midi"}, options);
  EXPECT_EQ(second.added, 0u);
  EXPECT_EQ(second.known, 60u);
  EXPECT_EQ(calls, 2);  // the bad ones are tried again
  EXPECT_EQ(exported(*catalog), before);
}

TEST(Ingest, TheNumberOfWorkersChangesNothing) {
  TemporaryFolder music, one, many;
  make_library(music.path());
  const auto a = open_catalog(one.path()), b = open_catalog(many.path());
  Random random(3);
  std::mutex mutex;
  ingest(*a, {music.path()}, options_with(by_content, 1));
  ingest(*b, {music.path()},
         options_with(
             [&](const fs::path& path) {
               int wait = 0;
               {
                 std::lock_guard lock(mutex);
                 wait = static_cast<int>(random.below(3000));
               }
               std::this_thread::sleep_for(std::chrono::microseconds(wait));
               return by_content(path);
             },
             8));
  EXPECT_EQ(exported(*a), exported(*b));
}

TEST(Ingest, KilledAtThreeMomentsAndResumedItEndsWithTheSameCatalog) {
  TemporaryFolder music, straight, killed;
  make_library(music.path());
  ingest(*open_catalog(straight.path()), {music.path()}, options_with(by_content));

  const auto slow = [](const fs::path& path) {
    std::this_thread::sleep_for(std::chrono::milliseconds(15));
    return by_content(path);
  };
  Random random(static_cast<std::uint64_t>(::getpid()));
  std::size_t stored = 0;
  for (int round = 0; round < 3; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::signal(SIGALRM, SIG_DFL);
      ingest(*open_catalog(killed.path()), {music.path()}, options_with(slow));
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(30 + random.below(200)));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    const auto catalog = open_catalog(killed.path());
    EXPECT_TRUE(catalog->check().empty());
    EXPECT_GE(catalog->tracks().size(), stored);  // what was stored stays stored
    stored = catalog->tracks().size();
    for (const TrackRecord& track : catalog->tracks())
      EXPECT_TRUE(catalog->blob(track.id, "landmarks.v1")) << "a track is half there";
  }
  ingest(*open_catalog(killed.path()), {music.path()}, options_with(by_content));
  EXPECT_EQ(exported(*open_catalog(killed.path())), exported(*open_catalog(straight.path())));
}

TEST(Ingest, WhatIsReportedIsOnDiskAlready) {
  TemporaryFolder music, store;
  make_library(music.path());
  const auto catalog = open_catalog(store.path()), other = open_catalog(store.path());
  IngestOptions options = options_with(by_content);
  std::size_t items = 0;
  std::string last;
  options.on_item = [&](const IngestItem& item) {
    ++items;
    EXPECT_LT(last, item.path.native());
    last = item.path.native();
    if (item.status != Status::failed) {
      EXPECT_TRUE(other->track(item.track)) << item.path;
    }
  };
  ingest(*catalog, {music.path()}, options);
  EXPECT_EQ(items, 62u);
}

TEST(Ingest, ABadFileIsRecordedWithItsCauseUntilItIsMended) {
  TemporaryFolder music, store;
  test::write(music / "a.wav", "bad");
  test::write(music / "b.wav", test::wav(300));
  test::write(music / "empty.wav", "");
  const auto catalog = open_catalog(store.path());
  const IngestSummary summary = ingest(*catalog, {music.path()}, options_with(by_content));
  EXPECT_EQ(summary.added, 1u);
  ASSERT_EQ(summary.failures.size(), 2u);
  EXPECT_EQ(summary.failures[0].path, (music / "a.wav").native());
  EXPECT_EQ(summary.failures[0].cause, "byte 0: expected a file, found 'bad'");
  EXPECT_EQ(summary.failures[1].cause, "the file is empty");
  EXPECT_EQ(catalog->failures().size(), 2u);

  test::write(music / "a.wav", test::wav(400));
  fs::remove(music / "empty.wav");
  EXPECT_EQ(ingest(*catalog, {music.path()}, options_with(by_content)).added, 1u);
  EXPECT_TRUE(catalog->failures().empty());
}

TEST(Ingest, AnAnalyzerThatThrowsAnythingFailsOneFileAlone) {
  TemporaryFolder music, store;
  for (const char* name : {"a.wav", "b.wav", "c.wav"}) test::write(music / name, test::wav(name[0]));
  const auto catalog = open_catalog(store.path());
  const IngestSummary summary = ingest(*catalog, {music.path()}, options_with([](const fs::path& path) {
    if (path.filename() == "a.wav") throw std::bad_alloc();
    if (path.filename() == "b.wav") throw std::runtime_error("odd");
    return by_content(path);
  }));
  EXPECT_EQ(summary.added, 1u);
  EXPECT_EQ(summary.failures.at(0).cause, "not enough memory to read it");
  EXPECT_EQ(summary.failures.at(1).cause, "odd");
}

TEST(Ingest, AFileThatVanishesOrChangesDuringTheWalkIsReported) {
  TemporaryFolder music, store;
  test::write(music / "a.wav", test::wav(300));
  test::write(music / "b.wav", test::wav(301));
  test::write(music / "c.wav", test::wav(302));
  const auto catalog = open_catalog(store.path());
  const auto options = options_with(
      [&](const fs::path& path) {
        Analysis found = by_content(path);
        if (path.filename() == "a.wav") {
          fs::remove(music / "b.wav");
          test::write(music / "a.wav", test::wav(400));
        }
        return found;
      },
      1);
  const IngestSummary summary = ingest(*catalog, {music.path()}, options);
  EXPECT_EQ(summary.added, 1u);
  ASSERT_EQ(summary.failed, 2u);
  EXPECT_NE(summary.failures[0].cause.find("changed while it was read"), std::string::npos);
  EXPECT_NE(summary.failures[1].cause.find("vanished"), std::string::npos);
  EXPECT_EQ(ingest(*catalog, {music.path()}, options_with(by_content)).added, 1u);
  EXPECT_TRUE(catalog->failures().empty());
}

TEST(Ingest, ALogThatCameFirstMeansTheTracksThatComeLater) {
  TemporaryFolder folder;
  test::write(folder / "music/one.wav", test::wav(440, 0.05));
  const auto catalog = open_catalog(folder / "catalog");
  catalog->add_listens({{"ann", "one.wav", 1}, {"ann", "two.wav", 2}});
  ingest(*catalog, {folder / "music"}, options_with(by_content));
  EXPECT_EQ(catalog->listens_of("ann").at(0).track, catalog->tracks().at(0).id);
  EXPECT_EQ(catalog->listens_of("ann").at(1).track, "two.wav");
}

TEST(Ingest, AMovedFileIsTheSameTrackAtItsNewPlace) {
  TemporaryFolder music, store;
  test::write(music / "old.wav", test::wav(300));
  const auto catalog = open_catalog(store.path());
  ingest(*catalog, {music.path()}, options_with(by_content));
  fs::create_directories(music / "new");
  fs::rename(music / "old.wav", music / "new" / "place.wav");
  const IngestSummary summary = ingest(*catalog, {music.path()}, options_with(by_content));
  EXPECT_EQ(summary.known, 1u);
  ASSERT_EQ(catalog->tracks().size(), 1u);
  EXPECT_EQ(catalog->tracks()[0].path, (music / "new/place.wav").native());
  EXPECT_EQ(catalog->tracks()[0].title, "old");
}

TEST(Ingest, ATrackFollowsItsCopyWhenItsOwnFileIsGone) {
  TemporaryFolder music, store;
  test::write(music / "a.wav", test::wav(300));
  test::write(music / "b.wav", test::wav(300));
  const auto catalog = open_catalog(store.path());
  ingest(*catalog, {music.path()}, options_with(by_content));
  EXPECT_EQ(catalog->tracks().at(0).path, (music / "a.wav").native());
  test::write(music / "a.wav", test::wav(400));  // another song under the old name
  ingest(*catalog, {music.path()}, options_with(by_content));
  EXPECT_EQ(catalog->tracks().size(), 2u);
  EXPECT_EQ(catalog->track(sha256(test::wav(300)))->path, (music / "b.wav").native());
}

TEST(Ingest, FileNamesThatAreNoUtf8AreKeptToTheByte) {
  TemporaryFolder music, store;
  test::write(music.path() / fs::path("caf\xE9\xFF.wav"), test::wav(300));
  const auto catalog = open_catalog(store.path());
  EXPECT_EQ(ingest(*catalog, {music.path()}, options_with(by_content)).added, 1u);
  EXPECT_EQ(catalog->tracks().at(0).path, (music.path() / "caf\xE9\xFF.wav").native());
  EXPECT_EQ(catalog->tracks().at(0).title, "caf\u00e9\u00ff");
  EXPECT_NO_THROW(exported(*catalog));
  EXPECT_EQ(ingest(*catalog, {music.path()}, options_with(by_content)).known, 1u);
}

TEST(Ingest, AFileOrFolderThatMayNotBeReadIsReportedByName) {
  TemporaryFolder music, store;
  test::write(music / "secret.wav", test::wav(300));
  test::write(music / "open.wav", test::wav(301));
  test::write(music / "closed/a.wav", test::wav(302));
  fs::permissions(music / "secret.wav", fs::perms::none);
  fs::permissions(music / "closed", fs::perms::none);
  const bool root = ::geteuid() == 0;
  if (root) {  // root reads everything: become somebody else
    fs::permissions(music.path(), fs::perms::all);
    fs::permissions(store.path(), fs::perms::all);
    if (::seteuid(65534) != 0) GTEST_SKIP() << "neither an ordinary user nor able to become one";
  }
  IngestSummary summary;
  {
    const auto catalog = open_catalog(store / "catalog");
    summary = ingest(*catalog, {music.path()}, options_with(by_content));
    EXPECT_EQ(catalog->failures().size(), 2u);
  }
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  fs::permissions(music / "closed", fs::perms::owner_all);
  EXPECT_EQ(summary.added, 1u);
  ASSERT_EQ(summary.failures.size(), 2u);
  EXPECT_EQ(summary.failures[0].path, (music / "closed").native());
  EXPECT_EQ(summary.failures[1].path, (music / "secret.wav").native());
  EXPECT_NE(summary.failures[1].cause.find("Permission denied"), std::string::npos) << summary.failures[1].cause;

  fs::permissions(music / "secret.wav", fs::perms::owner_all);
  const auto catalog = open_catalog(store / "catalog");
  EXPECT_EQ(ingest(*catalog, {music.path()}, options_with(by_content)).added, 2u);
  EXPECT_TRUE(catalog->failures().empty());
}

TEST(Ingest, ACatalogThatFailsStopsTheIngestWithItsError) {
  TemporaryFolder music, store;
  make_library(music.path());
  const auto catalog = open_catalog(store.path());
  IngestOptions options = options_with(by_content);
  options.on_item = [](const IngestItem&) { throw Error(Category::io, "catalog", "the disk is full"); };
  EXPECT_THROW(ingest(*catalog, {music.path()}, options), Error);
}

TEST(Walk, LinksAreFollowedAndALoopEnds) {
  TemporaryFolder music, elsewhere;
  test::write(music / "a/one.wav", "1");
  test::write(music / ".hidden/two.wav", "2");
  test::write(elsewhere / "three.wav", "3");
  fs::create_directory_symlink(music.path(), music / "a/loop");
  fs::create_directory_symlink(music / "a", music / "0again");
  fs::create_directory_symlink(elsewhere.path(), music / "z");
  fs::create_symlink(music / "nowhere", music / "dangling.wav");
  ASSERT_EQ(::mkfifo((music / "pipe.wav").c_str(), 0600), 0);
  const MusicWalk walk =
      walk_music({music.path() / ""}, [](const fs::path& path) { return path.extension() == ".wav"; });
  EXPECT_EQ(walk.files, (std::vector<fs::path>{music / "a/one.wav", music / "z/three.wav"}));
  ASSERT_EQ(walk.failures.size(), 2u);
  EXPECT_EQ(walk.failures[0].cause, "the link leads nowhere");
  EXPECT_EQ(walk.failures[1].cause, "this is no regular file");
}

TEST(Walk, AFileNamedByTheUserIsTakenWhateverItsKind) {
  TemporaryFolder music;
  test::write(music / "odd.bin", "1");
  const auto nothing = [](const fs::path&) { return false; };
  EXPECT_EQ(walk_music({music / "odd.bin"}, nothing).files.size(), 1u);
  EXPECT_EQ(walk_music({music.path()}, nothing).skipped, 1u);
  EXPECT_THROW(walk_music({music / "none"}, nothing), Error);
}

}  // namespace
}  // namespace euterpe
