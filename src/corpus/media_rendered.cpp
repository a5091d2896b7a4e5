#include "corpus/media_rendered.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <tuple>

#include "base/error.hpp"
#include "base/random.hpp"
#include "corpus/media_augment_audio.hpp"
#include "media/synthesize.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;
constexpr int kTicks = 960;           // a second at 120 quarter notes a minute with 480 ticks: clips count in seconds
constexpr std::size_t kDensest = 60;  // notes a second; a damaged file may hold thousands

/// General MIDI programs from which high, middle and low parts are drawn, and how often there are drums and a bass.
struct Palette {
  std::vector<int> high, middle, low, kits;
  double drums = 0, bass = 0, doubled = 0;
};

std::vector<int> range(int first, int last) {
  std::vector<int> out;
  for (int i = first; i <= last; ++i) out.push_back(i);
  return out;
}

const std::array<Palette, kEnsembles>& palettes() {
  static const std::array<Palette, kEnsembles> table{{
      // One instrument for all parts, whichever.
      {range(0, 118), range(0, 118), range(0, 118), {0, 8, 32}, 0.05, 0.0, 0.0},
      // Whatever comes, together.
      {range(0, 118), range(0, 118), range(0, 118), {0, 8, 16, 24, 25, 32, 40, 48}, 0.45, 0.3, 0.3},
      // Rock
      {{29, 30, 30, 27, 18, 80, 81, 54, 65},
       {29, 30, 30, 27, 28, 25, 16, 18, 0},
       {33, 34, 34, 35, 36},
       {0, 8, 16},
       0.92,
       0.95,
       0.4},
      // Electronic
      {{80, 81, 82, 83, 84, 86, 87, 90, 98, 99, 62, 4, 5},
       {50, 51, 88, 89, 90, 91, 94, 95, 63, 81, 5, 7},
       {38, 39, 38, 39, 87, 33},
       {24, 25, 25, 8},
       0.8,
       0.85,
       0.5},
      // Orchestra
      {{40, 48, 48, 73, 68, 71, 56, 72, 44, 49, 9, 10, 45},
       {41, 48, 49, 60, 70, 71, 61, 46, 69, 45, 0, 6},
       {42, 43, 48, 58, 57, 47, 70},
       {48, 48, 0},
       0.1,
       0.1,
       0.5},
      // Church: choirs and organs
      {{52, 53, 19, 20, 54, 19, 52, 91}, {52, 53, 19, 20, 52, 75, 6}, {19, 52, 20, 42}, {48}, 0.02, 0.0, 0.3},
      // Acoustic: folk, unplugged
      {{24, 25, 40, 73, 72, 74, 21, 22, 110, 105, 78, 79, 75, 0, 15, 104, 107},
       {24, 25, 25, 21, 0, 46, 105, 22, 15},
       {32, 24, 42, 21, 43, 0},
       {0, 40, 8},
       0.3,
       0.4,
       0.2},
      // Jazz, funk, soul
      {{64, 65, 66, 56, 57, 59, 0, 26, 11, 4, 73, 71},
       {0, 4, 5, 26, 16, 17, 27, 61, 2, 28},
       {32, 32, 33, 35, 36, 37},
       {32, 40, 0, 8},
       0.75,
       0.9,
       0.2},
  }};
  return table;
}

int pick(const std::vector<int>& from, Random& random) { return from[random.below(from.size())]; }

/// A part of the arrangement, in seconds of the clip.
struct Part {
  std::vector<SoundingNote> notes;
  double height() const {
    double sum = 0;
    for (const auto& n : notes) sum += n.pitch;
    return notes.empty() ? 0 : sum / static_cast<double>(notes.size());
  }
};

/// Notes of the excerpt by track; a lone track with chords falls apart at random heights, as hands or sections would.
std::vector<Part> parts_of(const Score& score, double begin, double length, double factor, Random& random) {
  const TempoMap time(score);
  std::vector<Part> parts;
  std::size_t total = 0;
  const auto limit = static_cast<std::size_t>(length * static_cast<double>(kDensest));
  for (const Track& track : score.tracks) {
    if (track.drums) continue;
    Part part;
    for (const Note& note : track.notes) {
      const double on = time.seconds_at(Ticks{note.start}).value - begin;
      if (on < 0 || on >= length || ++total > limit) continue;
      const double off = std::clamp(time.seconds_at(Ticks{note.end()}).value - begin, on + 0.05, length + 2.0);
      part.notes.push_back({static_cast<float>(on / factor), static_cast<float>(off / factor), 0, note.pitch,
                            std::max<std::uint8_t>(note.velocity, 1)});
    }
    if (!part.notes.empty()) parts.push_back(std::move(part));
  }
  while (parts.size() < 3 && !parts.empty() && random.uniform() < 0.6) {
    const auto widest = std::max_element(parts.begin(), parts.end(),
                                         [](const Part& a, const Part& b) { return a.notes.size() < b.notes.size(); });
    const int cut = static_cast<int>(std::lround(widest->height() + random.uniform(-6, 6)));
    Part low;
    std::erase_if(widest->notes, [&](const SoundingNote& n) {
      if (n.pitch >= cut) return false;
      low.notes.push_back(n);
      return true;
    });
    if (widest->notes.empty()) std::swap(widest->notes, low.notes);
    if (low.notes.empty()) break;
    parts.push_back(std::move(low));
  }
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.height() > b.height(); });
  if (parts.size() > 10) parts.resize(10);
  return parts;
}

/// The lowest note of each moment, an octave or two down, one at a time; with `power` fifths and octaves above it as a
/// distorted guitar plays them.
Part bass_line(const std::vector<Part>& parts, bool power) {
  std::map<int, SoundingNote> lowest;  // by twentieth of a second
  for (const Part& part : parts)
    for (const SoundingNote& n : part.notes) {
      const auto [it, fresh] = lowest.try_emplace(static_cast<int>(std::lround(n.begin * 20)), n);
      if (!fresh && n.pitch < it->second.pitch) it->second = n;
    }
  Part line;
  for (auto it = lowest.begin(); it != lowest.end(); ++it) {
    SoundingNote n = it->second;
    const int floor = power ? 40 : 28;
    n.pitch = static_cast<std::uint8_t>(floor + (n.pitch - floor % 12 + 120) % 12);
    const auto next = std::next(it);
    if (next != lowest.end()) n.end = std::max(n.begin + 0.05f, std::min(n.end, next->second.begin));
    line.notes.push_back(n);
    if (!power) continue;
    for (const int interval : {7, 12}) {
      SoundingNote above = n;
      above.pitch = static_cast<std::uint8_t>(n.pitch + interval);
      line.notes.push_back(above);
    }
  }
  return line;
}

/// A drum performance brought to the beat of the clip, repeated until it is full.
Part drum_part(const Score& groove, double beat_seconds, double phase, double seconds) {
  Part part;
  const double tick = beat_seconds / groove.ticks_per_quarter;
  const double bar = 4.0 * groove.ticks_per_quarter;
  const double whole = std::max(1.0, std::ceil(static_cast<double>(groove.end_tick()) / bar)) * bar * tick;
  for (double offset = phase; offset < seconds; offset += whole)
    for (const Track& track : groove.tracks)
      for (const Note& note : track.notes) {
        const double on = offset + static_cast<double>(note.start) * tick;
        if (on < 0 || on >= seconds || note.pitch < 27 || note.pitch > 87) continue;
        part.notes.push_back({static_cast<float>(on), static_cast<float>(on + 0.2),
                              static_cast<std::uint8_t>(kPercussion + note.pitch), note.pitch, note.velocity});
      }
  return part;
}

ChannelEvent controller(int channel, int number, int value) {
  return {0, 0xB0, static_cast<std::uint8_t>(channel), static_cast<std::uint8_t>(number),
          static_cast<std::uint8_t>(std::clamp(value, 0, 127))};
}

/// Plays what is given and keeps what falls within the clip.
class Stage {
 public:
  explicit Stage(double tuning) : bend_(static_cast<int>(std::lround(8192 + tuning * 8191 / 2))) {}

  void add(const Part& part, int program, int shift, Random& random, int kit = -1) {
    if (part.notes.empty() || channel_ > 15) return;
    const bool drums = kit >= 0;
    const int channel = drums ? 9 : channel_++;
    if (channel_ == 9) ++channel_;
    Track& track = add_track(score_, "", drums ? kit : program, channel);
    track.events.push_back(controller(channel, 7, static_cast<int>(random.uniform(55, 125))));
    track.events.push_back(controller(channel, 91, static_cast<int>(random.uniform(0, 90))));
    if (!drums)
      track.events.push_back({0, 0xE0, static_cast<std::uint8_t>(channel), static_cast<std::uint8_t>(bend_ & 127),
                              static_cast<std::uint8_t>(bend_ >> 7)});
    const double loudness = random.uniform(-18, 18), evenness = random.uniform(0, 1);
    for (SoundingNote n : part.notes) {
      const int pitch = drums ? n.pitch : n.pitch + shift;
      if (pitch < 12 || pitch > 115) continue;
      n.pitch = static_cast<std::uint8_t>(pitch);
      n.velocity =
          static_cast<std::uint8_t>(std::clamp(evenness * n.velocity + (1 - evenness) * 90 + loudness, 20.0, 127.0));
      if (!drums) n.instrument = static_cast<std::uint8_t>(program);
      track.notes.push_back({std::llround(n.begin * kTicks), std::llround((n.end - n.begin) * kTicks), n.pitch,
                             n.velocity, static_cast<std::uint8_t>(channel)});
      notes_.push_back(n);
    }
  }

  Score& score() { return score_; }
  std::vector<SoundingNote>& notes() { return notes_; }

 private:
  Score score_;
  std::vector<SoundingNote> notes_;
  int channel_ = 0, bend_;
};

}  // namespace

RenderedMusic::RenderedMusic(std::vector<Piece> pieces, std::vector<Score> grooves) : grooves_(std::move(grooves)) {
  std::map<std::string, std::vector<Piece>> by_style;
  for (Piece& piece : pieces)
    if (piece.score.note_count() >= 16) by_style[piece.style].push_back(std::move(piece));
  for (auto& [style, list] : by_style) {
    styles_.push_back(style);
    pieces_.push_back(std::move(list));
  }
  EUTERPE_ASSERT(!styles_.empty());
}

RenderedClip RenderedMusic::render(double seconds, std::uint64_t seed) const {
  EUTERPE_ASSERT(seconds >= 1 && seconds <= 120);
  Random random(seed);
  RenderedClip clip;
  clip.style = static_cast<int>(random.below(styles_.size()));
  const auto& list = pieces_[static_cast<std::size_t>(clip.style)];
  const Score& source = list[random.below(list.size())].score;

  const double factor = std::exp(random.uniform(-0.4, 0.4));  // times as fast
  const double needed = seconds * factor, whole = source.duration().value;
  // On a quarter note, so that drums can join in.
  const auto quarters = static_cast<std::uint64_t>(std::max<std::int64_t>(
      1, source.tick_at(Seconds(std::max(0.0, whole - needed))).value / source.ticks_per_quarter));
  const Ticks start{static_cast<std::int64_t>(random.below(quarters)) * source.ticks_per_quarter};
  const double begin = source.seconds_at(start).value;
  const double beat =
      std::clamp((source.seconds_at(Ticks{start.value + 4 * source.ticks_per_quarter}).value - begin) / 4, 0.15, 3.0) /
      factor;
  clip.tempo = 60 / beat;
  const std::vector<Part> parts = parts_of(source, begin, needed, factor, random);

  clip.ensemble = static_cast<Ensemble>(random.below(kEnsembles));
  const Palette& palette = palettes()[static_cast<std::size_t>(clip.ensemble)];
  Stage stage(random.uniform(-0.4, 0.4));
  const int shift = static_cast<int>(random.below(12)) - 6;
  const int alone = pick(palette.high, random);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& programs = i == 0 ? palette.high : i + 1 == parts.size() && i > 1 ? palette.low : palette.middle;
    const bool solo = clip.ensemble == Ensemble::solo;
    stage.add(parts[i], solo ? alone : pick(programs, random), shift, random);
    if (!solo && random.uniform() < palette.doubled)
      stage.add(parts[i], pick(programs, random), shift + 12 * (static_cast<int>(random.below(3)) - 1), random);
  }
  if (random.uniform() < palette.bass) stage.add(bass_line(parts, false), pick(palette.low, random), shift, random);
  if (clip.ensemble == Ensemble::rock && random.uniform() < 0.7)
    stage.add(bass_line(parts, true), random.uniform() < 0.5 ? 29 : 30, shift, random);
  if (!grooves_.empty() && (parts.empty() || random.uniform() < palette.drums)) {
    clip.drum_kit = pick(palette.kits, random);
    // Twice or half as fast where the beat would be none that a drummer plays.
    double pulse = beat;
    while (pulse < 0.3) pulse *= 2;
    while (pulse > 0.9) pulse /= 2;
    stage.add(drum_part(grooves_[random.below(grooves_.size())], pulse, -random.uniform(0, 4) * pulse, seconds), 0, 0,
              random, clip.drum_kit);
  }

  Score& score = stage.score();
  score.sort();
  clip.audio = synthesize(score, {.sample_rate = kRate, .channels = 1, .reverb = random.uniform() < 0.7, .tail = 0.5});
  clip.audio.samples.resize(static_cast<std::size_t>(seconds * kRate), 0.0f);
  clip.notes = std::move(stage.notes());
  std::sort(clip.notes.begin(), clip.notes.end(), [](const SoundingNote& a, const SoundingNote& b) {
    return std::tie(a.begin, a.instrument, a.pitch) < std::tie(b.begin, b.instrument, b.pitch);
  });
  return clip;
}

AugmentationSounds synthetic_sounds(int sample_rate, std::uint64_t seed) {
  AugmentationSounds sounds;
  Random random(seed);
  for (int i = 0; i < 12; ++i) {
    AudioBuffer noise{sample_rate, 1, std::vector<float>(static_cast<std::size_t>(sample_rate) * 4)};
    // White noise through a one-pole low-pass: from white over pink-like to rumble.
    const auto memory = static_cast<float>(1 - std::pow(10, random.uniform(-2.5, 0)));
    float state = 0;
    for (float& s : noise.samples) s = state = memory * state + (1 - memory) * static_cast<float>(random.normal());
    sounds.noises.push_back(std::move(noise));
  }
  for (int i = 0; i < 24; ++i) {
    // Moorer 1979: a room's late response is noise that decays exponentially; high frequencies die first.
    const double decay = std::exp(random.uniform(std::log(0.08), std::log(1.3)));
    AudioBuffer room{sample_rate, 1, std::vector<float>(static_cast<std::size_t>(std::min(1.4, decay) * sample_rate))};
    float state = 0;
    for (std::size_t t = 0; t < room.samples.size(); ++t) {
      const double s = static_cast<double>(t) / sample_rate;
      const auto memory = static_cast<float>(std::min(0.9, 0.3 + s));
      state = memory * state + (1 - memory) * static_cast<float>(random.normal());
      room.samples[t] = state * static_cast<float>(std::pow(10, -3 * s / decay));
    }
    room.samples[0] += 1;
    sounds.responses.push_back(std::move(room));
  }
  return sounds;
}

}  // namespace euterpe
