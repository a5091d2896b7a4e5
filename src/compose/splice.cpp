#include "compose/splice.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "score/score_melody.hpp"

namespace euterpe {
namespace {

std::int64_t rescaled(std::int64_t tick, int from, int to) { return (tick * to + from / 2) / from; }

/// Of two notes of one pitch that overlap the first ends where the second begins, if one of them is new: what the piece
/// itself has stays as it is.
template <class IsNew>
void cut_overlaps(std::vector<Note>& notes, IsNew&& is_new) {
  std::sort(notes.begin(), notes.end());
  for (std::size_t i = 0; i < notes.size(); ++i)
    for (std::size_t j = i + 1; j < notes.size() && notes[j].start < notes[i].end(); ++j)
      if (notes[j].pitch == notes[i].pitch && notes[j].start > notes[i].start && (is_new(notes[i]) || is_new(notes[j])))
        notes[i].duration = notes[j].start - notes[i].start;
}

}  // namespace

Score melody_of(const Score& score) {
  Score out = score;
  std::vector<std::size_t> playing;
  for (std::size_t i = 0; i < out.tracks.size(); ++i)
    if (!out.tracks[i].notes.empty()) playing.push_back(i);
  if (playing.empty()) throw Error(Category::bad_input, "compose", "the melody holds no note");
  if (std::all_of(playing.begin(), playing.end(), [&](std::size_t i) { return out.tracks[i].drums; }))
    throw Error(Category::bad_input, "compose", "all notes of the melody are drums'",
                "name a file in which a pitched part plays; --continue goes on from drums");
  if (playing.size() > 1) {
    ScoreMelody melody = score_melody(score);
    if (melody.notes.empty()) throw Error(Category::bad_input, "compose", "no melody is found in the score");
    const std::size_t track = melody.track.value_or(playing.front());
    for (std::size_t i : playing)
      if (i != track) out.tracks[i].notes.clear();
    out.tracks[track].notes = std::move(melody.notes);
  }
  std::erase_if(out.tracks, [](const Track& t) { return t.notes.empty() && t.texts.empty() && t.events.empty(); });
  out.sort();
  return out;
}

Score splice(const Score& piece, const Score& written, int from, std::optional<int> bars) {
  constexpr auto kNever = std::numeric_limits<std::int64_t>::max();
  Score out = piece;
  const auto piece_lines = piece.bar_lines(), written_lines = written.bar_lines();
  const auto first = static_cast<std::size_t>(from);
  EUTERPE_ASSERT(first < written_lines.size());
  const std::int64_t seam = written_lines[first];
  // The same bar line in the piece's own ticks. On the grid a last note that hangs over by a tick or so begins no bar
  // more.
  const std::int64_t start = piece_lines[std::min(first, piece_lines.size() - 1)];
  const std::size_t last = first + static_cast<std::size_t>(bars.value_or(0));
  const std::int64_t seam_end = bars && last < written_lines.size() ? written_lines[last] : kNever;
  const std::int64_t end = bars && last < piece_lines.size() ? piece_lines[last] : kNever;
  const auto is_new = [&](const Note& n) { return n.start >= start && n.start < end; };
  std::vector<std::size_t> sounding;
  for (std::size_t i = 0; i < out.tracks.size(); ++i)
    if (!out.tracks[i].notes.empty()) sounding.push_back(i);
  const bool one_to_one = sounding.size() == written.tracks.size();
  auto ticks = [&](std::int64_t t) { return rescaled(t, written.ticks_per_quarter, piece.ticks_per_quarter); };
  std::vector<Note> like(out.tracks.size());
  for (std::size_t i : sounding) {
    std::vector<Note>& notes = out.tracks[i].notes;
    const auto after = std::find_if(notes.begin(), notes.end(), [&](const Note& n) { return n.start >= start; });
    like[i] = after == notes.begin() ? notes.front() : *(after - 1);
    std::erase_if(notes, is_new);
  }
  for (std::size_t part = 0; part < written.tracks.size(); ++part) {
    const Track& source = written.tracks[part];
    std::size_t target = sounding.front();
    if (one_to_one) {
      target = sounding[part];
    } else {
      for (std::size_t i : sounding)
        if (out.tracks[i].drums == source.drums && (source.drums || out.tracks[i].program == source.program)) {
          target = i;
          break;
        }
    }
    Track& to = out.tracks[target];
    for (Note note : source.notes) {
      if (note.start < seam || note.start >= seam_end) continue;
      const std::int64_t begin = start + ticks(note.start - seam);
      note.duration = std::max<std::int64_t>(1, start + ticks(note.end() - seam) - begin);
      note.start = begin;
      note.channel = like[target].channel;
      note.velocity = like[target].velocity;
      to.notes.push_back(note);
    }
    cut_overlaps(to.notes, is_new);
  }
  if (!bars)
    for (TimeSignature m : written.meters)
      if (m.tick >= seam) {
        m.tick = start + ticks(m.tick - seam);
        if (!out.meters.empty() && out.meters.back().tick >= m.tick) continue;
        out.meters.push_back(m);
      }
  out.sort();
  return out;
}

Score with_melody(const Score& melody, const Score& written) {
  Score out = melody;
  std::vector<bool> taken(16);
  for (const Track& track : melody.tracks)
    for (const Note& n : track.notes) taken[n.channel] = true;
  std::size_t channel = 0;
  for (std::size_t i = 1; i < written.tracks.size(); ++i) {
    Track track = written.tracks[i];
    if (!track.drums) {
      while (channel < 15 && (taken[channel] || channel == 9)) ++channel;
      for (Note& n : track.notes) n.channel = static_cast<std::uint8_t>(channel);
      for (ChannelEvent& e : track.events) e.channel = static_cast<std::uint8_t>(channel);
      if (channel < 15) taken[channel] = true;
    }
    for (Note& n : track.notes) {
      const std::int64_t end = rescaled(n.end(), written.ticks_per_quarter, melody.ticks_per_quarter);
      n.start = rescaled(n.start, written.ticks_per_quarter, melody.ticks_per_quarter);
      n.duration = std::max<std::int64_t>(1, end - n.start);
    }
    out.tracks.push_back(std::move(track));
  }
  out.sort();
  return out;
}

}  // namespace euterpe
