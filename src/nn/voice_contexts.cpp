#include "nn/voice_contexts.hpp"

#include <algorithm>

#include "score/voice_grid.hpp"

namespace euterpe {
namespace {

constexpr int kNothing = kVoiceSymbols;
constexpr int kNoInterval = 99;
constexpr std::size_t kMatchSeed = 8;  // sixteenths that must agree before a match is followed

/// Numbers of the features. "Now" is what voices above have chosen, "Last" the sixteenth before.
enum Feature : int {
  kOwn,       // symbol held by the voice
  kOwnClass,  // pitch class
  kBefore1,   // the notes before it, as symbols
  kBefore2,
  kBefore3,
  kStep1,  // the intervals between them
  kStep2,
  kStep3,
  kHeld,   // sixteenths
  kHeld9,  // the same, at most 9
  kHeld5,
  kHeldClass,
  kLength1,  // of the notes before
  kLength2,
  kMoved,   // which voices above have left their note
  kPhase4,  // sixteenth in the beat, and of sixteen
  kPhase16,
  kSinceEnd,
  kPosition,  // sixteenths from the beginning, at most 40
  kScale,     // accidentals heard last
  kAbove,     // symbol of the next voice above now; for the soprano the bass's last
  kOuter,     // soprano now; for soprano and alto the bass's last
  kTop,       // soprano now, for the soprano nothing
  kTopClass,  // its class; for the soprano its own last
  kNow0,
  kNow1,
  kNow2,
  kUnder0,
  kUnder1,
  kUnder2,  // symbols last of the voices below
  kLast0,
  kLast1,
  kLast2,
  kLast3,
  kLastClass0,
  kLastClass1,
  kLastClass2,
  kLastClass3,
  kHeldA,
  kHeldB,
  kHeldC,
  kHeldD,  // of each voice
  kHeldA9,
  kHeldB9,
  kHeldC9,
  kHeldD9,
  kHeldA5,
  kHeldB5,
  kHeldC5,
  kHeldD5,
  kNowOver0,
  kNowOver1,
  kNowOver2,  // intervals from the own note
  kLastOver0,
  kLastOver1,
  kLastOver2,
  kLastOver3,
  kOuterOver,   // of the soprano now, for the soprano of the bass
  kAboveOver,   // of the next voice above now
  kTopWasOver,  // of the soprano's last
  kNowMove0,
  kNowMove1,
  kNowMove2,  // steps that voices above have taken
  kNowFromTop1,
  kNowFromTop2,  // intervals between voices above
  kFromOuter,    // of the own note to the soprano now, for the soprano to the bass
  kOuterOver12,  // intervals within the octave
  kAlto12,
  kNextBelowOver,
  kSetNow,  // pitch classes of what stands now, of what was chosen now, and of the last sixteenth
  kSetChosen,
  kSetLast,
  kBeatSet,
  kBeatSet1,
  kBeatSet2,  // of this beat's beginning and the two beats before
  kLag4,
  kLag6and8,
  kLag8,
  kBassBefore1,
  kBassBefore2,  // classes of the bass's notes before
  kTopStep1,
  kTopStep2,
  kTopStep3,
  kTopHeld,
  kTopLength1,
  kTopLength2,
  kTopLags,
  kMovesA,
  kMovesB,
  kMovesC,  // which voices moved 1 and 2, 3 and 4, 6 and 8 sixteenths ago
  kMoved4and8,
  kMoved2to16,
  kMoved20to32,
  kMoved16and32,
  kMoved48and64,
  kMoved16,
  kMoved32,
  kRhythm8,
  kRhythm16,
  kRhythmOuter,  // of this voice, and of the outer ones
  // The symbol that follows the last place like this one, 200 = none; whether it is the note held; how long the places
  // agree
  kMatched,
  kMatchAgrees,
  kMatchClass,
  // The last 3, 5, 7, 9 notes of the soprano as steps, without and with their lengths
  kTune3,
  kTune5,
  kTune7,
  kTune9,
  kTimed3,
  kTimed5,
  kTimed7,
  kTimed9,
  kTopMove,
  kTopOver,
  kBassStep1,
  kBassStep2,
  kBassStep3,
  kBassHeld9,
  kBassLength1,
  kBassLength2,
  kOuterGap,
  kBassAndTop,
  kBassBefore,
  kFeatures
};

std::vector<ContextChain> repeat_chains() {
  return {
      {"melody",
       false,
       false,
       {{{kPhase4, kOwn, kHeldClass}, {kBefore1, kMoved}, {kBefore2, kLength1}, {kBefore3, kLength2}}}},
      {"intervals", false, false, {{{kPhase4, kMoved, kHeldClass}, {kStep1}, {kStep2, kLength1}, {kStep3, kLength2}}}},
      {"held",
       false,
       false,
       {{{kPhase4, kMoved}, {kHeldClass}, {kHeldA5, kHeldB5, kHeldC5, kHeldD5}, {kHeldA, kHeldB, kHeldC, kHeldD}}}},
      {"meter", false, false, {{{kPhase16, kMoved}, {kHeldClass}, {kSinceEnd}, {kPosition}}}},
      {"moves", false, false, {{{kPhase4, kMoved, kMovesA}, {kMovesB}, {kMovesC}, {kMoved16, kMoved32}}}},
      {"beats", false, false, {{{kPhase4, kMoved, kMoved4and8}, {kMoved2to16}, {kMoved20to32}, {kHeldClass}}}},
      {"bars", false, false, {{{kPhase4, kHeldClass, kMoved16and32}, {kMoved}, {kMoved48and64}, {kPhase16}}}},
      {"chord",
       false,
       false,
       {{{kPhase4, kMoved, kOwn}, {kAbove}, {kNow0, kNow1, kNow2, kHeld5}, {kUnder0, kUnder1, kUnder2}}}},
      {"chord intervals",
       false,
       false,
       {{{kPhase4, kMoved, kOuterOver, kTopWasOver},
         {kAboveOver, kHeld5},
         {kNowOver0, kNowOver1, kNowOver2},
         {kLastOver0, kLastOver1, kLastOver2, kLastOver3}}}},
      {"frame",
       false,
       false,
       {{{kPhase4, kNow0, kNow1, kNow2, kLast0, kLast1, kLast2, kLast3},
         {kHeldA9, kHeldB9, kHeldC9, kHeldD9},
         {kLag4},
         {kLag6and8}}}},
      {"classes",
       false,
       false,
       {{{kPhase4, kMoved, kSetNow}, {kOwnClass}, {kLastClass3, kHeld5}, {kLastClass0, kLastClass1, kLastClass2}}}},
      {"tune",
       false,
       false,
       {{{kPhase4, kMoved, kTopStep1, kTopHeld}, {kTopStep2, kTopLength1}, {kTopStep3, kTopLength2}, {kTopLags}}}},
      {"scale", false, false, {{{kPhase4, kScale, kOwn, kHeld5}, {kMoved}, {kTopClass}, {kLastClass3}}}},
      {"phrase", false, false, {{{kPhase4, kSinceEnd, kMoved}, {kHeld9}, {kLastClass3}, {kLastClass0}}}},
      {"own held", false, true, {{{kPhase4, kMoved}, {kHeld9}, {kLength1}, {kHeldA9, kHeldB9, kHeldC9, kHeldD9}}}},
      {"own chord",
       false,
       true,
       {{{kPhase4, kMoved, kOwn}, {kAbove}, {kNow0, kNow1, kNow2, kHeld}, {kLast0, kLast1, kLast2, kLast3}}}},
      {"own melody", false, true, {{{kPhase4, kStep1, kHeld9}, {kMoved, kLength1}, {kStep2}, {kStep3, kLength2}}}},
      {"rhythm", false, false, {{{kPhase4, kRhythm8, kMoved}, {kRhythm16}, {kRhythmOuter}, {kPhase16}}}},
      {"match", false, false, {{{kPhase4, kMatchAgrees}, {kMatchClass}, {kMoved, kHeldClass}, {kOwn}}}},
      {"long tune", false, false, {{{kPhase4, kMoved, kTopHeld, kTopMove, kTune3}, {kTune5}, {kTune7}, {kTune9}}}},
      {"timed tune",
       false,
       false,
       {{{kPhase4, kMoved, kTopHeld, kHeldClass, kTimed3}, {kTimed5}, {kTimed7}, {kTimed9}}}},
      {"bass line",
       false,
       false,
       {{{kPhase4, kMoved, kBassStep1, kBassHeld9, kHeldClass},
         {kBassStep2, kBassLength1},
         {kOuterGap},
         {kBassStep3, kBassLength2}}}},
  };
}

std::vector<ContextChain> choice_chains() {
  return {
      {"melody", false, false, {{{kOwn}, {kPhase4, kBefore1}, {kBefore2, kHeld9}, {kBefore3, kLength1}}}},
      {"intervals", true, false, {{{kPhase4}, {kStep1, kHeld9}, {kStep2, kLength1}, {kStep3, kLength2}}}},
      {"chord",
       false,
       false,
       {{{kOwn, kAbove}, {kMoved, kOuter}, {kNow0, kNow1, kNow2, kLast3}, {kUnder0, kUnder1, kUnder2}}}},
      {"chord intervals",
       true,
       false,
       {{{kMoved, kOuterOver, kTopWasOver},
         {kAboveOver, kLastOver3},
         {kNowOver0, kNowOver1, kNowOver2, kLastOver0, kLastOver1, kLastOver2},
         {kPhase4, kStep1}}}},
      {"classes", false, false, {{{kOwn, kSetChosen}, {kLastClass3, kPhase4}, {kSetLast}, {kBefore1}}}},
      {"frame",
       false,
       false,
       {{{kNow0, kNow1, kNow2, kLast0, kLast1, kLast2, kLast3},
         {kPhase4, kHeldA9, kHeldB9, kHeldC9, kHeldD9},
         {kLag4},
         {kLag6and8}}}},
      {"tune",
       true,
       false,
       {{{kTop, kOuterOver, kTopStep1, kTopWasOver},
         {kTopHeld, kTopStep2, kTopLength1},
         {kTopStep3, kTopLength2},
         {kTopLags}}}},
      {"scale", false, false, {{{kScale, kOwn}, {kTopClass}, {kPhase4, kLastClass3}, {kBefore1, kNow0, kNow1, kNow2}}}},
      {"scale intervals", true, false, {{{kOuterOver12}, {kScale, kOwnClass}, {kStep1}, {kAlto12, kPhase4}}}},
      {"bass", false, false, {{{kLastClass3, kTopClass}, {kOwn}, {kBassBefore1, kMoved}, {kBassBefore2, kPhase4}}}},
      {"voicing",
       true,
       false,
       {{{kNowFromTop1, kNowFromTop2, kFromOuter}, {kLastOver3}, {kNextBelowOver, kOwnClass}, {kPhase4, kMoved}}}},
      {"progression", false, false, {{{kOwn, kBeatSet1}, {kPhase4, kBeatSet}, {kNow0, kNow1}, {kBeatSet2}}}},
      {"phrase", false, false, {{{kSinceEnd, kOwnClass}, {kTopClass}, {kScale}, {kOwn, kLastClass3}}}},
      {"own chord",
       false,
       true,
       {{{kOwn}, {kAbove}, {kBefore1, kPhase4}, {kNow0, kNow1, kNow2, kLast0, kLast1, kLast2, kLast3}}}},
      {"own melody", true, true, {{{kStep1}, {kHeld9, kPhase4}, {kStep2, kLength1}, {kStep3, kLength2}}}},
      {"own frame",
       false,
       true,
       {{{kNow0, kNow1, kNow2, kOwn}, {kLast0, kLast1, kLast2, kLast3}, {kPhase4, kLag4}, {kLag8}}}},
      {"motion",
       true,
       false,
       {{{kNowMove0, kNowMove1, kNowMove2},
         {kAboveOver, kStep1},
         {kLastOver3},
         {kPhase4, kNowOver0, kNowOver1, kNowOver2}}}},
      {"melody and chord", false, false, {{{kOwn, kBefore1}, {kTop}, {kAbove}, {kLastClass3, kBefore2}}}},
      {"match", false, false, {{{kMatched}, {kMatchClass}, {kOwn}, {kAbove}}}},
      {"long tune", true, false, {{{kTopOver, kTune3}, {kTune5}, {kTune7}, {kTune9}}}},
      {"timed tune", true, false, {{{kTopOver, kTimed3}, {kTimed5}, {kTimed7}, {kTimed9}}}},
      {"bass line", false, false, {{{kOwn, kLast3}, {kBassAndTop}, {kBassBefore, kMoved}, {kPhase4, kNow1}}}},
  };
}

bool is_pitch(int symbol) { return symbol > 0 && symbol < kVoiceSymbols; }
int interval(int a, int b) { return is_pitch(a) && is_pitch(b) ? a - b + 40 : kNoInterval; }
int pitch_class(int symbol) { return is_pitch(symbol) ? (symbol - 1) % 12 : 12 + (symbol == kNothing); }

int held_class(int held) {
  return held <= 8 ? held : held < 12 ? 9 : held < 16 ? 10 : held == 16 ? 11 : held < 24 ? 12 : 13;
}

std::uint32_t pack(std::uint32_t h, int value) {
  h = (h ^ (static_cast<std::uint32_t>(value) + 0x9e3779b9u + (h << 6) + (h >> 2))) * 0x85ebca6bu;
  return h ^ (h >> 15);
}

ContextShape voice_shape() {
  ContextShape shape;
  shape.symbols = kVoiceSymbols;
  shape.slots = kGridVoices;
  shape.situations = 4 * kGridVoices;          // sixteenth in the beat, voice
  shape.circumstances = 16 * kGridVoices;      // which voices above moved, and whether a long match is followed
  shape.occasions = 4 * kGridVoices * 14 * 8;  // both, and how long the note was held
  shape.repeats = repeat_chains();
  shape.choices = choice_chains();
  return shape;
}

}  // namespace

const KeyedDomain& voice_domain() {
  static const KeyedDomain domain{&find_tokenizer(kVoiceTokens),
                                  23,
                                  kLowestVoice,
                                  kHighestVoice,
                                  voice_shape,
                                  []() -> std::unique_ptr<ChoiceHistory> { return std::make_unique<VoiceHistory>(); }};
  return domain;
}

void VoiceHistory::append(const VoiceSymbols& step) {
  for (int v = 0; v < kGridVoices; ++v) {
    Voice& voice = voices_[static_cast<std::size_t>(v)];
    const int symbol = step[static_cast<std::size_t>(v)];
    if (symbol == voice.note) {
      voice.held = std::min(voice.held + 1, 33);
      continue;
    }
    if (v == 0 && voice.held >= 8) since_end_ = 0;
    if (v == 0) {
      if (!tune_.empty()) tune_lengths_.push_back(voice.held);
      tune_.push_back(symbol);
    }
    voice.before = {voice.note, voice.before[0], voice.before[1]};
    voice.lengths = {voice.held, voice.lengths[0]};
    voice.note = symbol;
    voice.held = 1;
    if (!is_pitch(symbol)) continue;
    // C or C#, D or Eb, F or F#, G or G#, Bb or B: bit and value by pitch class
    static constexpr std::array<int, 12> kBit{0, 0, 1, 1, -1, 2, 2, 3, 3, -1, 4, 4};
    static constexpr std::array<int, 12> kRaised{0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0};
    const auto c = static_cast<std::size_t>(pitch_class(symbol));
    if (kBit[c] >= 0) accidentals_ = (accidentals_ & ~(1 << kBit[c])) | (kRaised[c] << kBit[c]);
  }
  since_end_ = std::min(since_end_ + 1, 63);
  steps_.push_back(step);
  follow();
  hash_tune();
}

/// Keeps to what followed the last place where the last eight sixteenths were heard.
void VoiceHistory::follow() {
  const std::size_t t = steps_.size();
  if (match_length_ > 0 && match_ < t - 1 && steps_[match_] == steps_[t - 1]) {
    ++match_;
    ++match_length_;
  } else {
    match_length_ = 0;
  }
  if (t < kMatchSeed) return;
  std::uint64_t key = t % 4;
  for (std::size_t i = t - kMatchSeed; i < t; ++i)
    for (const int symbol : steps_[i])
      key = (key ^ static_cast<std::uint64_t>(symbol + 1)) * 0x100000001b3ull + (key >> 47);
  const auto place = places_.find(key);
  if (place != places_.end() && match_length_ == 0) {
    match_ = place->second;
    match_length_ = kMatchSeed;
  }
  places_[key] = t;
}

void VoiceHistory::hash_tune() {
  std::uint32_t plain = 9, timed = 9;
  for (std::size_t i = 1, slot = 0; i <= 9; ++i) {
    if (i <= tune_.size()) {
      const bool first = i == tune_.size();
      const int step = first ? 77 : tune_[tune_.size() - i] - tune_[tune_.size() - i - 1];
      plain = pack(plain, step + 80);
      timed = pack(timed, (step + 80) * 64 + (first ? 0 : tune_lengths_[tune_lengths_.size() - i]));
    }
    if (i % 2 == 1 && i >= 3) {
      steps_of_tune_[slot] = plain;
      timed_tune_[slot++] = timed;
    }
  }
}

int VoiceHistory::lag(std::size_t steps, int voice) const {
  return steps_.size() >= steps ? steps_[steps_.size() - steps][static_cast<std::size_t>(voice)] : kNothing;
}

bool VoiceHistory::moved(std::size_t t, int voice) const {
  const auto v = static_cast<std::size_t>(voice);
  return t == 0 || steps_[t][v] != steps_[t - 1][v];
}

std::uint32_t VoiceHistory::moved_before(std::size_t steps, int voice) const {
  return steps_.size() >= steps ? (moved(steps_.size() - steps, voice) ? 1u : 0u) : 2u;
}

void VoiceHistory::fill(int voice, const VoiceSymbols& now) {
  features_.assign(kFeatures, 0);
  const auto set = [&](int f, int value) {
    features_[static_cast<std::size_t>(f)] = static_cast<std::uint32_t>(value);
  };
  const auto packed = [&](int f, std::uint32_t value) { features_[static_cast<std::size_t>(f)] = value; };
  const auto v = static_cast<std::size_t>(voice);
  const Voice& me = voices_[v];
  const Voice &top = voices_[0], &bass = voices_[3];
  const std::size_t t = steps_.size();
  const int own = me.note;

  set(kOwn, own);
  set(kOwnClass, pitch_class(own));
  for (int i = 0; i < 3; ++i) set(kBefore1 + i, me.before[static_cast<std::size_t>(i)]);
  set(kStep1, interval(own, me.before[0]));
  set(kStep2, interval(me.before[0], me.before[1]));
  set(kStep3, interval(me.before[1], me.before[2]));
  set(kHeld, me.held);
  set(kHeld9, std::min(me.held, 9));
  set(kHeld5, std::min(me.held, 5));
  set(kHeldClass, held_class(me.held));
  set(kLength1, me.lengths[0]);
  set(kLength2, me.lengths[1]);
  int moves = 0;
  for (int u = 0; u < voice; ++u)
    moves |= (now[static_cast<std::size_t>(u)] != voices_[static_cast<std::size_t>(u)].note ? 1 : 0) << u;
  set(kMoved, moves);
  set(kPhase4, static_cast<int>(t % 4));
  set(kPhase16, static_cast<int>(t % 16));
  set(kSinceEnd, since_end_);
  set(kPosition, static_cast<int>(std::min<std::size_t>(t, 40)));
  set(kScale, accidentals_);
  set(kAbove, voice > 0 ? now[v - 1] : bass.note);
  set(kOuter, voice > 1 ? now[0] : bass.note);
  set(kTop, voice > 0 ? now[0] : kNothing);
  set(kTopClass, pitch_class(voice > 0 ? now[0] : top.note));
  std::uint32_t set_now = 0, set_chosen = 0, set_last = 0;
  for (int u = 0; u < kGridVoices; ++u) {
    const auto k = static_cast<std::size_t>(u);
    const Voice& other = voices_[k];
    const bool chosen = u < voice;
    if (u < 3) {
      set(kNow0 + u, chosen ? now[k] : kNothing);
      set(kUnder0 + u, u + 1 > voice ? voices_[k + 1].note : kNothing);
      set(kNowOver0 + u, chosen ? interval(now[k], own) : kNoInterval);
      set(kNowMove0 + u, chosen ? interval(now[k], other.note) : kNoInterval);
    }
    set(kLast0 + u, other.note);
    set(kLastClass0 + u, pitch_class(other.note));
    set(kHeldA + u, other.held);
    set(kHeldA9 + u, std::min(other.held, 9));
    set(kHeldA5 + u, std::min(other.held, 5));
    set(kLastOver0 + u, interval(other.note, own));
    set_now |= 1u << pitch_class(chosen ? now[k] : other.note);
    if (chosen) set_chosen |= 1u << pitch_class(now[k]);
    set_last |= 1u << pitch_class(other.note);
  }
  const int outer = voice > 0 ? now[0] : bass.note;
  set(kOuterOver, interval(outer, own));
  set(kAboveOver, voice > 1 ? interval(now[v - 1], own) : interval(outer, own));
  set(kTopWasOver, voice > 0 ? interval(top.note, own) : 0);
  set(kNowFromTop1, voice > 1 ? interval(now[1], now[0]) : kNoInterval);
  set(kNowFromTop2, voice > 2 ? interval(now[2], now[0]) : kNoInterval);
  set(kFromOuter, interval(own, outer));
  set(kOuterOver12, interval(outer, own) % 12);
  set(kAlto12, voice > 1 ? interval(now[1], own) % 12 : 12);
  set(kNextBelowOver, voice < 3 ? interval(voices_[v + 1].note, own) : kNoInterval);
  packed(kSetNow, set_now);
  packed(kSetChosen, set_chosen);
  packed(kSetLast, set_last);

  const std::size_t beat = t - t % 4;
  std::uint32_t lag4 = 0, lag68 = 0, lag8 = 0, a = 0, b = 0, c = 0;
  std::array<std::uint32_t, 3> beats{};
  for (int u = 0; u < kGridVoices; ++u) {
    const auto k = static_cast<std::size_t>(u);
    lag4 = pack(lag4, lag(4, u));
    lag68 = pack(pack(lag68, lag(6, u)), lag(8, u));
    lag8 = pack(lag8, lag(8, u));
    if (t % 4 != 0) beats[0] |= 1u << pitch_class(steps_[beat][k]);
    if (beat >= 4) beats[1] |= 1u << pitch_class(steps_[beat - 4][k]);
    if (beat >= 8) beats[2] |= 1u << pitch_class(steps_[beat - 8][k]);
    a = a * 9 + moved_before(1, u) * 3 + moved_before(2, u);
    b = b * 9 + moved_before(4, u) * 3 + moved_before(3, u);
    c = c * 9 + moved_before(8, u) * 3 + moved_before(6, u);
  }
  packed(kLag4, lag4);
  packed(kLag6and8, lag68);
  packed(kLag8, lag8);
  packed(kMovesA, a);
  packed(kMovesB, b);
  packed(kMovesC, c);
  for (int i = 0; i < 3; ++i) packed(kBeatSet + i, beats[static_cast<std::size_t>(i)]);
  set(kBassBefore1, pitch_class(bass.before[0]));
  set(kBassBefore2, pitch_class(bass.before[1]));
  set(kTopStep1, interval(top.note, top.before[0]));
  set(kTopStep2, interval(top.before[0], top.before[1]));
  set(kTopStep3, interval(top.before[1], top.before[2]));
  set(kTopHeld, top.held);
  set(kTopLength1, top.lengths[0]);
  set(kTopLength2, top.lengths[1]);
  std::uint32_t lags = 0;
  for (const std::size_t d : {8, 12, 16}) lags = pack(lags, t >= d ? interval(lag(d, 0), top.note) : 0);
  packed(kTopLags, lags);
  const auto rhythm = [&](std::initializer_list<std::size_t> distances) {
    std::uint32_t code = 0;
    for (const std::size_t d : distances) code = code * 3 + moved_before(d, voice);
    return code;
  };
  packed(kMoved4and8, rhythm({4, 8}));
  packed(kMoved2to16, rhythm({2, 6, 12, 16}));
  packed(kMoved20to32, rhythm({20, 24, 32}));
  packed(kMoved16and32, rhythm({16, 32}));
  packed(kMoved48and64, rhythm({48, 64}));
  packed(kMoved16, rhythm({16}));
  packed(kMoved32, rhythm({32}));
  packed(kRhythm8, rhythm({1, 2, 3, 4, 5, 6, 7, 8}));
  packed(kRhythm16, rhythm({9, 10, 11, 12, 13, 14, 15, 16}));
  std::uint32_t outer_rhythm = 0;
  for (std::size_t d = 1; d <= 4; ++d) outer_rhythm = outer_rhythm * 9 + moved_before(d, 0) * 3 + moved_before(d, 3);
  packed(kRhythmOuter, outer_rhythm);
  int matched = 200;
  if (match_length_ > 0) {
    const VoiceSymbols& there = steps_[match_];
    if (std::equal(now.begin(), now.begin() + voice, there.begin())) matched = there[v];
  }
  set(kMatched, matched);
  set(kMatchAgrees, matched == 200 ? 2 : matched == own);
  set(kMatchClass, static_cast<int>(match_length_ < 16   ? match_length_ / 4
                                    : match_length_ < 32 ? 4
                                    : match_length_ < 64 ? 5
                                                         : 6));
  for (std::size_t i = 0; i < 4; ++i) {
    packed(kTune3 + static_cast<int>(i), steps_of_tune_[i]);
    packed(kTimed3 + static_cast<int>(i), timed_tune_[i]);
  }
  set(kTopMove, voice > 0 ? interval(now[0], top.note) : 0);
  set(kTopOver, voice > 0 ? interval(now[0], own) : 0);
  set(kBassStep1, interval(bass.note, bass.before[0]));
  set(kBassStep2, interval(bass.before[0], bass.before[1]));
  set(kBassStep3, interval(bass.before[1], bass.before[2]));
  set(kBassHeld9, std::min(bass.held, 9));
  set(kBassLength1, bass.lengths[0]);
  set(kBassLength2, bass.lengths[1]);
  set(kOuterGap, interval(top.note, bass.note));
  set(kBassAndTop, voice > 0 ? now[0] : bass.before[0]);
  set(kBassBefore, bass.before[0]);
}

ChoicePoint VoiceHistory::next() {
  const int voice = turn_;
  fill(voice, now_);
  const Voice& me = voices_[static_cast<std::size_t>(voice)];
  const auto feature = [&](Feature f) { return static_cast<int>(features_[static_cast<std::size_t>(f)]); };
  ChoicePoint point;
  point.features = features_;
  point.slot = voice;
  point.expected = me.note == kNothing ? -1 : me.note;
  point.reference = is_pitch(me.note) ? me.note : 0;
  point.lowest = 1;
  point.highest = kVoiceSymbols - 1;
  point.situation = feature(kPhase4) * kGridVoices + voice;
  point.circumstance = (voice * 8 + feature(kMoved)) * 2 + (match_length_ >= 16);
  point.occasion = (point.situation * 14 + feature(kHeldClass)) * 8 + feature(kMoved);
  return point;
}

void VoiceHistory::choose(int symbol) {
  now_[static_cast<std::size_t>(turn_)] = symbol;
  if (++turn_ < kGridVoices) return;
  append(now_);
  turn_ = 0;
}

}  // namespace euterpe
