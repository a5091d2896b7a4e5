#include "media/canvas.hpp"

#include <cairo-svg.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/files.hpp"
#include "media/text.hpp"

namespace euterpe {
namespace {

cairo_status_t append(void* closure, const unsigned char* data, unsigned length) {
  auto& bytes = *static_cast<std::vector<std::uint8_t>*>(closure);
  bytes.insert(bytes.end(), data, data + length);
  return CAIRO_STATUS_SUCCESS;
}

double to_srgb(double linear) {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
}

// Minus sign instead of hyphen: it has the width of a digit.
std::string number(double value, int decimals) {
  std::string text = fmt::format("{:.{}f}", std::abs(value), decimals);
  const bool zero = text.find_first_not_of("0.") == std::string::npos;
  return value < 0 && !zero ? "\u2212" + text : text;
}

double round_step(double span, int count) {
  const double raw = span / std::max(count, 1);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * power * 1.0001) return factor * power;
  }
  return 10 * power;
}

}  // namespace

Color oklch(double lightness, double chroma, double hue) {
  const double angle = hue * std::numbers::pi / 180;
  for (;;) {
    const double a = chroma * std::cos(angle), b = chroma * std::sin(angle);
    const double l = std::pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
    const double m = std::pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
    const double s = std::pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
    const double red = 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s;
    const double green = -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s;
    const double blue = -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s;
    const bool inside = std::min({red, green, blue}) >= -1e-4 && std::max({red, green, blue}) <= 1 + 1e-4;
    if (inside || chroma < 1e-3) {
      const auto channel = [](double linear) { return std::clamp(to_srgb(std::clamp(linear, 0.0, 1.0)), 0.0, 1.0); };
      return {channel(red), channel(green), channel(blue), 1};
    }
    chroma *= 0.97;
  }
}

Color color_map(double t) {
  t = std::clamp(std::isfinite(t) ? t : 0.0, 0.0, 1.0);
  return oklch(0.16 + 0.78 * t, 0.09 + 0.10 * t, 305 - 200 * t);
}

Color series_color(std::size_t index) {
  return oklch(0.60, 0.16, std::fmod(255 + 137.508 * static_cast<double>(index), 360));
}

std::vector<Tick> round_ticks(double low, double high, int count) {
  std::vector<Tick> ticks;
  if (!(high > low)) return ticks;
  const double step = round_step(high - low, count);
  const int decimals = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 6);
  for (double value = std::ceil(low / step - 1e-9) * step; value <= high + 1e-9 * step; value += step) {
    ticks.push_back({value, number(value, decimals)});
  }
  return ticks;
}

std::vector<Tick> time_ticks(double low, double high, int count) {
  if (high < 120) return round_ticks(low, high, count);
  double step = 3600;
  for (const double candidate : {10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0}) {
    if ((high - low) / candidate <= count) {
      step = candidate;
      break;
    }
  }
  while ((high - low) / step > count) step *= 2;
  std::vector<Tick> ticks;
  for (double value = std::ceil(low / step) * step; value <= high; value += step) {
    const auto seconds = static_cast<long>(value + 0.5);
    ticks.push_back({value, seconds >= 3600
                                ? fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
                                : fmt::format("{}:{:02}", seconds / 60, seconds % 60)});
  }
  return ticks;
}

Canvas::Canvas(std::filesystem::path path, PictureSize size)
    : path_(std::move(path)), width_(size.width), height_(size.height) {
  if (size.width < 200 || size.height < 200 || size.width > 8000 || size.height > 8000) {
    throw Error(Category::usage, "plot",
                fmt::format("{} × {} pixels: 200 to 8000 are possible", size.width, size.height));
  }
  std::string extension = path_.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (extension != ".png" && extension != ".svg") {
    throw Error(Category::usage, "plot", path_.string() + ": unknown picture extension '" + extension + "'",
                "use .png or .svg");
  }
  svg_ = extension == ".svg";
  surface_ = svg_ ? cairo_svg_surface_create_for_stream(append, &bytes_, width_, height_)
                  : cairo_image_surface_create(CAIRO_FORMAT_RGB24, size.width, size.height);
  cairo_ = cairo_create(surface_);
  fill({0, 0, width_, height_}, kPaper);
}

Canvas::~Canvas() {
  cairo_destroy(cairo_);
  cairo_surface_destroy(surface_);
}

void Canvas::finish() {
  cairo_status_t status = cairo_status(cairo_);
  if (status == CAIRO_STATUS_SUCCESS && !svg_) status = cairo_surface_write_to_png_stream(surface_, append, &bytes_);
  cairo_surface_finish(surface_);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(surface_);
  if (status != CAIRO_STATUS_SUCCESS) {
    throw Error(Category::io, "plot", path_.string() + ": " + cairo_status_to_string(status));
  }
  write_file(path_, bytes_);
}

void Canvas::color(const Color& c) { cairo_set_source_rgba(cairo_, c.red, c.green, c.blue, c.alpha); }

void Canvas::fill(const Box& box, const Color& c) {
  color(c);
  cairo_rectangle(cairo_, box.left, box.top, box.width(), box.height());
  cairo_fill(cairo_);
}

void Canvas::line(double x0, double y0, double x1, double y1, const Color& c, double thickness) {
  color(c);
  cairo_set_line_width(cairo_, thickness);
  if (thickness <= 1) {  // on pixel centers, so that hairlines stay sharp
    x0 = std::floor(x0) + 0.5, x1 = std::floor(x1) + 0.5, y0 = std::floor(y0) + 0.5, y1 = std::floor(y1) + 0.5;
  }
  cairo_move_to(cairo_, x0, y0);
  cairo_line_to(cairo_, x1, y1);
  cairo_stroke(cairo_);
}

double Canvas::text_width(const std::string& words, double size, bool bold) {
  cairo_select_font_face(cairo_, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo_, size);
  cairo_text_extents_t extents;
  cairo_text_extents(cairo_, to_utf8(words).c_str(), &extents);
  return extents.x_advance;
}

void Canvas::text(double x, double y, const std::string& words, double size, Align align, Color c, bool bold) {
  const double wide = text_width(words, size, bold);
  color(c);
  cairo_move_to(cairo_, align == Align::left ? x : align == Align::center ? x - wide / 2 : x - wide, y);
  cairo_show_text(cairo_, to_utf8(words).c_str());
}

void Canvas::text_upwards(double x, double y, const std::string& words, double size, Color c) {
  cairo_save(cairo_);
  cairo_translate(cairo_, x, y);
  cairo_rotate(cairo_, -std::numbers::pi / 2);
  text(0, 0, words, size, Align::center, c);
  cairo_restore(cairo_);
}

void Canvas::title(const std::string& words, double left) {
  if (!words.empty()) text(left, 26, words, kTitle, Align::left, kInk, true);
}

void Canvas::x_axis(const Box& box, const Scale& scale, const std::vector<Tick>& ticks, const std::string& label,
                    bool grid) {
  for (const Tick& tick : ticks) {
    const double x = scale(tick.value);
    if (grid) line(x, box.top, x, box.bottom, kGrid);
    line(x, box.bottom, x, box.bottom + 5, kFaint);
    text(x, box.bottom + 19, tick.label, kSmall, Align::center);
  }
  text((box.left + box.right) / 2, box.bottom + 38, label, kNormal, Align::center);
}

void Canvas::y_axis(const Box& box, const Scale& scale, const std::vector<Tick>& ticks, const std::string& label,
                    bool grid) {
  for (const Tick& tick : ticks) {
    const double y = scale(tick.value);
    if (grid) line(box.left, y, box.right, y, kGrid);
    line(box.left - 5, y, box.left, y, kFaint);
    text(box.left - 8, y + 4, tick.label, kSmall, Align::right);
  }
  text_upwards(18, (box.top + box.bottom) / 2, label, kNormal);
}

void Canvas::frame(const Box& box) {
  color(kFaint);
  cairo_set_line_width(cairo_, 1);
  cairo_rectangle(cairo_, std::floor(box.left) + 0.5, std::floor(box.top) + 0.5, std::floor(box.width()),
                  std::floor(box.height()));
  cairo_stroke(cairo_);
}

void Canvas::legend(double left, double right, double y, const std::vector<Key>& keys) {
  constexpr double kSquare = 11, kGap = 18;
  std::size_t shown = 0;
  double used = 0;
  for (const Key& key : keys) {
    const double wide = kSquare + 6 + text_width(key.name, kSmall) + kGap;
    if (used + wide > right - left - 30) break;
    used += wide;
    ++shown;
  }
  const std::string rest = shown < keys.size() ? fmt::format("+{}", keys.size() - shown) : "";
  double x = right - used + kGap - (rest.empty() ? 0 : text_width(rest, kSmall) + 4);
  for (std::size_t i = 0; i < shown; ++i) {
    fill({x, y - kSquare + 1, x + kSquare, y + 1}, keys[i].color);
    text(x + kSquare + 6, y, keys[i].name, kSmall);
    x += kSquare + 6 + text_width(keys[i].name, kSmall) + kGap;
  }
  if (!rest.empty()) text(right, y, rest, kSmall, Align::right, kFaint);
}

void Canvas::image(const Box& box, const std::function<Color(int, int)>& pixel) {
  const int wide = std::max(1, static_cast<int>(box.width())), high = std::max(1, static_cast<int>(box.height()));
  cairo_surface_t* picture = cairo_image_surface_create(CAIRO_FORMAT_RGB24, wide, high);
  unsigned char* data = cairo_image_surface_get_data(picture);
  const int stride = cairo_image_surface_get_stride(picture);
  cairo_surface_flush(picture);
  for (int row = 0; data && row < high; ++row) {
    auto* line_of = reinterpret_cast<std::uint32_t*>(data + static_cast<std::ptrdiff_t>(row) * stride);
    for (int column = 0; column < wide; ++column) {
      const Color c = pixel(column, row);
      const auto byte = [](double v) { return static_cast<std::uint32_t>(std::lround(255 * v)); };
      line_of[column] = byte(c.red) << 16 | byte(c.green) << 8 | byte(c.blue);
    }
  }
  cairo_surface_mark_dirty(picture);
  cairo_set_source_surface(cairo_, picture, std::floor(box.left), std::floor(box.top));
  cairo_paint(cairo_);
  cairo_surface_destroy(picture);
}

}  // namespace euterpe
