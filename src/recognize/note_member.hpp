#pragma once
/// One opinion of an ensemble over scores: the note encoder with its uppermost blocks tuned to the task.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "nn/note_classifier.hpp"

namespace euterpe {

struct NoteMemberExample {
  std::span<const SequenceNote> notes;  ///< a whole piece, at least one note
  int label = 0;
};

struct NoteMemberOptions {
  int classes = 2;
  unsigned hide = 0;         ///< NoteHide: what a corpus' format would give away
  int trained_layers = 1;    ///< uppermost blocks of its own: 0.4 MB each
  int epochs = 8;            ///< at most; the one that is best on the validation rows is kept
  int window = 256;          ///< notes
  int windows_an_epoch = 2;  ///< of a piece at most
  int semitones = 3;         ///< transposed by −semitones … +semitones while it learns; drums stay
  double learning_rate = 1e-3;
  bool balance = false;       ///< weights pieces by 1 / √(pieces of their class)
  std::filesystem::path run;  ///< folder of a checkpoint that it goes on from; empty: none
};

class NoteMember {
 public:
  /// Learns from the rows `train` of `examples`, keeps the epoch that is best on `valid` (with none: the last). About
  /// 10,000 notes a second and core; the same seed gives the same member. Error{bad_input} without a row to learn from.
  static NoteMember fit(const NoteEncoder& encoder, std::span<const NoteMemberExample> examples,
                        std::span<const std::size_t> train, std::span<const std::size_t> valid,
                        const NoteMemberOptions& options, std::uint64_t seed);
  /// \param options as options() gave them. Error{bad_input} naming what is missing, misshapen or out of range.
  static NoteMember from(const NoteEncoder& encoder, const nlohmann::json& options, const Safetensors& file,
                         const std::string& prefix);
  nlohmann::json options() const;
  void put(Safetensors& file, const std::string& prefix) const;

  int classes() const { return classifier_->shape().heads.front().outputs; }
  /// [classes], sum 1, not calibrated; mean log probability over the piece's windows. Thread-safe. At least one note.
  std::vector<double> probabilities(std::span<const SequenceNote> notes) const;

 private:
  explicit NoteMember(NoteClassifier classifier)
      : classifier_(std::make_shared<const NoteClassifier>(std::move(classifier))) {}
  std::shared_ptr<const NoteClassifier> classifier_;
};

}  // namespace euterpe
