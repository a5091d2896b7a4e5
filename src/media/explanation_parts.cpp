#include "media/explanation_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "media/text.hpp"

namespace euterpe {
namespace {

constexpr double kLine = 19;  // pixels from one sentence to the next

/// Cut so that it fits.
std::string fitted(Canvas& canvas, std::string words, double size, double width, bool bold = false) {
  if (canvas.text_width(words, size, bold) <= width) return words;
  while (!words.empty() && canvas.text_width(words + " …", size, bold) > width) {
    // At a word where there is one, else at a character: never within one of UTF-8's.
    const auto space = words.rfind(' ');
    if (space != std::string::npos) {
      words.resize(space);
      continue;
    }
    do words.pop_back();
    while (!words.empty() && (static_cast<unsigned char>(words.back()) & 0xC0) == 0x80);
    if (!words.empty() && static_cast<unsigned char>(words.back()) >= 0xC0) words.pop_back();
  }
  return words + " …";
}

}  // namespace

Color weight_color(double t) {
  t = std::clamp(std::isfinite(t) ? t : 0.0, -1.0, 1.0);
  const double size = std::sqrt(std::abs(t));
  return oklch(0.87 - 0.37 * size, 0.22 * size, t > 0 ? 27 : 258);
}

Color veil_color(double t) {
  t = std::clamp(std::isfinite(t) ? t : 0.0, -1.0, 1.0);
  Color color = weight_color(t > 0 ? 1 : -1);
  color.alpha = 0.66 * std::abs(t);
  return color;
}

double draw_explanation_head(Canvas& canvas, const ExplanationText& text, const std::vector<ExplanationKey>& legend,
                             double left, double right) {
  canvas.title(fitted(canvas, to_utf8(text.title), kTitle, right - left, true), left);
  double y = text.title.empty() ? 26 : 48;
  const std::string answer = fitted(canvas, to_utf8(text.answer), kNormal + 1, right - left, true);
  canvas.text(left, y, answer, kNormal + 1, Align::left, weight_color(1), true);
  const double x = left + canvas.text_width(answer, kNormal + 1, true) + 12;
  if (x + 40 < right) canvas.text(x, y, fitted(canvas, to_utf8(text.rest), kNormal + 1, right - x), kNormal + 1);
  y += 22;
  double at = left;
  for (const ExplanationKey& key : legend) {
    constexpr double kSquare = 11, kGap = 20;
    const std::string name = to_utf8(key.name);
    const double wide = kSquare + 6 + canvas.text_width(name, kSmall);
    if (at + wide > right) break;
    const Box square{at, y - kSquare + 1, at + kSquare, y + 1};
    if (key.outline) {
      for (const double side : {square.left, square.right})
        canvas.line(side, square.top, side, square.bottom, key.color, 1.5);
      for (const double side : {square.top, square.bottom})
        canvas.line(square.left, side, square.right, side, key.color, 1.5);
    } else {
      canvas.fill(square, key.color);
    }
    canvas.text(at + kSquare + 6, y, name, kSmall, Align::left, kFaint);
    at += wide + kGap;
  }
  return y + 10;
}

double explanation_foot(const ExplanationText& text, double room) {
  const double lines = std::min(static_cast<double>(text.reasons.size()), std::floor(room / kLine));
  return lines > 0 ? lines * kLine + 6 : 0;
}

void draw_explanation_foot(Canvas& canvas, const ExplanationText& text, double left, double right, double top) {
  double y = top + kLine;
  for (const std::string& reason : text.reasons) {
    if (y + 4 > canvas.height()) break;
    canvas.text(left, y, "•", kNormal, Align::left, kFaint);
    canvas.text(left + 14, y, fitted(canvas, reason, kNormal, right - left - 14), kNormal);
    y += kLine;
  }
}

void draw_weight_bar(Canvas& canvas, const Box& box, double greatest, Color (*color)(double)) {
  canvas.image(box, [&](int, int y) {
    const Color c = color(1 - 2 * (y + 0.5) / box.height());
    const auto on_paper = [&](double part) { return c.alpha * part + 1 - c.alpha; };
    return Color{on_paper(c.red), on_paper(c.green), on_paper(c.blue)};
  });
  const Scale scale{-greatest, greatest, box.bottom, box.top};
  for (const Tick& tick : round_ticks(-greatest, greatest, 5)) {
    canvas.line(box.right, scale(tick.value), box.right + 4, scale(tick.value), kFaint);
    canvas.text(box.right + 8, scale(tick.value) + 4, tick.label, kSmall);
  }
  canvas.text(box.left - 6, box.top - 8, "log odds", kSmall);
  canvas.frame(box);
}

}  // namespace euterpe
