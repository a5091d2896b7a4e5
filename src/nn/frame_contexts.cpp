#include "nn/frame_contexts.hpp"

#include <algorithm>

#include "score/frames.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kMatchSeed = 4;  // frames that must agree before a match is followed
constexpr int kNoInterval = 199;

/// Numbers of the features. "Now" is the frame whose pitches are being chosen.
enum Feature : int {
  kExpected,  // symbol that is asked for first
  kLast,      // pitch chosen last, 0 = none
  kLastMove,  // how far it is from the same rank's before
  kChosen,    // all chosen
  kChosenClasses,
  kStrange,  // how many chosen were not in the frame before, at most 3
  kSame,     // whether those chosen are the lowest of the frame before
  kSize,     // of the frame before
  kPhase2,
  kPhase4,
  kPhase6,
  kPhase8,
  kPhase12,
  kPhase16,
  kBar,    // guessed meter and place in it
  kStart,  // frames from the beginning, at most 33
  kScale,
  kFrame1,
  kFrame2,
  kFrame3,
  kFrame4,
  kFrame5to8,
  kFrame9to16,
  kFrame6,
  kFrame8,
  kFrame12,
  kFrame16,
  kFrame24,
  kFrame32,
  kFrame7,
  kFrame15,
  kFrame11,
  kClasses1,
  kBefore1,
  kBefore2,
  kBefore3,  // of this rank
  kStep1,
  kStep2,
  kStep3,
  kHeld,
  kHeld5,
  kLength,
  kRankBelow,  // the next lower rank's last
  kRankAbove1,
  kRankAbove2,  // the next higher ranks' last
  kTop1,
  kTop2,
  kTop3,
  kTop4,
  kTop6,
  kTop8,
  kTop12,
  kTop16,
  kTopBefore1,
  kTopBefore2,
  kTopBefore3,
  kTopStep1,
  kTopStep2,
  kTopStep3,
  kTopHeld,
  kTopLength,
  kChordLast,
  kChordBefore1,
  kChordBefore2,
  kChordHeld,
  kChord4,
  kChord8,
  kChord6,
  kChord12,
  kChord16,
  kOverLast,
  kOverBelow,
  kOverChosen,
  kOverFrame,  // intervals from what is expected: last chosen, its rank's last, all chosen, all of the frame before
  kOverChosen12,
  kMatched,  // what the match says, 0 … , 200 = nothing
  kMatchLength,
  kMatchAgrees,
  kChanges8,
  kChanges16,
  kTopChanges8,
  kChordChanges16,
  kFeatures
};

std::vector<ContextChain> repeat_chains() {
  return {
      {"frame", false, false, {{{kChosen, kExpected}, {kFrame1, kBar}, {kFrame2}, {kFrame3, kFrame4}}}},
      {"same", false, false, {{{kStrange, kSame, kBar}, {kHeld}, {kChordHeld, kTopHeld}, {kSize, kStart}}}},
      {"rank",
       false,
       false,
       {{{kExpected, kHeld5, kPhase4}, {kBefore1, kLast}, {kBefore2, kLength}, {kBefore3, kChosen}}}},
      {"rank intervals",
       false,
       false,
       {{{kStep1, kHeld, kLastMove}, {kOverLast, kPhase4}, {kStep2, kLength}, {kStep3, kOverChosen}}}},
      {"chord",
       false,
       false,
       {{{kExpected, kLast}, {kChosen, kPhase4}, {kRankAbove1, kRankBelow}, {kFrame1, kChordHeld}}}},
      {"intervals",
       false,
       false,
       {{{kOverLast, kOverBelow, kSame}, {kOverChosen}, {kOverFrame, kPhase2}, {kHeld5, kBar}}}},
      {"past",
       false,
       false,
       {{{kChosen, kExpected, kFrame1, kFrame2}, {kFrame3, kFrame4}, {kFrame5to8}, {kFrame9to16}}}},
      {"own past", false, true, {{{kChosen, kExpected, kFrame1}, {kFrame2}, {kFrame3, kFrame4}, {kFrame5to8}}}},
      {"own frame", false, true, {{{kExpected, kStrange}, {kChosen}, {kHeld5, kPhase4}, {kTop1, kChordLast}}}},
      {"match", false, false, {{{kMatchAgrees, kStrange}, {kMatchLength}, {kMatched, kExpected}, {kBar, kChosen}}}},
      {"bars of four",
       false,
       false,
       {{{kChosen, kExpected, kFrame16}, {kFrame15, kFrame1}, {kFrame8}, {kFrame32, kPhase8}}}},
      {"bars of six",
       false,
       false,
       {{{kChosen, kExpected, kFrame12}, {kFrame11, kFrame1}, {kFrame6}, {kFrame24, kPhase6}}}},
      {"tune", false, false, {{{kChosen, kTop1, kTop2}, {kTop3, kBar}, {kTop4}, {kTop6, kTop8}}}},
      {"tune notes",
       false,
       false,
       {{{kTop1, kTopBefore1, kExpected, kSame}, {kTopHeld, kTopBefore2}, {kTopLength, kBar}, {kTopBefore3, kChosen}}}},
      {"tune steps",
       false,
       false,
       {{{kTopStep1, kTopHeld, kOverLast}, {kTopStep2, kTopLength, kStrange}, {kTopStep3, kBar}, {kOverChosen}}}},
      {"chords",
       false,
       false,
       {{{kExpected, kChosen, kChordLast}, {kBar, kChordHeld}, {kChordBefore1}, {kChordBefore2}}}},
      {"chord times",
       false,
       false,
       {{{kStrange, kSame, kChordChanges16}, {kPhase12}, {kChordHeld}, {kPhase16, kChordLast}}}},
      {"rhythm", false, false, {{{kStrange, kSame, kTopChanges8}, {kBar}, {kChanges16}, {kTopHeld, kPhase8}}}},
      {"scale", false, false, {{{kExpected, kScale, kHeld5}, {kLast}, {kChosenClasses}, {kClasses1}}}},
  };
}

std::vector<ContextChain> choice_chains() {
  return {
      {"frame", false, false, {{{kExpected, kLast}, {kChosen, kFrame1}, {kFrame2, kBar}, {kFrame3, kFrame4}}}},
      {"rank", false, false, {{{kExpected}, {kBefore1, kHeld5}, {kBefore2, kLast}, {kBefore3, kLength}}}},
      {"rank intervals",
       true,
       false,
       {{{kStep1, kPhase4}, {kHeld5, kLastMove}, {kStep2, kLength}, {kStep3, kOverLast}}}},
      {"chord", false, false, {{{kLast}, {kChosen}, {kExpected, kRankAbove1}, {kFrame1}}}},
      {"intervals", true, false, {{{kOverLast, kOverBelow}, {kOverChosen}, {kOverFrame}, {kStep1, kPhase4}}}},
      {"past", false, false, {{{kChosen, kFrame1}, {kFrame2}, {kFrame3, kFrame4}, {kFrame5to8}}}},
      {"own past", false, true, {{{kChosen, kFrame1}, {kFrame2}, {kFrame3, kFrame4}, {kFrame5to8}}}},
      {"own frame", false, true, {{{kLast}, {kChosen}, {kExpected, kPhase4}, {kTop1, kChordLast}}}},
      {"match", false, false, {{{kMatched}, {kMatchLength}, {kExpected}, {kChosen}}}},
      {"bars of four", false, false, {{{kChosen, kFrame16}, {kFrame15, kFrame1}, {kFrame8}, {kFrame32}}}},
      {"bars of six", false, false, {{{kChosen, kFrame12}, {kFrame11, kFrame1}, {kFrame6}, {kFrame24}}}},
      {"tune", false, false, {{{kChosen, kTop1}, {kTop2}, {kTop3, kBar}, {kTop4}}}},
      {"tune notes",
       false,
       false,
       {{{kTop1, kTopBefore1, kSize}, {kTopBefore2, kTopHeld}, {kChosen}, {kTopBefore3, kBar}}}},
      {"tune steps",
       true,
       false,
       {{{kTopStep1, kOverLast}, {kTopStep2, kTopHeld}, {kTopStep3, kTopLength}, {kOverChosen, kBar}}}},
      {"chords", false, false, {{{kChosen, kChordLast}, {kBar, kChordBefore1}, {kChordBefore2}, {kChordHeld}}}},
      {"chords ago", false, false, {{{kChosen, kChord8}, {kChord16, kPhase8}, {kChordLast}, {kTop1}}}},
      {"chords ago by six", false, false, {{{kChosen, kChord6}, {kChord12, kPhase6}, {kChordLast}, {kTop1}}}},
      {"scale", false, false, {{{kScale, kLast}, {kExpected}, {kChosenClasses, kClasses1}, {kBefore1}}}},
      {"classes", true, false, {{{kOverChosen12, kSize}, {kScale}, {kOverBelow, kStep1}, {kClasses1}}}},
  };
}

ContextShape frame_shape() {
  ContextShape shape;
  shape.symbols = kFrameSymbols;
  shape.slots = kFrameSlots;
  shape.situations = kFrameSlots * 8;
  shape.circumstances = kFrameSlots * 8;
  shape.occasions = kFrameSlots * 8 * 8;
  shape.repeats = repeat_chains();
  shape.choices = choice_chains();
  return shape;
}

std::uint32_t pack(std::uint32_t h, std::uint32_t value) {
  h = (h ^ (value + 0x9e3779b9u + (h << 6) + (h >> 2))) * 0x85ebca6bu;
  return h ^ (h >> 15);
}

std::uint32_t hash_of(const std::vector<int>& symbols, std::size_t most = 100) {
  std::uint32_t h = 17;
  for (std::size_t i = 0; i < std::min(most, symbols.size()); ++i) h = pack(h, static_cast<std::uint32_t>(symbols[i]));
  return h | 1u;
}

int interval(int a, int b) { return a > 0 && b > 0 ? a - b + 100 : kNoInterval; }

}  // namespace

const KeyedDomain& frame_domain() {
  static const KeyedDomain domain{&find_tokenizer(kFrameTokens),
                                  18,
                                  kLowestFramePitch,
                                  kHighestFramePitch,
                                  frame_shape,
                                  []() -> std::unique_ptr<ChoiceHistory> { return std::make_unique<FrameHistory>(); }};
  return domain;
}

std::uint32_t FrameHistory::frame(std::size_t lag) const {
  return lag <= hashes_.size() ? hashes_[hashes_.size() - lag] : 0;
}

int FrameHistory::top(std::size_t lag) const {
  if (lag > frames_.size()) return -1;
  const Symbols& f = frames_[frames_.size() - lag];
  return f.empty() ? 0 : f.back();
}

std::uint32_t FrameHistory::chord(std::size_t lag) const {
  return lag <= frames_.size() ? hash_of(frames_[frames_.size() - lag], 3) : 0;
}

/// The frame before, as far as it goes on from those chosen; else its pitch of the same rank.
int FrameHistory::expected() const {
  if (frames_.empty()) return -1;
  const Symbols& before = frames_.back();
  const std::size_t rank = now_.size();
  if (rank == 0) return before.empty() ? 0 : before[0];
  const auto found = std::find(before.begin(), before.end(), now_.back());
  if (found != before.end()) return found + 1 == before.end() ? 0 : found[1];
  if (rank < before.size() && before[rank] > now_.back()) return before[rank];
  const auto above = std::upper_bound(before.begin(), before.end(), now_.back());
  return above == before.end() ? 0 : *above;
}

/// Keeps to what followed the last place where the last frames were heard.
void FrameHistory::follow() {
  if (match_length_ > 0 && match_ < hashes_.size() - 1 && hashes_[match_] == hashes_.back()) {
    ++match_;
    ++match_length_;
  } else {
    match_length_ = 0;
  }
  if (hashes_.size() < kMatchSeed) return;
  std::uint64_t key = 0;
  for (std::size_t i = 1; i <= kMatchSeed; ++i) key = key * 0x9e3779b97f4a7c15ull + frame(i);
  const auto place = places_.find(key);
  if (place != places_.end() && match_length_ == 0) {
    match_ = place->second;
    match_length_ = kMatchSeed;
  }
  places_[key] = hashes_.size();
}

void FrameHistory::append() {
  const std::size_t t = frames_.size();
  const auto enter = [](Rank& rank, int note) {
    if (note == rank.note) {
      rank.held = std::min(rank.held + 1, 33);
      return false;
    }
    rank.before = {rank.note, rank.before[0], rank.before[1]};
    rank.length = rank.held;
    rank.note = note;
    rank.held = 1;
    return true;
  };
  for (std::size_t r = 0; r < ranks_.size(); ++r) enter(ranks_[r], r < now_.size() ? now_[r] : 0);
  enter(top_, now_.empty() ? 0 : now_.back());
  if (enter(chord_, static_cast<int>(hash_of(now_, 3) >> 1)) && t > 0) {
    ++changes4_[t % 4];
    ++changes6_[t % 6];
  }
  for (const int symbol : now_) {
    static constexpr std::array<int, 12> kBit{0, 0, 1, 1, -1, 2, 2, 3, 3, -1, 4, 4};
    static constexpr std::array<int, 12> kRaised{0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0};
    const auto c = static_cast<std::size_t>((symbol + 18) % 12);
    if (kBit[c] >= 0) accidentals_ = (accidentals_ & ~(1 << kBit[c])) | (kRaised[c] << kBit[c]);
  }
  hashes_.push_back(hash_of(now_));
  frames_.push_back(now_);
  now_.clear();
  follow();
}

void FrameHistory::choose(int symbol) {
  if (symbol == 0)
    append();
  else
    now_.push_back(symbol);
}

void FrameHistory::fill(int expected) {
  features_.assign(kFeatures, 0);
  const auto set = [&](int f, int value) {
    features_[static_cast<std::size_t>(f)] = static_cast<std::uint32_t>(value);
  };
  const auto packed = [&](int f, std::uint32_t value) { features_[static_cast<std::size_t>(f)] = value; };
  const std::size_t t = frames_.size(), rank = std::min<std::size_t>(now_.size(), kFrameSlots - 1);
  static const Symbols kNone;
  const Symbols& before = frames_.empty() ? kNone : frames_.back();
  const Rank& me = ranks_[rank];
  const int last = now_.empty() ? 0 : now_.back();
  const int below = rank > 0 ? ranks_[rank - 1].note : 0;

  set(kExpected, expected);
  set(kLast, last);
  set(kLastMove, interval(last, below));
  packed(kChosen, hash_of(now_));
  std::uint32_t classes = 0, over = 3, over12 = 5;
  int strange = 0;
  for (const int s : now_) {
    classes |= 1u << (s % 12);
    strange += !std::binary_search(before.begin(), before.end(), s);
    over = pack(over, static_cast<std::uint32_t>(interval(s, expected > 0 ? expected : last)));
    over12 = pack(over12, static_cast<std::uint32_t>(interval(s, expected > 0 ? expected : last) % 12));
  }
  packed(kChosenClasses, classes);
  set(kStrange, std::min(strange, 3));
  set(kSame, now_.size() <= before.size() && std::equal(now_.begin(), now_.end(), before.begin()));
  set(kSize, static_cast<int>(before.size()));
  set(kPhase2, static_cast<int>(t % 2));
  set(kPhase4, static_cast<int>(t % 4));
  set(kPhase6, static_cast<int>(t % 6));
  set(kPhase8, static_cast<int>(t % 8));
  set(kPhase12, static_cast<int>(t % 12));
  set(kPhase16, static_cast<int>(t % 16));
  const auto most4 = std::max_element(changes4_.begin(), changes4_.end());
  const auto most6 = std::max_element(changes6_.begin(), changes6_.end());
  int bar = 0;  // no guess
  if (*most4 + *most6 > 2) {
    const auto phase = [&](std::ptrdiff_t best, std::size_t meter) {
      return static_cast<int>((t + meter - static_cast<std::size_t>(best) % meter) % meter);
    };
    bar = *most6 > *most4 ? 1 + phase(most6 - changes6_.begin(), 6) : 16 + phase(most4 - changes4_.begin(), 4);
  }
  set(kBar, bar);
  set(kStart, static_cast<int>(std::min<std::size_t>(t, 33)));
  set(kScale, accidentals_);
  for (std::size_t d = 1; d <= 4; ++d) packed(kFrame1 + static_cast<int>(d) - 1, frame(d));
  std::uint32_t far = 7, farther = 7;
  for (std::size_t d = 5; d <= 8; ++d) far = pack(far, frame(d));
  for (std::size_t d = 9; d <= 16; ++d) farther = pack(farther, frame(d));
  packed(kFrame5to8, far);
  packed(kFrame9to16, farther);
  packed(kFrame6, frame(6));
  packed(kFrame8, frame(8));
  packed(kFrame12, frame(12));
  packed(kFrame16, frame(16));
  packed(kFrame24, frame(24));
  packed(kFrame32, frame(32));
  packed(kFrame7, frame(7));
  packed(kFrame15, frame(17));
  packed(kFrame11, frame(13));
  std::uint32_t classes1 = 0, over_frame = 11;
  for (const int s : before) {
    classes1 |= 1u << (s % 12);
    over_frame = pack(over_frame, static_cast<std::uint32_t>(interval(s, expected > 0 ? expected : last)));
  }
  packed(kClasses1, classes1);
  for (int i = 0; i < 3; ++i) set(kBefore1 + i, me.before[static_cast<std::size_t>(i)]);
  set(kStep1, interval(me.note, me.before[0]));
  set(kStep2, interval(me.before[0], me.before[1]));
  set(kStep3, interval(me.before[1], me.before[2]));
  set(kHeld, me.held);
  set(kHeld5, std::min(me.held, 5));
  set(kLength, me.length);
  set(kRankBelow, below);
  set(kRankAbove1, rank + 1 < ranks_.size() ? ranks_[rank + 1].note : 0);
  set(kRankAbove2, rank + 2 < ranks_.size() ? ranks_[rank + 2].note : 0);
  int f = kTop1;
  for (const std::size_t d : {1, 2, 3, 4, 6, 8, 12, 16}) set(f++, top(d));
  for (int i = 0; i < 3; ++i) set(kTopBefore1 + i, top_.before[static_cast<std::size_t>(i)]);
  set(kTopStep1, interval(top_.note, top_.before[0]));
  set(kTopStep2, interval(top_.before[0], top_.before[1]));
  set(kTopStep3, interval(top_.before[1], top_.before[2]));
  set(kTopHeld, top_.held);
  set(kTopLength, top_.length);
  set(kChordLast, chord_.note);
  set(kChordBefore1, chord_.before[0]);
  set(kChordBefore2, chord_.before[1]);
  set(kChordHeld, chord_.held);
  f = kChord4;
  for (const std::size_t d : {4, 8, 6, 12, 16}) packed(f++, chord(d));
  set(kOverLast, interval(last, expected));
  set(kOverBelow, interval(below, expected > 0 ? expected : last));
  packed(kOverChosen, over);
  packed(kOverFrame, over_frame);
  packed(kOverChosen12, over12);
  int matched = 200;
  if (match_length_ > 0 && match_ < frames_.size()) {
    const Symbols& other = frames_[match_];
    if (now_.size() <= other.size() && std::equal(now_.begin(), now_.end(), other.begin()))
      matched = now_.size() == other.size() ? 0 : other[now_.size()];
  }
  set(kMatched, matched);
  set(kMatchLength, static_cast<int>(match_length_ < 8    ? match_length_
                                     : match_length_ < 16 ? 8
                                     : match_length_ < 32 ? 9
                                                          : 10));
  set(kMatchAgrees, matched == 200 ? 2 : matched == expected);
  std::uint32_t changes8 = 0, changes16 = 0, tops8 = 0, chords16 = 0;
  for (std::size_t d = 1; d <= 16; ++d) {
    const std::uint32_t changed = frame(d) != frame(d + 1), top_changed = top(d) != top(d + 1);
    if (d <= 8) changes8 = changes8 * 2 + changed, tops8 = tops8 * 2 + top_changed;
    changes16 = changes16 * 2 + changed;
    chords16 = chords16 * 2 + (chord(d) != chord(d + 1) ? 1u : 0u);
  }
  packed(kChanges8, changes8);
  packed(kChanges16, changes16);
  packed(kTopChanges8, tops8);
  packed(kChordChanges16, chords16);
}

ChoicePoint FrameHistory::next() {
  const int expect = expected();
  fill(expect);
  const auto feature = [&](Feature f) { return static_cast<int>(features_[static_cast<std::size_t>(f)]); };
  const int last = feature(kLast);
  ChoicePoint point;
  point.features = features_;
  point.slot = static_cast<int>(std::min<std::size_t>(now_.size(), kFrameSlots - 1));
  point.expected = expect;
  point.reference = expect > 0 ? expect : last;
  point.lowest = last + 1;
  point.highest = kFrameSymbols - 1;
  const int same = feature(kSame), strange = feature(kStrange);
  point.situation = point.slot * 8 + feature(kPhase2) * 4 + (expect == 0 ? 2 : 0) + same;
  point.circumstance = point.slot * 8 + std::min(feature(kMatchLength), 9) / 3 * 2 + (feature(kMatchAgrees) == 1);
  point.occasion = (point.slot * 8 + std::min(feature(kHeld), 7)) * 8 + strange * 2 + (expect == 0);
  return point;
}

}  // namespace euterpe
