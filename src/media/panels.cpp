#include "media/panels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "base/error.hpp"
#include "score/key.hpp"

namespace euterpe {
namespace {

/// Neighbors on the circle of fifths have neighboring hues; minor is darker; what has no root is gray.
Color harmony_color(int root, bool minor) {
  if (root < 0) return {0.93, 0.93, 0.94, 1};
  return oklch(minor ? 0.74 : 0.86, minor ? 0.10 : 0.09, root * 7 % 12 * 30.0);
}

bool is_minor(ChordQuality q) {
  return q == ChordQuality::minor || q == ChordQuality::minor7 || q == ChordQuality::minor6 ||
         q == ChordQuality::minor_major7 || q == ChordQuality::diminished || q == ChordQuality::diminished7 ||
         q == ChordQuality::half_diminished7;
}

/// "Am7" rather than "A:min7": what musicians read at a glance.
std::string chord_text(std::string name) {
  if (const auto colon = name.find(':'); colon != std::string::npos) {
    std::string quality = name.substr(colon + 1);
    std::string bass;
    if (const auto slash = quality.find('/'); slash != std::string::npos) {
      bass = quality.substr(slash);
      quality.resize(slash);
    }
    if (quality == "maj") quality.clear();
    if (quality.starts_with("min")) quality = "m" + quality.substr(3);
    name = name.substr(0, colon) + quality + bass;
  }
  return name;
}

std::vector<Block> structure_blocks(const Annotations& a) {
  std::map<std::string, std::size_t> index;
  std::vector<Block> blocks;
  for (const StructureSegment& s : a.structure) {
    const std::size_t i = index.emplace(s.label, index.size()).first->second;
    blocks.push_back(
        {s.start, s.end, s.label, oklch(0.86, 0.09, std::fmod(40 + 137.508 * static_cast<double>(i), 360))});
  }
  return blocks;
}

std::vector<Block> key_blocks(const Annotations& a) {
  std::vector<Block> blocks;
  for (const KeySegment& k : a.keys) {
    KeyEstimate key;
    key.tonic = k.tonic;
    key.minor = k.minor;
    blocks.push_back({k.start, k.end, key.name(), harmony_color(k.tonic, k.minor)});
  }
  return blocks;
}

std::vector<Block> chord_blocks(const Annotations& a) {
  std::vector<Block> blocks;
  for (const ChordSegment& c : a.chords)
    blocks.push_back({c.start, c.end, c.chord.root < 0 ? "" : chord_text(chord_name(c, a.keys)),
                      harmony_color(c.chord.root, is_minor(c.chord.quality))});
  return blocks;
}

}  // namespace

double mel_of(double hertz, bool htk) {
  if (htk) return 2595 * std::log10(1 + hertz / 700);
  return hertz < 1000 ? hertz * 3 / 200 : 15 + 27 * std::log(hertz / 1000) / std::log(6.4);
}

std::vector<Tick> mel_ticks(double fmin, double fmax, bool htk) {
  std::vector<Tick> ticks;
  for (double hertz = 125; hertz <= fmax; hertz *= 2) {
    if (hertz < fmin || (hertz < 500 && fmin == 0 && hertz != 250)) continue;
    ticks.push_back(
        {mel_of(hertz, htk), hertz < 1000 ? fmt::format("{:.0f}", hertz) : fmt::format("{:.0f} k", hertz / 1000)});
  }
  return ticks;
}

void draw_waveform(Canvas& canvas, const Box& box, const AudioBuffer& audio, double seconds) {
  float peak = 0;
  for (const float sample : audio.samples) peak = std::max(peak, std::isfinite(sample) ? std::abs(sample) : 0.0F);
  const double top = peak > 0 ? peak * 1.05 : 1;
  const Scale y{-top, top, box.bottom, box.top};
  canvas.y_axis(box, y, round_ticks(-top, top, 5), "", true);
  canvas.text_upwards(18, (box.top + box.bottom) / 2, "amplitude", kNormal);

  const auto frames = static_cast<double>(audio.frames());
  const int columns = static_cast<int>(box.width());
  const double per_column = seconds * audio.sample_rate / columns;
  canvas.color(oklch(0.52, 0.13, 265));
  cairo_set_line_width(canvas.cairo(), 1);
  for (int column = 0; column < columns; ++column) {
    const double from = column * per_column;
    if (from >= frames) break;
    const auto begin = static_cast<std::size_t>(from);
    const auto end = static_cast<std::size_t>(std::min(frames, std::max(from + per_column, from + 1)));
    float low = std::numeric_limits<float>::max(), high = -low;
    for (int c = 0; c < audio.channels; ++c) {
      for (const float sample : audio.channel(c).subspan(begin, end - begin)) {
        low = std::min(low, sample);
        high = std::max(high, sample);
      }
    }
    if (!(low <= high)) continue;
    const double x = std::floor(box.left) + column + 0.5;
    cairo_move_to(canvas.cairo(), x, std::max(y(low), y(high) + 1));
    cairo_line_to(canvas.cairo(), x, y(high));
  }
  cairo_stroke(canvas.cairo());
  canvas.frame(box);
}

void draw_heat_map(Canvas& canvas, const Box& box, const HeatMap& map, double seconds) {
  EUTERPE_ASSERT(map.data.size() == map.bins * map.frames && map.bins > 0 && map.hop > 0 && map.high > map.low);
  const int columns = static_cast<int>(box.width()), rows = static_cast<int>(box.height());
  std::vector<float> column(map.bins);
  std::vector<Color> colors(static_cast<std::size_t>(columns) * rows, map.color(0));
  std::array<Color, 256> palette;
  for (std::size_t i = 0; i < palette.size(); ++i) palette[i] = map.color(static_cast<double>(i) / 255);
  for (int x = 0; x < columns; ++x) {
    const double from = x * seconds / columns / map.hop, to = (x + 1) * seconds / columns / map.hop;
    const auto begin = static_cast<std::size_t>(std::lround(from));
    const auto end = std::min(map.frames, std::max(static_cast<std::size_t>(std::lround(to)), begin + 1));
    if (begin >= map.frames) break;
    for (std::size_t bin = 0; bin < map.bins; ++bin) {
      const auto shown = map.data.subspan(bin * map.frames + begin, end - begin);
      column[bin] = map.mean ? std::accumulate(shown.begin(), shown.end(), 0.0F) / static_cast<float>(shown.size())
                             : *std::ranges::max_element(shown);
    }
    for (int y = 0; y < rows; ++y) {
      const auto bin = std::min(map.bins - 1, static_cast<std::size_t>((rows - 1 - y + 0.5) * map.bins / rows));
      // Compared so that a value that is no number is dark.
      const double above = column[bin] > map.low ? (column[bin] - map.low) / (map.high - map.low) : 0;
      const double level = std::min(above, 1.0);
      colors[static_cast<std::size_t>(y) * columns + x] = palette[static_cast<std::size_t>(std::lround(255 * level))];
    }
  }
  canvas.image(box, [&](int x, int y) { return colors[static_cast<std::size_t>(y) * columns + x]; });
  canvas.frame(box);
}

void draw_color_bar(Canvas& canvas, const Box& box, double low, double high, const std::string& unit) {
  canvas.image(box, [&](int, int y) { return color_map(1 - y / box.height()); });
  const Scale scale{low, high, box.bottom, box.top};
  for (const Tick& tick : round_ticks(low, high, 4)) {
    canvas.line(box.right, scale(tick.value), box.right + 4, scale(tick.value), kFaint);
    canvas.text(box.right + 8, scale(tick.value) + 4, tick.label, kSmall);
  }
  canvas.text((box.left + box.right) / 2, box.top - 8, unit, kSmall, Align::center);
  canvas.frame(box);
}

void draw_blocks(Canvas& canvas, const Box& box, const std::vector<Block>& blocks, double seconds,
                 const std::string& label) {
  const Scale x{0, seconds, box.left, box.right};
  const double baseline = (box.top + box.bottom) / 2 + kSmall * 0.36;
  for (const Block& block : blocks) {
    const Box at{x(block.start), box.top, std::min(x(block.end), box.right), box.bottom};
    canvas.fill(at, block.color);
    if (at.width() > 3) canvas.line(at.left, at.top, at.left, at.bottom, kPaper);
    if (!block.name.empty() && canvas.text_width(block.name, kSmall) + 6 <= at.width())
      canvas.text((at.left + at.right) / 2, baseline, block.name, kSmall, Align::center);
  }
  canvas.text(box.left - 10, baseline, label, kSmall, Align::right);
  canvas.frame(box);
}

BeatLines draw_beats(Canvas& canvas, const Box& box, const std::vector<Beat>& beats, double seconds) {
  constexpr double kClosest = 4;
  const Scale x{0, seconds, box.left, box.right};
  const auto downbeats = std::ranges::count(beats, 1, &Beat::position);
  const auto room = [&](std::ptrdiff_t count) { return static_cast<double>(count) * kClosest <= box.width(); };
  const bool all = room(std::ssize(beats));
  if (beats.empty() || (!all && !room(downbeats))) return BeatLines::none;
  for (const Beat& beat : beats) {
    const bool down = beat.position == 1;
    if ((!all && !down) || beat.time > seconds) continue;
    canvas.line(x(beat.time), box.top, x(beat.time), box.bottom, down ? kDownbeat : kBeat, down ? 1.2 : 0.8);
  }
  return all ? BeatLines::all : BeatLines::downbeats;
}

double draw_strips(Canvas& canvas, double left, double right, double y, const Annotations& annotations,
                   double seconds) {
  constexpr double kStrip = 24, kGap = 5;
  const auto strip = [&](const std::vector<Block>& blocks, const std::string& label) {
    if (blocks.empty()) return;
    draw_blocks(canvas, {left, y, right, y + kStrip}, blocks, seconds, label);
    y += kStrip + kGap;
  };
  strip(structure_blocks(annotations), "form");
  strip(key_blocks(annotations), "key");
  strip(chord_blocks(annotations), "chords");
  return y;
}

}  // namespace euterpe
