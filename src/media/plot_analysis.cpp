#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "media/panels.hpp"

namespace euterpe {
namespace {

constexpr double kRange = 80;  // dB below the maximum that color covers
constexpr double kLeft = 92, kRight = 84, kGap = 10, kAxis = 44;
constexpr Color kMelody{1, 0.35, 0.3, 0.95};

/// Where the color ends: at the greatest value, but no lower than a level at which nothing is heard, lest silence have
/// the color of the loudest.
double top_of(std::span<const float> values) {
  constexpr double kInaudible = -20;  // dB of a spectrum: some 60 dB below full scale
  double top = kInaudible;
  for (const float v : values)
    if (std::isfinite(v)) top = std::max<double>(top, v);
  return top;
}

/// The melody over a CQT of 12 bins an octave, broken where none sounds and between notes.
void draw_melody(Canvas& canvas, const Box& box, const MelodyTrack& melody, double fmin, std::size_t bins,
                 double seconds) {
  const Scale x{0, seconds, box.left, box.right}, y{0, static_cast<double>(bins), box.bottom, box.top};
  canvas.color(kMelody);
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

  y = draw_strips(canvas, kLeft, right, y, annotations, seconds);
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
  const BeatLines lines = draw_beats(canvas, wave, annotations.beats, seconds);
  std::vector<Canvas::Key> names;
  if (lines != BeatLines::none && std::ranges::count(annotations.beats, 1, &Beat::position) > 0)
    names.push_back({"downbeat", kDownbeat});
  if (lines == BeatLines::all) names.push_back({"beat", kBeat});
  if (cqt && std::ranges::any_of(annotations.melody.hz, [](float hz) { return hz > 0; }))
    names.push_back({"melody", kMelody});
  const double beside = title.empty() ? 0 : canvas.text_width(title, kTitle, true) + 30;
  canvas.legend(kLeft + beside, right, title.empty() ? 12 : 26, names);
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
