#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "media/canvas.hpp"

namespace euterpe {
namespace {

struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // Room around the values; a single value gets a unit of it.
  Extent padded(double part) const {
    if (!(low <= high)) return {0, 1};
    const double room = high > low ? (high - low) * part : 0.5;
    return {low - room, high + room};
  }
};

void draw_series(Canvas& canvas, const Series& series, const Scale& x, const Scale& y, const Color& color) {
  cairo_t* cairo = canvas.cairo();
  canvas.color(color);
  cairo_set_line_width(cairo, 2);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
  bool drawing = false;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i])) {
      drawing = false;
      continue;
    }
    if (drawing) {
      cairo_line_to(cairo, x(series.x[i]), y(series.y[i]));
    } else {
      cairo_move_to(cairo, x(series.x[i]), y(series.y[i]));
    }
    drawing = true;
  }
  cairo_stroke(cairo);
  if (series.x.size() > 40) return;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i])) continue;
    cairo_arc(cairo, x(series.x[i]), y(series.y[i]), 3, 0, 2 * std::numbers::pi);
    cairo_fill(cairo);
  }
}

}  // namespace

void plot_lines(const std::filesystem::path& path, const LineChart& chart, PictureSize size) {
  Extent x_extent, y_extent;
  for (const Series& series : chart.series) {
    EUTERPE_ASSERT(series.x.size() == series.y.size());
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!std::isfinite(series.y[i])) continue;
      x_extent.add(series.x[i]);
      y_extent.add(series.y[i]);
    }
  }
  x_extent = x_extent.padded(0.0);
  if (!(x_extent.high > x_extent.low)) x_extent.high = x_extent.low + 1;
  y_extent = y_extent.padded(0.06);

  Canvas canvas(path, size);
  const Box box{80, 44, canvas.width() - 28, canvas.height() - 52};
  const Scale x{x_extent.low, x_extent.high, box.left, box.right};
  const Scale y{y_extent.low, y_extent.high, box.bottom, box.top};
  canvas.x_axis(box, x, round_ticks(x.low, x.high, static_cast<int>(canvas.width() / 110)), chart.x_label, true);
  canvas.y_axis(box, y, round_ticks(y.low, y.high, static_cast<int>(canvas.height() / 60)), chart.y_label, true);
  std::vector<Canvas::Key> keys;
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    draw_series(canvas, chart.series[i], x, y, series_color(i));
    if (!chart.series[i].name.empty()) keys.push_back({chart.series[i].name, series_color(i)});
  }
  canvas.frame(box);
  canvas.title(chart.title, box.left);
  canvas.legend(box.left + canvas.text_width(chart.title, kTitle, true) + 30, box.right, 26, keys);
  canvas.finish();
}

void plot_bars(const std::filesystem::path& path, const BarChart& chart, PictureSize size) {
  Canvas canvas(path, size);
  double maximum = chart.maximum, label_width = 40;
  std::vector<Canvas::Key> keys;
  const auto color_of = [&](const std::string& group) {
    for (const auto& key : keys) {
      if (key.name == group) return key.color;
    }
    keys.push_back({group, series_color(keys.size())});
    return keys.back().color;
  };
  for (const Bar& bar : chart.bars) {
    if (chart.maximum <= 0) maximum = std::max(maximum, bar.value * 1.1);
    label_width = std::max(label_width, canvas.text_width(bar.label, kNormal));
  }
  if (!(maximum > 0)) maximum = 1;
  const Box box{std::min(label_width + 28, canvas.width() / 2), 44, canvas.width() - 64, canvas.height() - 52};
  const Scale x{0, maximum, box.left, box.right};
  canvas.x_axis(box, x, round_ticks(0, maximum, 6), chart.value_label, true);
  const double row = box.height() / std::max<double>(1, static_cast<double>(chart.bars.size()));
  double top = box.top;
  for (const Bar& bar : chart.bars) {
    const double value = std::isfinite(bar.value) ? std::clamp(bar.value, 0.0, maximum) : 0;
    const double middle = top + row / 2, half = std::min(row * 0.36, 22.0);
    canvas.fill({box.left, middle - half, x(value), middle + half}, color_of(bar.group));
    canvas.text(box.left - 10, middle + 4, bar.label, kNormal, Align::right);
    canvas.text(x(value) + 6, middle + 4, fmt::format("{:.3g}", bar.value), kSmall);
    top += row;
  }
  canvas.line(box.left, box.top, box.left, box.bottom, kFaint);
  canvas.title(chart.title, 16);
  if (keys.size() > 1) {
    canvas.legend(16 + canvas.text_width(chart.title, kTitle, true) + 30, box.right, 26, keys);
  }
  canvas.finish();
}

}  // namespace euterpe
