#include "media/explanation_picture.hpp"

#include <cairo.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/files.hpp"
#include "media/explanation_parts.hpp"
#include "samples.hpp"

namespace euterpe {
namespace {

using test::Folder;

struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint32_t> pixels;
  /// How many pixels of a box are rather red (1), rather blue (−1) than gray.
  int count(int side, int left, int top, int right, int bottom) const {
    int n = 0;
    for (int y = top; y < bottom; ++y) {
      for (int x = left; x < right; ++x) {
        const std::uint32_t p = pixels[static_cast<std::size_t>(y * width + x)];
        const int red = static_cast<int>(p >> 16 & 255), blue = static_cast<int>(p & 255);
        n += side * (red - blue) > 40;
      }
    }
    return n;
  }
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

/// 10 s, 4 bands, 10 segments; one cell speaks for the answer, one against it.
struct Map {
  std::vector<float> mel = std::vector<float>(64 * 100, -40.0F);
  std::vector<double> weights = std::vector<double>(40, 0.0), edges{0, 1000, 2500, 5500, 11025};
  std::vector<std::size_t> salient;
  MelView view() const { return {mel, 64, 100, 0.1}; }
  SaliencyView saliency() const { return {weights, edges, 10, 1.0, salient}; }
};

const ExplanationText kText{"song.mp3", "style: rock 73 %", "before pop 21 %", "rock", {"brighter than most pop"}};

TEST(ExplanationPicture, CellsThatSpeakForTheAnswerAreRedAndThoseAgainstItBlue) {
  const Folder folder;
  Map map;
  map.weights[3 * 10 + 1] = 0.8;   // highest band, second 1 … 2
  map.weights[0 * 10 + 8] = -0.8;  // lowest band, second 8 … 9
  map.salient = {31};
  plot_audio_explanation(folder / "a.png", map.view(), map.saliency(), kText, 0, {1000, 600});
  const Picture picture = read_png(folder / "a.png");
  ASSERT_EQ(picture.width, 1000);
  ASSERT_EQ(picture.height, 600);
  // The map stands between x = 80 and 840, 76 pixels a second; its middle in height is near 300.
  EXPECT_GT(picture.count(1, 156, 100, 232, 280), 1000);
  EXPECT_EQ(picture.count(-1, 156, 100, 232, 280), 0);
  EXPECT_GT(picture.count(-1, 688, 320, 764, 520), 1000);
  EXPECT_EQ(picture.count(1, 688, 320, 764, 500), 0);
  EXPECT_EQ(picture.count(1, 300, 130, 680, 500), 0);
  // Sums over the bands stand above their stretch of time, those against the answer too.
  EXPECT_GT(picture.count(1, 156, 82, 232, 120), 500);
  EXPECT_GT(picture.count(-1, 688, 82, 764, 120), 500);
  EXPECT_EQ(picture.count(1, 240, 82, 840, 120), 0);
}

TEST(ExplanationPicture, NamesAnswerRunnerUpAndReasons) {
  const Folder folder;
  const Map map;
  plot_audio_explanation(folder / "a.svg", map.view(), map.saliency(), kText, 0, {1000, 600});
  const std::string svg = read_text(folder / "a.svg");
  plot_audio_explanation(folder / "b.svg", map.view(), map.saliency(), {}, 0, {1000, 600});
  EXPECT_GT(svg.size(), read_text(folder / "b.svg").size());
  EXPECT_NE(svg.find("<svg"), std::string::npos);
}

TEST(ExplanationPicture, WeightsThatAreNoNumbersAndSilenceAreDrawn) {
  const Folder folder;
  Map map;
  map.weights.assign(40, NAN);
  map.mel.assign(map.mel.size(), -std::numeric_limits<float>::infinity());
  EXPECT_NO_THROW(plot_audio_explanation(folder / "a.png", map.view(), map.saliency(), kText));
}

Score melody() {
  Score score;
  Track& track = add_track(score, "", 0, 0);
  for (int i = 0; i < 32; ++i) track.notes.push_back({i * 480, 480, static_cast<std::uint8_t>(60 + i % 8), 80, 0, 64});
  return score;
}

TEST(ExplanationPicture, NotesAndBarsThatWeighAreRedOnTheRoll) {
  const Folder folder;
  const Score score = melody();
  std::vector<NoteWeight> notes;
  for (std::size_t i = 0; i < 32; ++i) notes.push_back({0, i, i / 4 == 1 ? 1.0 : i / 4 == 6 ? -1.0 : 0.0});
  const std::vector<double> bars{0, 4, 0, 0, 0, 0, -4, 0};
  plot_score_explanation(folder / "a.png", score, notes, {bars}, kText, {1000, 600});
  const Picture picture = read_png(folder / "a.png");
  // Eight bars between x = 72 and 904, 104 pixels each.
  EXPECT_GT(picture.count(1, 180, 148, 276, 510), 500);
  EXPECT_GT(picture.count(-1, 700, 148, 796, 510), 500);
  EXPECT_EQ(picture.count(1, 400, 80, 690, 510), 0);
  EXPECT_GT(picture.count(1, 180, 82, 276, 124), 500) << "the strip of bars";
}

TEST(ExplanationPicture, OfALongScoreShowsTheHeaviestStretch) {
  const Folder folder;
  Score score;
  Track& track = add_track(score, "", 0, 0);
  std::vector<NoteWeight> notes;
  std::vector<double> bars(400, 0.0);
  for (std::size_t i = 0; i < 400; ++i) {
    track.notes.push_back({static_cast<std::int64_t>(i) * 1920, 1920, 60, 80, 0, 64});
    notes.push_back({0, i, i == 300 ? 1.0 : 0.0});
  }
  bars[300] = 1;
  plot_score_explanation(folder / "a.png", score, notes, {bars}, kText, {1000, 600});
  EXPECT_GT(read_png(folder / "a.png").count(1, 72, 148, 904, 510), 50);
}

TEST(ExplanationPicture, BarsThatWereNotLookedAtAreNotDrawn) {
  const Folder folder;
  const Score score = melody();
  const std::vector<NoteWeight> notes{{0, 16, 1.0}, {0, 17, 0.0}, {0, 18, 0.0}, {0, 19, 0.0}};
  const std::vector<double> bar{1};
  plot_score_explanation(folder / "a.png", score, notes, {bar, 4}, kText, {1000, 600});
  // The one bar fills the width: its first note the first quarter.
  const Picture picture = read_png(folder / "a.png");
  EXPECT_GT(picture.count(1, 72, 148, 280, 510), 1000);
}

TEST(ExplanationPicture, EachDrumThatIsStruckHasARowOfItsOwn) {
  const Folder folder;
  Score score;
  Track& track = add_track(score, "kit", 0, 9);
  track.notes = {{0, 1920, 36, 80, 9, 64}, {0, 1920, 81, 80, 9, 64}};
  track.drums = true;
  const std::vector<NoteWeight> notes{{0, 0, -1.0}, {0, 1, 1.0}};
  plot_score_explanation(folder / "a.png", score, notes, {std::vector<double>{0.0}}, kText, {1000, 600});
  const Picture picture = read_png(folder / "a.png");
  // Two rows share the height of the panel, though 45 keys lie between them.
  EXPECT_GT(picture.count(1, 200, 148, 800, 330), 50'000);
  EXPECT_GT(picture.count(-1, 200, 350, 800, 530), 50'000);
}

TEST(ExplanationPicture, OfNoNotesSaysSo) {
  const Folder folder;
  EXPECT_NO_THROW(plot_score_explanation(folder / "a.png", Score{}, {}, {}, {}));
  EXPECT_THROW(plot_score_explanation(folder / "a.gif", Score{}, {}, {}, {}), Error);
}

TEST(ExplanationPicture, ColorsOfWeightsGetDarkerWithStrengthSoThatAGrayPrintTellsThemApart) {
  const auto gray = [](const Color& c) { return 0.2126 * c.red + 0.7152 * c.green + 0.0722 * c.blue; };
  for (const double side : {1.0, -1.0})
    for (double t = 0; t < 0.95; t += 0.1)
      EXPECT_LT(gray(weight_color(side * (t + 0.1))), gray(weight_color(side * t)));
}

}  // namespace
}  // namespace euterpe
