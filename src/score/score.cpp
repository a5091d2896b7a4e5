#include "score/score.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

/// A crafted file may put a note at tick 2^40 under a meter of 1/128; no piece of music has so many bars.
constexpr std::size_t kMaxBars = 1'000'000;

auto note_order(const Note& n) {
  return std::make_tuple(n.start, n.pitch, n.duration, n.velocity, n.channel, n.release);
}

void sort_notes(std::vector<Note>& notes) {
  const auto before = [](const Note& a, const Note& b) { return note_order(a) < note_order(b); };
  if (!std::is_sorted(notes.begin(), notes.end(), before)) std::sort(notes.begin(), notes.end(), before);
}

int key_of(const Note& n) { return n.channel * 128 + n.pitch; }

/// MIDI cannot say which of two sounding notes of one channel and pitch a note-off ends: the first that began does.
/// Where a note lies wholly inside another of its key, their ends are exchanged; what sounds is the same.
void end_in_order_of_start(std::vector<Note>& notes) {
  std::map<int, std::int64_t> last_end;
  bool nested = false;
  for (const Note& n : notes) {
    auto [it, fresh] = last_end.try_emplace(key_of(n), n.end());
    nested = nested || (!fresh && n.end() < it->second);
    it->second = std::max(it->second, n.end());
  }
  if (!nested) return;

  std::map<int, std::vector<std::size_t>> by_key;
  for (std::size_t i = 0; i < notes.size(); ++i) by_key[key_of(notes[i])].push_back(i);
  for (const auto& [key, members] : by_key) {
    std::vector<std::pair<std::int64_t, std::uint8_t>> ends;  // tick, release velocity
    for (std::size_t i : members) ends.emplace_back(notes[i].end(), notes[i].release);
    const auto earlier = [](const auto& a, const auto& b) { return a.first < b.first; };
    if (std::is_sorted(ends.begin(), ends.end(), earlier)) continue;
    std::stable_sort(ends.begin(), ends.end(), earlier);
    // The k-th end is never before the k-th start, for at least k notes have begun by then.
    for (std::size_t k = 0; k < members.size(); ++k) {
      Note& n = notes[members[k]];
      n.duration = ends[k].first - n.start;
      n.release = ends[k].second;
    }
  }
  sort_notes(notes);
}

template <class Events>
void sort_by_tick(Events& events) {
  const auto before = [](const auto& a, const auto& b) { return a.tick < b.tick; };
  if (!std::is_sorted(events.begin(), events.end(), before)) std::stable_sort(events.begin(), events.end(), before);
}

}  // namespace

std::size_t Score::note_count() const {
  std::size_t n = 0;
  for (const Track& track : tracks) n += track.notes.size();
  return n;
}

std::int64_t Score::end_tick() const {
  std::int64_t end = 0;
  for (const Track& track : tracks) {
    for (const Note& n : track.notes) end = std::max(end, n.end());
  }
  return end;
}

Seconds Score::seconds_at(Ticks tick) const { return TempoMap(*this).seconds_at(tick); }
Ticks Score::tick_at(Seconds time) const { return TempoMap(*this).tick_at(time); }
Seconds Score::duration() const { return seconds_at(Ticks(end_tick())); }

const TimeSignature& Score::meter_at(std::int64_t tick) const {
  static const TimeSignature common_time{};
  const auto after = std::upper_bound(meters.begin(), meters.end(), tick,
                                      [](std::int64_t t, const TimeSignature& m) { return t < m.tick; });
  return after == meters.begin() ? common_time : *std::prev(after);
}

std::vector<std::int64_t> Score::bar_lines() const {
  EUTERPE_ASSERT(ticks_per_quarter > 0);
  const std::int64_t end = end_tick();
  std::vector<std::int64_t> lines{0};
  std::int64_t origin =
      0;  // where the meter in force began; bars are counted from there, so that rounding never adds up
  std::int64_t bars = 0;
  while (lines.back() < end) {
    const TimeSignature& meter = meter_at(lines.back());
    const auto next_meter = std::upper_bound(meters.begin(), meters.end(), lines.back(),
                                             [](std::int64_t t, const TimeSignature& m) { return t < m.tick; });
    ++bars;
    const std::int64_t whole = std::int64_t{4} * ticks_per_quarter * std::max<int>(1, meter.numerator) * bars;
    const std::int64_t denominator = std::max<int>(1, meter.denominator);
    std::int64_t line = std::max(lines.back() + 1, origin + (whole + denominator / 2) / denominator);
    // A meter change begins a bar, even where the old meter's bar is not full.
    if (next_meter != meters.end() && next_meter->tick <= line) {
      line = next_meter->tick;
      origin = line;
      bars = 0;
    }
    if (lines.size() >= kMaxBars) {
      throw Error(Category::bad_input, "bar_lines", "the score is longer than 1,000,000 bars",
                  "a time signature or a note's time is probably damaged");
    }
    lines.push_back(line);
  }
  return lines;
}

std::vector<Note> Score::merged_notes(bool with_drums) const {
  std::vector<Note> notes;
  notes.reserve(note_count());
  for (const Track& track : tracks) {
    for (const Note& n : track.notes) {
      // A format 0 file has all channels on one track, so the channel counts too.
      if (with_drums || (!track.drums && n.channel != 9)) notes.push_back(n);
    }
  }
  sort_notes(notes);
  return notes;
}

void Score::sort() {
  for (Track& track : tracks) {
    sort_notes(track.notes);
    end_in_order_of_start(track.notes);
    sort_by_tick(track.events);
    sort_by_tick(track.texts);
  }
  sort_by_tick(tempos);
  sort_by_tick(meters);
  sort_by_tick(keys);
}

Track& add_track(Score& score, std::string name, int program, int channel) {
  EUTERPE_ASSERT(program >= 0 && program <= 127 && channel >= 0 && channel <= 15);
  Track& track = score.tracks.emplace_back();
  track.program = static_cast<std::uint8_t>(program);
  track.drums = channel == 9;
  track.events.push_back(ChannelEvent{.tick = 0,
                                      .status = 0xC0,
                                      .channel = static_cast<std::uint8_t>(channel),
                                      .data1 = static_cast<std::uint8_t>(program),
                                      .data2 = 0});
  if (!name.empty()) track.texts.push_back(TextEvent{.tick = 0, .type = 0x03, .text = name});
  track.name = std::move(name);
  return track;
}

}  // namespace euterpe
