#pragma once
/// Digits of 28 × 28 pixels as somebody writes them who is in a hurry: shifted, slanted, larger or smaller, with a
/// thick or a thin pen.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.hpp"

namespace euterpe {

struct PenPoint {
  double x, y;  ///< 0 … 1 within the digit's box, y downwards
};

/// Corners of each digit's strokes; a curve is what the corners round.
inline const std::array<std::vector<PenPoint>, 10>& digit_strokes() {
  static const std::array<std::vector<PenPoint>, 10> strokes{
      {{{.5, 0}, {.85, .12}, {1, .5}, {.85, .88}, {.5, 1}, {.15, .88}, {0, .5}, {.15, .12}, {.5, 0}},
       {{.25, .2}, {.55, 0}, {.55, 1}},
       {{0, .2}, {.2, .03}, {.6, 0}, {.95, .15}, {.95, .4}, {0, 1}, {1, 1}},
       {{.05, .05}, {.9, .05}, {.45, .42}, {.85, .5}, {1, .75}, {.75, .97}, {.3, 1}, {0, .85}},
       {{.75, 1}, {.75, 0}, {0, .68}, {1, .68}},
       {{.95, 0}, {.1, 0}, {.05, .45}, {.6, .4}, {1, .62}, {.9, .92}, {.5, 1}, {0, .9}},
       {{.85, .02}, {.35, .25}, {.05, .65}, {.2, .95}, {.65, 1}, {.95, .78}, {.75, .52}, {.35, .52}, {.05, .68}},
       {{0, 0}, {1, 0}, {.35, 1}},
       {{.5, .47},
        {.1, .3},
        {.2, .05},
        {.8, .05},
        {.9, .3},
        {.5, .47},
        {.02, .72},
        {.2, .98},
        {.8, .98},
        {.98, .72},
        {.5, .47}},
       {{.9, .3}, {.6, .5}, {.15, .42}, {.1, .12}, {.5, 0}, {.9, .15}, {.9, .3}, {.7, 1}}}};
  return strokes;
}

/// \return [side · side], row-major, 0 is paper and 255 ink
inline std::vector<std::uint8_t> draw_digit(int digit, int side, Random& random) {
  const double unit = side / 28.0;  // pixels; all lengths below are those of a digit of 28 × 28
  const double width = random.uniform(10, 13) * unit, height = random.uniform(17, 20) * unit;
  const double left = (side - width) / 2 + random.uniform(-1.5, 1.5) * unit;
  const double top = (side - height) / 2 + random.uniform(-1.5, 1.5) * unit;
  const double slant = random.uniform(-0.2, 0.2), pen = random.uniform(1, 1.7) * unit;
  const auto shake = [&] { return random.uniform(-0.4, 0.4) * unit; };
  std::vector<PenPoint> points;
  for (const PenPoint& p : digit_strokes()[static_cast<std::size_t>(digit)])
    points.push_back({left + p.x * width + slant * (0.5 - p.y) * height + shake(), top + p.y * height + shake()});
  std::vector<std::uint8_t> out;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      double nearest = side;
      for (std::size_t i = 0; i + 1 < points.size(); ++i) {
        const double ax = points[i].x, ay = points[i].y, bx = points[i + 1].x - ax, by = points[i + 1].y - ay;
        const double t = std::clamp(((x - ax) * bx + (y - ay) * by) / (bx * bx + by * by), 0.0, 1.0);
        nearest = std::min(nearest, std::hypot(x - ax - t * bx, y - ay - t * by));
      }
      out.push_back(static_cast<std::uint8_t>(std::lround(255 * std::clamp(pen + 0.5 - nearest, 0.0, 1.0))));
    }
  return out;
}

}  // namespace euterpe
