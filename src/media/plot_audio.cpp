#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "media/canvas.hpp"

namespace euterpe {
namespace {

constexpr double kRange = 80;  // dB below the maximum that color covers

// Slaney's scale (Auditory Toolbox 1998) is linear below 1 kHz and logarithmic above; HTK's is logarithmic throughout.
double mel_of(double hertz, bool htk) {
  if (htk) return 2595 * std::log10(1 + hertz / 700);
  return hertz < 1000 ? hertz * 3 / 200 : 15 + 27 * std::log(hertz / 1000) / std::log(6.4);
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

void draw_spectrogram(Canvas& canvas, const Box& box, const MelView& mel, double seconds, double top) {
  const int columns = static_cast<int>(box.width()), rows = static_cast<int>(box.height());
  // A column shows the loudest of the frames that fall on it, lest short sounds vanish in long pictures.
  std::vector<float> column(mel.bins);
  std::vector<Color> colors(static_cast<std::size_t>(columns) * rows, color_map(0));
  std::array<Color, 256> palette;
  for (std::size_t i = 0; i < palette.size(); ++i) palette[i] = color_map(static_cast<double>(i) / 255);
  for (int x = 0; x < columns; ++x) {
    const double from = x * seconds / columns / mel.hop, to = (x + 1) * seconds / columns / mel.hop;
    const auto begin = static_cast<std::size_t>(std::lround(from));
    const auto end = std::min(mel.frames, std::max(static_cast<std::size_t>(std::lround(to)), begin + 1));
    if (begin >= mel.frames) break;
    std::fill(column.begin(), column.end(), -std::numeric_limits<float>::infinity());
    for (std::size_t bin = 0; bin < mel.bins; ++bin) {
      for (std::size_t t = begin; t < end; ++t) column[bin] = std::max(column[bin], mel.data[bin * mel.frames + t]);
    }
    for (int y = 0; y < rows; ++y) {
      const auto bin = std::min(mel.bins - 1, static_cast<std::size_t>((rows - 1 - y + 0.5) * mel.bins / rows));
      const double level = std::clamp((column[bin] - top + kRange) / kRange, 0.0, 1.0);
      colors[static_cast<std::size_t>(y) * columns + x] = palette[static_cast<std::size_t>(std::lround(255 * level))];
    }
  }
  canvas.image(box, [&](int x, int y) { return colors[static_cast<std::size_t>(y) * columns + x]; });

  const Scale y{mel_of(mel.fmin, mel.htk), mel_of(mel.fmax, mel.htk), box.bottom, box.top};
  std::vector<Tick> ticks;
  for (double hertz = 125; hertz <= mel.fmax; hertz *= 2) {
    if (hertz < mel.fmin || (hertz < 500 && mel.fmin == 0 && hertz != 250)) continue;
    ticks.push_back(
        {mel_of(hertz, mel.htk), hertz < 1000 ? fmt::format("{:.0f}", hertz) : fmt::format("{:.0f} k", hertz / 1000)});
  }
  canvas.y_axis(box, y, ticks, "frequency (Hz, mel scale)", false);
  canvas.frame(box);
}

void draw_color_bar(Canvas& canvas, const Box& box, double top) {
  canvas.image(box, [&](int, int y) { return color_map(1 - y / box.height()); });
  const Scale scale{top - kRange, top, box.bottom, box.top};
  for (const Tick& tick : round_ticks(top - kRange, top, 4)) {
    canvas.line(box.right, scale(tick.value), box.right + 4, scale(tick.value), kFaint);
    canvas.text(box.right + 8, scale(tick.value) + 4, tick.label, kSmall);
  }
  canvas.text((box.left + box.right) / 2, box.top - 8, "dB", kSmall, Align::center);
  canvas.frame(box);
}

}  // namespace

void plot_audio(const std::filesystem::path& path, const AudioBuffer& audio, const MelView& mel_db,
                const std::string& title, PictureSize size) {
  EUTERPE_ASSERT(mel_db.data.size() == mel_db.bins * mel_db.frames);
  EUTERPE_ASSERT(mel_db.bins > 0 && mel_db.frames > 0 && mel_db.hop > 0 && mel_db.fmax > mel_db.fmin);
  const double seconds = audio.duration().value;
  if (!(seconds > 0)) throw Error(Category::bad_input, "plot_audio", path.string() + ": there is no audio to draw");

  Canvas canvas(path, size);
  canvas.title(title, 80);
  const double right = canvas.width() - 84, head = title.empty() ? 16 : 42, foot = canvas.height() - 52;
  const double wave_end = head + (foot - head) * 0.28;
  const Box wave{80, head, right, wave_end}, mel{80, wave_end + 26, right, foot};
  double top = -std::numeric_limits<double>::infinity();
  for (const float value : mel_db.data) top = std::max<double>(top, std::isfinite(value) ? value : top);
  if (!std::isfinite(top)) top = 0;

  const Scale time{0, seconds, 80, right};
  draw_waveform(canvas, wave, audio, seconds);
  draw_spectrogram(canvas, mel, mel_db, seconds, top);
  const auto ticks = time_ticks(0, seconds, static_cast<int>(canvas.width() / 110));
  canvas.x_axis(mel, time, ticks, seconds < 120 ? "time (s)" : "time (min:s)", false);
  draw_color_bar(canvas, {right + 22, mel.top, right + 36, mel.bottom}, top);
  canvas.finish();
}

}  // namespace euterpe
