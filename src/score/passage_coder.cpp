#include "score/passage_coder.hpp"

#include <algorithm>
#include <array>

namespace euterpe {
namespace {

constexpr std::uint32_t kShares = 1u << SymbolDecoder::kShareBits;
using Counts = std::array<std::uint32_t, 256>;

/// Shares that sum to kShares, none of a byte that came below 1.
Counts shares_of(const Counts& counts) {
  std::uint64_t all = 0;
  for (const std::uint32_t c : counts) all += c;
  Counts shares{};
  if (all == 0) return shares;
  std::uint32_t sum = 0;
  for (std::size_t s = 0; s < counts.size(); ++s)
    if (counts[s] > 0)
      sum += shares[s] =
          std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::uint64_t{counts[s]} * kShares / all));
  // Rounding left some over, or took too many for the rare ones: the most frequent bear it.
  for (; sum < kShares; ++sum) ++*std::max_element(shares.begin(), shares.end());
  for (; sum > kShares; --sum) --*std::max_element(shares.begin(), shares.end());
  return shares;
}

}  // namespace

std::vector<std::uint8_t> SymbolEncoder::finish() const {
  std::vector<Counts> shares(contexts_, Counts{}), starts(contexts_, Counts{});
  for (const Symbol& s : symbols_) ++shares[s.context][s.value];
  std::vector<std::uint8_t> out;
  const auto put = [&](std::uint32_t value) {
    out.push_back(static_cast<std::uint8_t>(value));
    out.push_back(static_cast<std::uint8_t>(value >> 8));
  };
  for (std::size_t c = 0; c < contexts_; ++c) {
    shares[c] = shares_of(shares[c]);
    put(static_cast<std::uint32_t>(
        std::count_if(shares[c].begin(), shares[c].end(), [](std::uint32_t share) { return share > 0; })));
    std::uint32_t start = 0;
    for (std::size_t s = 0; s < 256; ++s) {
      starts[c][s] = start;
      start += shares[c][s];
      if (shares[c][s] == 0) continue;
      out.push_back(static_cast<std::uint8_t>(s));
      put(shares[c][s]);
    }
  }
  // The last symbol goes in first, so that the first comes out first.
  std::uint32_t state = SymbolDecoder::kLowest;
  std::vector<std::uint8_t> code;
  for (auto s = symbols_.rbegin(); s != symbols_.rend(); ++s) {
    const std::uint32_t share = shares[s->context][s->value];
    const std::uint64_t limit = std::uint64_t{(SymbolDecoder::kLowest >> SymbolDecoder::kShareBits) << 8} * share;
    for (; state >= limit; state >>= 8) code.push_back(static_cast<std::uint8_t>(state));
    state = (state / share << SymbolDecoder::kShareBits) + state % share + starts[s->context][s->value];
  }
  for (int i = 0; i < 4; ++i) code.push_back(static_cast<std::uint8_t>(state >> (8 * i)));
  out.insert(out.end(), code.rbegin(), code.rend());
  return out;
}

SymbolDecoder::SymbolDecoder(std::span<const std::uint8_t> code, std::span<const std::uint8_t> raw,
                             std::size_t contexts)
    : code_(code), raw_(raw), symbols_(contexts << kShareBits), shares_(contexts << 8) {
  const auto byte = [&]() -> std::uint32_t {
    failed_ |= at_ == code_.size();
    return failed_ ? 0 : code_[at_++];
  };
  const auto two = [&] {
    const std::uint32_t low = byte();
    return low | byte() << 8;
  };
  for (std::size_t c = 0; c < contexts && !failed_; ++c) {
    const std::uint32_t symbols = two();
    std::uint32_t start = 0;
    for (std::uint32_t i = 0; i < symbols && !failed_; ++i) {
      const auto symbol = static_cast<std::uint8_t>(byte());
      const std::uint32_t share = two();
      failed_ |= share == 0 || share > kShares - start;
      if (failed_) break;
      std::fill_n(symbols_.begin() + static_cast<std::ptrdiff_t>((c << kShareBits) + start), share, symbol);
      shares_[(c << 8) | symbol] = {static_cast<std::uint16_t>(share), static_cast<std::uint16_t>(start)};
      start += share;
    }
    failed_ |= start != 0 && start != kShares;
  }
  for (int i = 0; i < 4; ++i) state_ = state_ << 8 | byte();
}

}  // namespace euterpe
