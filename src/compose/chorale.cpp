#include "compose/chorale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/random.hpp"
#include "nn/voice_contexts.hpp"
#include "score/harmony.hpp"
#include "score/voice_leading.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kBarSteps = 16;
constexpr std::size_t kMostSteps = 4096;
constexpr int kEndings = 40;

/// Of the tables' key: −6 … +5 semitones from C major and A minor.
int table_key(const KeyEstimate& key) {
  const int offset = (key.tonic - (key.minor ? 9 : 0) + 24) % 12;
  return offset > 5 ? offset - 12 : offset;
}

void check_options(const ChoraleOptions& o) {
  const auto refuse = [](const char* what) { throw Error(Category::usage, "chorale", what); };
  if (o.bars < 1 || o.bars > 64) refuse("bars must be 1 … 64");
  if (!(o.temperature > 0 && o.temperature <= 10)) refuse("temperature must be above 0, at most 10");
  if (!(o.top_p > 0 && o.top_p <= 1)) refuse("top-p must be above 0, at most 1");
  if (o.particles < 1 || o.particles > 1024) refuse("particles must be 1 … 1024");
}

/// One piece being written.
struct Draft {
  KeyedWriter writer;
  VoiceGrid grid;
  VoicePitches now{};
  double nats = 0;
  std::size_t drawn = 0;
  bool remember = true;  // what a tune's first phrase was given, its second may have again

  void take(int voice, int symbol) {
    writer.choose(symbol, remember);
    const int pitch = voice_domain().pitch(symbol, writer.key());
    now[static_cast<std::size_t>(voice)] = pitch == 0 ? kGridRest : static_cast<std::int8_t>(pitch);
    if (voice == kGridVoices - 1) grid.steps.push_back(now);
  }

  /// Range, crossing and parallels, from the hardest rule to the softest.
  bool allowed(int voice, int symbol, int strictness) const {
    const auto v = static_cast<std::size_t>(voice);
    if (symbol == 0) return strictness == 0;  // a voice rests only where nothing else is left
    const int pitch = voice_domain().pitch(symbol, writer.key());
    if (pitch < kVoiceRanges[v][0] || pitch > kVoiceRanges[v][1]) return false;
    for (std::size_t u = 0; u < v; ++u) {
      if (now[u] == kGridRest) continue;
      if (strictness > 0 && pitch > now[u]) return false;
      if (strictness > 1 && !grid.steps.empty()) {
        const int from = grid.steps.back()[v], other = grid.steps.back()[u];
        if (from != kGridRest && other != kGridRest && is_parallel(from, other, pitch, now[u])) return false;
      }
    }
    return true;
  }

  /// Draws the voice's next symbol.
  void draw(int voice, const ChoraleOptions& options, Random& random) {
    std::array<float, kVoiceSymbols> p;
    writer.distribution(p);
    std::array<double, kVoiceSymbols> weights;
    for (int strictness = 2; strictness >= 0; --strictness) {
      double total = 0;
      for (int s = 0; s < kVoiceSymbols; ++s) {
        const auto k = static_cast<std::size_t>(s);
        weights[k] = allowed(voice, s, strictness) ? p[k] : 0;
        total += weights[k];
      }
      if (total > 1e-4 || strictness == 0) break;
    }
    // Whether the note is held is drawn as the model says it: cutting off rare changes would hold it for ever.
    const int expected = writer.expected();
    double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    if (expected >= 0) {
      double& hold = weights[static_cast<std::size_t>(expected)];
      const bool held = random.uniform() * total < hold;
      total -= hold;
      if (held)
        weights.fill(0), hold = 1;
      else
        hold = 0;
    }
    std::array<int, kVoiceSymbols> order;
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int a, int b) {
      return weights[static_cast<std::size_t>(a)] > weights[static_cast<std::size_t>(b)];
    });
    double kept = 0;
    for (const int s : order) {
      double& w = weights[static_cast<std::size_t>(s)];
      const double share = w;
      w = kept < options.top_p * total || kept == 0 ? std::pow(w / std::max(total, 1e-12), 1 / options.temperature) : 0;
      kept += share;
    }
    const auto symbol = random.weighted(weights);
    nats -= std::log(static_cast<double>(p[symbol]));
    ++drawn;
    take(voice, static_cast<int>(symbol));
  }

  void draw_step(const ChoraleOptions& options, Random& random) {
    for (int v = 0; v < kGridVoices; ++v) draw(v, options, random);
  }
};

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

Chorale finished(Draft&& draft) {
  return {std::move(draft.grid), draft.drawn > 0 ? draft.nats / static_cast<double>(draft.drawn) : 0};
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
    key.minor = random.uniform() < 0.4;
    key.tonic = (drawn + (key.minor ? 9 : 0) + 12) % 12;
  }
  const std::size_t steps = static_cast<std::size_t>(options.bars) * kBarSteps;
  // Both modes share the tables: what begins on the tonic's chord is in the mode asked for, and mostly stays there.
  std::optional<Draft> draft;
  for (int attempt = 0; attempt < 4 * kEndings; ++attempt) {
    Draft start{KeyedWriter(model, table_key(key)), {}, {}, 0, 0, false};
    start.draw_step(options, random);
    const bool good = is_tonic_chord(start.grid.steps[0], key);
    if (good || !draft) draft.emplace(std::move(start));
    if (good) break;
  }
  const std::size_t body = steps - std::min(steps, std::size_t{3 * kBarSteps});
  while (draft->grid.steps.size() < body) {
    check_interrupt();
    draft->draw_step(options, random);
  }
  // Endings are drawn until one comes to the tonic's chord by the last half bar, where it stays.
  std::optional<Draft> best;
  for (int ending = 0; ending < kEndings; ++ending) {
    check_interrupt();
    Draft end = *draft;
    while (end.grid.steps.size() + kBarSteps / 2 <= steps) end.draw_step(options, random);
    const bool tonic = is_tonic_chord(end.grid.steps.back(), key);
    if (tonic || !best) best.emplace(std::move(end));
    if (tonic) break;
  }
  draft.emplace(std::move(*best));
  const bool hold = is_tonic_chord(draft->grid.steps.back(), key);
  while (draft->grid.steps.size() < steps) {
    if (hold)
      draft->grid.steps.push_back(draft->grid.steps.back());
    else
      draft->draw_step(options, random);
  }
  return finished(std::move(*draft));
}

Chorale harmonize(const KeyedModel& model, std::span<const std::int8_t> soprano, const ChoraleOptions& options) {
  check_options(options);
  if (soprano.empty() || soprano.size() > kMostSteps)
    throw Error(Category::bad_input, "harmonize",
                fmt::format("a soprano of {} sixteenths: 1 … {} can be taken", soprano.size(), kMostSteps));
  std::array<double, 12> classes{};
  for (const std::int8_t pitch : soprano) {
    if (pitch != kGridRest && (pitch < kLowestVoice || pitch > kHighestVoice))
      throw Error(Category::bad_input, "harmonize",
                  fmt::format("pitch {}: a voice is {} … {}", pitch, kLowestVoice, kHighestVoice));
    if (pitch != kGridRest) classes[static_cast<std::size_t>(pitch % 12)] += 1;
  }
  // Half of the drafts in the key that the tune suggests, a quarter in each that differs by one accidental: the tune's
  // own probability decides between them.
  const int suggested = table_key(estimate_key(classes));
  const auto wrapped = [](int key) { return key > 5 ? key - 12 : key < kLowestKey ? key + 12 : key; };
  std::vector<Draft> drafts;
  for (int i = 0; i < options.particles; ++i)
    drafts.push_back({KeyedWriter(model, wrapped(suggested + (i % 4 == 1   ? 5
                                                              : i % 4 == 3 ? -5
                                                                           : 0))),
                      {},
                      {},
                      0,
                      0,
                      true});
  std::vector<double> weights(drafts.size(), 1.0 / static_cast<double>(drafts.size()));
  Random random = Random::stream(options.seed, 1);
  for (const std::int8_t pitch : soprano) {
    check_interrupt();
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
      const int symbol = voice_domain().symbol(pitch == kGridRest ? 0 : pitch, drafts[i].writer.key());
      weights[i] *= std::exp(-drafts[i].writer.nats(symbol));
      sum += weights[i];
    }
    for (double& w : weights) {
      w /= sum;
      squares += w * w;
    }
    if (squares * static_cast<double>(weights.size()) > 2) {  // fewer than half of the drafts count
      std::vector<int> heirs(drafts.size(), 0);
      double at = random.uniform() / static_cast<double>(drafts.size()), passed = 0;
      for (std::size_t i = 0; i < drafts.size(); ++i) {
        passed += weights[i];
        for (; at < passed; at += 1.0 / static_cast<double>(drafts.size())) ++heirs[i];
      }
      std::vector<Draft> next;
      next.reserve(drafts.size());
      for (std::size_t i = 0; i < drafts.size(); ++i) {
        for (int h = 1; h < heirs[i]; ++h) next.push_back(drafts[i]);
        if (heirs[i] > 0) next.push_back(std::move(drafts[i]));
      }
      drafts = std::move(next);
      weights.assign(drafts.size(), 1.0 / static_cast<double>(drafts.size()));
    }
    for (Draft& draft : drafts) {
      draft.take(0, voice_domain().symbol(pitch == kGridRest ? 0 : pitch, draft.writer.key()));
      for (int v = 1; v < kGridVoices; ++v) draft.draw(v, options, random);
    }
  }
  const auto best = std::max_element(weights.begin(), weights.end()) - weights.begin();
  return finished(std::move(drafts[static_cast<std::size_t>(best)]));
}

}  // namespace euterpe
