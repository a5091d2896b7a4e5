#pragma once
/// What four voices sing next: the model behind chorales. Without libtorch.
///
/// The tables hold all pieces in one key. A piece's key is not known beforehand: it is a hidden variable with twelve
/// values, p(piece) = Σ p(key) p(piece | key), so that the model says the same of a piece in any key up to its
/// register.
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "nn/context_mixing.hpp"
#include "nn/model.hpp"
#include "nn/voice_contexts.hpp"
#include "score/voice_grid.hpp"

namespace euterpe {

inline constexpr int kLowestKey = -6;  ///< keys are −6 … +5 semitones from that of no accidentals
inline constexpr int kKeys = 12;

/// Symbol of a MIDI pitch (or kGridRest) in a key, and back.
int voice_symbol(int pitch, int key);
int voice_pitch(int symbol, int key);

/// What the tables are made from.
struct VoiceMemory {
  std::vector<std::vector<VoiceSymbols>> pieces;  ///< moved to the common key
  std::array<double, kKeys> keys{};               ///< prior probability of each
};

class VoiceModel {
 public:
  VoiceModel(ContextMixing mixing, std::array<double, kKeys> keys) : mixing_(std::move(mixing)), keys_(keys) {}
  /// Counts the pieces that the model learned from: seconds. Error{bad_input | not_found | newer_version}.
  static VoiceModel load(const Model& model);
  static Safetensors save(const ContextMixing& mixing, const VoiceMemory& memory);

  const ContextMixing& mixing() const { return mixing_; }
  const std::array<double, kKeys>& keys() const { return keys_; }
  /// −ln p(piece), every voice of every sixteenth, each from what stands before it alone (order S A T B).
  /// \param latest if given: the key that is most probable in the end
  double nats(const VoiceGrid& grid, int* latest = nullptr) const;

 private:
  ContextMixing mixing_;
  std::array<double, kKeys> keys_;
};

/// A piece being written, in a key that is given.
class VoiceWriter {
 public:
  VoiceWriter(const VoiceModel& model, int key) : model_(&model), key_(key), next_{} {}
  /// Probabilities of the voice's symbols [kVoiceSymbols] at this sixteenth, the voices above having chosen.
  void distribution(int voice, std::span<float> out);
  double nats(int voice, int symbol);
  /// Voices choose in the order S A T B; the bass's choice ends the sixteenth.
  void choose(int voice, int symbol);
  int key() const { return key_; }
  std::size_t size() const { return history_.size(); }

 private:
  const VoiceModel* model_;
  int key_;
  VoiceSymbols next_;
  VoiceHistory history_;
  ContextCounts counts_;
};

}  // namespace euterpe
