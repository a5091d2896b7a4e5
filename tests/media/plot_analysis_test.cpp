#include <cairo.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <numbers>
#include <string>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "media/picture.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

AudioBuffer tone(double seconds) {
  AudioBuffer audio;
  audio.sample_rate = 22050;
  audio.channels = 1;
  audio.samples.resize(static_cast<std::size_t>(seconds * audio.sample_rate));
  for (std::size_t i = 0; i < audio.samples.size(); ++i)
    audio.samples[i] = static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 22050));
  return audio;
}

Annotations annotations() {
  Annotations a;
  a.duration = 8;
  for (int i = 0; i < 16; ++i) a.beats.push_back({i * 0.5, i % 4 + 1});
  a.structure = {{0, 4, "Verse", 1}, {4, 8, "Chorus", 1}};
  a.keys = {{0, 8, 9, true, 1}};
  a.chords = {{0, 4, *parse_chord("A:min7"), 1}, {4, 8, *parse_chord("E:7/3"), 1}};
  a.melody = {0.5, std::vector<float>(16, 440.0f)};
  return a;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class PlotAnalysis : public ::testing::Test {
 protected:
  const TemporaryFolder folder;  // for each test: they run side by side
};

/// 0xRRGGBB.
std::uint32_t pixel(cairo_surface_t* surface, int x, int y) {
  const unsigned char* row = cairo_image_surface_get_data(surface) + y * cairo_image_surface_get_stride(surface);
  return *reinterpret_cast<const std::uint32_t*>(row + 4 * x) & 0xFFFFFF;
}

TEST_F(PlotAnalysis, form_and_chords_stand_as_colored_blocks_over_the_same_time_axis) {
  const fs::path path = folder / "a.png";
  plot_analysis(path, tone(8), {}, annotations(), "a tone", {1000, 500});
  cairo_surface_t* surface = cairo_image_surface_create_from_png(path.c_str());
  ASSERT_EQ(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
  EXPECT_EQ(cairo_image_surface_get_width(surface), 1000);
  // Strips: form, key, chords. Left and right of the middle the form differs, the key does not.
  const int quarter = 92 + (1000 - 92 - 84) / 8, three = 92 + (1000 - 92 - 84) * 7 / 8;
  EXPECT_NE(pixel(surface, quarter, 47), pixel(surface, three, 47));
  EXPECT_EQ(pixel(surface, quarter, 76), pixel(surface, three, 76));
  EXPECT_NE(pixel(surface, quarter, 105), pixel(surface, three, 105));
  cairo_surface_destroy(surface);
}

TEST_F(PlotAnalysis, panels_without_data_are_left_out) {
  const std::vector<float> chroma(12 * 16, 0.5f);
  AnalysisView view;
  view.chroma = {chroma, 12, 16, 0.5};
  plot_analysis(folder / "with.svg", tone(8), view, annotations());
  plot_analysis(folder / "without.svg", tone(8), {}, annotations());
  EXPECT_NE(text_of(folder / "with.svg"), text_of(folder / "without.svg"));
  EXPECT_GT(fs::file_size(folder / "with.svg"), fs::file_size(folder / "without.svg"));
}

TEST_F(PlotAnalysis, ten_thousand_beats_leave_the_waveform_visible) {
  Annotations many = annotations();
  Annotations none = many;
  none.beats.clear();
  many.beats.assign(10000, {1, 1});
  plot_analysis(folder / "many.png", tone(8), {}, many, "", {800, 400});
  plot_analysis(folder / "none.png", tone(8), {}, none, "", {800, 400});
  EXPECT_EQ(text_of(folder / "many.png"), text_of(folder / "none.png"));
}

TEST_F(PlotAnalysis, no_audio_is_an_error_that_names_the_picture) {
  try {
    plot_analysis(folder / "x.png", AudioBuffer{}, {}, {});
    FAIL() << "drawn";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("x.png"), std::string::npos);
  }
}

TEST_F(PlotAnalysis, values_that_are_no_number_or_without_bounds_are_drawn_too) {
  const float no_number = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> chroma{no_number, infinity,  -infinity, 0.5f, no_number, no_number,
                                  no_number, no_number, no_number, 1,    0,         no_number};
  AnalysisView view;
  view.chroma = {chroma, 12, 1, 8};
  const fs::path path = folder / "odd.png";
  plot_analysis(path, tone(8), view, {}, "", {400, 300});
  cairo_surface_t* surface = cairo_image_surface_create_from_png(path.c_str());
  EXPECT_EQ(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
  cairo_surface_destroy(surface);
}

}  // namespace
}  // namespace euterpe
