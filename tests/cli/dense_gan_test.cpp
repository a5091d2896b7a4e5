// From a file of images to a network of one's own and a sheet of its pictures.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "cli/run_program.hpp"
#include "corpus/idx_bytes.hpp"
#include "train/digits.hpp"

namespace euterpe {
namespace {

class DenseGanCommand : public ::testing::Test {
 protected:
  TemporaryFolder folder{"dense-gan"};
  std::string path(const std::string& name) const { return (folder / name).string(); }
  Ran run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--catalog", path("catalog"), "--threads", "1"});
    return run_program(arguments, {"EUTERPE_USER_MODELS=" + path("models"), "OMP_NUM_THREADS=1", "HOME=" + path("")});
  }
  void write_digits() const {
    Random random(1);
    std::vector<std::uint8_t> pixels;
    for (int i = 0; i < 40; ++i) {
      const auto digit = draw_digit(i % 10, 16, random);
      pixels.insert(pixels.end(), digit.begin(), digit.end());
    }
    write_file(folder / "digits", idx_bytes(40, 16, 16, pixels));
  }
};

TEST_F(DenseGanCommand, LearnsImagesLineByLineAndDrawsASheetButNothingToPlay) {
  write_digits();
  const std::vector<std::string> train{"train", "gan",     "--network", "dense", "--data",  path("digits"),
                                       "--out", path("m"), "--steps",   "3",     "--batch", "20"};
  const Ran trained = run(train);
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.err.find("epoch 2, batch 1 of 2: D loss 0."), std::string::npos) << trained.err;

  auto quietly = train;
  quietly.insert(quietly.begin(), "-q");
  quietly.insert(quietly.end(), {"--run", path("other.run")});
  const Ran quiet = run(quietly);
  ASSERT_EQ(quiet.code, 0) << quiet.err;
  EXPECT_EQ(quiet.err.find("batch 1 of 2"), std::string::npos) << quiet.err;

  const Ran drawn = run({"compose", "--model", path("m"), "-o", path("sheet.png")});
  ASSERT_EQ(drawn.code, 0) << drawn.err;
  EXPECT_EQ(read_text(folder / "sheet.png").substr(1, 3), "PNG");
  EXPECT_NE(drawn.out.find("pictures, 0 notes"), std::string::npos) << drawn.out;
  const Ran played = run({"compose", "--model", path("m"), "-o", path("tune.wav")});
  EXPECT_EQ(played.code, 2) << played.err;
  EXPECT_NE(played.err.find("pictures that are not of music"), std::string::npos) << played.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "tune.wav"));
}

TEST_F(DenseGanCommand, AFileThatLiesIsRefusedByNameAndPlace) {
  write_file(folder / "lies", idx_bytes(60000, 28, 28, std::vector<std::uint8_t>(100)));
  const Ran ran = run({"train", "gan", "--network", "dense", "--data", path("lies"), "--out", path("m")});
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_NE(ran.err.find("lies: byte 116: 60000 images of 28 × 28 take 47040000 bytes, but 100 are there"),
            std::string::npos)
      << ran.err;
}

}  // namespace
}  // namespace euterpe
