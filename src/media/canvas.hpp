#pragma once
/// What all pictures are drawn with: a surface that ends as PNG or SVG, text, axes with round ticks, colors by formula.
#include <cairo.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "media/picture.hpp"

namespace euterpe {

struct Color {
  double red = 0, green = 0, blue = 0, alpha = 1;  ///< sRGB, 0–1
};

/// Color of given lightness (0–1), chroma (0–0.4) and hue (degrees) in Oklab (Ottosson 2020), moved into sRGB's gamut
/// by taking chroma away.
Color oklch(double lightness, double chroma, double hue);
/// Dark violet over green to light yellow in even steps of perceived lightness; t in 0–1.
Color color_map(double t);
/// Colors that stay apart for the first dozen: hues by the golden angle, one lightness.
Color series_color(std::size_t index);

inline constexpr Color kInk{0.13, 0.14, 0.17}, kFaint{0.45, 0.47, 0.52}, kGrid{0.88, 0.89, 0.91}, kPaper{1, 1, 1};

struct Box {
  double left, top, right, bottom;  ///< pixels, y downwards
  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

/// A value's place on an axis.
struct Scale {
  double low, high;  ///< values at the two ends, low < high
  double from, to;   ///< pixels there
  double operator()(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

struct Tick {
  double value;
  std::string label;
};
/// Round values (1, 2, 5 · 10ⁿ) within [low, high], about `count` of them.
std::vector<Tick> round_ticks(double low, double high, int count);
/// The same for time in seconds; from two minutes on as m:ss.
std::vector<Tick> time_ticks(double low, double high, int count);

enum class Align { left, center, right };

class Canvas {
 public:
  Canvas(std::filesystem::path path, PictureSize size);
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  /// Writes the file. Throws Error{io}.
  void finish();

  double width() const { return width_; }
  double height() const { return height_; }
  cairo_t* cairo() const { return cairo_; }

  void color(const Color& c);
  void fill(const Box& box, const Color& c);
  void line(double x0, double y0, double x1, double y1, const Color& c, double thickness = 1);
  /// Baseline at y. Sizes in pixels.
  void text(double x, double y, const std::string& words, double size, Align align = Align::left, Color c = kInk,
            bool bold = false);
  void text_upwards(double x, double y, const std::string& words, double size, Color c = kInk);  ///< centered on y
  double text_width(const std::string& words, double size, bool bold = false);
  void title(const std::string& words, double left);

  /// Ticks and numbers below (x) or left (y) of a box, with its label; grid lines where asked for.
  void x_axis(const Box& box, const Scale& scale, const std::vector<Tick>& ticks, const std::string& label, bool grid);
  void y_axis(const Box& box, const Scale& scale, const std::vector<Tick>& ticks, const std::string& label, bool grid);
  void frame(const Box& box);
  /// Colored squares with names from `left` to the right, ending at `right`; what does not fit is counted ("+3").
  struct Key {
    std::string name;
    Color color;
  };
  void legend(double left, double right, double y, const std::vector<Key>& keys);
  /// Pixels computed by `pixel(column, row)` over a box, row 0 on top.
  void image(const Box& box, const std::function<Color(int, int)>& pixel);

 private:
  std::filesystem::path path_;
  double width_, height_;
  bool svg_;
  std::vector<std::uint8_t> bytes_;
  cairo_surface_t* surface_ = nullptr;
  cairo_t* cairo_ = nullptr;
};

inline constexpr double kSmall = 12, kNormal = 13, kTitle = 16;  ///< text sizes in pixels

}  // namespace euterpe
