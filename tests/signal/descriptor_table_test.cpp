#include "signal/descriptor_table.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numbers>

#include "base/error.hpp"
#include "base/files.hpp"
#include "signal/descriptor_file.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

/// Four seconds of a tone that climbs in steps, with a click on each.
std::vector<float> steps() {
  std::vector<float> out(4 * 22050);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double t = static_cast<double>(i) / 22050, hertz = 220 * std::exp2(std::floor(2 * t) / 12);
    out[i] = static_cast<float>(0.3 * std::sin(2 * std::numbers::pi * hertz * t) * std::exp(-3 * std::fmod(t, 0.5)));
  }
  return out;
}

TEST(DescriptorTable, FindsByNameInItsOwnOrderAndNamesWhatThereIs) {
  const auto rows = find_descriptors("rms,mfcc");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]->name, "mfcc");
  EXPECT_EQ(find_descriptors("all").size(), descriptor_table().size());
  try {
    find_descriptors("chroma");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::usage);
    EXPECT_NE(e.hint().find("chroma_stft"), std::string::npos) << e.hint();
  }
  EXPECT_THROW(find_descriptors(""), Error);
}

TEST(DescriptorTable, EveryRowGivesNumbersAndThoseThatStreamTheSameInBlocks) {
  const std::vector<float> samples = steps();
  DescriptorSettings settings;
  settings.top_db = 0;
  settings.tuned = false;
  WholeRecording whole(samples, settings);
  std::vector<Matrix> blocks(descriptor_table().size());
  DescriptorStream stream(settings.stream(), [&](const DescriptorStrip& strip) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const DescriptorRow& row = descriptor_table()[i];
      if (!row.streams(settings)) continue;
      const auto& numbers = strip.*row.strip;
      if (strip.first == 0) blocks[i] = Matrix(numbers.bins, 1 + samples.size() / 512, 0);
      for (std::size_t b = 0; b < numbers.bins; ++b)
        for (std::size_t t = 0; t < strip.count; ++t) blocks[i].at(b, strip.first + t) = numbers.at(b, t);
    }
  });
  stream.push(samples);
  stream.finish();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const DescriptorRow& row = descriptor_table()[i];
    const Matrix matrix = whole.compute(row);
    ASSERT_GT(matrix.frames, 0u) << row.name;
    EXPECT_NEAR(matrix.hop, 512.0 / 22050, 1e-12);
    if (row.kind == DescriptorKind::frames) {
      EXPECT_EQ(matrix.frames, 1 + samples.size() / 512) << row.name;
    }
    if (blocks[i].frames == 0) continue;
    ASSERT_EQ(blocks[i].bins, matrix.bins) << row.name;
    double apart = 0, size = 0;
    for (std::size_t k = 0; k < matrix.data.size(); ++k) {
      apart += std::pow(blocks[i].data[k] - matrix.data[k], 2);
      size += std::pow(matrix.data[k], 2);
    }
    EXPECT_LE(std::sqrt(apart), 1e-5 * std::sqrt(size)) << row.name;
  }
}

class DescriptorFiles : public ::testing::Test {
 protected:
  fs::path folder = fs::temp_directory_path() / ("euterpe-descriptors-" + std::to_string(::getpid()) +
                                                 ::testing::UnitTest::GetInstance()->current_test_info()->name());
  void SetUp() override { fs::create_directories(folder); }
  void TearDown() override { fs::remove_all(folder); }

  std::string written(DescriptorFormat format, const char* name, const std::vector<std::vector<float>>& frames) {
    DescriptorWriter writer(folder / "x", format, *find_descriptors(name).front(), parameters_of({}, 22050));
    for (const auto& frame : frames) writer.frame(frame);
    writer.finish();
    return read_text(folder / "x");
  }
};

TEST_F(DescriptorFiles, AreNumPysWithFrameAfterFrame) {
  const std::string text = written(DescriptorFormat::npy, "mfcc", {{1, 2, 3}, {4, 5, 6}});
  ASSERT_EQ(text.size(), 128u + 6 * sizeof(float));
  EXPECT_EQ(text.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ(static_cast<unsigned char>(text[8]), 118);
  EXPECT_NE(text.find("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }"), std::string::npos) << text;
  EXPECT_EQ(text[127], '\n');
  std::vector<float> values(6);
  std::memcpy(values.data(), text.data() + 128, 6 * sizeof(float));
  EXPECT_EQ(values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_NE(written(DescriptorFormat::npy, "onset_frames", {{7}, {9}}).find("'shape': (2,)"), std::string::npos);
  EXPECT_NE(written(DescriptorFormat::npy, "onset_frames", {}).find("'shape': (0,)"), std::string::npos);
}

TEST_F(DescriptorFiles, AreTablesWithTheTimeFirst) {
  EXPECT_EQ(written(DescriptorFormat::csv, "mfcc", {{1, 0.5}, {3, NAN}}),
            "time,mfcc_0,mfcc_1\n0.000000,1,0.5\n0.023220,3,nan\n");
  EXPECT_EQ(written(DescriptorFormat::csv, "beat_frames", {{43}}), "time,beat_frames\n0.998458,43\n");
  EXPECT_EQ(written(DescriptorFormat::csv, "tempo", {{120}}), "tempo\n120\n");
}

TEST_F(DescriptorFiles, AreJsonThatStatesItsParameters) {
  const auto whole = nlohmann::json::parse(written(DescriptorFormat::json, "mfcc", {{1, 0.5}, {3, NAN}}));
  EXPECT_EQ(whole.at("hop_length"), 512);
  EXPECT_EQ(whole.at("values"), nlohmann::json::parse("[[1, 0.5], [3, null]]"));
  const std::string lines = written(DescriptorFormat::jsonl, "rms", {{1}, {2}});
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3);
  EXPECT_EQ(nlohmann::json::parse(lines.substr(0, lines.find('\n'))).at("descriptor"), "rms");
}

TEST(DescriptorStatisticsOfABin, AreExactWithoutWhatIsNoNumber) {
  DescriptorStatistics sums;
  for (int i = 0; i <= 100; ++i) sums.add(std::vector<float>{static_cast<float>((i * 37) % 101), NAN});
  const auto bins = sums.result();
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0].count, 101u);
  EXPECT_NEAR(bins[0].mean, 50, 1e-9);
  EXPECT_NEAR(bins[0].deviation, std::sqrt(850), 1e-9);
  EXPECT_EQ(bins[0].minimum, 0);
  EXPECT_EQ(bins[0].maximum, 100);
  EXPECT_NEAR(bins[0].quantiles[0], 5, 1e-9);
  EXPECT_NEAR(bins[0].quantiles[2], 50, 1e-9);
  EXPECT_EQ(bins[1].count, 0u);
  EXPECT_TRUE(std::isnan(bins[1].mean));
}

TEST(DescriptorStatisticsOfABin, StayCloseWhenNotAllCanBeKept) {
  DescriptorStatistics sums;
  std::vector<float> frame(1 << 13);  // bins, so that two thousand frames are all that is kept
  for (int i = 0; i < 3000; ++i) {
    std::fill(frame.begin(), frame.end(), static_cast<float>((i * 7919) % 3000));
    sums.add(frame);
  }
  EXPECT_NEAR(sums.result()[5].quantiles[1], 750, 30);
  EXPECT_NEAR(sums.result()[5].mean, 1499.5, 1e-6);
}

}  // namespace
}  // namespace euterpe
