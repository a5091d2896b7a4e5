#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.hpp"
#include "media/panels.hpp"
#include "score/key.hpp"

namespace euterpe {
namespace {

constexpr double kRange = 80;  // dB below the maximum that color covers
constexpr double kLeft = 92, kRight = 84, kStrip = 24, kGap = 10, kAxis = 44;

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
std::string chord_text(const Chord& chord) {
  std::string name = chord.name();
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

double top_of(std::span<const float> values) {
  double top = -std::numeric_limits<double>::infinity();
  for (const float v : values)
    if (std::isfinite(v)) top = std::max<double>(top, v);
  return std::isfinite(top) ? top : 0;
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
    blocks.push_back({c.start, c.end, c.chord.root < 0 ? "" : chord_text(c.chord),
                      harmony_color(c.chord.root, is_minor(c.chord.quality))});
  return blocks;
}

/// The melody over a CQT of 12 bins an octave, broken where none sounds and between notes.
void draw_melody(Canvas& canvas, const Box& box, const MelodyTrack& melody, double fmin, std::size_t bins,
                 double seconds) {
  const Scale x{0, seconds, box.left, box.right}, y{0, static_cast<double>(bins), box.bottom, box.top};
  canvas.color({1, 0.35, 0.3, 0.95});
  cairo_set_line_width(canvas.cairo(), 1.3);
  constexpr double kSameNote = 1.5;  // bins
  bool drawing = false;
  double before = 0;
  for (std::size_t t = 0; t < melody.hz.size(); ++t) {
    const double at = static_cast<double>(t) * melody.hop;
    const double bin = melody.hz[t] > 0 ? 12 * std::log2(static_cast<double>(melody.hz[t]) / fmin) + 0.5 : -1;
    if (bin < 0 || bin > static_cast<double>(bins) || at > seconds) {
      drawing = false;
      continue;
    }
    const bool same = drawing && std::abs(bin - before) < kSameNote;
    (same ? cairo_line_to : cairo_move_to)(canvas.cairo(), x(at), y(bin));
    drawing = true;
    before = bin;
  }
  cairo_stroke(canvas.cairo());
}

}  // namespace

void plot_analysis(const std::filesystem::path& path, const AudioBuffer& audio, const AnalysisView& view,
                   const Annotations& annotations, const std::string& title, PictureSize size) {
  const double seconds = audio.duration().value;
  if (!(seconds > 0)) throw Error(Category::bad_input, "plot_analysis", path.string() + ": there is no audio to draw");
  Canvas canvas(path, size);
  canvas.title(title, kLeft);
  const double right = canvas.width() - kRight;
  double y = title.empty() ? 16 : 42;

  const auto strip = [&](const std::vector<Block>& blocks, const std::string& label) {
    if (blocks.empty()) return;
    draw_blocks(canvas, {kLeft, y, right, y + kStrip}, blocks, seconds, label);
    y += kStrip + kGap / 2;
  };
  strip(structure_blocks(annotations), "form");
  strip(key_blocks(annotations), "key");
  strip(chord_blocks(annotations), "chords");
  y += kGap;

  // The panels share what is left by weight.
  const bool mel = view.mel_db.frames > 0, cqt = view.cqt_db.frames > 0, chroma = view.chroma.frames > 0;
  const double unit = (canvas.height() - kAxis - y - 3 * kGap) / (1.0 + 1.6 * mel + 1.6 * cqt + 1.2 * chroma);
  const auto panel = [&](double weight) {
    const Box box{kLeft, y, right, y + weight * unit};
    y = box.bottom + kGap;
    return box;
  };
  const Box wave = panel(1);
  Box last = wave;
  draw_waveform(canvas, wave, audio, seconds);
  draw_beats(canvas, wave, annotations.beats, seconds);
  const auto bar = [&](const Box& box, double low, double high, const char* unit_name) {
    draw_color_bar(canvas, {right + 22, box.top + 12, right + 36, box.bottom}, low, high, unit_name);
  };
  if (mel) {
    const MelView& m = view.mel_db;
    last = panel(1.6);
    const double top = top_of(m.data);
    draw_heat_map(canvas, last, {m.data, m.bins, m.frames, m.hop, top - kRange, top}, seconds);
    const Scale mels{mel_of(m.fmin, m.htk), mel_of(m.fmax, m.htk), last.bottom, last.top};
    canvas.y_axis(last, mels, mel_ticks(m.fmin, m.fmax, m.htk), "mel (Hz)", false);
    bar(last, top - kRange, top, "dB");
  }
  if (cqt) {
    const MatrixView& c = view.cqt_db;
    last = panel(1.6);
    const double top = top_of(c.data);
    draw_heat_map(canvas, last, {c.data, c.bins, c.frames, c.hop, top - kRange, top}, seconds);
    const Scale bins{0, static_cast<double>(c.bins), last.bottom, last.top};
    std::vector<Tick> ticks;
    const int lowest = static_cast<int>(std::lround(69 + 12 * std::log2(view.cqt_fmin / 440)));  // MIDI pitch
    for (int b = 0; b < static_cast<int>(c.bins); ++b)
      if ((lowest + b) % 12 == 0) ticks.push_back({b + 0.5, fmt::format("C{}", (lowest + b) / 12 - 1)});
    canvas.y_axis(last, bins, ticks, "CQT (pitch)", false);
    draw_melody(canvas, last, annotations.melody, view.cqt_fmin, c.bins, seconds);
    bar(last, top - kRange, top, "dB");
  }
  if (chroma) {
    static constexpr std::array kNames{"C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"};
    const MatrixView& c = view.chroma;
    last = panel(1.2);
    draw_heat_map(canvas, last, {c.data, c.bins, c.frames, c.hop, 0, 1, true}, seconds);
    const Scale bins{0, static_cast<double>(c.bins), last.bottom, last.top};
    std::vector<Tick> ticks;
    const bool every = last.height() / 12 >= kSmall;
    for (std::size_t b = 0; b < c.bins && b < kNames.size(); ++b)
      if (every || b % 2 == 0) ticks.push_back({static_cast<double>(b) + 0.5, kNames[b]});
    canvas.y_axis(last, bins, ticks, "chroma", false);
    bar(last, 0, 1, "");
  }
  const Scale time{0, seconds, kLeft, right};
  canvas.x_axis(last, time, time_ticks(0, seconds, static_cast<int>(canvas.width() / 110)),
                seconds < 120 ? "time (s)" : "time (min:s)", false);
  canvas.finish();
}

}  // namespace euterpe
