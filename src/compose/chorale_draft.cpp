#include "compose/chorale_draft.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "nn/voice_contexts.hpp"
#include "score/voice_leading.hpp"

namespace euterpe {
namespace {

// Chosen on validation pieces. What is drawn as likely as the model says it goes astray: an unlikely sixteenth makes
// the next ones unlikelier still, for no piece has taught what follows it.
constexpr double kHoldTemperature = 0.8;
constexpr std::array<double, 4> kPitchTemperature{0.75, 0.75, 0.69, 0.63};
constexpr double kLeastShare = 0.05;
constexpr int kLongNote = 8;  // sixteenths from which on the model alone decides: else notes would be held for ever

/// Where Bach's voices are at home: 98 in 100 of their sixteenths.
constexpr std::array<std::array<int, 2>, 4> kUsualRanges{{{62, 78}, {57, 71}, {51, 67}, {40, 60}}};

}  // namespace

int table_key(const KeyEstimate& key) {
  const int offset = (key.tonic - (key.minor ? 9 : 0) + 24) % 12;
  return offset > 5 ? offset - 12 : offset;
}

void ChoraleDraft::take(int symbol, bool remember) {
  writer_.choose(symbol, remember);
  const int pitch = voice_domain().pitch(symbol, writer_.key());
  now_[voice_] = pitch == 0 ? kGridRest : static_cast<std::int8_t>(pitch);
  if (++voice_ < kGridVoices) return;
  voice_ = 0;
  for (std::size_t v = 0; v < held_.size(); ++v)
    held_[v] = !steps_.empty() && steps_.back()[v] == now_[v] ? held_[v] + 1 : 1;
  steps_.push_back(now_);
}

double ChoraleDraft::nats(std::int8_t pitch) const {
  return writer_.nats(voice_domain().symbol(pitch == kGridRest ? 0 : pitch, writer_.key()));
}

void ChoraleDraft::sing(std::int8_t pitch) {
  take(voice_domain().symbol(pitch == kGridRest ? 0 : pitch, writer_.key()), true);
}

double ChoraleDraft::read(const VoicePitches& step) {
  double sum = 0;
  for (const std::int8_t pitch : step) {
    sum += nats(pitch);
    sing(pitch);
  }
  return sum;
}

/// Range, crossing and parallels, from the hardest rule to the softest.
bool ChoraleDraft::allowed(int symbol, int strictness) const {
  if (symbol == 0) return strictness == 0;  // a voice rests only where nothing else is left
  const int pitch = voice_domain().pitch(symbol, writer_.key());
  if (pitch < kVoiceRanges[voice_][0] || pitch > kVoiceRanges[voice_][1]) return false;
  if (strictness > 0 && (pitch < kUsualRanges[voice_][0] || pitch > kUsualRanges[voice_][1])) return false;
  for (std::size_t u = 0; u < voice_; ++u) {
    if (now_[u] == kGridRest) continue;
    if (strictness > 0 && pitch > now_[u]) return false;
    if (strictness > 1 && !steps_.empty()) {
      const int from = steps_.back()[voice_], other = steps_.back()[u];
      if (from != kGridRest && other != kGridRest && is_parallel(from, other, pitch, now_[u])) return false;
    }
  }
  return true;
}

void ChoraleDraft::draw(const SamplingOptions& options, Random& random) {
  std::array<float, kVoiceSymbols> p;
  writer_.distribution(p);
  std::array<double, kVoiceSymbols> weights;
  for (int strictness = 2; strictness >= 0; --strictness) {
    double total = 0;
    for (int s = 0; s < kVoiceSymbols; ++s) {
      const auto k = static_cast<std::size_t>(s);
      weights[k] = allowed(s, strictness) ? p[k] : 0;
      total += weights[k];
    }
    if (total > 1e-4 || strictness == 0) break;
  }
  const int expected = writer_.expected();
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (expected >= 0) {
    double& hold = weights[static_cast<std::size_t>(expected)];
    const double t = options.temperature * (held_[voice_] < kLongNote ? kHoldTemperature : 1);
    // In shares of what is likelier, which no temperature can make vanish.
    const double going = std::max(0.0, total - hold), larger = std::max({hold, going, 1e-300});
    const double stay = std::pow(hold / larger, 1 / t), go = std::pow(going / larger, 1 / t);
    const bool held = random.uniform() * (stay + go) < stay;
    total -= hold;
    if (held)
      weights.fill(0), hold = 1;
    else
      hold = 0;
  }
  std::array<int, kVoiceSymbols> order;
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return weights[static_cast<std::size_t>(a)] > weights[static_cast<std::size_t>(b)]; });
  const double top = weights[static_cast<std::size_t>(order[0])];
  const double least = std::max(options.min_p, kLeastShare) * top;
  const double t = options.temperature * kPitchTemperature[voice_];
  double passed = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    double& w = weights[static_cast<std::size_t>(order[rank])];
    const double share = w;
    const bool keep = rank == 0 || (passed < options.top_p * total && w >= least &&
                                    (options.top_k == 0 || rank < static_cast<std::size_t>(options.top_k)));
    w = keep ? std::pow(w / top, 1 / t) : 0;
    passed += share;
  }
  const auto symbol = random.weighted(weights);
  nats_ -= std::log(static_cast<double>(p[symbol]));
  ++drawn_;
  take(static_cast<int>(symbol), remember_);
}

void ChoraleDraft::draw_step(const SamplingOptions& options, Random& random) {
  for (int v = 0; v < kGridVoices; ++v) draw(options, random);
}

}  // namespace euterpe
