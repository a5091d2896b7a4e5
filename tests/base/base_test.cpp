#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/output_file.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "base/temporary_file.hpp"
#include "base/temporary_folder.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

class Files : public ::testing::Test {
 protected:
  const TemporaryFolder folder;
};

TEST(Errors, EveryCategoryHasANameAndTheExitCodesAreTheDocumentedOnes) {
  EXPECT_EQ(exit_code(Category::usage), 2);
  EXPECT_EQ(exit_code(Category::partial), 3);
  EXPECT_EQ(exit_code(Category::interrupted), 130);
  for (Category c : {Category::bad_input, Category::not_found, Category::io, Category::unsupported,
                     Category::newer_version, Category::refused}) {
    EXPECT_EQ(exit_code(c), 1);
    EXPECT_FALSE(name(c).empty());
  }
}

TEST(Errors, ABatchPutsTheFileBeforeTheDetail) {
  const Error e = Error(Category::bad_input, "read", "byte 3: odd", "cut off?").in("a.mid");
  EXPECT_EQ(e.detail(), "a.mid: byte 3: odd");
  EXPECT_STREQ(e.what(), "[read] a.mid: byte 3: odd (cut off?)");
  EXPECT_EQ(e.category(), Category::bad_input);
}

TEST_F(Files, AWrittenFileReadsBackAndLeavesNothingBeside) {
  const fs::path path = folder / "deep" / "a.txt";
  write_file(path, std::string_view("first"));
  write_file(path, std::string_view("second"));
  EXPECT_EQ(read_text(path), "second");
  EXPECT_EQ(std::distance(fs::directory_iterator(path.parent_path()), {}), 1);
}

TEST_F(Files, AWriteThatFailsKeepsTheOldFile) {
  fs::create_directories(folder / "target");  // renaming a file over a folder fails
  EXPECT_THROW(write_file(folder / "target", std::string_view("x")), Error);
  EXPECT_TRUE(fs::is_directory(folder / "target"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST_F(Files, AWriteThroughALinkReplacesWhatItLeadsTo) {
  const fs::path target = folder / "real" / "a.txt", link = folder / "link", dangling = folder / "dangling";
  write_file(target, std::string_view("first"));
  fs::permissions(target, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("real/a.txt", link);
  fs::create_symlink("real/b.txt", dangling);
  write_file(link, std::string_view("second"));
  write_file(dangling, std::string_view("new"));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_TRUE(fs::is_symlink(dangling));
  EXPECT_EQ(read_text(target), "second");
  EXPECT_EQ(read_text(folder / "real" / "b.txt"), "new");
  EXPECT_EQ(fs::status(target).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("circle", folder / "circle");
  EXPECT_THROW(write_file(folder / "circle", std::string_view("x")), Error);
}

TEST_F(Files, APipeIsWrittenThroughAndStaysAPipe) {
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  write_file(pipe, std::string_view("through"));
  OutputFile sought(pipe, OutputFile::Access::seek);
  sought.write(std::string_view(" a?d back"));
  sought.write_at(2, std::span(reinterpret_cast<const std::uint8_t*>("n"), 1));
  sought.commit();
  char got[64] = {};
  EXPECT_EQ(::read(reader, got, sizeof got), 16);
  EXPECT_STREQ(got, "through and back");
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
  ::close(reader);
}

TEST_F(Files, WhatIsNotCommittedLeavesTheOldFile) {
  const fs::path path = folder / "a.txt";
  write_file(path, std::string_view("old"));
  {
    OutputFile file(path);
    file.write(std::string_view("half"));
  }
  EXPECT_EQ(read_text(path), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST_F(Files, AnOutputThatIsAnInputByAnyNameIsRefused) {
  const fs::path input = folder / "a.mid", other = folder / "b.mid";
  write_file(input, std::string_view("notes"));
  write_file(other, std::string_view("notes"));
  fs::create_symlink(input, folder / "soft");
  fs::create_hard_link(input, folder / "hard");
  const std::vector<fs::path> inputs{input};
  const auto refuse = [&](const fs::path& out) {
    const std::vector<fs::path> outputs{out};
    refuse_to_overwrite_input("test", outputs, inputs);
  };
  for (const fs::path& same : {input, folder / "soft", folder / "hard", folder / "." / "a.mid"})
    EXPECT_THROW(refuse(same), Error) << same;
  EXPECT_NO_THROW(refuse(other));
  EXPECT_NO_THROW(refuse(folder / "new.mid"));
  EXPECT_NO_THROW(refuse("-"));
}

TEST_F(Files, HashesAreThoseOfFips180) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string large(1'000'000, 'a');
  write_file(folder / "a", std::string_view(large));
  EXPECT_EQ(sha256_file(folder / "a"), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_F(Files, AMapShowsTheFileAndAnEmptyFileIsEmpty) {
  write_file(folder / "a", std::string_view("xyz"));
  write_file(folder / "b", std::string_view(""));
  MappedFile a(folder / "a");
  MappedFile moved = std::move(a);
  EXPECT_EQ(std::string(moved.bytes().begin(), moved.bytes().end()), "xyz");
  EXPECT_TRUE(a.bytes().empty());
  EXPECT_TRUE(MappedFile(folder / "b").bytes().empty());
  EXPECT_THROW(MappedFile(folder / "none"), Error);
  EXPECT_THROW(MappedFile{folder.path()}, Error);
}

TEST_F(Files, AWalkIsSortedWithoutHiddenOnesAndWithoutDoubles) {
  for (const char* name : {"b/2.mid", "a/1.mid", ".hidden/3.mid", "a/.4.mid"})
    write_file(folder / name, std::string_view("x"));
  const auto found = walk_files({folder.path(), folder / "a" / "1.mid"});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], folder / "a" / "1.mid");
  EXPECT_EQ(found[1], folder / "b" / "2.mid");
  EXPECT_THROW(walk_files({folder.path() / "none"}), Error);
}

TEST(TemporaryFiles, HoldWhatAPipeGaveAndAreGoneWithTheObject) {
  const std::string large(200'000, 'x');
  std::istringstream pipe(large);
  fs::path first, second;
  {
    const TemporaryFile piped("test", pipe), named("test", ".mp3");
    first = piped.path();
    second = named.path();
    EXPECT_EQ(read_text(first), large);
    EXPECT_EQ(second.extension(), ".mp3");
    EXPECT_TRUE(fs::is_empty(second));
  }
  EXPECT_FALSE(fs::exists(first));
  EXPECT_FALSE(fs::exists(second));
}

TEST(RandomNumbers, AreTheSameForASeedAndOtherForAnotherStream) {
  Random a(7), b(7), c = Random::stream(7, 1), d = Random::stream(7, 2);
  const auto first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(c.next(), d.next());
  EXPECT_NE(Random(8).next(), first);
}

TEST(RandomNumbers, HaveTheMomentsThatTheyClaim) {
  Random random(1);
  const int n = 200'000;
  double uniform = 0, normal = 0, square = 0;
  std::vector<int> counts(7);
  for (int i = 0; i < n; ++i) {
    uniform += random.uniform();
    const double x = random.normal();
    normal += x;
    square += x * x;
    ++counts[random.below(7)];
  }
  EXPECT_NEAR(uniform / n, 0.5, 0.005);
  EXPECT_NEAR(normal / n, 0, 0.01);
  EXPECT_NEAR(square / n, 1, 0.02);
  for (int count : counts) EXPECT_NEAR(count, n / 7.0, 1000);
}

TEST(RandomNumbers, WeightsOfZeroAreNeverDrawn) {
  Random random(3);
  const std::vector<double> weights{0, 1, 0, 3, 0};
  std::vector<int> counts(5);
  for (int i = 0; i < 40'000; ++i) ++counts[random.weighted(weights)];
  EXPECT_EQ(counts[0] + counts[2] + counts[4], 0);
  EXPECT_NEAR(counts[3], 30'000, 600);
}

TEST(ParallelFor, VisitsEachItemOnce) {
  std::vector<std::atomic<int>> seen(1000);
  parallel_for(
      seen.size(), [&](std::size_t i) { ++seen[i]; }, 4);
  for (auto& s : seen) EXPECT_EQ(s, 1);
  parallel_for(0, [](std::size_t) { FAIL(); });
}

TEST(ParallelFor, RethrowsTheFirstErrorAndHandsOutNoMore) {
  std::atomic<int> done{0};
  EXPECT_THROW(parallel_for(
                   100'000,
                   [&](std::size_t i) {
                     ++done;
                     if (i == 10) throw std::runtime_error("item 10");
                     // Long enough that the other thread cannot run through all items while this one unwinds.
                     if (i > 10) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                   },
                   2),
               std::runtime_error);
  EXPECT_LT(done, 100'000);
}

TEST(Durations, ReadAsPeopleWriteThem) {
  EXPECT_EQ(format_duration(12), "12 s");
  EXPECT_EQ(format_duration(245), "4:05");
  EXPECT_EQ(format_duration(3723), "1:02:03");
}

}  // namespace
}  // namespace euterpe
