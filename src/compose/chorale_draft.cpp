#include "compose/chorale_draft.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "nn/voice_contexts.hpp"
#include "score/voice_leading.hpp"

namespace euterpe {

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
    const bool held = random.uniform() * total < hold;
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
  const double most = weights[static_cast<std::size_t>(order[0])];
  double kept = 0;
  int rank = 0;
  for (const int s : order) {
    double& w = weights[static_cast<std::size_t>(s)];
    const double share = w;
    const bool keep = rank == 0 || (kept < options.top_p * total && (options.top_k == 0 || rank < options.top_k) &&
                                    w >= options.min_p * most);
    w = keep ? std::pow(w / std::max(total, 1e-12), 1 / options.temperature) : 0;
    kept += share;
    ++rank;
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
