#include "protect/landmark_index.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/files.hpp"
#include "signal/music.hpp"

namespace euterpe {
namespace {

std::vector<Constellation> tracks() {
  std::vector<Constellation> made;
  for (std::uint64_t i = 0; i < 3; ++i) made.push_back(constellation(test::music(i, 8)));
  return made;
}

std::vector<std::uint8_t> index_bytes(std::uint64_t stamp = 0) {
  LandmarkIndexBuilder builder;
  int i = 0;
  for (const Constellation& c : tracks()) builder.add(sha256(std::to_string(i++)), c);
  return builder.finish(stamp);
}

class ScratchFile {
 public:
  explicit ScratchFile(std::span<const std::uint8_t> bytes)
      : path_(std::filesystem::temp_directory_path() / ("landmarks-" + std::to_string(::getpid()) + ".idx")) {
    write_file(path_, bytes);
  }
  ~ScratchFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(LandmarkIndex, EveryLandmarkOfEveryTrackIsFoundUnderItsHash) {
  const ScratchFile file(index_bytes(42));
  const LandmarkIndex index(file.path());
  ASSERT_EQ(index.tracks(), 3U);
  EXPECT_EQ(index.stamp(), 42U);
  const auto made = tracks();
  std::size_t total = 0;
  for (std::size_t t = 0; t < 3; ++t) {
    EXPECT_EQ(index.id(t), sha256(std::to_string(t)));
    EXPECT_EQ(index.frames(t), made[t].frames);
    EXPECT_EQ(index.peaks(t, 0, made[t].frames), made[t].peaks);
    for (const Landmark& l : landmarks(made[t], 1)) {
      const auto found = index.lookup(l.hash);
      EXPECT_TRUE(std::find(found.begin(), found.end(), index.first_frame(t) + l.frame) != found.end());
      EXPECT_EQ(index.track_at(index.first_frame(t) + l.frame), t);
      ++total;
    }
  }
  EXPECT_GE(index.postings(), total);
  EXPECT_EQ(index.track_at(index.total_frames()), 3U);
  EXPECT_TRUE(index.lookup(0xFFFFFFFF).empty());
}

TEST(LandmarkIndex, PeaksOfAStretchAreThoseWithinIt) {
  const LandmarkIndex index(index_bytes());
  const auto made = tracks();
  std::vector<Peak> expected;
  for (const Peak& p : made[1].peaks)
    if (p.frame >= 50 && p.frame < 120) expected.push_back(p);
  EXPECT_EQ(index.peaks(1, 50, 120), expected);
  EXPECT_TRUE(index.peaks(1, -500, 0).empty());
  EXPECT_TRUE(index.peaks(1, 100000, 200000).empty());
}

TEST(LandmarkIndex, AnHourTakesTwoMegabytes) {
  LandmarkIndexBuilder builder;
  builder.add(sha256("long"), constellation(test::with_noise(test::music(9, 120), 20, 1)));
  builder.add(sha256("longer"), constellation(test::with_noise(test::music(10, 120), 20, 1)));
  EXPECT_LT(static_cast<double>(builder.finish().size()) * 15 / 1e6, 2.2);
}

TEST(LandmarkIndex, ATruncatedFileIsRefusedByName) {
  const auto bytes = index_bytes();
  for (const std::size_t n :
       {std::size_t{0}, std::size_t{7}, std::size_t{63}, std::size_t{64}, bytes.size() / 2, bytes.size() - 1}) {
    const ScratchFile file{std::span<const std::uint8_t>(bytes).first(n)};
    try {
      const LandmarkIndex index(file.path());
      FAIL() << "cut at byte " << n;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input) << "cut at byte " << n;
      EXPECT_NE(e.detail().find(file.path().string()), std::string::npos);
    }
  }
}

TEST(LandmarkIndex, AnyChangedByteIsFound) {
  const auto bytes = index_bytes();
  for (std::size_t i = 0; i < bytes.size(); i += i < 300 ? 1 : 41) {
    auto changed = bytes;
    changed[i] ^= 0x10;
    EXPECT_THROW(LandmarkIndex(std::move(changed)), Error) << "byte " << i;
  }
}

TEST(LandmarkIndex, ALaterVersionIsItsOwnError) {
  auto bytes = index_bytes();
  bytes[8] = 2;
  try {
    const LandmarkIndex index(std::move(bytes));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::newer_version);
  }
}

TEST(LandmarkIndex, OnlyTrackIdsAreTaken) {
  LandmarkIndexBuilder builder;
  EXPECT_THROW(builder.add("song.mp3", {}), Error);
  EXPECT_THROW(builder.add(std::string(64, 'G'), {}), Error);
  EXPECT_THROW(builder.add(sha256("x"), Constellation{1U << 23, {}}), Error);
}

}  // namespace
}  // namespace euterpe
