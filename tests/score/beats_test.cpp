#include "score/beats.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.hpp"

namespace euterpe {
namespace {

/// Log-odds of a network that is sure of beats at `beats` and of nothing else.
BeatLogOdds sure(const std::vector<Beat>& beats, double seconds, float yes = 2, float no = -5) {
  const auto n = static_cast<std::size_t>(seconds / kBeatHop);
  BeatLogOdds odds{kBeatHop, std::vector<float>(n, no), std::vector<float>(n, no - 1)};
  for (const Beat& beat : beats) {
    const auto t = static_cast<std::size_t>(std::lround(beat.time / kBeatHop));
    if (t >= n) continue;
    odds.beat[t] = beat.position == 1 ? yes - 1 : yes;
    odds.downbeat[t] = beat.position == 1 ? yes : yes - 2;
  }
  return odds;
}

std::vector<Beat> grid(double first, double seconds, double bpm, int bar, double bpm_at_end = 0) {
  std::vector<Beat> beats;
  double t = first;
  for (int i = 0; t < seconds; ++i) {
    beats.push_back({t, i % bar + 1});
    t += 60 / (bpm + (bpm_at_end > 0 ? (bpm_at_end - bpm) * t / seconds : 0));
  }
  return beats;
}

void expect_same(const std::vector<Beat>& found, const std::vector<Beat>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i].time, wanted[i].time, 0.011) << i;
    EXPECT_EQ(found[i].position, wanted[i].position) << i;
  }
}

TEST(DecodeBeats, FindsEveryBeatAndBarFromTheFirstToTheLast) {
  for (const int bar : {3, 4})
    for (const double bpm : {52.0, 97.0, 143.0, 201.0}) {
      const auto wanted = grid(0.21, 30, bpm, bar);
      const BeatTrack track = decode_beats(sure(wanted, 30));
      expect_same(track.beats, wanted);
      EXPECT_EQ(track.beats_per_bar, bar);
      EXPECT_NEAR(track.tempo, bpm, 0.01 * bpm);
      EXPECT_GT(track.confidence, 0.8);
    }
}

TEST(DecodeBeats, FollowsATempoThatChangesSlowly) {
  const auto wanted = grid(0.4, 60, 80, 4, 116);
  expect_same(decode_beats(sure(wanted, 60)).beats, wanted);
}

TEST(DecodeBeats, KeepsTheBeatThroughARest) {
  auto wanted = grid(0.3, 30, 100, 4);
  auto heard = wanted;
  std::erase_if(heard, [](const Beat& beat) { return beat.time > 12 && beat.time < 15; });
  const BeatTrack track = decode_beats(sure(heard, 30));
  ASSERT_EQ(track.beats.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(track.beats[i].time, wanted[i].time, 0.05);
}

TEST(DecodeBeats, DoesNotHalveWhatTheNetworkHearsBadly) {
  // Every beat counts against the path: half of them would cost half as much.
  const auto wanted = grid(0.21, 30, 140, 4);
  expect_same(decode_beats(sure(wanted, 30, -1.2F, -8)).beats, wanted);
}

TEST(DecodeBeats, NothingGivesNothing) {
  EXPECT_TRUE(decode_beats({kBeatHop, {}, {}}).beats.empty());
  EXPECT_EQ(decode_beats({kBeatHop, {}, {}}).tempo, 0);
}

TEST(TrackInWindows, JoinsOverlappingWindowsWithoutAGapOrADouble) {
  const auto wanted = grid(0.2, 3000, 97, 4);
  int windows = 0;
  const BeatTrack track = track_in_windows(3000, [&](double from, double to) {
    ++windows;
    EXPECT_LE(to - from, 600);
    BeatTrack part;
    // Each window hears the beats a little differently.
    for (const Beat& beat : wanted)
      if (beat.time >= from && beat.time < to) part.beats.push_back({beat.time + 0.004 * (windows % 3), beat.position});
    part.tempo = 97;
    part.beats_per_bar = 4;
    part.confidence = 0.5;
    return part;
  });
  EXPECT_EQ(windows, 6);
  ASSERT_EQ(track.beats.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(track.beats[i].time, wanted[i].time, 0.01);
  EXPECT_EQ(track.beats_per_bar, 4);
  EXPECT_NEAR(track.confidence, 0.5, 1e-9);
}

TEST(ChromaChange, IsHighWhereTheHarmonyChangesAndZeroWhereItStays) {
  std::vector<float> chroma(12 * 40);
  for (std::size_t t = 0; t < 40; ++t) chroma[(t < 20 ? 0 : 7) * 40 + t] = 1;
  const auto change = chroma_change(chroma, 40, 5);
  EXPECT_NEAR(change[20], 1, 1e-5);
  EXPECT_NEAR(change[8], 0, 1e-5);
  EXPECT_NEAR(change[32], 0, 1e-5);
}

/// A pop accompaniment: bass and chord at each bar, broken chord in eighths, melody in quarters; in quarters.
Score song(int bars, int bar = 4) {
  Score score;
  score.meters = {{0, static_cast<std::uint8_t>(bar), 4}};
  Track& track = add_track(score, "piano", 0, 0);
  const int roots[] = {0, 9, 5, 7};
  Random random(3);
  const auto add = [&](double quarter, double length, int pitch, int velocity) {
    track.notes.push_back({static_cast<std::int64_t>(quarter * 480), static_cast<std::int64_t>(length * 480),
                           static_cast<std::uint8_t>(pitch), static_cast<std::uint8_t>(velocity)});
  };
  for (int b = 0; b < bars; ++b) {
    const int root = 48 + roots[b % 4], at = b * bar;
    add(at, bar, root - 12, 95);
    for (int e = 0; e < 2 * bar; ++e) add(at + e / 2.0, 0.5, root + (e % 2 == 0 ? 7 : e % 4 == 1 ? 12 : 16), 60);
    for (const int third : {0, 4, 7}) add(at, 1, root + third, 80);
    for (int q = 0; q < bar; ++q) add(at + q, 1, root + 24 + static_cast<int>(random.below(3)) * 4, q == 0 ? 100 : 85);
  }
  score.sort();
  return score;
}

/// What a recorder makes of a performance: notes at their seconds, ticks of 120 beats a minute, no bar that means
/// anything. `bpm` is the player's tempo; onsets scatter by 8 ms.
Score recorded(const Score& score, double bpm, double begin) {
  Score out = score;
  out.tempos.clear();
  Random random(5);
  for (Track& track : out.tracks)
    for (Note& note : track.notes) {
      const auto tick = [&](std::int64_t t) { return (begin + t / 480.0 * 60 / bpm) * 960; };
      const double length = tick(note.duration) - tick(0);
      note.start = std::max<std::int64_t>(0, std::llround(tick(note.start) + random.normal() * 0.008 * 960));
      note.duration = std::llround(length);
    }
  out.sort();
  return out;
}

TEST(ScoreBeats, ANotatedScoreHasItsOwnBeatsAndBars) {
  Score score = song(12, 3);
  score.tempos = {{0, 600000}, {6 * 3 * 480, 500000}};
  const BeatTrack track = score_beats(score);
  ASSERT_EQ(track.beats.size(), 36U);
  EXPECT_EQ(track.beats_per_bar, 3);
  EXPECT_EQ(track.confidence, 1);
  for (std::size_t i = 0; i < 36; ++i) {
    EXPECT_NEAR(track.beats[i].time, i < 18 ? 0.6 * i : 10.8 + 0.5 * (i - 18), 1e-6);
    EXPECT_EQ(track.beats[i].position, static_cast<int>(i % 3) + 1);
  }
}

TEST(ScoreBeats, APerformanceIsHeardWhenItsBarLinesMeanNothing) {
  const Score score = recorded(song(24), 93, 0.37);
  const BeatTrack track = score_beats(score);
  EXPECT_NEAR(track.tempo, 93, 1);
  EXPECT_EQ(track.beats_per_bar, 4);
  int right = 0;
  for (int beat = 0; beat < 96; ++beat) {
    const double at = 0.37 + beat * 60 / 93.0;
    right += std::any_of(track.beats.begin(), track.beats.end(), [&](const Beat& found) {
      return std::abs(found.time - at) < 0.07 && (found.position == 1) == (beat % 4 == 0);
    });
  }
  EXPECT_GE(right, 90);
  EXPECT_LE(track.beats.size(), 99U);
}

TEST(ScoreBeats, DottedBeatsInCompoundMeter) {
  Score score;
  score.meters = {{0, 6, 8}};
  Track& track = add_track(score, "flute", 73, 0);
  for (int i = 0; i < 48; ++i) track.notes.push_back({i * 240, 240, static_cast<std::uint8_t>(60 + i % 5), 80});
  const BeatTrack found = notated_beats(score);
  ASSERT_EQ(found.beats.size(), 16U);
  EXPECT_EQ(found.beats_per_bar, 2);
  EXPECT_NEAR(found.tempo, 80, 1e-6);
}

TEST(ScoreBeats, AnEmptyScoreHasNone) {
  EXPECT_TRUE(score_beats(Score{}).beats.empty());
  EXPECT_TRUE(track_beats(std::vector<TimedNote>{}).beats.empty());
}

TEST(ScoreBeats, TwoNotesADayApartTakeLittleMemory) {
  Score score;
  Track& track = add_track(score, "piano", 0, 0);
  track.notes = {{0, 480, 60, 80}, {480 * 2 * 86400, 480, 62, 80}};
  const BeatTrack found = score_beats(score);
  EXPECT_LT(found.beats.size(), 5000U);
}

}  // namespace
}  // namespace euterpe
