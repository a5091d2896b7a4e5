#pragma once
/// Fine-tunes the pretrained note encoder on labeled pieces.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "nn/note_classifier.hpp"

namespace euterpe {

struct NoteExample {
  std::span<const SequenceNote> notes;  ///< a whole piece; at least one
  /// [heads][outputs]: a distribution over classes or values; an empty one where the piece has no such label.
  std::vector<std::vector<float>> targets;
  double weight = 1;
};
/// The distribution that says "this class": all on `label`.
std::vector<float> one_hot(int label, int classes);

struct FineTuning {
  NoteClassifierShape shape;
  int epochs = 8;               ///< cosine to 0 over all of them
  int patience = 3;             ///< epochs without a better validation loss before it stops; 0 = never
  int windows_an_epoch = 2;     ///< of a piece at most, drawn anywhere in it
  int notes = 2048;             ///< a step
  double learning_rate = 1e-3;  ///< of pooling and heads
  double layer_rate = 0.4;      ///< of the uppermost block, as a share of learning_rate …
  double layer_decay = 0.7;     ///< … and of each block below it as a share of the one above
  double weight_decay = 0.05;
  double dropout = 0.1;          ///< within the blocks
  double head_dropout = 0.3;     ///< before the heads
  double label_smoothing = 0.1;  ///< 0 = none
  double drop_notes = 0.1;       ///< share of the notes of a window left out, 0 = none
  int semitones = 3;             ///< transposed by −semitones … +semitones
  double tempo = 0.05;           ///< greatest change either way, as a share
  double velocity = 3;           ///< standard deviation of what is added to all velocities of a window
  double ema = 0.99;             ///< decay of the averaged weights, by step; 0 = off
  std::uint64_t seed = 1;
  std::filesystem::path run;  ///< folder of the checkpoint, written after each epoch; empty: none
};

struct FineTuningReport {
  int epochs = 0, best_epoch = 0;
  double valid_loss = 0;              ///< sum over heads, per piece, at the best epoch
  std::vector<double> valid_by_head;  ///< nats or mean squared error, at the best epoch
  std::vector<double> train_losses;   ///< an epoch
  double seconds = 0, notes_per_second = 0;
};

/// Trains the uppermost `shape.trained_layers` blocks, the pooling and the heads; those below stay as the encoder has
/// them. Keeps the epoch that is best on `valid` (with none: the last). The result holds the tensors that
/// NoteClassifier reads. The same seed gives the same weights.
/// With a run folder it goes on after the last whole epoch there, to the same weights as if it had never stopped;
/// Error{usage} where that run had other options, examples or another encoder.
/// Error{bad_input} without a training example, Error{interrupted} between steps.
Safetensors fine_tune(const NoteEncoder& encoder, std::span<const NoteExample> train,
                      std::span<const NoteExample> valid, const FineTuning& options,
                      FineTuningReport* report = nullptr);

}  // namespace euterpe
