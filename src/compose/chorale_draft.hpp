#pragma once
/// A chorale being written: what the model of four voices would sing, within what four-part writing allows.
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "compose/sampler.hpp"
#include "nn/keyed_model.hpp"
#include "score/key.hpp"
#include "score/voice_grid.hpp"

namespace euterpe {

/// Of the model's tables: −6 … +5 semitones from C major and A minor.
int table_key(const KeyEstimate& key);

/// One chorale, sixteenth by sixteenth, soprano first. A copy goes its own way.
class ChoraleDraft {
 public:
  /// \param remember whether the model counts what is drawn as the piece's past: what a tune's first phrase was given,
  /// its second may have again. What is read always counts.
  ChoraleDraft(const KeyedModel& model, int key, bool remember) : writer_(model, key), remember_(remember) {}

  /// Takes a sixteenth as it is. \return −ln p of its four pitches
  double read(const VoicePitches& step);
  /// The next voice takes this pitch, kGridRest for none.
  void sing(std::int8_t pitch);
  /// −ln p of it.
  double nats(std::int8_t pitch) const;
  /// The next voice draws its pitch: in its range, uncrossed, without parallel fifths and octaves wherever there is a
  /// choice. \param options temperature, top_k, top_p and min_p; 1 is the temperature at which chorales come out best
  void draw(const SamplingOptions& options, Random& random);
  void draw_step(const SamplingOptions& options, Random& random);

  const std::vector<VoicePitches>& steps() const { return steps_; }
  int key() const { return writer_.key(); }
  double nats_per_token() const { return drawn_ > 0 ? nats_ / static_cast<double>(drawn_) : 0; }

 private:
  bool allowed(int symbol, int strictness) const;
  void take(int symbol, bool remember);

  KeyedWriter writer_;
  bool remember_;
  std::vector<VoicePitches> steps_;
  std::array<int, 4> held_{};  ///< sixteenths that each voice has sung its note
  VoicePitches now_{};
  std::size_t voice_ = 0;  ///< that chooses next
  double nats_ = 0;
  std::size_t drawn_ = 0;
};

}  // namespace euterpe
