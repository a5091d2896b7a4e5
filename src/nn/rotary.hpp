#pragma once
/// Rotary positions (Su et al. 2021), by a token's index or, besides, by its place in the music: pairs that turn with
/// musical time see "a beat ago" and "a bar ago" whatever stands between, pairs that turn with pitch see intervals
/// (the relations of Huang et al. 2018 and of "relative attention with pitch and time", as rotations).
#include <vector>

#include "nn/transformer.hpp"
#include "score/music_place.hpp"

namespace euterpe {

class RotaryAngles {
 public:
  explicit RotaryAngles(const TransformerOptions& options);
  int pairs() const { return pairs_; }  ///< of a head: half its width
  /// \param index of the token among those that attention sees \param cosine, sine [pairs]
  void turn(int index, MusicPlace place, float* cosine, float* sine) const;

 private:
  /// One turn after `period`, for whole-numbered positions.
  struct Wheel {
    int period;
    std::vector<float> cosine, sine;  ///< [period]
  };
  int pairs_, indices_;
  std::vector<float> index_cosine_, index_sine_;  ///< [context × indices]
  std::vector<Wheel> time_, pitch_;
};

}  // namespace euterpe
