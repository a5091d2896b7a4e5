#include "media/explanation_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "media/text.hpp"

namespace euterpe {
namespace {

constexpr double kLine = 19;  // pixels from one sentence to the next

std::string percent(double p) {
  if (p > 0.995) return "> 99 %";
  return p < 0.005 ? "< 1 %" : fmt::format("{:.0f} %", 100 * p);
}

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

double draw_explanation_head(Canvas& canvas, const ExplanationText& text, double left, double right) {
  canvas.title(fitted(canvas, to_utf8(text.title), kTitle, right - left, true), left);
  const double y = text.title.empty() ? 26 : 48;
  std::string answer = fmt::format("{} {}", text.answer, percent(text.probability));
  canvas.text(left, y, answer, kNormal + 1, Align::left, weight_color(1), true);
  double x = left + canvas.text_width(answer, kNormal + 1, true);
  if (!text.runner_up.empty() && text.runner_up != text.answer) {
    const std::string next = fmt::format("   before {} {}", text.runner_up, percent(text.runner_up_probability));
    canvas.text(x, y, next, kNormal + 1);
    x += canvas.text_width(next, kNormal + 1);
  }
  if (x + 40 < right) canvas.text(right, y, "red speaks for it, blue against", kSmall, Align::right, kFaint);
  return y + 14;
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

void draw_weight_bar(Canvas& canvas, const Box& box, double greatest) {
  canvas.image(box, [&](int, int y) { return weight_color(1 - 2 * (y + 0.5) / box.height()); });
  const Scale scale{-greatest, greatest, box.bottom, box.top};
  for (const Tick& tick : round_ticks(-greatest, greatest, 5)) {
    canvas.line(box.right, scale(tick.value), box.right + 4, scale(tick.value), kFaint);
    canvas.text(box.right + 8, scale(tick.value) + 4, tick.label, kSmall);
  }
  canvas.text(box.left - 6, box.top - 8, "log odds", kSmall);
  canvas.frame(box);
}

}  // namespace euterpe
