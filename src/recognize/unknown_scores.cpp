#include "recognize/unknown_scores.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kMostUnlike = 400;   // examples of what is no music, twice as many as pieces at most
constexpr std::size_t kMostForeign = 400;  // and of music without a name
constexpr std::size_t kMostViews = 4;      // of one score: long ones shall not drown others
constexpr std::size_t kLeastPassage = 64;  // notes
constexpr std::uint8_t kFlatVelocity = 80;
constexpr int kLowestDrum = 35, kHighestDrum = 59;  // General MIDI percussion that kits have

std::uint8_t within(int pitch, bool drums) {
  return static_cast<std::uint8_t>(drums ? std::clamp(pitch, kLowestDrum, kHighestDrum) : std::clamp(pitch, 21, 108));
}

std::uint8_t any_pitch(int center, bool drums, Random& random) {
  if (drums) return static_cast<std::uint8_t>(kLowestDrum + random.below(kHighestDrum - kLowestDrum + 1));
  return within(center + static_cast<int>(random.below(49)) - 24, false);
}

/// The notes of one track and the span of the passage, in ticks.
struct Passage {
  std::vector<Note>& notes;
  bool drums;
  std::int64_t length;
  int center;
};

void random_pitches(Passage& p, Random& random) {
  for (Note& note : p.notes) note.pitch = any_pitch(p.center, p.drums, random);
}

void shuffled_pitches(Passage& p, Random& random) {
  std::vector<std::uint8_t> pitches;
  for (const Note& note : p.notes) pitches.push_back(note.pitch);
  random.shuffle(pitches);
  for (std::size_t i = 0; i < pitches.size(); ++i) p.notes[i].pitch = pitches[i];
}

void one_pitch(Passage& p, Random& random) {
  const std::uint8_t pitch = any_pitch(p.center, p.drums, random);
  for (Note& note : p.notes) note.pitch = pitch;
}

void moved_pitches(Passage& p, Random& random) {
  for (Note& note : p.notes) note.pitch = within(note.pitch + static_cast<int>(random.below(13)) - 6, p.drums);
}

void chromatic_walk(Passage& p, Random& random) {
  int pitch = any_pitch(p.center, p.drums, random), step = random.below(2) == 0 ? 1 : -1;
  for (Note& note : p.notes) {
    if (random.below(12) == 0 || std::abs(pitch + step - p.center) > 24) step = -step;
    note.pitch = within(pitch += step, p.drums);
  }
}

void clusters(Passage& p, Random& random) {
  const auto size = 2 + random.below(4);
  for (std::size_t i = 0; i < p.notes.size(); ++i)
    p.notes[i].pitch = within(p.notes[i - i % size].pitch + static_cast<int>(i % size), p.drums);
  for (std::size_t i = 0; i < p.notes.size(); ++i) p.notes[i].start = p.notes[i - i % size].start;
}

void random_onsets(Passage& p, Random& random) {
  for (Note& note : p.notes)
    note.start =
        static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(std::max<std::int64_t>(1, p.length))));
}

void all_random(Passage& p, Random& random) {
  random_pitches(p, random);
  random_onsets(p, random);
}

constexpr std::array<void (*)(Passage&, Random&), 8> kWays{
    random_pitches, shuffled_pitches, one_pitch, moved_pitches, chromatic_walk, clusters, random_onsets, all_random};

/// At most `wanted` neighboring notes of all tracks, from anywhere in the score, moved to begin at 0.
Score passage_of(const Score& score, std::size_t wanted, Random& random) {
  const auto notes = score.merged_notes(true);
  const std::size_t most = std::min(notes.size(), wanted), first = random.below(notes.size() - most + 1);
  const std::int64_t from = notes[first].start, to = notes[first + most - 1].start;
  Score part;
  part.ticks_per_quarter = score.ticks_per_quarter;
  const auto tempo = std::ranges::upper_bound(score.tempos, from, {}, &Tempo::tick);
  if (tempo != score.tempos.begin()) part.tempos.push_back({0, std::prev(tempo)->microseconds_per_quarter});
  for (const Track& track : score.tracks) {
    Track kept;
    kept.program = track.program;
    kept.drums = track.drums;
    kept.name = track.name;
    for (Note note : track.notes)
      if (note.start >= from && note.start <= to) {
        note.start -= from;
        kept.notes.push_back(note);
      }
    if (!kept.notes.empty()) part.tracks.push_back(std::move(kept));
  }
  return part;
}

void flatten(Score& score) {
  for (Track& track : score.tracks)
    for (Note& note : track.notes) note.velocity = kFlatVelocity;
}

/// Evenly spread, kMostViews at most.
std::vector<std::vector<float>> few(std::vector<std::vector<float>> views) {
  if (views.size() <= kMostViews) return views;
  std::vector<std::vector<float>> chosen;
  for (std::size_t k = 0; k < kMostViews; ++k) chosen.push_back(std::move(views[k * views.size() / kMostViews]));
  return chosen;
}

}  // namespace

std::vector<Score> unlike_scores(std::span<const Score> real, int count, std::uint64_t seed) {
  std::vector<const Score*> donors;
  for (const Score& score : real)
    if (score.note_count() > 0) donors.push_back(&score);
  EUTERPE_ASSERT(!donors.empty());
  std::vector<Score> scores;
  for (int i = 0; i < count; ++i) {
    Random random = Random::stream(seed, static_cast<std::uint64_t>(i));
    Score score = passage_of(*donors[random.below(donors.size())], kUnlikeNotes, random);
    const std::int64_t length = score.end_tick();
    for (Track& track : score.tracks) {
      std::vector<std::uint8_t> pitches;
      for (const Note& note : track.notes) pitches.push_back(note.pitch);
      std::ranges::nth_element(pitches, pitches.begin() + static_cast<std::ptrdiff_t>(pitches.size() / 2));
      Passage passage{track.notes, track.drums, length, pitches[pitches.size() / 2]};
      kWays[static_cast<std::size_t>(i) % kWays.size()](passage, random);
    }
    score.sort();
    scores.push_back(std::move(score));
  }
  return scores;
}

UnknownDetector fit_unknown_scores(std::span<const KnownScore> known, std::span<const Score> foreign,
                                   const ScoreViews& views, std::uint64_t seed) {
  std::vector<Score> donors;
  for (const KnownScore& piece : known) donors.push_back(*piece.score);
  std::vector<Score> unlike = unlike_scores(donors, static_cast<int>(std::min(2 * known.size(), kMostUnlike)), seed);
  for (std::size_t i = 0; i < unlike.size(); ++i)
    if (i / kWays.size() % 2 == 1) flatten(unlike[i]);
  const std::size_t taken = std::min(foreign.size(), kMostForeign);
  using Views = std::vector<std::vector<float>>;
  std::vector<Views> whole(known.size()), passages(known.size()), others(unlike.size() + taken);
  parallel_for(known.size(), [&](std::size_t i) {
    whole[i] = few(views(*known[i].score));
    if (whole[i].empty()) return;
    Random random = Random::stream(seed + 1, i);
    Score passage = passage_of(*known[i].score, kLeastPassage + random.below(kUnlikeNotes - kLeastPassage), random);
    flatten(passage);
    passages[i] = few(views(passage));
  });
  parallel_for(others.size(), [&](std::size_t i) {
    others[i] = few(views(i < unlike.size() ? unlike[i] : foreign[(i - unlike.size()) * foreign.size() / taken]));
  });
  Examples here, elsewhere;
  const auto add = [](Examples& examples, const Views& rows, int label, const std::string& group, std::size_t item) {
    for (const auto& row : rows) examples.add(row, label, group, static_cast<int>(item));
  };
  for (std::size_t i = 0; i < known.size(); ++i) {
    add(here, whole[i], 0, known[i].group, 2 * i);
    add(here, passages[i], -1, known[i].group, 2 * i + 1);
  }
  for (std::size_t i = 0; i < others.size(); ++i) add(elsewhere, others[i], 1, std::to_string(i), i);
  return UnknownDetector::fit(here, elsewhere, {.seed = seed});
}

}  // namespace euterpe
