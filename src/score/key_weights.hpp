#pragma once
/// How much each tone and chord speaks for each key: multinomial logistic regression over the 24 keys, one set of
/// weights for all twelve tonics, on passages of pop909's training songs (Wang et al., ISMIR 2020). Written by
/// tools/learn_score_harmony.cpp.
#include <array>

#include "score/harmony_views.hpp"

namespace euterpe {

struct KeyWeights {
  float bias;
  float interval[kKeyViews][12];  ///< by semitones above the tonic
};

/// Major, minor.
inline constexpr std::array<KeyWeights, 2> kKeyWeights{{
    {0.00F,
     {{2.04F, -0.17F, 0.15F, -0.32F, 0.25F, -0.08F, -0.47F, 1.21F, -0.01F, -1.08F, -0.54F, -1.03F},
      {2.59F, -0.89F, 0.34F, -1.12F, 1.65F, 1.84F, -1.59F, 1.64F, 0.27F, -0.70F, -2.13F, 0.26F},
      {1.23F, -0.22F, -0.82F, -0.46F, -0.44F, 0.54F, 0.05F, 0.68F, 0.19F, 0.18F, -0.39F, -0.58F},
      {2.38F, -0.12F, 0.58F, -0.29F, 1.33F, -0.81F, -0.90F, 1.95F, -0.08F, -1.80F, -0.73F, -1.58F},
      {3.33F, -0.46F, -1.38F, -1.11F, -1.42F, 1.90F, 0.18F, 3.29F, 0.88F, -1.05F, -1.78F, -0.91F},
      {-1.51F, -0.04F, 1.68F, 0.15F, 2.57F, 0.51F, 0.01F, -3.22F, 0.02F, 2.95F, -0.48F, -1.88F}}},
    {2.52F,
     {{2.02F, -0.58F, -0.14F, 0.16F, -0.16F, -0.13F, -0.08F, 1.30F, -1.00F, -1.06F, -0.55F, 0.29F},
      {1.66F, -2.32F, 1.38F, 1.21F, -0.99F, 0.10F, -1.20F, 1.85F, -0.06F, -3.38F, -0.87F, 0.48F},
      {1.92F, -0.83F, -1.00F, 0.23F, 0.09F, -0.57F, -0.21F, 0.22F, -0.11F, -0.49F, 0.59F, 0.24F},
      {1.47F, -0.50F, -0.43F, 0.43F, -0.18F, -0.01F, -0.05F, 2.69F, -1.36F, -1.43F, -0.74F, 0.16F},
      {-0.75F, -2.12F, -1.19F, 1.09F, -0.45F, -1.32F, -0.43F, 1.12F, 1.79F, -0.10F, 1.58F, -0.72F},
      {3.12F, 0.00F, -2.62F, -0.47F, 0.11F, 1.06F, 0.12F, 0.41F, -0.09F, -0.97F, -2.23F, 0.81F}}},
}};

}  // namespace euterpe
