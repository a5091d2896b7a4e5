#include "media/synthesize.hpp"

#include <fluidsynth.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

constexpr int kBlock = 64;               // FluidSynth's own block: events sound at its edges, 1.5 ms apart at 44.1 kHz
constexpr double kLongest = 4 * 3600.0;  // seconds; a damaged delta time would else ask for days of audio
constexpr float kCeiling = 0.98F;        // full scale that the loudest sample may reach
constexpr double kGain = 0.5;
constexpr int kDrumChannel = 9;

std::filesystem::path soundfont_for(const SynthesisOptions& options) {
  if (!options.soundfont.empty()) {
    if (!std::filesystem::is_regular_file(options.soundfont)) {
      throw Error(Category::not_found, "synthesize", options.soundfont.string() + ": no such soundfont");
    }
    return options.soundfont;
  }
  const char* chosen = std::getenv("EUTERPE_SOUNDFONT");
  if (chosen && *chosen) {
    if (!std::filesystem::is_regular_file(chosen)) {
      throw Error(Category::not_found, "synthesize", fmt::format("EUTERPE_SOUNDFONT={}: no such file", chosen));
    }
    return chosen;
  }
  for (const char* path : {"/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/sounds/sf2/default-GM.sf2",
                           "/usr/share/soundfonts/default.sf2"}) {
    if (std::filesystem::is_regular_file(path)) return path;
  }
  throw Error(Category::not_found, "synthesize", "no General MIDI soundfont found",
              "apt-get install fluid-soundfont-gm, or name one in EUTERPE_SOUNDFONT");
}

struct FreeSettings {
  void operator()(fluid_settings_t* p) const { delete_fluid_settings(p); }
};
struct FreeSynth {
  void operator()(fluid_synth_t* p) const { delete_fluid_synth(p); }
};

struct Synth {
  std::unique_ptr<fluid_settings_t, FreeSettings> settings;  // must outlive the synthesizer
  std::unique_ptr<fluid_synth_t, FreeSynth> synth;
};

void quiet(int, const char*, void*) {}

// A fresh synthesizer for every piece: one that is used again keeps the phases of its chorus and the order of its
// voices, and the same piece would come out different by a hair. With samples read on demand that costs 25 ms, not 260.
Synth load(const std::filesystem::path& soundfont, int sample_rate, bool reverb) {
  static std::once_flag once;
  std::call_once(once, [] {
    for (const int level : {FLUID_PANIC, FLUID_ERR, FLUID_WARN, FLUID_INFO, FLUID_DBG}) {
      fluid_set_log_function(level, quiet, nullptr);
    }
  });
  Synth loaded;
  loaded.settings.reset(new_fluid_settings());
  fluid_settings_t* settings = loaded.settings.get();
  fluid_settings_setnum(settings, "synth.sample-rate", sample_rate);
  fluid_settings_setnum(settings, "synth.gain", kGain);
  fluid_settings_setint(settings, "synth.reverb.active", reverb ? 1 : 0);
  fluid_settings_setint(settings, "synth.chorus.active", reverb ? 1 : 0);
  fluid_settings_setint(settings, "synth.cpu-cores", 1);
  fluid_settings_setint(settings, "synth.threadsafe-api", 0);  // one thread at a time has it
  fluid_settings_setint(settings, "synth.dynamic-sample-loading", 1);
  loaded.synth.reset(new_fluid_synth(settings));
  if (!loaded.synth) {
    throw Error(Category::unsupported, "synthesize", fmt::format("FluidSynth does not start at {} Hz", sample_rate));
  }
  if (fluid_synth_sfload(loaded.synth.get(), soundfont.c_str(), 1) == FLUID_FAILED) {
    throw Error(Category::bad_input, "synthesize", soundfont.string() + ": not a soundfont that can be loaded");
  }
  return loaded;
}

// At one moment: notes end, then the instrument changes, then notes begin.
enum class Order : std::uint8_t { note_off, change, note_on };

struct Event {
  std::int64_t block;
  Order order;
  std::uint8_t status, channel, data1, data2;
};

std::vector<Event> events_of(const Score& score, int sample_rate) {
  std::vector<Event> events;
  const TempoMap time(score);
  const auto block_at = [&](std::int64_t tick) {
    return static_cast<std::int64_t>(std::llround(time.seconds_at(Ticks{tick}).value * sample_rate / kBlock));
  };
  for (const Track& track : score.tracks) {
    bool has_program = false;
    for (const ChannelEvent& event : track.events) {
      has_program |= event.status == 0xC0;
      events.push_back({block_at(event.tick), Order::change, event.status, event.channel, event.data1, event.data2});
    }
    if (!has_program && track.program != 0 && !track.notes.empty()) {
      events.push_back({0, Order::change, 0xC0, track.notes.front().channel, track.program, 0});
    }
    for (const Note& note : track.notes) {
      const std::int64_t on = block_at(note.start);
      const std::int64_t off = std::max(on + 1, block_at(note.end()));
      const auto channel = static_cast<std::uint8_t>(track.drums ? kDrumChannel : note.channel);
      events.push_back({on, Order::note_on, 0x90, channel, note.pitch, note.velocity});
      events.push_back({off, Order::note_off, 0x80, channel, note.pitch, 0});
    }
  }
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return std::tie(a.block, a.order) < std::tie(b.block, b.order);
  });
  return events;
}

class Player {
 public:
  explicit Player(fluid_synth_t* synth) : synth_(synth) {}

  void play(const Event& e) {
    const int channel = e.channel & 15, a = e.data1 & 127, b = e.data2 & 127;
    switch (e.status) {
      case 0x90:
        ++sounding_[channel][a];
        fluid_synth_noteon(synth_, channel, a, std::max(b, 1));
        break;
      case 0x80:
        // The first end of two overlapping notes of one pitch must not cut the second one.
        if (--sounding_[channel][a] == 0) fluid_synth_noteoff(synth_, channel, a);
        break;
      case 0xA0:
        fluid_synth_key_pressure(synth_, channel, a, b);
        break;
      case 0xB0:
        fluid_synth_cc(synth_, channel, a, b);
        break;
      case 0xC0:
        fluid_synth_program_change(synth_, channel, a);
        break;
      case 0xD0:
        fluid_synth_channel_pressure(synth_, channel, a);
        break;
      case 0xE0:
        fluid_synth_pitch_bend(synth_, channel, a | (b << 7));
        break;
      default:
        break;
    }
  }

 private:
  fluid_synth_t* synth_;
  std::array<std::array<int, 128>, 16> sounding_{};
};

void render(fluid_synth_t* synth, std::span<float> left, std::span<float> right, const std::vector<Event>& events) {
  Player player(synth);
  std::size_t next = 0;
  for (std::size_t done = 0; done < left.size();) {
    check_interrupt();
    const auto block = static_cast<std::int64_t>(done / kBlock);
    while (next < events.size() && events[next].block <= block) player.play(events[next++]);
    std::size_t n = std::min<std::size_t>(left.size() - done, 1 << 16);
    if (next < events.size()) n = std::min(n, static_cast<std::size_t>(events[next].block - block) * kBlock);
    fluid_synth_write_float(synth, static_cast<int>(n), left.data() + done, 0, 1, right.data() + done, 0, 1);
    done += n;
  }
}

}  // namespace

AudioBuffer synthesize(const Score& score, const SynthesisOptions& options) {
  if (options.channels < 1 || options.channels > 2 || options.sample_rate < 8000 || options.sample_rate > 96000 ||
      !(options.tail >= 0 && options.tail <= 60)) {
    throw Error(Category::usage, "synthesize", "1 or 2 channels at 8000–96000 Hz with a tail of 0–60 s are possible");
  }
  const double seconds = score.duration().value;
  if (!(seconds <= kLongest)) {
    throw Error(Category::bad_input, "synthesize", fmt::format("the score lasts {:.1f} hours", seconds / 3600),
                "a damaged delta time or tempo? At most 4 hours are rendered");
  }
  const Synth loaded = load(soundfont_for(options), options.sample_rate, options.reverb);

  AudioBuffer audio;
  audio.sample_rate = options.sample_rate;
  audio.channels = 2;
  const auto blocks = static_cast<std::size_t>(std::ceil((seconds + options.tail) * options.sample_rate / kBlock)) + 1;
  const std::size_t frames = blocks * kBlock;
  audio.samples.resize(2 * frames);

  render(loaded.synth.get(), audio.channel(0), audio.channel(1), events_of(score, options.sample_rate));

  if (options.channels == 1) {
    for (std::size_t i = 0; i < frames; ++i) audio.samples[i] = 0.5F * (audio.samples[i] + audio.samples[frames + i]);
    audio.samples.resize(frames);
    audio.channels = 1;
  }
  float peak = 0;
  for (const float sample : audio.samples) peak = std::max(peak, std::abs(sample));
  if (peak > kCeiling) {
    for (float& sample : audio.samples) sample *= kCeiling / peak;
  }
  return audio;
}

}  // namespace euterpe
