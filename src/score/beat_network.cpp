#include "score/beat_network.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/hot.hpp"

namespace euterpe {
namespace {

constexpr int kLow = static_cast<int>(RhythmChannels::kCount), kHigh = kLow + 1;

EUTERPE_HOT void add_scaled_row(const float* x, float a, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

/// Means over `width` frames from t + offset on; outside of the piece the channel is 0.
std::vector<float> pooled(const std::vector<double>& sums, int offset, int width) {
  const auto n = static_cast<std::ptrdiff_t>(sums.size()) - 1;
  std::vector<float> out(static_cast<std::size_t>(n));
  for (std::ptrdiff_t t = 0; t < n; ++t) {
    const auto from = std::clamp<std::ptrdiff_t>(t + offset, 0, n);
    const auto to = std::clamp<std::ptrdiff_t>(t + offset + width, 0, n);
    out[static_cast<std::size_t>(t)] =
        static_cast<float>((sums[static_cast<std::size_t>(to)] - sums[static_cast<std::size_t>(from)]) / width);
  }
  return out;
}

std::vector<double> running_sums(const std::vector<float>& x) {
  std::vector<double> sums(x.size() + 1);
  for (std::size_t i = 0; i < x.size(); ++i) sums[i + 1] = sums[i] + x[i];
  return sums;
}

std::vector<BeatInput> make_inputs() {
  std::vector<BeatInput> inputs;
  for (int c = 0; c < static_cast<int>(RhythmChannels::kOnsets); ++c) {
    for (int o = -3; o <= 3; ++o) inputs.push_back({c, o, 1});
    for (const int o : {-15, -9, -6, 4, 7, 10}) inputs.push_back({c, o, o == -15 || o == 10 ? 6 : 3});
  }
  for (const int c : {kLow, kHigh})
    for (int k = 0; k < 20; ++k) {
      inputs.push_back({c, 10 + 5 * k, 5});
      inputs.push_back({c, -14 - 5 * k, 5});
    }
  for (std::size_t c = 0; c < RhythmChannels::kChanges; ++c)
    for (int o = -120; o <= 120; o += 15) inputs.push_back({static_cast<int>(RhythmChannels::kOnsets + c), o - 2, 5});
  return inputs;
}

}  // namespace

const std::vector<BeatInput>& beat_inputs() {
  static const std::vector<BeatInput> inputs = make_inputs();
  return inputs;
}

std::vector<float> chroma_change(const std::vector<float>& chroma, std::size_t n, std::size_t span) {
  std::vector<std::vector<double>> sums;
  for (std::size_t p = 0; p < 12; ++p) {
    sums.emplace_back(n + 1);
    for (std::size_t i = 0; i < n; ++i) sums[p][i + 1] = sums[p][i] + chroma[p * n + i];
  }
  std::vector<float> out(n);
  for (std::size_t t = 0; t < n; ++t) {
    const std::size_t from = t > span ? t - span : 0, to = std::min(n, t + span);
    double ab = 0, aa = 0, bb = 0;
    for (const auto& s : sums) {
      const double a = s[t] - s[from], b = s[to] - s[t];
      ab += a * b, aa += a * a, bb += b * b;
    }
    // Silence on one side is a change, silence on both is none.
    if (aa > 0 || bb > 0) out[t] = static_cast<float>(std::clamp(1 - ab / std::sqrt(aa * bb + 1e-20), 0.0, 1.0));
  }
  return out;
}

std::vector<std::vector<float>> beat_network_rows(const RhythmChannels& channels) {
  const std::size_t n = channels.frames();
  std::vector<float> total(n);
  for (const auto& row : channels.onsets)
    for (std::size_t t = 0; t < n; ++t) total[t] += row[t];
  const auto sums = running_sums(total);
  const auto reach = static_cast<std::size_t>(5 / kBeatHop);
  // A floor by the piece's mean keeps near silence from being blown up.
  const double floor = 0.1 * sums[n] / static_cast<double>(std::max<std::size_t>(1, n)) + 1e-9;
  std::vector<std::vector<float>> rows(RhythmChannels::kCount + 2, std::vector<float>(n));
  for (std::size_t t = 0; t < n; ++t) {
    const std::size_t from = t > reach ? t - reach : 0, to = std::min(n, t + reach + 1);
    const double mean = std::max(floor, (sums[to] - sums[from]) / static_cast<double>(to - from));
    float low = 0, high = 0;
    for (std::size_t c = 0; c < RhythmChannels::kOnsets; ++c) {
      const auto x = static_cast<float>(channels.onsets[c][t] / mean);
      rows[c][t] = std::log1p(x);
      (c < 2 ? low : high) += x;
    }
    rows[static_cast<std::size_t>(kLow)][t] = std::log1p(low);
    rows[static_cast<std::size_t>(kHigh)][t] = std::log1p(high);
  }
  for (std::size_t c = 0; c < RhythmChannels::kChanges; ++c) rows[RhythmChannels::kOnsets + c] = channels.changes[c];
  std::vector<std::vector<double>> all_sums;
  for (const auto& row : rows) all_sums.push_back(running_sums(row));
  std::vector<std::vector<float>> inputs;
  for (const BeatInput& in : beat_inputs())
    inputs.push_back(pooled(all_sums[static_cast<std::size_t>(in.channel)], in.offset, in.width));
  return inputs;
}

BeatLogOdds BeatNetwork::operator()(const RhythmChannels& channels) const {
  const std::size_t n = channels.frames(), units = bias.size(), inputs = beat_inputs().size();
  EUTERPE_ASSERT(hidden.size() == units * inputs && scale.size() == units && output.size() == 3 * (units + 1));
  const auto rows = beat_network_rows(channels);
  BeatLogOdds odds{kBeatHop, std::vector<float>(n), std::vector<float>(n)};
  constexpr std::size_t kBlock = 2048;  // rows of a block stay in the cache for all units
  std::vector<float> sum(kBlock), out[3];
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t m = std::min(kBlock, n - begin);
    for (std::size_t o = 0; o < 3; ++o) out[o].assign(m, output[o * (units + 1) + units]);
    for (std::size_t u = 0; u < units; ++u) {
      std::fill_n(sum.begin(), m, bias[u]);
      for (std::size_t i = 0; i < inputs; ++i)
        add_scaled_row(rows[i].data() + begin, scale[u] * static_cast<float>(hidden[u * inputs + i]), sum.data(), m);
      for (std::size_t t = 0; t < m; ++t) sum[t] = std::max(0.0F, sum[t]);
      for (std::size_t o = 0; o < 3; ++o) add_scaled_row(sum.data(), output[o * (units + 1) + u], out[o].data(), m);
    }
    for (std::size_t t = 0; t < m; ++t) {
      odds.beat[begin + t] = out[1][t] - out[0][t];
      odds.downbeat[begin + t] = out[2][t] - out[0][t];
    }
  }
  return odds;
}

}  // namespace euterpe
