#include "compose/chorale_composer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "compose/chorale.hpp"
#include "compose/splice.hpp"
#include "nn/voice_contexts.hpp"
#include "score/harmony.hpp"
#include "score/voice_grid.hpp"
#include "score/voice_leading.hpp"

namespace euterpe {
namespace {

constexpr int kMaxAttempts = 8;
constexpr double kTempo = 80;  // quarter notes a minute, where none is asked
constexpr std::int64_t kStepTicks = 120;
constexpr int kTicksPerQuarter = 480;
constexpr std::size_t kBarSteps = 16;
constexpr std::size_t kSilence = 8;  // sixteenths without melody during which nobody sings

/// Starts of the bars of `score` in sixteenths, the end included; empty if one of them is off the sixteenths.
std::vector<std::size_t> bar_steps(const Score& score) {
  std::vector<std::size_t> out;
  for (const std::int64_t tick : score.bar_lines()) {
    if (tick * 4 % score.ticks_per_quarter != 0) return {};
    out.push_back(static_cast<std::size_t>(tick * 4 / score.ticks_per_quarter));
  }
  return out;
}

/// Sixteenths of `bars` more bars in the meter in which `score` ends.
std::size_t further_steps(const Score& score, int bars) {
  const TimeSignature& meter = score.meter_at(score.bar_lines().back());
  return static_cast<std::size_t>(bars) * 16 * meter.numerator / meter.denominator;
}

std::vector<TimeSignature> rescaled_meters(const Score& score) {
  std::vector<TimeSignature> out = score.meters;
  for (TimeSignature& m : out) m.tick = m.tick * kTicksPerQuarter / score.ticks_per_quarter;
  return out;
}

/// The grid says no repeated note from a held one; where this one is held over a bar line it is sung anew there, as in
/// the pieces that were learned from.
void cut_at_bar_lines(Score& score) {
  const auto lines = score.bar_lines();
  for (Track& track : score.tracks) {
    std::vector<Note> cut;
    for (Note note : track.notes)
      for (auto line = std::upper_bound(lines.begin(), lines.end(), note.start);; ++line) {
        const std::int64_t end = note.end();
        if (line == lines.end() || end <= *line) {
          cut.push_back(note);
          break;
        }
        Note head = note;
        head.duration = *line - note.start;
        cut.push_back(head);
        note.start = *line;
        note.duration = end - *line;
      }
    track.notes = std::move(cut);
  }
  score.sort();
}

/// Four tracks in bars of these meters. \param first the sixteenth at which the steps begin
Score sung(std::vector<VoicePitches> steps, std::size_t first, std::vector<TimeSignature> meters, double tempo) {
  steps.insert(steps.begin(), first, {kGridRest, kGridRest, kGridRest, kGridRest});
  Score score = voice_score({"", std::move(steps)}, tempo);
  if (!meters.empty()) score.meters = std::move(meters);
  cut_at_bar_lines(score);
  return score;
}

/// The bars from tick `from` on alone.
Score from_tick(Score score, std::int64_t from) {
  const TimeSignature meter = score.meter_at(from);
  for (Track& track : score.tracks) {
    std::erase_if(track.notes, [&](const Note& n) { return n.start < from; });
    for (Note& n : track.notes) n.start -= from;
  }
  std::erase_if(score.meters, [&](const TimeSignature& m) { return m.tick <= from; });
  for (TimeSignature& m : score.meters) m.tick -= from;
  score.meters.insert(score.meters.begin(), meter);
  score.meters.front().tick = 0;
  return score;
}

/// The highest note at each sixteenth.
std::vector<std::int8_t> soprano_of(const Score& melody) {
  const double ticks = melody.ticks_per_quarter / 4.0;
  const auto step = [&](std::int64_t tick) {
    return static_cast<std::size_t>(std::max(0L, std::lround(static_cast<double>(tick) / ticks)));
  };
  std::vector<std::int8_t> out;
  for (const Track& track : melody.tracks)
    for (const Note& n : track.notes) {
      const std::size_t begin = step(n.start), end = std::max(begin + 1, step(n.end()));
      if (end > kMostSopranoSteps) return {};
      if (out.size() < end) out.resize(end, kGridRest);
      for (std::size_t t = begin; t < end; ++t) out[t] = std::max(out[t], static_cast<std::int8_t>(n.pitch));
    }
  return out;
}

/// Octaves by which the melody must be moved to lie in the soprano's range as well as it can; nothing if a note would
/// stand outside what a voice can have.
std::optional<int> octave_of(const std::vector<std::int8_t>& soprano) {
  std::optional<int> best;
  long most = -1;
  for (int octave = 0; octave <= 4; ++octave)
    for (const int up : {12 * octave, -12 * octave}) {
      long inside = 0;
      bool possible = true;
      for (const std::int8_t pitch : soprano) {
        if (pitch == kGridRest) continue;
        possible &= pitch + up >= kLowestVoice && pitch + up <= kHighestVoice;
        inside += pitch + up >= kVoiceRanges[0][0] && pitch + up <= kVoiceRanges[0][1];
      }
      if (possible && inside > most) most = inside, best = up;
    }
  return best;
}

/// Tracks of `score` in the order in which the piece's own voices stand; voices go from high to low in `score`.
void order_as(Score& score, const Score& piece) {
  std::vector<std::pair<double, std::size_t>> voices;
  for (const Track& track : piece.tracks) {
    if (track.notes.empty()) continue;
    double sum = 0;
    for (const Note& n : track.notes) sum += n.pitch;
    voices.emplace_back(-sum / static_cast<double>(track.notes.size()), voices.size());
  }
  EUTERPE_ASSERT(voices.size() == score.tracks.size());
  std::stable_sort(voices.begin(), voices.end());
  std::vector<Track> tracks(voices.size());
  for (std::size_t v = 0; v < voices.size(); ++v) tracks[voices[v].second] = std::move(score.tracks[v]);
  score.tracks = std::move(tracks);
}

bool in_key(const Score& score, const KeyEstimate& key) {
  const KeyEstimate heard = estimate_global_key(score);
  return heard.tonic == key.tonic && heard.minor == key.minor;
}

}  // namespace

std::string beyond_chorales(const ComposeOptions& o) {
  if (!o.chords.empty()) return "chords";
  if (o.emotion) return "emotions";
  if (o.density) return "density";
  if (o.height) return "registers";
  if (o.sampling.guidance.value_or(1) != 1) return "guidance";
  if (o.sampling.repetition_penalty != 0) return "a penalty on repetition";
  if (o.meter && *o.meter != "4/4") return "the meter " + *o.meter;
  if (const Score* given = o.prompt ? o.prompt : o.gap_in) {
    for (const Track& track : given->tracks)
      if (track.drums && !track.notes.empty()) return "a piece with drums";
    try {
      if (voice_grid(*given).steps.empty()) return "a piece shorter than a sixteenth";
    } catch (const Error& e) {
      return fmt::format("a piece of other than four voices ({})", e.what());
    }
    const std::vector<std::size_t> lines = bar_steps(*given);
    if (lines.empty()) return "bars that begin off the sixteenths";
    if (lines.back() + (o.prompt ? further_steps(*given, o.bars) : 0) > kMostChoraleSteps)
      return fmt::format("pieces of more than {} sixteenths", kMostChoraleSteps);
  }
  if (o.melody) {
    const std::vector<std::int8_t> soprano = soprano_of(melody_of(*o.melody));
    if (soprano.empty()) return fmt::format("melodies of more than {} sixteenths", kMostSopranoSteps);
    if (!octave_of(soprano)) return "a melody of this compass";
  }
  return {};
}

ChoraleComposer::ChoraleComposer(const Model& model) : model_(KeyedModel::load(voice_domain(), model)) {}

Composition ChoraleComposer::compose(const ComposeOptions& o, const StyleWish&) const {
  const std::string beyond = beyond_chorales(o);
  require_wish(beyond.empty(), "a model of chorales has not learned " + beyond, "--model composer may have");
  ChoraleOptions wish;
  wish.seed = o.seed;
  wish.bars = o.bars;
  wish.key = o.key;
  wish.sampling = o.sampling.over({});
  wish.progress = o.progress;
  Composition out;
  out.sampling = wish.sampling;
  if (o.melody) {
    const Score melody = melody_of(*o.melody);
    std::vector<std::int8_t> soprano = soprano_of(melody);
    const int up = *octave_of(soprano);
    for (std::int8_t& pitch : soprano)
      if (pitch != kGridRest) pitch = static_cast<std::int8_t>(pitch + up);
    Chorale chorale = harmonize(model_, soprano, wish);
    auto& steps = chorale.grid.steps;
    for (std::size_t t = 0, silent = 0; t < steps.size(); ++t) {
      silent = soprano[t] == kGridRest ? silent + 1 : 0;
      for (std::size_t back = 0; silent >= kSilence && back < (silent == kSilence ? kSilence : 1); ++back)
        steps[t - back].fill(kGridRest);
      for (std::int8_t& pitch : steps[t])
        if (pitch != kGridRest) pitch = static_cast<std::int8_t>(pitch - up);
    }
    Score full = sung(steps, 0, rescaled_meters(melody), kTempo);
    out.score = with_melody(melody, full);
    full.tracks.erase(full.tracks.begin());
    out.written = std::move(full);
    out.nats_per_token = chorale.nats_per_token;
    out.provenance = {{"bars", out.score.bar_lines().size() - 1}};
    return out;
  }
  if (const Score* given = o.prompt ? o.prompt : o.gap_in) {
    VoiceGrid grid = voice_grid(*given);
    const std::vector<std::size_t> lines = bar_steps(*given);
    // The last bar may be shorter than its meter.
    grid.steps.resize(lines.back(), grid.steps.back());
    const auto total = static_cast<int>(lines.size()) - 1;
    std::size_t from = grid.steps.size(), to = from;
    int first_bar = total, bars = o.bars;
    if (o.gap_in) {
      require_wish(
          o.gap.first >= 1 && o.gap.count >= 1 && o.gap.first + o.gap.count - 1 <= total && o.gap.count < total,
          fmt::format("bars {} to {} cannot be filled in a piece of {} bars", o.gap.first,
                      o.gap.first + o.gap.count - 1, total),
          "bars count from 1, and at least one must stay");
      first_bar = o.gap.first - 1;
      bars = o.gap.count;
      from = lines[static_cast<std::size_t>(first_bar)];
      to = lines[static_cast<std::size_t>(first_bar + bars)];
    } else {
      to += further_steps(*given, bars);
    }
    const std::span<const VoicePitches> all(grid.steps);
    const Chorale chorale = write_between(model_, all.first(from), to - from,
                                          o.gap_in ? all.subspan(to) : std::span<const VoicePitches>{}, wish);
    Score written = sung(chorale.grid.steps, from, rescaled_meters(*given), kTempo);
    out.written = from_tick(written, static_cast<std::int64_t>(from) * kStepTicks);
    order_as(written, *given);
    out.score = splice(*given, written, first_bar, o.gap_in ? std::optional(bars) : std::nullopt);
    out.nats_per_token = chorale.nats_per_token;
    out.provenance = {{"bars", bars}};
    return out;
  }
  bool right_key = false;
  for (out.attempts = 0; !right_key && out.attempts < kMaxAttempts;) {
    wish.seed = out.attempts == 0 ? o.seed : Random::stream(o.seed, static_cast<std::uint64_t>(out.attempts)).next();
    ++out.attempts;
    const Chorale chorale = write_chorale(model_, wish);
    const std::size_t upbeat = static_cast<std::size_t>(o.bars) * kBarSteps - chorale.grid.steps.size();
    Score score = sung(chorale.grid.steps, upbeat, {}, o.tempo.value_or(kTempo));
    right_key = !o.key || in_key(score, *o.key);
    if (!right_key && out.attempts > 1) continue;
    out.score = std::move(score);
    out.nats_per_token = chorale.nats_per_token;
  }
  if (o.key) {
    out.provenance["in_key"] = right_key;
    out.score.keys = {key_signature(*o.key)};
  }
  out.written = out.score;
  out.provenance["bars"] = o.bars;
  return out;
}

}  // namespace euterpe
