#include "compose/chorale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/random.hpp"
#include "compose/bar_progress.hpp"
#include "compose/chorale_draft.hpp"
#include "compose/wishes.hpp"
#include "nn/voice_contexts.hpp"
#include "score/harmony.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kBarSteps = 16, kHalfBar = 8, kBeatSteps = 4;
constexpr int kStarts = 20, kOpenings = 24, kEndings = 40;  // from which one is chosen
constexpr std::size_t kOpeningSteps = 64, kEndingSteps = 24;
constexpr std::size_t kLongNote = 8;  // of the soprano: the end of a phrase
constexpr double kNoArrival = -50;
constexpr double kMinorKeys = 0.47;     // of the pieces for training
constexpr std::size_t kSeamSteps = 16;  // of what follows a gap, by which drafts are judged
constexpr std::size_t kLastSteps = 8;   // of a gap, which each draft writes more than once
constexpr int kEndingsOfADraft = 4;
constexpr int kCadences = 6;  // of a harmonization, until one closes on the tonic

std::size_t bars_of(std::size_t steps) { return (steps + kBarSteps - 1) / kBarSteps; }

void check_options(const ChoraleOptions& o) {
  check(o.sampling);
  const auto refuse = [](const char* what) { throw Error(Category::usage, "chorale", what); };
  if (o.bars < 1 || o.bars > kMostBarsComposed) refuse("bars must be 1 … 512");
  if (o.particles < 1 || o.particles > 1024) refuse("particles must be 1 … 1024");
}

/// Added to logarithms of weights, the largest sum is drawn in proportion to the weights.
double gumbel(Random& random) { return -std::log(-std::log(std::max(random.uniform(), 1e-300))); }

bool is_tonic_chord(const VoicePitches& chord, const KeyEstimate& key) {
  const int third = key.minor ? 3 : 4;
  bool has_third = false;
  for (const std::int8_t pitch : chord) {
    if (pitch == kGridRest) return false;
    const int over = (pitch - key.tonic + 120) % 12;
    if (over != 0 && over != 7 && over != third && over != 4) return false;  // a minor piece may end in major
    has_third |= over == third || over == 4;
  }
  return has_third && (chord[3] - key.tonic + 120) % 12 == 0;
}

/// Goes on to `total` sixteenths, the last `hold` of them one chord: of many endings one is taken in which the model is
/// likely to hold the tonic's chord for so long, as it is where a phrase ends.
void write_ending(ChoraleDraft& draft, std::size_t total, std::size_t hold, const KeyEstimate& key,
                  const SamplingOptions& sampling, Random& random, BarProgress& told) {
  const std::size_t goal = total - hold;  // where the last chord begins
  while (draft.steps().size() + kEndingSteps < goal) {
    check_interrupt();
    draft.draw_step(sampling, random);
    told.reached(draft.steps().size() / kBarSteps);
  }
  std::optional<ChoraleDraft> best;
  double best_score = 0;
  for (int ending = 0; ending < kEndings; ++ending) {
    check_interrupt();
    ChoraleDraft end = draft;
    while (end.steps().size() <= goal) end.draw_step(sampling, random);
    const auto& steps = end.steps();
    const bool arrives = is_tonic_chord(steps.back(), key) && (goal == 0 || steps.back() != steps[goal - 1]);
    double score = (arrives ? 0 : kNoArrival) + gumbel(random);
    while (end.steps().size() < total) score -= end.read(end.steps().back());
    if (best && score <= best_score) continue;
    best_score = score;
    best.emplace(std::move(end));
  }
  draft = std::move(*best);
  told.reached(bars_of(total));
}

/// How the published chorales are laid out (229 for training).
struct Form {
  std::size_t total;     ///< sixteenths, of which an upbeat is the beginning
  std::size_t hold;      ///< of the last chord
  std::size_t repeated;  ///< of the first part, where it is sung twice, as in bar form; else 0
};

Form draw_form(int bars, Random& random) {
  constexpr std::array<double, 4> kMissing{65, 7, 9, 148};  // quarters of the first bar: none, one, two, three
  constexpr std::array<double, 3> kLast{136, 29, 69};       // the last chord lasts two, three, four quarters
  constexpr std::array<double, 3> kPart{48, 10, 16};        // four, five, six bars, of 74 chorales
  constexpr double kRepeats = 0.33;
  constexpr std::size_t kPartBars = 4, kRest = 4 * kBarSteps;
  Form form{static_cast<std::size_t>(bars) * kBarSteps, 0, 0};
  if (bars > 1) form.total -= kBeatSteps * random.weighted(kMissing);
  form.hold = std::min(form.total / 2, kBeatSteps * (2 + random.weighted(kLast)));
  if (random.uniform() < kRepeats) form.repeated = kBarSteps * (kPartBars + random.weighted(kPart));
  if (2 * form.repeated + kRest > form.total) form.repeated = 0;
  return form;
}

/// Whether phrases end where the last one will: most long notes of the soprano end so many half bars before the end.
bool phrases_fit(const std::vector<VoicePitches>& steps, std::size_t total) {
  int fit = 0, misfit = 0;
  for (std::size_t i = 0, end = 0; i < steps.size(); i = end) {
    while (end < steps.size() && steps[end][0] == steps[i][0]) ++end;
    if (end - i >= kLongNote && i > 0 && end < steps.size()) ++((total - end) % kHalfBar == 0 ? fit : misfit);
  }
  return fit > misfit;
}

/// Resamples so that each index comes about `weights[i]` · count times; weights sum to 1.
std::vector<int> heirs(const std::vector<double>& weights, Random& random) {
  std::vector<int> out(weights.size(), 0);
  const double step = 1.0 / static_cast<double>(weights.size());
  double at = random.uniform() * step, passed = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    passed += weights[i];
    for (; at < passed; at += step) ++out[i];
  }
  return out;
}

int wrapped(int key) { return key > 5 ? key - kKeys : key < kLowestKey ? key + kKeys : key; }

/// Pitch classes by sixteenths that they sound.
template <class Range>
KeyEstimate key_of(const Range& pitches) {
  std::array<double, 12> classes{};
  for (const std::int8_t pitch : pitches)
    if (pitch != kGridRest) classes[static_cast<std::size_t>(pitch % 12)] += 1;
  return estimate_key(classes);
}

/// Whether the chord before step `end` is the tonic's, in the key of the whole.
bool arrives(const ChoraleDraft& draft, std::size_t end) {
  std::vector<std::int8_t> pitches;
  for (const VoicePitches& step : draft.steps()) pitches.insert(pitches.end(), step.begin(), step.end());
  return is_tonic_chord(draft.steps()[end - 1], key_of(pitches));
}

/// One step of a particle filter: drafts in which the soprano's `pitch` was likely have heirs, then all set it.
void follow(std::vector<ChoraleDraft>& drafts, std::vector<double>& weights, std::int8_t pitch,
            const SamplingOptions& sampling, Random& random) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    weights[i] *= std::exp(-drafts[i].nats(pitch));
    sum += weights[i];
  }
  for (double& w : weights) {
    w /= sum;
    squares += w * w;
  }
  if (squares * static_cast<double>(weights.size()) > 2) {  // fewer than half of the drafts count
    const std::vector<int> copies = heirs(weights, random);
    std::vector<ChoraleDraft> next;
    next.reserve(drafts.size());
    for (std::size_t i = 0; i < drafts.size(); ++i) {
      for (int h = 1; h < copies[i]; ++h) next.push_back(drafts[i]);
      if (copies[i] > 0) next.push_back(std::move(drafts[i]));
    }
    drafts = std::move(next);
    weights.assign(drafts.size(), 1.0 / static_cast<double>(drafts.size()));
  }
  for (ChoraleDraft& draft : drafts) {
    draft.sing(pitch);
    for (int v = 1; v < kGridVoices; ++v) draft.draw(sampling, random);
  }
}

Chorale finished(const ChoraleDraft& draft, std::size_t from = 0) {
  Chorale out;
  out.grid.steps.assign(draft.steps().begin() + static_cast<std::ptrdiff_t>(from), draft.steps().end());
  out.nats_per_token = draft.nats_per_token();
  return out;
}

}  // namespace

Chorale write_chorale(const KeyedModel& model, const ChoraleOptions& options) {
  check_options(options);
  Random random = Random::stream(options.seed, 0);
  KeyEstimate key;
  if (options.key) {
    key = *options.key;
  } else {
    const int drawn = static_cast<int>(random.weighted(model.keys())) + kLowestKey;
    key.minor = random.uniform() < kMinorKeys;
    key.tonic = (drawn + (key.minor ? 9 : 0) + 12) % 12;
  }
  const Form form = draw_form(options.bars, random);
  const std::size_t opening = form.repeated > 0                ? form.repeated
                              : form.total < 2 * kOpeningSteps ? form.total / 2
                                                               : kOpeningSteps;
  std::optional<ChoraleDraft> draft;
  for (int attempt = 0; attempt < kOpenings; ++attempt) {
    // Both modes share the tables: what begins on the tonic's chord is in the mode asked for, and mostly stays there.
    ChoraleDraft start(model, table_key(key), false);
    for (int i = 0; i < kStarts; ++i) {
      start = ChoraleDraft(model, table_key(key), false);
      start.draw_step(options.sampling, random);
      if (is_tonic_chord(start.steps()[0], key)) break;
    }
    check_interrupt();
    while (start.steps().size() < opening) start.draw_step(options.sampling, random);
    // A part that is sung twice ends as a phrase does.
    const auto& steps = start.steps();
    const bool ends = form.repeated == 0 || steps[opening - 1][0] == steps[opening - kHalfBar + 2][0];
    const bool good = is_tonic_chord(steps[0], key) && ends && phrases_fit(steps, form.total);
    if (good || !draft) draft.emplace(std::move(start));
    if (good) break;
  }
  // The rest goes on from the part as if it had been sung once: a model that has heard it twice says it again and
  // again.
  BarProgress told(options.progress);
  write_ending(*draft, form.total - form.repeated, form.hold, key, options.sampling, random, told);
  told.reached(static_cast<std::size_t>(options.bars));
  Chorale out = finished(*draft);
  const std::vector<VoicePitches> part(out.grid.steps.begin(),
                                       out.grid.steps.begin() + static_cast<std::ptrdiff_t>(form.repeated));
  out.grid.steps.insert(out.grid.steps.begin(), part.begin(), part.end());
  return out;
}

Chorale harmonize(const KeyedModel& model, std::span<const std::int8_t> soprano, const ChoraleOptions& options) {
  check_options(options);
  if (soprano.empty() || soprano.size() > kMostSopranoSteps)
    throw Error(Category::bad_input, "harmonize",
                fmt::format("a soprano of {} sixteenths: 1 … {} can be taken", soprano.size(), kMostSopranoSteps));
  for (const std::int8_t pitch : soprano)
    if (pitch != kGridRest && (pitch < kLowestVoice || pitch > kHighestVoice))
      throw Error(Category::bad_input, "harmonize",
                  fmt::format("pitch {}: a voice is {} … {}", pitch, kLowestVoice, kHighestVoice));
  // Half of the drafts in the key that the tune suggests, a quarter in each that differs by one accidental: the tune's
  // own probability decides between them.
  const int suggested = table_key(key_of(soprano));
  std::vector<ChoraleDraft> drafts;
  for (int i = 0; i < options.particles; ++i)
    drafts.emplace_back(model, wrapped(suggested + (i % 4 == 1 ? 5 : i % 4 == 3 ? -5 : 0)), true);
  std::vector<double> weights(drafts.size(), 1.0 / static_cast<double>(drafts.size()));
  Random random = Random::stream(options.seed, 1);
  BarProgress told(options.progress);
  const auto set = [&](std::span<const std::int8_t> pitches) {
    for (const std::int8_t pitch : pitches) {
      check_interrupt();
      told.reached(drafts.front().steps().size() / kBarSteps);
      follow(drafts, weights, pitch, options.sampling, random);
    }
  };
  const auto heaviest = [&] {
    return static_cast<std::size_t>(std::max_element(weights.begin(), weights.end()) - weights.begin());
  };
  // Where the last note begins and ends, and from where its cadence can still be another.
  std::size_t end = soprano.size();
  while (end > 1 && soprano[end - 1] == kGridRest) --end;
  std::size_t last = end - 1;
  while (last > 0 && soprano[last - 1] == soprano[end - 1]) --last;
  const std::size_t cadence = last - std::min(last, kHalfBar);
  set(soprano.first(cadence));
  const auto at_cadence = drafts;
  const auto weights_there = weights;
  std::optional<ChoraleDraft> best;
  for (int attempt = 0; attempt < kCadences; ++attempt) {
    drafts = std::vector<ChoraleDraft>(at_cadence);  // they can be copied, not assigned
    weights = weights_there;
    set(soprano.subspan(cadence));
    if (!best) best.emplace(drafts[heaviest()]);
    for (std::size_t i = 0; i < drafts.size(); ++i)
      if (!arrives(drafts[i], end)) weights[i] = 0;
    if (const std::size_t i = heaviest(); weights[i] > 0) {
      best.emplace(std::move(drafts[i]));
      break;
    }
  }
  told.reached(bars_of(soprano.size()));
  return finished(*best);
}

Chorale write_between(const KeyedModel& model, std::span<const VoicePitches> before, std::size_t steps,
                      std::span<const VoicePitches> after, const ChoraleOptions& options) {
  check_options(options);
  if (before.size() + steps + after.size() > kMostChoraleSteps)
    throw Error(
        Category::bad_input, "chorale",
        fmt::format("{} sixteenths, at most {} can be taken", before.size() + steps + after.size(), kMostChoraleSteps));
  std::vector<std::int8_t> pitches;
  for (const auto& part : {before, after})
    for (const VoicePitches& step : part) pitches.insert(pitches.end(), step.begin(), step.end());
  const KeyEstimate key = key_of(pitches);
  // The music itself says which table it is in: the one it suggests, or a neighbor.
  const std::span<const VoicePitches> known = before.empty() ? after : before;
  int table = table_key(key);
  double least = 0;
  std::optional<ChoraleDraft> start;
  for (const int up : {0, 5, -5}) {
    ChoraleDraft draft(model, wrapped(table_key(key) + up), false);
    double nats = 0;
    for (const VoicePitches& step : known) {
      check_interrupt();
      nats += draft.read(step);
    }
    if (start && nats >= least) continue;
    least = nats;
    table = draft.key();
    start.emplace(std::move(draft));
  }
  if (before.empty()) start.emplace(model, table, false);
  Random random = Random::stream(options.seed, 2);
  const std::size_t total = before.size() + steps;
  if (after.empty()) {
    BarProgress told(options.progress, bars_of(before.size()));
    write_ending(*start, total, std::min(steps, kHalfBar), key, options.sampling, random, told);
    return finished(*start, before.size());
  }
  const std::size_t last = std::min(steps, kLastSteps);
  const auto seam = after.first(std::min(after.size(), kSeamSteps));
  std::optional<ChoraleDraft> best;
  double best_score = 0;
  BarProgress told(options.progress);
  for (int particle = 0; particle < options.particles; ++particle) {
    told.reached(bars_of(steps) * static_cast<std::size_t>(particle) / static_cast<std::size_t>(options.particles));
    ChoraleDraft draft = *start;
    while (draft.steps().size() + last < total) {
      check_interrupt();
      draft.draw_step(options.sampling, random);
    }
    for (int ending = 0; ending < kEndingsOfADraft; ++ending) {
      check_interrupt();
      ChoraleDraft end = draft;
      while (end.steps().size() < total) end.draw_step(options.sampling, random);
      ChoraleDraft on = end;
      double score = gumbel(random);
      for (const VoicePitches& step : seam) score -= on.read(step);
      if (best && score <= best_score) continue;
      best_score = score;
      best.emplace(std::move(end));
    }
  }
  told.reached(bars_of(steps));
  return finished(*best, before.size());
}

}  // namespace euterpe
