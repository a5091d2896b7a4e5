#include "score/harmony.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>

#include "score/chord_decoding.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace {

struct Played {
  int root;
  ChordQuality quality;
};

/// One bar of 4/4 for each chord at 120 bpm: its root in the bass on every half, the chord above on every quarter.
Score play(const std::vector<Played>& chords, std::int64_t delay = 0) {
  Score score;
  Track& piano = add_track(score, "", 0, 0);
  for (std::size_t bar = 0; bar < chords.size(); ++bar) {
    const auto start = static_cast<std::int64_t>(bar) * 1920 + delay;
    for (std::int64_t quarter = 0; quarter < 4; ++quarter) {
      const std::int64_t at = start + quarter * 480;
      if (quarter % 2 == 0)
        piano.notes.push_back({at, 900, static_cast<std::uint8_t>(36 + chords[bar].root), 80, 0, 64});
      for (int i = 0; i < 12; ++i)
        if (chord_intervals(chords[bar].quality) >> i & 1)
          piano.notes.push_back({at, 440, static_cast<std::uint8_t>(60 + (chords[bar].root + i) % 12), 80, 0, 64});
    }
  }
  score.sort();
  return score;
}

constexpr ChordQuality kMaj = ChordQuality::major, kMin = ChordQuality::minor;

/// I IV V I, twice.
std::vector<Played> cadences(int tonic, bool minor) {
  std::vector<Played> out;
  for (int i = 0; i < 2; ++i)
    for (const Played c :
         {Played{0, minor ? kMin : kMaj}, {5, minor ? kMin : kMaj}, {7, kMaj}, {0, minor ? kMin : kMaj}})
      out.push_back({(tonic + c.root) % 12, c.quality});
  return out;
}

TEST(EstimateChords, finds_each_chord_where_it_is_played) {
  const auto chords = estimate_chords(play({{0, kMaj}, {9, kMin}, {5, kMaj}, {7, ChordQuality::dominant7}, {0, kMaj}}));
  ASSERT_EQ(chords.size(), 5u);
  const char* names[] = {"C:maj", "A:min", "F:maj", "G:7", "C:maj"};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(chords[i].chord.name(), names[i]);
    EXPECT_NEAR(chords[i].start, 2.0 * static_cast<double>(i), 0.01);
    EXPECT_GT(chords[i].confidence, 0.7);
    EXPECT_LE(chords[i].confidence, 1);
  }
}

TEST(EstimateChords, finds_the_beats_of_a_performance_that_lies_beside_the_grid) {
  const auto chords = estimate_chords(play({{2, kMaj}, {7, kMaj}, {9, kMaj}, {2, kMaj}}, 200));
  ASSERT_EQ(chords.size(), 5u);
  EXPECT_EQ(chords[0].chord.name(), "N");
  EXPECT_NEAR(chords[2].start, 2 + 200.0 / 960, 0.02);
}

TEST(EstimateChords, follow_a_performance_that_does_not_keep_the_files_tempo) {
  std::vector<Played> song;
  for (int i = 0; i < 6; ++i)
    for (const Played& c : {Played{0, kMaj}, {9, kMin}, {5, kMaj}, {7, kMaj}}) song.push_back(c);
  Score score = play(song);
  const double slower = 1.2713;  // 94 bpm in a file of 120
  for (Note& n : score.tracks[0].notes) {
    n.start = static_cast<std::int64_t>(static_cast<double>(n.start) * slower);
    n.duration = static_cast<std::int64_t>(static_cast<double>(n.duration) * slower);
  }
  const auto chords = estimate_chords(score);
  ASSERT_NEAR(static_cast<double>(chords.size()), 24, 1);
  double right = 0;
  for (const ChordSegment& c : chords)
    for (std::size_t bar = 0; bar < song.size(); ++bar) {
      const double start = 2 * slower * static_cast<double>(bar), end = start + 2 * slower;
      if (c.chord.root == song[bar].root && c.chord.quality == song[bar].quality)
        right += std::max(0.0, std::min(c.end, end) - std::max(c.start, start));
    }
  EXPECT_GT(right / (2 * slower * 24), 0.95);
}

TEST(EstimateChords, names_the_bass_of_an_inversion) {
  Score score = play({{0, kMaj}, {0, kMaj}});
  for (Note& n : score.tracks[0].notes)
    if (n.pitch == 36) n.pitch = 40;
  const auto chords = estimate_chords(score);
  ASSERT_EQ(chords.size(), 1u);
  EXPECT_EQ(chords[0].chord.name(), "C:maj/3");
}

RC_GTEST_PROP(EstimateChords, moves_with_the_music, ()) {
  std::vector<Played> song;
  for (int i = 0; i < 6; ++i) song.push_back({*rc::gen::inRange(0, 12), *rc::gen::element(kMaj, kMin)});
  const int up = *rc::gen::inRange(1, 12);
  const Score score = play(song);
  Score moved = score;
  for (Note& n : moved.tracks[0].notes) n.pitch = static_cast<std::uint8_t>(n.pitch + up);
  const auto a = estimate_chords(score), b = estimate_chords(moved);
  RC_ASSERT(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    RC_ASSERT(a[i].start == b[i].start && a[i].chord.quality == b[i].chord.quality);
    RC_ASSERT((a[i].chord.root + up) % 12 == b[i].chord.root);
  }
}

TEST(EstimateChords, has_nothing_to_say_of_drums_and_of_no_notes) {
  EXPECT_TRUE(estimate_chords(Score{}).empty());
  EXPECT_TRUE(estimate_keys(Score{}).empty());
  EXPECT_EQ(estimate_global_key(Score{}).confidence, 0);
  Score score;
  add_track(score, "", 0, 9).notes.push_back({0, 480, 36, 80, 9, 64});
  EXPECT_TRUE(estimate_chords(score).empty());
  score.tracks[0].notes.clear();
  add_track(score, "", 0, 0).notes.push_back({480, 0, 60, 80, 0, 64});  // no length
  EXPECT_TRUE(estimate_keys(score).empty());
}

TEST(EstimateChords, takes_a_score_of_absurd_length_in_bounded_time) {
  Score score = play({{0, kMaj}});
  score.ticks_per_quarter = 1;
  score.tracks[0].notes.push_back({(1LL << 31), 10, 60, 80, 0, 64});
  EXPECT_FALSE(estimate_chords(score).empty());
  EXPECT_LE(beat_evidence(score).beats.size(), 40001u);
}

TEST(EstimateKeys, finds_every_key_from_a_cadence) {
  for (int tonic = 0; tonic < 12; ++tonic) {
    for (const bool minor : {false, true}) {
      const KeyEstimate key = estimate_global_key(play(cadences(tonic, minor)));
      EXPECT_EQ(key.tonic, tonic);
      EXPECT_EQ(key.minor, minor);
      EXPECT_GT(key.confidence, 0.3);
    }
  }
}

TEST(EstimateKeys, finds_a_modulation) {
  std::vector<Played> song;
  for (const int tonic : {0, 0, 1, 1})
    for (const Played& c : cadences(tonic, false)) song.push_back(c);
  const auto keys = estimate_keys(play(song));
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].tonic, 0);
  EXPECT_EQ(keys[1].tonic, 1);
  EXPECT_NEAR(keys[1].start, 32, 4);
  EXPECT_EQ(keys[0].end, keys[1].start);
}

/// Two states, the second better at first by `lead` nats a unit, for `units` units.
ChordEvidence two_states(const std::vector<float>& leads) {
  ChordEvidence e;
  e.states = {{0, kMaj, 0}, {7, kMaj, 0}};
  for (std::size_t t = 0; t <= leads.size(); ++t) e.times.push_back(static_cast<double>(t));
  for (const float lead : leads) e.log_likelihood.insert(e.log_likelihood.end(), {0, lead});
  e.change_cost.assign(leads.size(), 2);
  return e;
}

TEST(DecodeChords, changes_only_when_the_evidence_pays_for_it) {
  EXPECT_EQ(decode_chords(two_states({-3, -3, 3, -3, -3})).size(), 1u);  // there and back costs 4, 3 are won
  EXPECT_EQ(decode_chords(two_states({-3, -3, 5, -3, -3})).size(), 3u);
  ChordEvidence free = two_states({-3, -3, 3, -3, -3});
  free.change_cost[2] = 0;
  EXPECT_EQ(decode_chords(free).size(), 3u);
}

TEST(DecodeChords, weighs_which_chord_follows_which) {
  ChordEvidence e = two_states({-5, -5, 5, 5});
  EXPECT_EQ(decode_chords(e).size(), 2u);
  e.transition = {0, -20, -20, 0};
  EXPECT_EQ(decode_chords(e).size(), 1u);
  e.transition = {0, 0, 0, 0};
  const auto same = decode_chords(e);
  ASSERT_EQ(same.size(), 2u);
  EXPECT_NEAR(same[0].confidence, decode_chords(two_states({-5, -5, 5, 5}))[0].confidence, 1e-6);
}

TEST(DecodeChords, is_surest_of_the_clearest) {
  const double clear = decode_chords(two_states({5, 5, 5}))[0].confidence;
  const double unclear = decode_chords(two_states({0.1F, 0.1F, 0.1F}))[0].confidence;
  EXPECT_GT(clear, 0.99);
  EXPECT_NEAR(unclear, 0.57, 0.02);  // 1 / (1 + e^-0.3), less what the cost lets through
}

TEST(EstimateKeys, agrees_with_key_signatures_of_folk_tunes) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data || !std::filesystem::exists(std::filesystem::path(data) / "nottingham")) GTEST_SKIP() << "no nottingham";
  int tunes = 0, right = 0;
  for (int i = 1; i <= 60; ++i) {
    const auto path = std::filesystem::path(data) / "nottingham" / ("jigs" + std::to_string(i) + ".mid");
    if (!std::filesystem::exists(path)) continue;
    const Score score = read_midi(path).score;
    if (score.keys.empty()) continue;
    const KeyEstimate key = estimate_global_key(score);
    const int signature = ((key.tonic + (key.minor ? 3 : 0)) * 7 % 12 + 12) % 12;  // sharps, modulo 12
    ++tunes;
    right += signature == (score.keys[0].fifths + 12) % 12;
  }
  ASSERT_GT(tunes, 30);
  EXPECT_GT(right, tunes * 0.85);
}

}  // namespace
}  // namespace euterpe
