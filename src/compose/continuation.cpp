#include "compose/continuation.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace euterpe {

Score continuation(const Score& prompt, const Score& written, int prompt_bars) {
  Score out = prompt;
  const auto prompt_lines = prompt.bar_lines();
  const auto written_lines = written.bar_lines();
  EUTERPE_ASSERT(static_cast<std::size_t>(prompt_bars) < written_lines.size());
  const std::int64_t seam = written_lines[static_cast<std::size_t>(prompt_bars)];
  // The same bar line in the prompt's own ticks. On the grid a last note that hangs over by a tick or so begins no bar
  // more.
  const std::int64_t start = prompt_lines[std::min(static_cast<std::size_t>(prompt_bars), prompt_lines.size() - 1)];
  std::vector<std::size_t> sounding;
  for (std::size_t i = 0; i < out.tracks.size(); ++i)
    if (!out.tracks[i].notes.empty()) sounding.push_back(i);
  const bool one_to_one = sounding.size() == written.tracks.size();
  auto ticks = [&](std::int64_t t) {
    return (t * prompt.ticks_per_quarter + written.ticks_per_quarter / 2) / written.ticks_per_quarter;
  };
  for (std::size_t part = 0; part < written.tracks.size(); ++part) {
    const Track& from = written.tracks[part];
    std::size_t target = sounding.front();
    if (one_to_one) {
      target = sounding[part];
    } else {
      for (std::size_t i : sounding)
        if (out.tracks[i].drums == from.drums && (from.drums || out.tracks[i].program == from.program)) {
          target = i;
          break;
        }
    }
    Track& to = out.tracks[target];
    const Note like =
        to.notes.back();  // the continuation goes on at the loudness and on the channel of what it continues
    for (Note note : from.notes) {
      if (note.start < seam) continue;
      const std::int64_t begin = start + ticks(note.start - seam);
      note.duration = std::max<std::int64_t>(1, start + ticks(note.end() - seam) - begin);
      note.start = begin;
      note.channel = like.channel;
      note.velocity = like.velocity;
      to.notes.push_back(note);
    }
    // A prompt's note may ring on over the seam; where its pitch begins again it ends.
    std::sort(to.notes.begin(), to.notes.end());
    for (std::size_t i = 0; i < to.notes.size(); ++i)
      for (std::size_t j = i + 1; j < to.notes.size() && to.notes[j].start < to.notes[i].end(); ++j)
        if (to.notes[j].start >= start && to.notes[i].start < start && to.notes[j].pitch == to.notes[i].pitch)
          to.notes[i].duration = to.notes[j].start - to.notes[i].start;
  }
  for (TimeSignature m : written.meters)
    if (m.tick >= seam) {
      m.tick = start + ticks(m.tick - seam);
      out.meters.push_back(m);
    }
  out.sort();
  return out;
}

}  // namespace euterpe
