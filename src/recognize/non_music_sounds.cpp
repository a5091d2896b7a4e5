#include "recognize/non_music_sounds.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/error.hpp"
#include "base/parallel.hpp"

namespace euterpe {
namespace {

constexpr int kRate = 22050;
constexpr double kTau = 2 * std::numbers::pi;
using Sound = std::vector<double>;

double log_uniform(Random& random, double low, double high) {
  return std::exp(random.uniform(std::log(low), std::log(high)));
}
bool chance(Random& random, double p) { return random.uniform() < p; }
std::size_t samples(double seconds) { return static_cast<std::size_t>(std::max(0.0, seconds) * kRate); }

/// Two-pole resonator with unit gain at its peak, frequency movable sample by sample (Klatt 1980, eq. 1).
struct Resonator {
  double y1 = 0, y2 = 0;
  double operator()(double x, double hertz, double bandwidth) {
    const double radius = std::exp(-std::numbers::pi * bandwidth / kRate);
    const double b = 2 * radius * std::cos(kTau * hertz / kRate), c = -radius * radius;
    const double y = (1 - b - c) * x + b * y1 + c * y2;
    y2 = y1;
    y1 = y;
    return y;
  }
};

struct LowPass {  // one pole
  double y = 0;
  double operator()(double x, double hertz) { return y += (1 - std::exp(-kTau * hertz / kRate)) * (x - y); }
};

void normalize(Sound& sound) {
  double power = 0;
  for (double s : sound) power += s * s;
  const double scale = power > 0 ? 1 / std::sqrt(power / static_cast<double>(sound.size())) : 0;
  for (double& s : sound) s *= scale;
}

/// A value that wanders smoothly between `low` and `high`, `rate` new targets a second.
class Wander {
 public:
  Wander(Random& random, double low, double high, double rate)
      : random_(random), low_(low), high_(high), rate_(rate), value_(random.uniform(low, high)), target_(value_) {}
  double next() {
    if (--left_ <= 0) {
      target_ = random_.uniform(low_, high_);
      left_ = 1 + static_cast<int>(kRate / rate_ * random_.uniform(0.4, 1.6));
    }
    return value_ += (target_ - value_) * rate_ * 4 / kRate;
  }

 private:
  Random& random_;
  double low_, high_, rate_, value_, target_;
  int left_ = 0;
};

/// White noise through one-pole low and high passes: from rumble to hiss.
Sound colored_noise(std::size_t n, Random& random) {
  Sound sound(n);
  const double low = log_uniform(random, 100, 11000), high = log_uniform(random, 10, std::min(low, 4000.0));
  const bool steep = chance(random, 0.5);
  LowPass first, second, below;
  for (double& s : sound) {
    double x = first(random.normal(), low);
    if (steep) x = second(x, low);
    s = x - below(x, high);
  }
  return sound;
}

Sound tones(std::size_t n, Random& random) {
  Sound sound(n, 0.0);
  const auto partials = 1 + random.below(4);
  const double vibrato = chance(random, 0.3) ? random.uniform(0.0, 0.03) : 0, rate = random.uniform(0.5, 12);
  for (std::size_t p = 0; p < partials; ++p) {
    const double hertz = log_uniform(random, 60, 6000), level = random.uniform(0.2, 1);
    double phase = random.uniform(0, kTau);
    for (std::size_t i = 0; i < n; ++i) {
      phase += kTau * hertz * (1 + vibrato * std::sin(kTau * rate * static_cast<double>(i) / kRate)) / kRate;
      sound[i] += level * std::sin(phase);
    }
  }
  return sound;
}

Sound sweeps(std::size_t n, Random& random) {
  Sound sound(n);
  const double period = log_uniform(random, 0.1, 10), from = log_uniform(random, 40, 8000),
               to = log_uniform(random, 40, 8000);
  const bool back = chance(random, 0.5);
  const double harmonics = chance(random, 0.5) ? random.uniform(0.1, 0.7) : 0;
  double phase = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double at = std::fmod(static_cast<double>(i) / kRate / period, 1.0);
    if (back) at = 1 - std::abs(2 * at - 1);
    phase += kTau * from * std::pow(to / from, at) / kRate;
    sound[i] = std::sin(phase) + harmonics * std::sin(2 * phase) + harmonics * harmonics * std::sin(3 * phase);
  }
  return sound;
}

/// Impulses through one resonance each: clicks, ticks, knocks, regular or like a Geiger counter's.
Sound clicks(std::size_t n, Random& random) {
  Sound sound(n, 0.0);
  const double rate = log_uniform(random, 0.7, 40), jitter = chance(random, 0.4) ? 0.02 : random.uniform(0.2, 1),
               hertz = log_uniform(random, 150, 8000), width = log_uniform(random, 50, 4000);
  Resonator body;
  std::size_t next = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double x = 0;
    if (i >= next) {
      x = random.uniform(0.3, 1);
      next = i + 1 + samples(std::max(0.002, (1 + jitter * random.normal()) / rate));
    }
    sound[i] = body(x, hertz, width) + 1e-3 * x;
  }
  return sound;
}

Sound hum(std::size_t n, Random& random) {
  Sound sound(n, 0.0);
  const double mains = chance(random, 0.5) ? 50 : 60, slope = random.uniform(0.3, 1.5);
  for (int h = 1; h <= 40; ++h) {
    const double level = std::pow(h, -slope) * random.uniform(0.05, 1) * (h % 2 ? 1 : random.uniform(0.1, 1));
    const double phase = random.uniform(0, kTau);
    for (std::size_t i = 0; i < n; ++i)
      sound[i] += level * std::sin(kTau * mains * h * static_cast<double>(i) / kRate + phase);
  }
  return sound;
}

/// Bursts of filtered noise that start at once and die away, seconds apart: steps, doors, coughs, splashes.
Sound events(std::size_t n, Random& random) {
  Sound sound(n, 0.0);
  const double every = log_uniform(random, 0.25, 3);
  const bool alike = chance(random, 0.5);
  double hertz = log_uniform(random, 80, 6000), width = log_uniform(random, 80, 4000),
         decay = log_uniform(random, 0.01, 0.6);
  for (std::size_t at = samples(random.uniform(0, 0.3)); at < n;
       at += 1 + samples(every * random.uniform(alike ? 0.8 : 0.2, alike ? 1.2 : 1.8))) {
    if (!alike) {
      hertz = log_uniform(random, 80, 6000), width = log_uniform(random, 80, 4000);
      decay = log_uniform(random, 0.01, 0.6);
    }
    Resonator body;
    const double level = random.uniform(0.3, 1);
    for (std::size_t i = at; i < std::min(n, at + samples(6 * decay)); ++i) {
      const double t = static_cast<double>(i - at) / kRate;
      sound[i] += level * std::min(1.0, t / 0.003) * std::exp(-t / decay) * body(random.normal(), hertz, width);
    }
  }
  return sound;
}

/// Formants of vowels and of what lies between them, Hz (Peterson and Barney 1952, men's means).
constexpr std::array<std::array<double, 3>, 8> kVowels{{{270, 2290, 3010},
                                                        {390, 1990, 2550},
                                                        {530, 1840, 2480},
                                                        {660, 1720, 2410},
                                                        {730, 1090, 2440},
                                                        {570, 840, 2410},
                                                        {300, 870, 2240},
                                                        {490, 1350, 1690}}};

/// A voice that says nothing: syllables of voiced and unvoiced parts at 3–7 a second, phrases with a falling pitch,
/// pauses for breath.
Sound voice(std::size_t n, Random& random) {
  Sound sound(n, 0.0);
  const double pitch = log_uniform(random, 75, 300), size = 0.85 + 0.3 * std::clamp((pitch - 90) / 150, 0.0, 1.0),
               tempo = random.uniform(3, 7), breath = random.uniform(0.005, 0.06), tilt = random.uniform(500, 2500),
               melody = random.uniform(0.05, 0.25);
  std::array<Resonator, 4> formants;
  Resonator hiss;
  LowPass glottis, vocal;
  std::array<double, 3> at = kVowels[random.below(8)], target = at;
  double phase = 0, glide = 0, glide_to = 0, jitter = 0;
  std::size_t i = samples(random.uniform(0, 0.4));
  while (i < n) {
    const auto syllables = 3 + random.below(14);
    const double phrase_pitch = pitch * std::exp(0.12 * random.normal());
    for (std::size_t k = 0; k < syllables && i < n; ++k) {
      const double seconds = random.uniform(0.6, 1.5) / tempo;
      const double fall = std::exp(melody * (0.5 - static_cast<double>(k) / static_cast<double>(syllables)));
      const double stress = random.uniform(0.3, 1), consonant = random.uniform(0.1, 0.45);
      const bool unvoiced = chance(random, 0.55), stop = chance(random, 0.4);
      const double fricative = log_uniform(random, 1500, 7500), fricative_width = log_uniform(random, 300, 2500),
                   hiss_level = random.uniform(0.05, 0.5);
      target = kVowels[random.below(8)];
      glide_to = melody * random.normal();
      const std::size_t length = samples(seconds);
      for (std::size_t j = 0; j < length && i < n; ++j, ++i) {
        const double t = static_cast<double>(j) / static_cast<double>(length);
        const double voiced = t < consonant
                                  ? (unvoiced ? 0 : 0.25)
                                  : std::pow(std::sin(std::numbers::pi * (t - consonant) / (1 - consonant)), 0.4);
        const double noise = t >= consonant || !unvoiced ? 0 : stop ? (t > 0.8 * consonant ? 1 : 0) : 1;
        for (int f = 0; f < 3; ++f) at[f] += (target[f] - at[f]) * 30 / kRate;
        glide += (glide_to - glide) * 12 / kRate;
        if (j % 100 == 0) jitter = 0.012 * random.normal();
        phase += phrase_pitch * fall * std::exp(glide + jitter) / kRate;
        double pulse = 0;
        if (phase >= 1) {
          phase -= 1;
          pulse = 1;
        }
        const double source =
            vocal(glottis(pulse * 30, tilt), 3000) * voiced * stress + breath * voiced * random.normal();
        double x = source;
        for (int f = 0; f < 3; ++f) x = formants[f](x, std::min(at[f] * size, 9000.0), 60 + 40 * f);
        x = formants[3](x, 3500 * size, 250);
        sound[i] = x + 0.02 * noise * hiss_level * hiss(random.normal(), fricative, fricative_width);
      }
    }
    i += samples(chance(random, 0.7) ? random.uniform(0.08, 0.5) : random.uniform(0.5, 1.4));
  }
  return sound;
}

Sound crowd(std::size_t n, Random& random) {
  Sound sound(n, 0.0);
  const auto voices = 3 + random.below(10);
  for (std::size_t v = 0; v < voices; ++v) {
    Sound one = voice(n, random);
    normalize(one);
    const double level = random.uniform(0.2, 1);
    for (std::size_t i = 0; i < n; ++i) sound[i] += level * one[i];
  }
  return sound;
}

/// Phrases of short chirps: pure tones of 1.5–8 kHz that rise, fall, arch or trill.
Sound birds(std::size_t n, Random& random) {
  Sound sound(n, 0.0);
  const auto singers = 1 + random.below(3);
  for (std::size_t singer = 0; singer < singers; ++singer) {
    const double center = log_uniform(random, 1500, 6500), overtone = chance(random, 0.4) ? random.uniform(0, 0.4) : 0;
    std::size_t at = samples(random.uniform(0, 1));
    while (at < n) {
      const auto notes = 1 + random.below(12);
      const bool trill = chance(random, 0.4);
      double from = center, to = center, seconds = 0.05, gap = 0.05, bend = 0;
      for (std::size_t k = 0; k < notes && at < n; ++k) {
        if (k == 0 || !trill) {
          from = center * std::exp(0.3 * random.normal()), to = from * std::exp(0.35 * random.normal());
          bend = 0.3 * random.normal();
          seconds = log_uniform(random, 0.02, 0.35), gap = log_uniform(random, 0.01, 0.25);
        }
        const std::size_t length = samples(seconds);
        const double wobble = chance(random, 0.3) ? random.uniform(0, 0.08) : 0, wobbles = random.uniform(15, 60);
        const double level = random.uniform(0.4, 1);
        double phase = 0;
        for (std::size_t i = 0; i < length && at + i < n; ++i) {
          const double t = static_cast<double>(i) / static_cast<double>(length),
                       envelope = std::sin(std::numbers::pi * t);
          const double hertz = from * std::pow(to / from, t) * std::exp(bend * envelope) *
                               (1 + wobble * std::sin(kTau * wobbles * static_cast<double>(i) / kRate));
          phase += kTau * std::clamp(hertz, 500.0, 10000.0) / kRate;
          sound[at + i] += level * envelope * (std::sin(phase) + overtone * std::sin(2 * phase));
        }
        at += length + samples(gap);
      }
      at += samples(log_uniform(random, 0.2, 2.5));
    }
  }
  return sound;
}

/// Calls of one throat: long glides of a harmonic tone with roughness, far apart: howls, moos, whales, barks.
Sound cries(std::size_t n, Random& random) {
  Sound sound(n, 0.0);
  const double base = log_uniform(random, 90, 1200), longest = log_uniform(random, 0.15, 3),
               rough = random.uniform(0, 0.5), body_at = log_uniform(random, 400, 3000), slope = random.uniform(0.4, 1);
  for (std::size_t at = samples(random.uniform(0, 0.5)); at < n;) {
    const std::size_t length = samples(longest * random.uniform(0.4, 1));
    const double from = base * std::exp(0.3 * random.normal()), to = from * std::exp(0.3 * random.normal()),
                 arch = 0.35 * random.normal();
    Resonator body;
    LowPass rattle;
    double phase = 0;
    for (std::size_t i = 0; i < length && at + i < n; ++i) {
      const double t = static_cast<double>(i) / static_cast<double>(length);
      const double envelope = std::pow(std::sin(std::numbers::pi * t), 0.6);
      phase += kTau * std::min(from * std::pow(to / from, t) * std::exp(arch * envelope), 5000.0) *
               (1 + rough * rattle(random.normal(), 40)) / kRate;
      double x = 0, level = 1;
      for (int h = 1; h <= 12; ++h, level *= slope) x += level * std::sin(h * phase);
      sound[at + i] += envelope * (0.4 * x + body(x, body_at, 300));
    }
    at += length + samples(log_uniform(random, 0.1, 2.5));
  }
  return sound;
}

/// Noise whose level goes up and down: wind, surf, brushing, breathing, saws.
Sound pulsating_noise(std::size_t n, Random& random) {
  Sound sound = colored_noise(n, random);
  if (chance(random, 0.5)) {
    const double rate = log_uniform(random, 0.2, 12), power = random.uniform(0.5, 4), jitter = random.uniform(0, 0.4);
    double phase = 0;
    Wander speed(random, 1 - jitter, 1 + jitter, 2 * rate);
    for (double& s : sound) {
      phase += kTau * rate * speed.next() / kRate;
      s *= std::pow(0.5 - 0.5 * std::cos(phase), power);
    }
  } else {
    Wander level(random, -4, 0, log_uniform(random, 0.3, 5)), hertz(random, std::log(150), std::log(4000), 1);
    Resonator body;
    const double howl = random.uniform(0, 1);
    for (double& s : sound) {
      const double loud = std::exp(level.next()), at = std::exp(hertz.next());
      s = loud * (s + 4 * howl * body(s, at, 0.2 * at));
    }
  }
  return sound;
}

/// Explosions of an engine or teeth of a gear through a few resonances, its speed wandering.
Sound motor(std::size_t n, Random& random) {
  Sound sound(n, 0.0);
  const double rate = log_uniform(random, 12, 300), drift = random.uniform(0.002, 0.2),
               rattle = random.uniform(0.02, 1);
  std::array<double, 4> hertz{}, width{};
  std::array<Resonator, 4> bodies;
  for (int r = 0; r < 4; ++r) hertz[r] = log_uniform(random, 80, 6000), width[r] = log_uniform(random, 40, 800);
  Wander speed(random, -drift, drift, random.uniform(0.2, 3));
  double phase = 0;
  for (double& s : sound) {
    phase += rate * std::exp(speed.next()) / kRate;
    double x = 0.1 * rattle * random.normal();
    if (phase >= 1) {
      phase -= 1;
      x += 1 + 0.4 * rattle * random.normal();
    }
    s = 0.2 * x;
    for (int r = 0; r < 4; ++r) s += bodies[r](x, hertz[r], width[r]) * hertz[r] / width[r] / 10;
  }
  return sound;
}

/// Many short decaying chirps at random times: drops, bubbles, a brook, frying.
Sound drops(std::size_t n, Random& random) {
  Sound sound(n, 0.0);
  const double rate = log_uniform(random, 2, 200), low = log_uniform(random, 200, 3000),
               span = random.uniform(0.3, 1.5);
  const double decay = log_uniform(random, 0.004, 0.06);
  for (std::size_t at = 0; at < n; at += 1 + samples(-std::log(1 - random.uniform()) / rate)) {
    const double hertz = low * std::exp(span * random.uniform()), rise = random.uniform(0, 0.8),
                 level = random.uniform();
    const double length = decay * random.uniform(0.5, 2);
    double phase = 0;
    for (std::size_t i = 0; i < samples(5 * length) && at + i < n; ++i) {
      const double t = static_cast<double>(i) / kRate;
      phase += kTau * std::min(hertz * (1 + rise * t / length), 10000.0) / kRate;
      sound[at + i] += level * level * std::exp(-t / length) * std::sin(phase);
    }
  }
  return sound;
}

/// Alarms, beeps, dialed numbers: one or two tones switched on and off or to and fro.
Sound sirens(std::size_t n, Random& random) {
  Sound sound(n, 0.0);
  const double rate = log_uniform(random, 0.5, 12), duty = random.uniform(0.3, 1), a = log_uniform(random, 300, 3500),
               b = a * log_uniform(random, 0.6, 1.7);
  const bool dial = chance(random, 0.3), two = chance(random, 0.5);
  const double edge = random.uniform(0, 0.8);
  static constexpr std::array<double, 4> kRows{697, 770, 852, 941}, kColumns{1209, 1336, 1477, 1633};
  double first = a, second = b, p = 0, q = 0;
  LowPass gate;
  for (std::size_t i = 0; i < n; ++i) {
    const double at = static_cast<double>(i) / kRate * rate, part = std::fmod(at, 1.0);
    if (dial && part < rate / kRate) first = kRows[random.below(4)], second = kColumns[random.below(4)];
    const double on = gate(part < duty ? 1 : 0, 200);
    const double hertz = dial || !two ? first : (static_cast<long>(at) % 2 ? first : second);
    p += kTau * hertz / kRate, q += kTau * second / kRate;
    const double x = std::sin(p) + edge * std::sin(3 * p) / 3 + edge * std::sin(5 * p) / 5;
    sound[i] = on * (dial ? x + std::sin(q) : x);
  }
  return sound;
}

struct Kind {
  const char* name;
  Sound (*make)(std::size_t, Random&);
};
constexpr std::array<Kind, 16> kKinds{{{"tones", tones},
                                       {"voice", voice},
                                       {"noise", colored_noise},
                                       {"birds", birds},
                                       {"clicks", clicks},
                                       {"voice", voice},
                                       {"pulsating noise", pulsating_noise},
                                       {"cries", cries},
                                       {"sweeps", sweeps},
                                       {"crowd", crowd},
                                       {"events", events},
                                       {"hum", hum},
                                       {"motor", motor},
                                       {"birds", birds},
                                       {"drops", drops},
                                       {"sirens", sirens}}};

/// Early echoes and a tail: four combs and a low pass, from a closet to a hall.
void reverberate(Sound& sound, Random& random) {
  const double wet = random.uniform(0, 0.5), seconds = log_uniform(random, 0.1, 1.5);
  Sound tail(sound.size(), 0.0);
  for (int c = 0; c < 4; ++c) {
    const std::size_t delay = 1 + samples(random.uniform(0.012, 0.06));
    const double feedback = std::pow(10, -3 * static_cast<double>(delay) / kRate / seconds);
    Sound comb(sound.size(), 0.0);
    LowPass damp;
    for (std::size_t i = delay; i < sound.size(); ++i) {
      comb[i] = sound[i - delay] + feedback * damp(comb[i - delay], 6000);
      tail[i] += 0.25 * comb[i];
    }
  }
  for (std::size_t i = 0; i < sound.size(); ++i) sound[i] += wet * tail[i];
}

/// A windowed sinc of 129 taps: how a lower rate of samples or a codec ends the spectrum.
Sound steep_low_pass(const Sound& sound, double hertz) {
  constexpr int kHalf = 64;
  std::array<float, 2 * kHalf + 1> taps{};
  for (int k = -kHalf; k <= kHalf; ++k) {
    const double x = 2 * hertz / kRate, t = std::numbers::pi * k;
    const double window = 0.5 + 0.5 * std::cos(t / (kHalf + 1));
    taps[static_cast<std::size_t>(k + kHalf)] = static_cast<float>(window * (k == 0 ? x : std::sin(x * t) / t));
  }
  std::vector<float> padded(sound.size() + 2 * kHalf, 0.0f);
  std::copy(sound.begin(), sound.end(), padded.begin() + kHalf);
  Sound result(sound.size());
  for (std::size_t i = 0; i < sound.size(); ++i)
    result[i] = std::inner_product(taps.begin(), taps.end(), padded.begin() + static_cast<std::ptrdiff_t>(i), 0.0f);
  return result;
}

}  // namespace

AudioBuffer worn(const AudioBuffer& audio, Random& random) {
  EUTERPE_ASSERT(audio.sample_rate == kRate && audio.channels == 1);
  Sound sound(audio.samples.begin(), audio.samples.end());
  normalize(sound);
  if (chance(random, 0.5)) reverberate(sound, random);
  if (chance(random, 0.5)) {
    Sound background = colored_noise(sound.size(), random);
    normalize(background);
    const double level = std::pow(10, -random.uniform(5, 60) / 20);
    for (std::size_t i = 0; i < sound.size(); ++i) sound[i] += level * background[i];
  }
  if (chance(random, 0.5)) {
    const double low = log_uniform(random, 2500, 10000), high = log_uniform(random, 20, 300);
    if (chance(random, 0.5)) {
      sound = steep_low_pass(sound, low);
    } else {
      std::array<LowPass, 4> above;
      for (double& s : sound)
        for (LowPass& filter : above) s = filter(s, low);
    }
    LowPass below;
    for (double& s : sound) s -= below(s, high);
  }
  if (chance(random, 0.2)) {
    const double limit = log_uniform(random, 0.7, 4);
    for (double& s : sound) s = std::clamp(s, -limit, limit);
  }
  double peak = 1e-9;
  for (double s : sound) peak = std::max(peak, std::abs(s));
  const double gain = log_uniform(random, 0.05, 1) / peak;
  AudioBuffer result{kRate, 1, std::vector<float>(sound.size())};
  for (std::size_t i = 0; i < sound.size(); ++i) result.samples[i] = static_cast<float>(gain * sound[i]);
  return result;
}

std::vector<SyntheticSound> non_music_sounds(int count, std::uint64_t seed) {
  std::vector<SyntheticSound> sounds(static_cast<std::size_t>(std::max(0, count)));
  parallel_for(sounds.size(), [&](std::size_t i) {
    Random random = Random::stream(seed, i);
    const Kind& kind = kKinds[i % kKinds.size()];
    const Sound sound = kind.make(samples(log_uniform(random, 1, 15)), random);
    sounds[i] = {kind.name, worn({kRate, 1, {sound.begin(), sound.end()}}, random)};
  });
  return sounds;
}

}  // namespace euterpe
