#pragma once
/// Parts that pictures of audio are put together from; all share one time axis from 0 to `seconds` over a box's width.
#include <span>
#include <string>
#include <vector>

#include "media/audio_buffer.hpp"
#include "media/canvas.hpp"
#include "score/annotation.hpp"

namespace euterpe {

/// Least and greatest sample of each column of pixels, all channels together.
void draw_waveform(Canvas& canvas, const Box& box, const AudioBuffer& audio, double seconds);

struct HeatMap {
  std::span<const float> data;  ///< row-major [bins × frames], lowest bin at the bottom
  std::size_t bins = 0, frames = 0;
  double hop = 0;            ///< seconds from frame to frame; frame t stands at t · hop
  double low = 0, high = 1;  ///< values that get the darkest and the lightest color
  /// Where several frames fall on one column of pixels: their mean, or the greatest, lest short sounds vanish.
  bool mean = false;
  Color (*color)(double) = color_map;  ///< of 0 (low) … 1 (high)
};
void draw_heat_map(Canvas& canvas, const Box& box, const HeatMap& map, double seconds);
void draw_color_bar(Canvas& canvas, const Box& box, double low, double high, const std::string& unit);

/// A strip of colored blocks with their names where there is room; blocks of one name have one color.
struct Block {
  double start = 0, end = 0;  ///< seconds
  std::string name;
  Color color;
};
void draw_blocks(Canvas& canvas, const Box& box, const std::vector<Block>& blocks, double seconds,
                 const std::string& label);

/// Form, keys and chords as strips of blocks from `y` on, those that there are; returns where the last one ends.
double draw_strips(Canvas& canvas, double left, double right, double y, const Annotations& annotations, double seconds);

inline constexpr Color kDownbeat{0.72, 0.1, 0.1, 0.6}, kBeat{0.72, 0.1, 0.1, 0.3};
enum class BeatLines { none, downbeats, all };
/// Thin lines at beats, stronger ones at downbeats; downbeats alone where beats would stand closer than 4 pixels, and
/// none where those would. Returns which were drawn.
BeatLines draw_beats(Canvas& canvas, const Box& box, const std::vector<Beat>& beats, double seconds);

/// Slaney's mel scale (Auditory Toolbox 1998), linear below 1 kHz and logarithmic above, or HTK's.
double mel_of(double hertz, bool htk);
/// Octaves of 125 Hz on a mel scale.
std::vector<Tick> mel_ticks(double fmin, double fmax, bool htk);

}  // namespace euterpe
