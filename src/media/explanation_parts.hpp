#pragma once
/// What the pictures of explanations share: words above and below, and one scale of color for weights.
#include <string>
#include <vector>

#include "media/canvas.hpp"
#include "media/explanation_picture.hpp"

namespace euterpe {

/// t from −1 (speaks against the answer, blue) over 0 (light gray) to 1 (for it, red); darker as it is stronger, so
/// that a print without color still tells strong from weak.
Color weight_color(double t);

/// Of what is colored over a spectrogram: the strong color of its side, the more opaque the stronger.
Color veil_color(double t);

/// One entry of the legend.
struct ExplanationKey {
  std::string name;
  Color color;
  bool outline = false;
};
inline constexpr Color kSalientLine{0.58, 0.05, 0.08}, kHeavyBar{0.99, 0.90, 0.80};

/// Title, answer and legend on top; returns where the panels may begin.
double draw_explanation_head(Canvas& canvas, const ExplanationText& text, const std::vector<ExplanationKey>& legend,
                             double left, double right);
/// Pixels that the sentences below the panels take, at most `room` of them.
double explanation_foot(const ExplanationText& text, double room);
void draw_explanation_foot(Canvas& canvas, const ExplanationText& text, double left, double right, double top);

/// Colors of ±greatest log odds, with numbers.
void draw_weight_bar(Canvas& canvas, const Box& box, double greatest, Color (*color)(double) = weight_color);

}  // namespace euterpe
