#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "evaluate/npy.hpp"
#include "evaluate/task.hpp"
#include "media/decode.hpp"
#include "media/encode.hpp"
#include "signal/spectral.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;

template <class T>
std::vector<std::uint8_t> npy(const std::string& header, const std::vector<T>& values) {
  std::vector<std::uint8_t> bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<std::uint8_t>(header.size()), 0};
  bytes.insert(bytes.end(), header.begin(), header.end());
  const std::size_t at = bytes.size();
  bytes.resize(at + values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(bytes.data() + at, values.data(), values.size() * sizeof(T));
  return bytes;
}

std::string header(const std::string& descr, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

TEST(Npy, GivesRowMajorDoublesWhateverTheTypeAndOrder) {
  const NpyArray c = parse_npy(npy<float>(header("<f4", "(2, 3)"), {1, 2, 3, 4, 5, 6}), "c");
  EXPECT_EQ(c.rows, 2u);
  EXPECT_EQ(c.columns, 3u);
  EXPECT_EQ(c.values, (std::vector<double>{1, 2, 3, 4, 5, 6}));
  const NpyArray f = parse_npy(npy<double>(header("<f8", "(2, 3)", "True"), {1, 4, 2, 5, 3, 6}), "f");
  EXPECT_EQ(f.values, c.values);
  const NpyArray list = parse_npy(npy<std::int64_t>(header("<i8", "(2,)"), {-7, 1 << 20}), "list");
  EXPECT_EQ(list.rows, 1u);
  EXPECT_EQ(list.values, (std::vector<double>{-7, 1 << 20}));
  EXPECT_EQ(parse_npy(npy<std::uint8_t>(header("|b1", "(3,)"), {1, 0, 1}), "bools").values,
            (std::vector<double>{1, 0, 1}));
  EXPECT_EQ(parse_npy(npy<float>(header("<f4", "()"), {0.5f}), "number").values, (std::vector<double>{0.5}));
  EXPECT_TRUE(parse_npy(npy<float>(header("<f4", "(0, 5)"), {}), "empty").values.empty());
}

TEST(Npy, RefusesWhatLiesOrBreaksOff) {
  const auto category = [](const std::vector<std::uint8_t>& bytes) {
    try {
      parse_npy(bytes, "x.npy");
    } catch (const Error& error) {
      EXPECT_NE(error.detail().find("x.npy"), std::string::npos);
      return error.category();
    }
    ADD_FAILURE() << "was read";
    return Category::usage;
  };
  const auto whole = npy<float>(header("<f4", "(2, 2)"), {1, 2, 3, 4});
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const Category found = category({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)});
    EXPECT_TRUE(found == Category::bad_input || found == Category::newer_version) << n;
  }
  EXPECT_EQ(category(npy<float>(header("<f4", "(4294967296, 4294967296)"), {1})), Category::bad_input);
  EXPECT_EQ(category(npy<float>(header("<f4", "(99999999999999999999999,)"), {1})), Category::bad_input);
  EXPECT_EQ(category(npy<float>(header("<f4", "(1,)"), {1, 2})), Category::bad_input);
  EXPECT_EQ(category(npy<float>(header("<f4", "1"), {1})), Category::bad_input);
  EXPECT_EQ(category(npy<float>(header("<f4", "(1, 1, 1)"), {1})), Category::unsupported);
  EXPECT_EQ(category(npy<float>(header(">f4", "(1,)"), {1})), Category::unsupported);
  EXPECT_EQ(category(npy<float>("{'fortran_order': False, 'shape': (1,), }", {1})), Category::unsupported);
}

/// A folder with one clip of half a second of clicks on a tone, and what is written beside it.
class Signal : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(clip());
    AudioBuffer audio;
    for (int i = 0; i < 3 * kRate; ++i) {
      const double click = i % 11025 < 200 ? 0.5 * std::sin(0.9 * i) : 0;
      audio.samples.push_back(static_cast<float>(0.1 * std::sin(2 * std::numbers::pi * 440 * i / kRate) + click));
    }
    encode(clip() / "input.wav", audio);
    samples_ = decode(clip() / "input.wav").samples;  // in 16 bits
  }

  std::filesystem::path clip() const { return root_ / "clip"; }
  void write(const std::string& name, const std::vector<float>& values) const {
    write_file(clip() / (name + ".npy"), npy(header("<f4", "(" + std::to_string(values.size()) + ",)"), values));
  }
  nlohmann::json evaluate(const std::filesystem::path& data) const {
    EvaluateOptions options;
    options.data = data;
    return evaluate_signal(options);
  }
  nlohmann::json feature(const std::string& name) const { return evaluate(root_.path())["features"][name]; }

  const TemporaryFolder root_;
  std::vector<float> samples_;
};

TEST_F(Signal, StatesTheErrorAgainstTheReferenceAndWhatItSkipped) {
  std::vector<float> theirs = rms(samples_);
  for (float& v : theirs) v *= 1.25f;
  write("rms", theirs);
  write("sparkle", {1});
  for (const auto& data : {root_.path(), clip()}) {
    const nlohmann::json report = evaluate(data);
    const auto& found = report["features"]["rms"];
    EXPECT_NEAR(found["relative_error"].get<double>(), 0.2, 1e-5);
    EXPECT_NEAR(found["max_abs_error"].get<double>(), 0.2 * static_cast<double>(std::ranges::max(theirs)), 1e-5);
    EXPECT_GT(found["times_real_time"].get<double>(), 0);
    EXPECT_FALSE(found["within"].get<bool>());
    EXPECT_EQ(report["features"].size(), 1u);
    EXPECT_EQ(report["clips"], 1);
    EXPECT_EQ(report["unknown"], nlohmann::json({"sparkle"}));
    EXPECT_NE(std::ranges::find(report["skipped"], nlohmann::json("tempogram")), report["skipped"].end());
  }
}

TEST_F(Signal, TakesTheWorstOfTheClips) {
  const std::vector<float> right = rms(samples_);
  write("rms", right);
  const double fine = feature("rms")["relative_error"];
  EXPECT_LT(fine, 1e-6);
  std::filesystem::copy(clip(), root_ / "another", std::filesystem::copy_options::recursive);
  std::vector<float> wrong = right;
  for (float& v : wrong) v *= 2;
  write("rms", wrong);
  EXPECT_NEAR(feature("rms")["relative_error"].get<double>(), 0.5, 1e-5);
}

TEST_F(Signal, AnotherShapeOrANanOnOneSideIsAFailureThatSaysSo) {
  std::vector<float> theirs = rms(samples_);
  theirs[3] = std::numeric_limits<float>::quiet_NaN();
  write("rms", theirs);
  write("zero_crossing_rate", {1, 2, 3});
  const auto features = evaluate(root_.path())["features"];
  for (const char* name : {"rms", "zero_crossing_rate"}) {
    EXPECT_GE(features[name]["relative_error"].get<double>(), 1e6) << name;
    EXPECT_FALSE(features[name]["within"].get<bool>()) << name;
    EXPECT_EQ(features[name]["failures"].size(), 1u) << name;
  }
}

TEST_F(Signal, FramesAgreeWithinOneAndAMissingOrASurplusFrameCounts) {
  const auto agreement = [&](const std::vector<float>& frames) {
    write("onset_frames", frames);
    return feature("onset_frames")["agreement"].get<double>();
  };
  // Clicks every half second, the first within the first frames, where no rise is seen.
  const std::vector<float> all{22, 43, 65, 86, 108};
  EXPECT_EQ(agreement(all), 1);
  EXPECT_EQ(agreement({21, 44, 65, 87, 107}), 1);
  EXPECT_NEAR(agreement({25, 43, 65, 86, 108}), 0.8, 1e-9);
  EXPECT_NEAR(agreement({22, 43, 65, 86}), 0.8, 1e-9);
  EXPECT_NEAR(agreement({22, 43, 65, 86, 108, 120}), 5.0 / 6, 1e-9);
  EXPECT_NEAR(agreement({22, 23, 43, 65, 86, 108}), 5.0 / 6, 1e-9);
  EXPECT_EQ(agreement({}), 0);
}

TEST_F(Signal, RefusesAFolderWithoutClips) {
  EXPECT_THROW(evaluate(std::filesystem::temp_directory_path() / "euterpe-nowhere"), Error);
}

}  // namespace
}  // namespace euterpe
