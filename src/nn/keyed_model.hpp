#pragma once
/// Models of rows of pitches that do not mind in which key a piece stands, by context mixing. Without libtorch.
///
/// The tables hold all pieces in one key. A piece's key is not known beforehand: it is a hidden variable with twelve
/// values, p(piece) = Σ p(key) p(piece | key).
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "nn/context_mixing.hpp"
#include "nn/model.hpp"
#include "score/tokenizers.hpp"

namespace euterpe {

inline constexpr int kLowestKey = -6;  ///< keys are −6 … +5 semitones from the one without accidentals
inline constexpr int kKeys = 12;

/// A piece's past: what is to be chosen next, and what was.
class ChoiceHistory {
 public:
  virtual ~ChoiceHistory() = default;
  virtual ChoicePoint next() = 0;  ///< valid until choose()
  virtual void choose(int symbol) = 0;
  virtual std::unique_ptr<ChoiceHistory> clone() const = 0;
};

/// A kind of rows: four voices on a grid, frames of pitches. A row holds MIDI pitches, and 0 where there is none.
struct KeyedDomain {
  const Tokenizer* tokenizer;  ///< of what the rows are tokens
  int base;                    ///< symbol = pitch − key − base
  int lowest, highest;         ///< MIDI pitches
  ContextShape (*shape)();
  std::unique_ptr<ChoiceHistory> (*history)();

  int symbol(int pitch, int key) const { return pitch == 0 ? 0 : pitch - key - base; }
  int pitch(int symbol, int key) const { return symbol == 0 ? 0 : symbol + key + base; }
};

class KeyedModel {
 public:
  KeyedModel(const KeyedDomain& domain, ContextMixing mixing, std::array<double, kKeys> keys)
      : domain_(&domain), mixing_(std::move(mixing)), keys_(keys) {}
  /// Error{bad_input | newer_version}.
  static KeyedModel load(const KeyedDomain& domain, const Model& model);
  Safetensors save() const;

  const KeyedDomain& domain() const { return *domain_; }
  const ContextMixing& mixing() const { return mixing_; }
  const std::array<double, kKeys>& keys() const { return keys_; }
  /// −ln p(row), every pitch from what stands before it alone.
  /// \param by_choice if given: receives the nats of each pitch
  double nats(std::span<const std::uint8_t> row, std::vector<double>* by_choice = nullptr) const;

 private:
  const KeyedDomain* domain_;
  ContextMixing mixing_;
  std::array<double, kKeys> keys_;
};

/// A piece being written or read, in a key that is given. The model must outlive it.
class KeyedWriter {
 public:
  KeyedWriter(const KeyedModel& model, int key);
  KeyedWriter(const KeyedWriter& other);
  KeyedWriter(KeyedWriter&&) = default;
  KeyedWriter& operator=(KeyedWriter&&) = default;
  void distribution(std::span<float> out) const { model_->mixing().distribution(point_, counts_, out); }
  double nats(int symbol) const { return model_->mixing().nats(point_, symbol, counts_); }
  /// \param remember whether the piece's own past is counted: what was drawn, not composed, would only echo itself
  void choose(int symbol, bool remember = true);
  int expected() const { return point_.expected; }  ///< symbol that would go on as before, −1 = none
  int key() const { return key_; }

 private:
  const KeyedModel* model_;
  int key_;
  std::unique_ptr<ChoiceHistory> history_;
  ContextCounts counts_;
  ChoicePoint point_;
};

}  // namespace euterpe
