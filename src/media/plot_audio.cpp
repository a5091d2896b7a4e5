#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "media/panels.hpp"

namespace euterpe {
namespace {

constexpr double kRange = 80;  // dB below the maximum that color covers

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
  draw_heat_map(canvas, mel, {mel_db.data, mel_db.bins, mel_db.frames, mel_db.hop, top - kRange, top}, seconds);
  const Scale mels{mel_of(mel_db.fmin, mel_db.htk), mel_of(mel_db.fmax, mel_db.htk), mel.bottom, mel.top};
  canvas.y_axis(mel, mels, mel_ticks(mel_db.fmin, mel_db.fmax, mel_db.htk), "frequency (Hz, mel scale)", false);
  const auto ticks = time_ticks(0, seconds, static_cast<int>(canvas.width() / 110));
  canvas.x_axis(mel, time, ticks, seconds < 120 ? "time (s)" : "time (min:s)", false);
  draw_color_bar(canvas, {right + 22, mel.top, right + 36, mel.bottom}, top - kRange, top, "dB");
  canvas.finish();
}

}  // namespace euterpe
