#pragma once
/// Pretrains the note encoder: notes are masked and guessed from those around them (Devlin et al. 2019).
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nn/note_sequence.hpp"
#include "nn/safetensors.hpp"
#include "nn/transformer.hpp"

namespace euterpe {

struct NotePiece {
  std::string source;     ///< data set; sets are drawn by the square root of their notes
  bool held_out = false;  ///< for validation, never learned from
  bool meter = true;      ///< whether its beats mean anything
  std::vector<SequenceNote> notes;
};

struct NoteEncoderTraining {
  std::filesystem::path run;  ///< checkpoint, metrics, TensorBoard events
  TransformerOptions network{kNoteVocabulary, 128, 4, 4, 320, 256};
  std::string corpus;  ///< hash of what the pieces are made from: a run with others is not resumed
  std::uint64_t seed = 1;
  std::int64_t steps = 3000;
  int notes = 2048;    ///< a step
  double share = 0.2;  ///< of the notes masked
  double learning_rate = 2e-3;
  double seconds = 0;  ///< stop after so long in this process, 0 = no limit
  std::int64_t evaluate_every = 250, checkpoint_every = 100;
};

struct NoteEncoderReport {
  std::int64_t steps = 0, best_step = 0, parameters = 0;
  double best_validation = 0;  ///< weighted nats of the attributes of a masked note
  double seconds = 0, notes_per_second = 0;
  /// Held-out pieces of each source: nats of a masked pitch and share of them guessed.
  std::vector<std::pair<std::string, std::pair<double, double>>> pitch_by_source;
};

/// Windows of 128 or 256 notes begin anywhere, are transposed by −6 … +5 semitones, played up to a tenth faster or
/// slower and louder or softer; beats, seconds, velocity or program are hidden in some. Returns the averaged weights.
/// Error{bad_input} without a piece to learn from or to validate on, Error{interrupted} after a checkpoint.
Safetensors train_note_encoder(std::span<const NotePiece> pieces, const NoteEncoderTraining& options,
                               NoteEncoderReport* report = nullptr);

}  // namespace euterpe
