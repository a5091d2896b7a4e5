#include "score/emotion_descriptors.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <span>

#include "score/beats.hpp"

namespace euterpe {
namespace {

constexpr double kTogether = 0.035;  // seconds within which onsets are heard as one chord
constexpr std::size_t kMostNotes = 20000;
constexpr double kLongest = 2.0;  // seconds of a note that count for the key: a pedal point is no key

using Profile = std::array<double, 12>;
// Krumhansl and Kessler 1982.
constexpr Profile kMajor{6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88};
constexpr Profile kMinor{6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17};

struct ChordKind {
  const char* name;
  std::uint16_t tones;  // bit i: i semitones above the root
};
constexpr std::uint16_t tones(std::initializer_list<int> list) {
  std::uint16_t bits = 0;
  for (const int i : list) bits = static_cast<std::uint16_t>(bits | (1 << i));
  return bits;
}
constexpr std::array<ChordKind, 11> kChords{{{"major", tones({0, 4, 7})},
                                             {"minor", tones({0, 3, 7})},
                                             {"diminished", tones({0, 3, 6})},
                                             {"augmented", tones({0, 4, 8})},
                                             {"dominant7", tones({0, 4, 7, 10})},
                                             {"major7", tones({0, 4, 7, 11})},
                                             {"minor7", tones({0, 3, 7, 10})},
                                             {"half_diminished", tones({0, 3, 6, 10})},
                                             {"sus4", tones({0, 5, 7})},
                                             {"sus2", tones({0, 2, 7})},
                                             {"fifth", tones({0, 7})}}};

/// Collects named numbers.
struct Features {
  void add(std::string name, double value) {
    names.push_back(std::move(name));
    values.push_back(std::isfinite(value) ? static_cast<float>(value) : 0.0f);
  }
  template <class Histogram>
  void add_shares(const std::string& name, const Histogram& counts) {
    const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
    int i = 0;
    for (const double c : counts) add(name + "." + std::to_string(i++), total > 0 ? c / total : 0);
  }
  /// Mean, deviation, 10th, 50th and 90th percentile.
  void add_spread(const std::string& name, std::vector<double> x) {
    double mean = 0, square = 0;
    for (const double v : x) mean += v, square += v * v;
    const double n = std::max<double>(1, static_cast<double>(x.size()));
    mean /= n;
    add(name + ".mean", mean);
    add(name + ".deviation", std::sqrt(std::max(0.0, square / n - mean * mean)));
    std::sort(x.begin(), x.end());
    for (const int percent : {10, 50, 90}) {
      double value = 0;
      if (!x.empty()) {
        const double at = percent / 100.0 * static_cast<double>(x.size() - 1);
        const auto below = static_cast<std::size_t>(at);
        const double above = x[std::min(below + 1, x.size() - 1)];
        value = x[below] + (at - static_cast<double>(below)) * (above - x[below]);
      }
      add(name + ".p" + std::to_string(percent), value);
    }
  }
  std::vector<std::string> names;
  std::vector<float> values;
};

struct Sounds {
  std::vector<TimedNote> notes;                             // pitched, in order of (start, pitch), from 0 on
  std::vector<std::pair<std::size_t, std::size_t>> groups;  // [begin, end) of notes that begin together
  double seconds = 1;
  double length(const TimedNote& n) const { return std::max(0.02, n.end - n.start); }
};

Sounds heard(const Score& score) {
  Sounds all;
  for (const TimedNote& note : timed_notes(score))
    if (!note.drums) all.notes.push_back(note);
  if (all.notes.empty()) return all;
  const double origin = all.notes.front().start;
  std::size_t keep = 0;
  while (keep < std::min(all.notes.size(), kMostNotes) && all.notes[keep].start - origin < kEmotionSeconds) ++keep;
  all.notes.resize(keep);
  double end = 0;
  for (TimedNote& note : all.notes) {
    note.start -= origin;
    note.end = std::min(note.end - origin, kEmotionSeconds);
    end = std::max(end, note.end);
  }
  all.seconds = std::max(1.0, end);
  for (std::size_t i = 0; i < all.notes.size(); ++i) {
    // Each onset is held against the one before it, so that a slow roll is one chord.
    if (i == 0 || all.notes[i].start - all.notes[i - 1].start > kTogether) all.groups.emplace_back(i, i);
    all.groups.back().second = i + 1;
  }
  return all;
}

/// Correlation with the 12 major keys and then the 12 minor ones; 0 where nothing sounds.
std::array<double, 24> key_fits(const Profile& weights) {
  std::array<double, 24> fits{};
  const auto moments = [](const Profile& p) {
    double mean = 0, square = 0;
    for (const double v : p) mean += v / 12, square += v * v / 12;
    return std::pair(mean, std::sqrt(std::max(0.0, square - mean * mean)));
  };
  const auto [mean, deviation] = moments(weights);
  if (!(deviation > 1e-12)) return fits;
  for (std::size_t mode = 0; mode < 2; ++mode) {
    const Profile& profile = mode == 0 ? kMajor : kMinor;
    const auto [profile_mean, profile_deviation] = moments(profile);
    for (std::size_t tonic = 0; tonic < 12; ++tonic) {
      double sum = 0;
      for (std::size_t i = 0; i < 12; ++i) sum += (weights[(tonic + i) % 12] - mean) * (profile[i] - profile_mean) / 12;
      fits[12 * mode + tonic] = sum / (deviation * profile_deviation);
    }
  }
  return fits;
}

struct Mode {
  double major = 0, minor = 0;  // best fit of each
  std::size_t best = 0;         // 0 … 23 as key_fits()
};
Mode mode_of(const Profile& weights) {
  const auto fits = key_fits(weights);
  return {*std::max_element(fits.begin(), fits.begin() + 12), *std::max_element(fits.begin() + 12, fits.end()),
          static_cast<std::size_t>(std::max_element(fits.begin(), fits.end()) - fits.begin())};
}

double overlap(const TimedNote& note, double begin, double end) {
  return std::min(note.end, end) - std::max(note.start, begin);
}

void add_time(Features& out, const Sounds& all) {
  const double n = static_cast<double>(all.notes.size()), groups = static_cast<double>(all.groups.size());
  out.add("density.notes", std::log(std::max(1.0, n) / all.seconds));
  out.add("density.onsets", std::log(std::max(1.0, groups) / all.seconds));
  out.add("density.notes_per_onset", groups > 0 ? n / groups : 0);
  std::vector<double> frames(std::max<std::size_t>(2, static_cast<std::size_t>(all.seconds / 2)), 0.0);
  const double frame = all.seconds / static_cast<double>(frames.size());
  for (const TimedNote& note : all.notes)
    frames[std::min(frames.size() - 1, static_cast<std::size_t>(note.start / frame))] += 1 / frame;
  out.add_spread("density.over_time", frames);

  std::vector<double> gaps, changes, lengths;
  std::array<double, 5> classes{};
  for (std::size_t g = 1; g < all.groups.size(); ++g) {
    const double gap = all.notes[all.groups[g].first].start - all.notes[all.groups[g - 1].first].start;
    gaps.push_back(std::log(gap + 1e-3));
    classes[gap < 0.12 ? 0 : gap < 0.2 ? 1 : gap < 0.35 ? 2 : gap < 0.7 ? 3 : 4] += 1;
    if (gaps.size() > 1) changes.push_back(std::abs(gaps.back() - gaps[gaps.size() - 2]));
  }
  out.add_spread("gap", gaps);
  out.add_shares("gap.class", classes);
  out.add("gap.change",
          changes.empty() ? 0 : std::accumulate(changes.begin(), changes.end(), 0.0) / double(changes.size()));

  double sounding = 0, brief = 0, sustained = 0;
  for (const TimedNote& note : all.notes) {
    const double length = all.length(note);
    lengths.push_back(std::log(length));
    sounding += length;
    brief += length < 0.15;
    sustained += length > 1;
  }
  out.add_spread("length", lengths);
  out.add("length.overlap", sounding / all.seconds);
  out.add("length.brief", brief / std::max(1.0, n));
  out.add("length.sustained", sustained / std::max(1.0, n));

  // How clearly the onsets repeat after 0.2 … 1.5 seconds, and after how long most so.
  constexpr double kStep = 0.02;
  std::vector<double> onsets(static_cast<std::size_t>(all.seconds / kStep) + 2, 0.0);
  for (const TimedNote& note : all.notes) onsets[static_cast<std::size_t>(note.start / kStep)] += note.velocity;
  const double mean = std::accumulate(onsets.begin(), onsets.end(), 0.0) / static_cast<double>(onsets.size());
  std::vector<double> smooth(onsets.size(), 0.0);
  constexpr std::array<double, 5> kKernel{0.25, 0.5, 1, 0.5, 0.25};
  for (std::size_t i = 0; i < onsets.size(); ++i)
    for (std::size_t k = 0; k < 5; ++k)
      if (i + k >= 2 && i + k - 2 < onsets.size()) smooth[i] += kKernel[k] * (onsets[i + k - 2] - mean);
  const auto again = [&](std::size_t lag) {
    double sum = 0;
    for (std::size_t i = lag; i < smooth.size(); ++i) sum += smooth[i] * smooth[i - lag];
    return sum;
  };
  const double power = again(0) + 1e-9;
  double best = 0, sum = 0;
  std::size_t at = 10;
  for (std::size_t lag = 10; lag < 75; ++lag) {
    const double value = again(lag) / power;
    sum += value;
    if (value > best) best = value, at = lag;
  }
  out.add("pulse.clarity", best);
  out.add("pulse.period", static_cast<double>(at) * kStep);
  out.add("pulse.mean", sum / 65);
}

void add_loudness(Features& out, const Sounds& all) {
  std::vector<double> velocities;
  std::vector<double> sums(static_cast<std::size_t>(all.seconds / 4) + 1, 0.0), counts(sums.size(), 0.0);
  double change = 0, pv = 0, p1 = 0, v1 = 0, p2 = 0;
  for (const TimedNote& note : all.notes) {
    if (!velocities.empty()) change += std::abs(note.velocity - velocities.back());
    velocities.push_back(note.velocity);
    const auto frame = std::min(sums.size() - 1, static_cast<std::size_t>(note.start / 4));
    sums[frame] += note.velocity;
    counts[frame] += 1;
    pv += note.pitch * note.velocity, p1 += note.pitch, v1 += note.velocity, p2 += note.pitch * note.pitch;
  }
  const double n = std::max<double>(1, static_cast<double>(all.notes.size()));
  std::vector<double> over_time;
  for (std::size_t i = 0; i < sums.size(); ++i)
    if (counts[i] > 0) over_time.push_back(sums[i] / counts[i]);
  out.add_spread("loudness", velocities);
  out.add("loudness.change", change / std::max(1.0, n - 1));
  const double variance = p2 / n - p1 / n * p1 / n;
  out.add("loudness.by_pitch", variance > 1e-9 ? (pv / n - p1 / n * v1 / n) / variance : 0);
  out.add_spread("loudness.over_time", over_time);
}

/// The highest sounding line: notes that begin under no other.
std::vector<const TimedNote*> skyline(const Sounds& all) {
  std::vector<const TimedNote*> line;
  std::vector<const TimedNote*> sounding;
  for (std::size_t i = 0; i < all.notes.size(); ++i) {
    const TimedNote& note = all.notes[i];
    std::erase_if(sounding, [&](const TimedNote* other) { return other->end <= note.start + 0.05; });
    bool covered = std::any_of(sounding.begin(), sounding.end(),
                               [&](const TimedNote* other) { return other->pitch > note.pitch; });
    for (std::size_t j = i + 1; j < all.notes.size() && all.notes[j].start <= note.start + 0.03 && !covered; ++j)
      covered = all.notes[j].pitch > note.pitch && all.notes[j].end > note.start + 0.05;
    if (!covered) line.push_back(&note);
    sounding.push_back(&note);
  }
  return line;
}

void add_register(Features& out, const Sounds& all) {
  std::vector<double> pitches, top, bass, sky;
  std::array<double, 5> zones{};
  double by_length = 0, by_velocity = 0, lengths = 0, velocities = 0;
  for (const TimedNote& note : all.notes) {
    pitches.push_back(note.pitch);
    zones[note.pitch < 36 ? 0 : note.pitch < 48 ? 1 : note.pitch < 72 ? 2 : note.pitch < 84 ? 3 : 4] += 1;
    const double length = std::min(kLongest, all.length(note));
    by_length += length * note.pitch, lengths += length;
    by_velocity += note.velocity * note.pitch, velocities += note.velocity;
  }
  for (const auto& [begin, end] : all.groups) {
    const auto [low, high] = std::minmax_element(pitches.begin() + static_cast<std::ptrdiff_t>(begin),
                                                 pitches.begin() + static_cast<std::ptrdiff_t>(end));
    bass.push_back(*low);
    top.push_back(*high);
  }
  const auto [lowest, highest] = std::minmax_element(pitches.begin(), pitches.end());
  out.add_spread("register", pitches);
  out.add("register.lowest", pitches.empty() ? 0 : *lowest);
  out.add("register.highest", pitches.empty() ? 0 : *highest);
  out.add("range", pitches.empty() ? 0 : *highest - *lowest);
  out.add_shares("register.zone", zones);
  out.add("register.by_length", lengths > 0 ? by_length / lengths : 0);
  out.add("register.by_loudness", velocities > 0 ? by_velocity / velocities : 0);
  out.add_spread("register.top", top);
  out.add_spread("register.bass", bass);

  const auto line = skyline(all);
  std::array<double, 13> steps{};
  double up = 0, size = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    sky.push_back(line[i]->pitch);
    if (i == 0) continue;
    const int step = line[i]->pitch - line[i - 1]->pitch;
    steps[static_cast<std::size_t>(std::min(12, std::abs(step)))] += 1;
    up += step > 0;
    size += std::abs(step);
  }
  const double moves = std::max<double>(1, static_cast<double>(line.size()) - 1);
  out.add_shares("melody.step", steps);
  out.add("melody.up", up / moves);
  out.add("melody.step_size", size / moves);
  out.add("melody.notes_per_second", static_cast<double>(line.size()) / all.seconds);
  out.add("melody.share",
          all.notes.empty() ? 0 : static_cast<double>(line.size()) / static_cast<double>(all.notes.size()));
  out.add_spread("register.melody", sky);
}

void add_texture(Features& out, const Sounds& all) {
  constexpr double kStep = 0.1;
  std::vector<int> sounding(static_cast<std::size_t>(all.seconds / kStep) + 1, 0);
  for (const TimedNote& note : all.notes)
    for (auto t = static_cast<std::size_t>(std::ceil(note.start / kStep));
         t < sounding.size() && static_cast<double>(t) * kStep < note.end; ++t)
      ++sounding[t];
  std::array<double, 6> voices{};
  for (const int count : sounding) voices[static_cast<std::size_t>(std::min(count, 5))] += 1;
  out.add_spread("voices", {sounding.begin(), sounding.end()});
  out.add_shares("voices.share", voices);
  std::array<double, 5> sizes{};
  for (const auto& [begin, end] : all.groups) sizes[std::min<std::size_t>(4, end - begin - 1)] += 1;
  out.add_shares("voices.begin_together", sizes);
}

void add_harmony(Features& out, const Sounds& all) {
  Profile weights{}, bass{};
  for (const TimedNote& note : all.notes)
    weights[static_cast<std::size_t>(note.pitch % 12)] += std::min(kLongest, all.length(note));
  for (const auto& [begin, end] : all.groups) {
    int low = 127;
    for (std::size_t i = begin; i < end; ++i) low = std::min(low, all.notes[i].pitch);
    bass[static_cast<std::size_t>(low % 12)] += 1;
  }
  const Mode mode = mode_of(weights);
  const std::size_t tonic = mode.best % 12, major_tonic = mode.best < 12 ? tonic : (tonic + 3) % 12;
  out.add("mode.major_fit", mode.major);
  out.add("mode.minor_fit", mode.minor);
  out.add("mode.major_lead", mode.major - mode.minor);
  out.add("mode.minor", mode.best >= 12);
  Profile degrees{}, in_major{}, bass_degrees{};
  double diatonic = 0, entropy = 0;
  const double total = std::max(1e-9, std::accumulate(weights.begin(), weights.end(), 0.0));
  for (std::size_t i = 0; i < 12; ++i) {
    degrees[i] = weights[(tonic + i) % 12];
    in_major[i] = weights[(major_tonic + i) % 12];
    bass_degrees[i] = bass[(major_tonic + i) % 12];
    if (tones({0, 2, 4, 5, 7, 9, 11}) >> i & 1) diatonic += in_major[i] / total;
    if (weights[i] > 0) entropy -= weights[i] / total * std::log2(weights[i] / total);
  }
  out.add_shares("degree", degrees);
  out.add_shares("degree.in_major", in_major);
  out.add_shares("degree.bass", bass_degrees);
  out.add("degree.diatonic", diatonic);
  out.add("degree.entropy", entropy);
  for (int k = 1; k <= 6; ++k) {
    double re = 0, im = 0;
    for (int i = 0; i < 12; ++i) {
      re += weights[static_cast<std::size_t>(i)] * std::cos(2 * M_PI * k * i / 12);
      im += weights[static_cast<std::size_t>(i)] * std::sin(2 * M_PI * k * i / 12);
    }
    out.add("degree.spectrum." + std::to_string(k), std::hypot(re, im) / total);
  }

  // Mode over time, in windows of 8 seconds every 5.
  std::vector<double> leads;
  std::array<bool, 24> keys{};
  double minor = 0, fit = 0;
  std::size_t first = 0;
  for (double t = 0; t < std::max(1.0, all.seconds - 3); t += 5) {
    Profile window{};
    while (first < all.notes.size() && all.notes[first].end <= t && all.notes[first].start <= t) ++first;
    for (std::size_t i = first; i < all.notes.size() && all.notes[i].start < t + 8; ++i)
      window[static_cast<std::size_t>(all.notes[i].pitch % 12)] += std::max(0.0, overlap(all.notes[i], t, t + 8));
    if (std::accumulate(window.begin(), window.end(), 0.0) <= 0) continue;
    const Mode here = mode_of(window);
    leads.push_back(here.major - here.minor);
    minor += here.best >= 12;
    fit += std::max(here.major, here.minor);
    keys[here.best] = true;
  }
  const double windows = std::max<double>(1, static_cast<double>(leads.size()));
  out.add_spread("mode.over_time", leads);
  out.add("mode.minor_share", minor / windows);
  out.add("mode.fit_over_time", fit / windows);
  out.add("mode.keys", static_cast<double>(std::count(keys.begin(), keys.end(), true)) / windows);

  // Chords and vertical intervals in frames of ¾ second every half.
  std::array<double, kChords.size()> kinds{};
  Profile roots{}, intervals{};
  double frames = 0, changes = 0;
  int before = -1;
  first = 0;
  for (double t = 0; t < all.seconds - 0.25; t += 0.5) {
    Profile window{}, vertical{};
    std::vector<int> pitches;
    int low = 127;
    while (first < all.notes.size() && all.notes[first].end <= t) ++first;
    for (std::size_t i = first; i < all.notes.size() && all.notes[i].start < t + 0.75; ++i) {
      const double seconds = overlap(all.notes[i], t, t + 0.75);
      if (seconds <= 0.02) continue;
      window[static_cast<std::size_t>(all.notes[i].pitch % 12)] += seconds;
      pitches.push_back(all.notes[i].pitch);
      low = std::min(low, all.notes[i].pitch);
    }
    if (pitches.empty()) continue;
    double norm = 0, best = -1;
    for (const double w : window) norm += w * w;
    int chord = 0;
    for (int kind = 0; kind < static_cast<int>(kChords.size()); ++kind)
      for (int root = 0; root < 12; ++root) {
        double match = 0, size = 0;
        bool has_bass = false;
        for (int i = 0; i < 12; ++i) {
          if (!(kChords[static_cast<std::size_t>(kind)].tones >> i & 1)) continue;
          size += 1;
          match += window[static_cast<std::size_t>((root + i) % 12)];
          has_bass = has_bass || (root + i) % 12 == low % 12;
        }
        const double score = match / std::sqrt(size * norm) + 0.05 * has_bass;
        if (score > best) best = score, chord = kind * 12 + root;
      }
    kinds[static_cast<std::size_t>(chord / 12)] += 1;
    roots[(static_cast<std::size_t>(chord % 12) + 12 - major_tonic) % 12] += 1;
    changes += before >= 0 && before != chord;
    before = chord;
    frames += 1;
    if (pitches.size() > 32) pitches.resize(32);
    double pairs = 0;
    for (std::size_t i = 0; i < pitches.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) {
        vertical[static_cast<std::size_t>(std::abs(pitches[i] - pitches[j]) % 12)] += 1;
        pairs += 1;
      }
    for (std::size_t i = 0; i < 12 && pairs > 0; ++i) intervals[i] += vertical[i] / pairs;
  }
  for (std::size_t i = 0; i < kChords.size(); ++i)
    out.add(std::string("chord.") + kChords[i].name, frames > 0 ? kinds[i] / frames : 0);
  out.add_shares("chord.root", roots);
  out.add("chord.changes_per_second", changes / all.seconds);
  out.add_shares("interval", intervals);
}

Features describe(const Score& score) {
  const Sounds all = heard(score);
  Features out;
  add_time(out, all);
  add_loudness(out, all);
  add_register(out, all);
  add_texture(out, all);
  add_harmony(out, all);
  if (all.notes.empty()) std::fill(out.values.begin(), out.values.end(), 0.0f);
  return out;
}

}  // namespace

std::vector<float> emotion_features(const Score& score) { return describe(score).values; }

const std::vector<std::string>& emotion_feature_names() {
  static const std::vector<std::string> names = describe({}).names;
  return names;
}

}  // namespace euterpe
