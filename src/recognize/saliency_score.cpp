#include "recognize/saliency_score.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <tuple>

#include "base/error.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

constexpr std::array kNames{"C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"};

const Note& note_at(const Score& score, const NotePlace& place) { return score.tracks[place.track].notes[place.note]; }

/// Top, bottom, between or alone among the notes that begin together; drums are a voice of their own.
std::vector<std::uint32_t> voices(const Score& score, std::span<const NotePlace> notes) {
  std::vector<std::uint32_t> voice(notes.size(), 0);
  for (std::size_t i = 0; i < notes.size();) {
    std::size_t end = i;
    const std::int64_t start = note_at(score, notes[i]).start;
    std::vector<std::size_t> pitched;
    for (; end < notes.size() && note_at(score, notes[end]).start == start; ++end) {
      voice[end] = 4;
      if (!score.tracks[notes[end].track].drums) pitched.push_back(end);
    }
    for (const std::size_t k : pitched) voice[k] = 1;
    if (pitched.size() == 1) voice[pitched.front()] = 3;
    if (pitched.size() > 1) voice[pitched.front()] = 0, voice[pitched.back()] = 2;
    i = end;
  }
  return voice;
}

std::vector<Grouping> groupings(const Score& score, const ScoreSaliency& found, std::span<const std::int64_t> lines) {
  constexpr std::uint32_t kDrums = 128;  // keys of the drum kit are told from pitches
  Grouping all, bar, phrase, pitch, pitch_class, octave, track, place, length, voice;
  all.variance = 0.5;
  for (std::size_t i = 0; i < found.notes.size(); ++i) {
    const Note& note = note_at(score, found.notes[i]);
    const std::uint32_t drums = score.tracks[found.notes[i].track].drums ? kDrums : 0;
    const auto at = static_cast<std::uint32_t>(found.bars[i]);
    const double quarter = score.ticks_per_quarter;
    const double in_bar = static_cast<double>(note.start - lines[found.bars[i]]) / quarter * 4;
    const double sixteenths = std::max(0.25, static_cast<double>(note.duration) / quarter * 4);
    all.group.push_back(0);
    bar.group.push_back(at);
    phrase.group.push_back(at / 4);
    pitch.group.push_back(note.pitch + drums);
    pitch_class.group.push_back(drums ? 12 : note.pitch % 12U);
    octave.group.push_back(drums ? 16 : note.pitch / 12U);
    track.group.push_back(found.notes[i].track);
    place.group.push_back(static_cast<std::uint32_t>(std::clamp(std::lround(in_bar), 0L, 63L)));
    length.group.push_back(static_cast<std::uint32_t>(std::clamp(std::lround(2 * std::log2(sixteenths)) + 4, 0L, 20L)));
  }
  voice.group = voices(score, found.notes);
  return {all, bar, phrase, pitch, pitch_class, octave, track, place, length, voice};
}

std::string pitch_name(int pitch) {
  return fmt::format("{}{}", kNames[static_cast<std::size_t>(pitch % 12)], pitch / 12 - 1);
}

}  // namespace

std::vector<NotePlace> note_places(const Score& score) {
  std::vector<NotePlace> places;
  for (std::size_t t = 0; t < score.tracks.size(); ++t)
    for (std::size_t n = 0; n < score.tracks[t].notes.size(); ++n)
      places.push_back({static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(n)});
  std::stable_sort(places.begin(), places.end(), [&](const NotePlace& a, const NotePlace& b) {
    const Note &x = note_at(score, a), &y = note_at(score, b);
    return std::tie(x.start, x.pitch) < std::tie(y.start, y.pitch);
  });
  return places;
}

Score without_notes(const Score& score, std::span<const NotePlace> places, std::span<const std::uint8_t> without) {
  EUTERPE_ASSERT(places.size() == without.size());
  std::vector<std::vector<std::uint8_t>> gone(score.tracks.size());
  for (std::size_t t = 0; t < gone.size(); ++t) gone[t].assign(score.tracks[t].notes.size(), 0);
  for (std::size_t i = 0; i < places.size(); ++i) gone[places[i].track][places[i].note] = without[i];
  Score rest = score;
  for (std::size_t t = 0; t < gone.size(); ++t) {
    rest.tracks[t].notes.clear();
    for (std::size_t n = 0; n < gone[t].size(); ++n)
      if (!gone[t][n]) rest.tracks[t].notes.push_back(score.tracks[t].notes[n]);
  }
  return rest;
}

ScoreSaliency explain_score(const Score& score, const ScoreAnswer& answer, const SaliencyOptions& options) {
  ScoreSaliency found;
  found.notes = note_places(score);
  const auto lines = score.bar_lines();
  for (const NotePlace& place : found.notes) {
    const auto after = std::upper_bound(lines.begin(), lines.end(), note_at(score, place).start);
    found.bars.push_back(static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, after - lines.begin() - 1)));
  }
  const auto prior = groupings(score, found, lines);
  static_cast<Saliency&>(found) = find_saliency(
      found.notes.size(), prior,
      [&](std::span<const std::uint8_t> without) { return answer(without_notes(score, found.notes, without)); },
      options);
  found.bar_weights.assign(found.bars.empty() ? 0 : found.bars.back() + 1, 0.0);
  for (std::size_t i = 0; i < found.notes.size(); ++i) found.bar_weights[found.bars[i]] += found.weights[i];
  return found;
}

nlohmann::json to_json(const ScoreSaliency& saliency, const Score& score, std::span<const std::string> labels,
                       std::size_t most) {
  EUTERPE_ASSERT(saliency.label < labels.size() && saliency.runner_up < labels.size());
  const auto lines = score.bar_lines();
  const TempoMap time(score);
  const auto seconds = [&](std::int64_t tick) { return time.seconds_at(Ticks{tick}).value; };
  std::vector<std::size_t> order(saliency.bar_weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return saliency.bar_weights[a] > saliency.bar_weights[b]; });
  nlohmann::json bars = nlohmann::json::array(), notes = nlohmann::json::array();
  for (const std::size_t i : std::span(order).first(std::min(most, order.size()))) {
    const std::size_t bar = saliency.first_bar + i;
    const std::int64_t end = bar + 1 < lines.size() ? lines[bar + 1] : score.end_tick();
    bars.push_back(
        {{"bar", bar + 1}, {"weight", saliency.bar_weights[i]}, {"begin", seconds(lines[bar])}, {"end", seconds(end)}});
  }
  for (const std::size_t i : std::span(saliency.salient).first(std::min(most, saliency.salient.size()))) {
    const Note& note = note_at(score, saliency.notes[i]);
    notes.push_back({{"bar", saliency.bars[i] + 1},
                     {"track", saliency.notes[i].track + 1},
                     {"pitch", note.pitch},
                     {"name", pitch_name(note.pitch)},
                     {"begin", seconds(note.start)},
                     {"end", seconds(note.end())},
                     {"weight", saliency.weights[i]}});
  }
  return {{"answer", labels[saliency.label]},
          {"probability", saliency.probability},
          {"runner_up", labels[saliency.runner_up]},
          {"runner_up_probability", saliency.runner_up_probability},
          {"passes", saliency.passes},
          {"bars", bars},
          {"notes", notes}};
}

}  // namespace euterpe
