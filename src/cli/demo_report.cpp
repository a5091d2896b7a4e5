#include <fmt/format.h>

#include <algorithm>

#include "cli/demo.hpp"
#include "media/decode.hpp"
#include "media/encode.hpp"
#include "media/picture.hpp"
#include "signal/mel.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

constexpr double kPlayed = 25;  // seconds of a work in the report
constexpr std::size_t kPlayersPerStyle = 2;

}  // namespace

void Demo::open_report() {
  report_.paragraph(options_.music.empty()
                        ? "Everything here was made by one run of `euterpe demo` on this machine: the shipped composer "
                          "wrote the works, and "
                          "every service then met them as it would meet any catalogue. The listeners are simulated, "
                          "and parts that rest on "
                          "them say so."
                        : "Everything here was measured by one run of `euterpe demo` on your folder. The composed "
                          "works come from the "
                          "shipped composer. The listeners are simulated, and parts that rest on them say so.");
}

void Demo::report_works() {
  report_.section("Compose");
  report_.paragraph("Works by the shipped composer, played by FluidSynth with a General MIDI soundfont.");
  for (const char* style : kDemoStyles) {
    std::size_t shown = 0;
    for (const DemoWork& work : works_) {
      if (work.style != style || work.audio.empty() || shown == kPlayersPerStyle) continue;
      const auto mp3 = folder_ / (work.midi.stem().string() + ".mp3");
      encode(mp3, decode(work.audio, {.sample_rate = 44100, .channels = 2, .duration = kPlayed}), {.bitrate = 96000});
      report_.audio(mp3, work.title);
      if (shown++ > 0) continue;
      const auto roll = folder_ / (work.midi.stem().string() + ".png");
      plot_score(roll, work.score, work.title, {1000, 420});
      report_.picture(roll, "Piano roll of " + work.title);
    }
  }
  for (const TrackRecord& track : catalog_->tracks()) {
    if (track.kind != "audio") continue;
    const AudioBuffer audio = decode(track.path, {.duration = 60});
    const Matrix mel =
        power_to_db(mel_spectrogram(power_spectrogram(audio.samples, audio.sample_rate), audio.sample_rate));
    plot_audio(folder_ / "audio.png", audio, {mel.data, mel.bins, mel.frames, mel.hop, 0, audio.sample_rate / 2.0},
               track.title, {1000, 520});
    report_.section("Analyze");
    const auto found = catalog_->descriptors(track.id);
    std::vector<std::vector<std::string>> rows;
    if (found) {
      for (const auto& [name, value] : found->texts) rows.push_back({name, value});
      for (const auto& [name, value] : found->numbers) rows.push_back({name, fmt::format("{:.4g}", value)});
    }
    report_.table({"descriptor of " + track.title, "value"}, rows);
    report_.picture(folder_ / "audio.png", "Waveform and mel spectrogram of " + track.title);
    break;
  }
}

void Demo::report_steps() {
  report_.section("All steps");
  std::vector<std::vector<std::string>> rows;
  double total = 0;
  for (const DemoStep& step : steps_) {
    rows.push_back({step.name, step.what, step.result, fmt::format("{:.1f}", step.seconds)});
    total += step.seconds;
  }
  rows.push_back({"", "", "in all", fmt::format("{:.1f}", total)});
  report_.table({"step", "what", "result", "seconds"}, rows);
}

}  // namespace euterpe
