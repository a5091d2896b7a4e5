#pragma once
/// Seeded random numbers that are the same on every machine (std distributions are not specified bit for bit).
#include <cstdint>
#include <span>
#include <utility>

namespace euterpe {

/// xoshiro256++ 1.0 (Blackman and Vigna 2019), seeded by SplitMix64.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  /// An independent generator for the `stream`-th item of the same seed, so that parallel loops stay reproducible.
  static Random stream(std::uint64_t seed, std::uint64_t stream);

  std::uint64_t next();
  double uniform();                          ///< [0, 1)
  double uniform(double low, double high);   ///< [low, high)
  std::uint64_t below(std::uint64_t n);      ///< 0 … n − 1 without modulo bias; n > 0
  double normal();                           ///< mean 0, variance 1
  /// Index drawn in proportion to non-negative weights; the sum must be positive.
  std::size_t weighted(std::span<const double> weights);
  template <class Container>
  void shuffle(Container& c) {
    for (std::size_t i = c.size(); i > 1; --i) std::swap(c[i - 1], c[below(i)]);
  }

 private:
  std::uint64_t s_[4];
};

}  // namespace euterpe
