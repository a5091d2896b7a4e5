#include "media/picture.hpp"

#include <cairo.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "media/canvas.hpp"
#include "samples.hpp"

namespace euterpe {
namespace {

using test::Folder;

struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint32_t> pixels;
  std::size_t colors() const { return std::set<std::uint32_t>(pixels.begin(), pixels.end()).size(); }
};

Picture read_png(const std::filesystem::path& path) {
  cairo_surface_t* surface = cairo_image_surface_create_from_png(path.c_str());
  EXPECT_EQ(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS) << path;
  Picture picture{cairo_image_surface_get_width(surface), cairo_image_surface_get_height(surface), {}};
  const auto* data = cairo_image_surface_get_data(surface);
  for (int y = 0; data && y < picture.height; ++y) {
    const auto* row = reinterpret_cast<const std::uint32_t*>(data + y * cairo_image_surface_get_stride(surface));
    for (int x = 0; x < picture.width; ++x) picture.pixels.push_back(row[x] & 0xFFFFFF);
  }
  cairo_surface_destroy(surface);
  return picture;
}

Score two_voices() {
  Score score;
  for (int voice = 0; voice < 2; ++voice) {
    Track& track = add_track(score, voice == 0 ? "upper" : "l\xF6wer" /* Latin-1, no UTF-8 */, 0, voice);
    for (int i = 0; i < 16; ++i) {
      track.notes.push_back(
          {i * 480, 400, static_cast<std::uint8_t>(72 - 20 * voice + i % 7), 80, static_cast<std::uint8_t>(voice), 64});
    }
  }
  return score;
}

TEST(Picture, OfAudioHasTheSizeAskedForAndTheSpectrumInColor) {
  const Folder folder;
  const AudioBuffer audio = test::sine(440, 4, 22050);
  std::vector<float> mel(64 * 100);
  for (std::size_t i = 0; i < mel.size(); ++i) mel[i] = static_cast<float>(-80.0 * static_cast<double>(i % 97) / 97);
  plot_audio(folder / "a.png", audio, {mel, 64, 100, 0.04}, "a tone", {1000, 500});
  const Picture picture = read_png(folder / "a.png");
  EXPECT_EQ(picture.width, 1000);
  EXPECT_EQ(picture.height, 500);
  EXPECT_GT(picture.colors(), 100U);
  const Color loudest = color_map(1);
  const auto byte = [](double v) { return static_cast<std::uint32_t>(std::lround(255 * v)); };
  const std::uint32_t wanted = byte(loudest.red) << 16 | byte(loudest.green) << 8 | byte(loudest.blue);
  EXPECT_GT(std::count(picture.pixels.begin(), picture.pixels.end(), wanted), 50);
}

TEST(Picture, OfAScoreShowsEveryTrackInItsColor) {
  const Folder folder;
  Score score = two_voices();
  plot_score(folder / "two.png", score, "two voices");
  score.tracks[1].notes.clear();
  plot_score(folder / "one.png", score, "two voices");
  EXPECT_NE(read_png(folder / "two.png").pixels, read_png(folder / "one.png").pixels);
  EXPECT_GT(read_png(folder / "two.png").colors(), read_png(folder / "one.png").colors());
}

TEST(Picture, IsAnSvgWhereTheNameSaysSo) {
  const Folder folder;
  plot_score(folder / "a.svg", two_voices(), "two voices");
  const std::string text = read_text(folder / "a.svg");
  EXPECT_NE(text.find("<svg"), std::string::npos);
  EXPECT_NE(text.find("</svg>"), std::string::npos);
}

TEST(Picture, OfNothingIsStillAPicture) {
  const Folder folder;
  plot_score(folder / "a.png", Score{});
  plot_lines(folder / "b.png", {"empty", "x", "y", {}});
  plot_bars(folder / "c.png", {"empty", "x", {}});
  for (const char* name : {"a.png", "b.png", "c.png"}) EXPECT_GT(read_png(folder / name).colors(), 2U) << name;
}

TEST(Picture, OfLinesLeavesAGapWhereAValueIsNoNumber) {
  const Folder folder;
  LineChart chart{"loss", "step", "nats", {{"training", {0, 1, 2, 3}, {4, 3, 2, 1}}}};
  plot_lines(folder / "a.png", chart);
  chart.series[0].y[1] = NAN;
  plot_lines(folder / "b.png", chart);
  EXPECT_NE(read_png(folder / "a.png").pixels, read_png(folder / "b.png").pixels);
}

TEST(Picture, RefusesOtherExtensionsAndSizes) {
  const Folder folder;
  EXPECT_THROW(plot_score(folder / "a.bmp", Score{}), Error);
  EXPECT_THROW(plot_score(folder / "a.png", Score{}, "", {10, 10}), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  write_file(folder / "file", std::string_view("in the way"));
  EXPECT_THROW(plot_score(folder / "file/a.png", Score{}), Error);
}

TEST(ColorMap, GetsLighterInEvenSteps) {
  const auto luminance = [](const Color& c) {
    const auto linear = [](double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); };
    const double y = 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
    return y > 0.008856 ? 116 * std::cbrt(y) - 16 : 903.3 * y;  // CIE L*
  };
  double least = 100, most = 0;
  for (int i = 0; i < 20; ++i) {
    const double step = luminance(color_map((i + 1) / 20.0)) - luminance(color_map(i / 20.0));
    least = std::min(least, step);
    most = std::max(most, step);
  }
  EXPECT_GT(least, 2);
  EXPECT_LT(most, 7);
}

TEST(Ticks, AreRoundAndWithinTheAxis) {
  const auto ticks = round_ticks(-0.53, 0.53, 4);
  ASSERT_FALSE(ticks.empty());
  std::vector<std::string> labels;
  for (const Tick& tick : ticks) labels.push_back(tick.label);
  EXPECT_EQ(labels, (std::vector<std::string>{"\u22120.5", "0.0", "0.5"}));
  EXPECT_EQ(time_ticks(0, 185, 10)[1].label, "0:30");
}

}  // namespace
}  // namespace euterpe
