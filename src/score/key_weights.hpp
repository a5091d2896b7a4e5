#pragma once
/// How much each tone and chord speaks for each key: multinomial logistic regression over the 24 keys, one set of
/// weights for all twelve tonics, on passages of 32 beats of pop909's training songs (Wang et al., ISMIR 2020).
#include <array>
#include <cstddef>

namespace euterpe {

/// Ways to look at a passage, by pitch class: shares of sounding and their square roots, shares in the bass and in the
/// highest line, square roots of the shares of major and of minor chords.
inline constexpr std::size_t kKeyViews = 6;

struct KeyWeights {
  float bias;
  float interval[kKeyViews][12];  ///< by semitones above the tonic
};

/// Major, minor.
inline constexpr std::array<KeyWeights, 2> kKeyWeights{{
    {0.00F,
     {{2.13F, -0.15F, 0.13F, -0.31F, 0.25F, -0.01F, -0.44F, 1.24F, -0.01F, -1.16F, -0.60F, -1.04F},
      {2.67F, -0.84F, 0.33F, -1.10F, 1.60F, 1.90F, -1.48F, 1.71F, 0.31F, -0.79F, -2.15F, 0.18F},
      {1.26F, -0.21F, -0.87F, -0.46F, -0.43F, 0.58F, 0.08F, 0.87F, 0.20F, 0.07F, -0.46F, -0.61F},
      {2.42F, -0.08F, 0.57F, -0.25F, 1.32F, -0.77F, -0.91F, 2.01F, -0.11F, -1.82F, -0.75F, -1.59F},
      {3.26F, -0.39F, -1.44F, -1.12F, -1.34F, 1.82F, 0.16F, 3.28F, 0.91F, -1.12F, -1.82F, -0.91F},
      {-1.57F, -0.08F, 1.70F, 0.15F, 2.58F, 0.48F, 0.10F, -3.33F, -0.02F, 3.03F, -0.45F, -1.83F}}},
    {2.60F,
     {{2.05F, -0.58F, -0.15F, 0.11F, -0.17F, -0.16F, -0.11F, 1.34F, -1.01F, -1.07F, -0.58F, 0.31F},
      {1.75F, -2.30F, 1.34F, 1.14F, -0.99F, -0.03F, -1.24F, 1.88F, -0.08F, -3.39F, -0.95F, 0.53F},
      {1.91F, -0.82F, -0.96F, 0.13F, 0.06F, -0.62F, -0.22F, 0.24F, -0.10F, -0.52F, 0.58F, 0.28F},
      {1.33F, -0.49F, -0.48F, 0.42F, -0.12F, -0.03F, -0.12F, 2.78F, -1.43F, -1.40F, -0.71F, 0.22F},
      {-0.82F, -2.06F, -1.15F, 1.08F, -0.51F, -1.27F, -0.43F, 1.13F, 1.81F, -0.10F, 1.67F, -0.66F},
      {3.14F, 0.02F, -2.64F, -0.43F, 0.05F, 1.10F, 0.11F, 0.36F, -0.05F, -1.01F, -2.20F, 0.80F}}},
}};

}  // namespace euterpe
