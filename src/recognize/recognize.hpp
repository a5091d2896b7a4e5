#pragma once
/// All that the trained models say of a file, score or recording.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "recognize/recognition.hpp"
#include "recognize/recognize_audio.hpp"
#include "recognize/recognize_score.hpp"

namespace euterpe {

/// One model that is asked. The rows are in the order in which answers are shown.
struct RecognizerModel {
  const char* name;  ///< the shipped model; also the task that its card names
  bool score;        ///< asked of scores, else of recordings
  std::vector<std::string_view> tasks;
  const char* encoder;  ///< the model that hears or reads for it; null if it does so itself
  const char* train;    ///< `train` what, for a replacement
};
std::span<const RecognizerModel> recognizer_models();

struct RecognizeOptions {
  /// Names, or folders with a slash: each takes the place of the shipped model with its task.
  std::vector<std::string> models;
  std::vector<std::string> without;  ///< names of shipped models that are not asked
  std::vector<std::string> tasks;    ///< answers wanted, "style" …; empty: all
  bool commercial = false;           ///< refuse models whose cards do not allow commercial use
};

/// What tells whether a stored answer is that of the model at hand.
struct ModelKey {
  std::string task;  ///< RecognizerModel::name, or kEmbeddingTask
  std::string hash;  ///< of the model's weights, its encoder's and those that tell the unknown
  bool operator==(const ModelKey&) const = default;
};
inline constexpr const char* kEmbeddingTask = "embedding";
/// Part of every key: raised when this program would answer otherwise with the same weights, so that what an older one
/// stored is computed anew.
inline constexpr int kAnswerVersion = 2;

/// Names (RecognizerModel::name) of the models that are asked; without a value all of them, and of their answers those
/// that RecognizeOptions::tasks wants.
using OnlyModels = std::optional<std::set<std::string>>;

/// Loads models when the first file of their kind comes. Thread-safe.
class Recognizer {
 public:
  /// Error{not_found | bad_input | newer_version} for a model that is named and cannot be read, Error{unsupported} for
  /// one of another task, Error{usage} for a task or a shipped model that there is none of, and for a named model that
  /// says nothing of the tasks wanted.
  explicit Recognizer(RecognizeOptions options = {});
  ~Recognizer();

  /// Loads the models of a kind. A shipped model that is not installed is left out, and the log says so.
  /// Error{not_found} if none is left, or none of the tasks wanted is told of this kind; Error{refused} if `commercial`
  /// forbids one of them, with the commands that train replacements; Error{bad_input | newer_version}.
  void load(bool score);
  /// Loads those that a file asks for; nothing if it cannot be opened. A batch does this for all its files first, so
  /// that no model's Error is taken for one of a file.
  void load_for(const std::filesystem::path& path);

  /// Named models that no file has asked for yet: all were of the other kind.
  std::vector<std::string> idle_models() const;

  /// Told apart by content: a file that begins as MIDI or MusicXML does is a score, anything else is given to the audio
  /// decoder. Where not all models are asked, it is no error that none of them has an answer.
  /// Error{bad_input} naming the file and why there is no answer: silence, too few notes, not music; Error{io} if it
  /// cannot be read; and what load_for throws, where it was not called.
  Recognition recognize(const std::filesystem::path& path, const OnlyModels& only = {});
  /// The same for bytes from a pipe.
  Recognition recognize(std::span<const std::uint8_t> bytes);

  /// Keys of all that is asked of a kind, in the order of the answers, the embedding's last.
  std::vector<ModelKey> keys(bool score);
  /// Those of the models at hand, as recognize() uses them.
  AskedAudio audio_models(const OnlyModels& only = {});
  AskedScore score_models(const OnlyModels& only = {});

  /// Leaves the answers that RecognizeOptions::tasks wants.
  void select(Recognition& recognition) const;
  Stages stages() const;  ///< CPU time since the beginning

 private:
  struct Models;
  bool wanted(const RecognizerModel& row) const;
  Recognition finish(Recognition result, const Stages& stages);
  Recognition read(std::span<const std::uint8_t> bytes, const OnlyModels& only);
  RecognizeOptions options_;
  std::unique_ptr<Models> models_;
};

/// Whether a file is taken for a score, by its content alone; nothing if it cannot be read.
std::optional<bool> taken_for_score(const std::filesystem::path& path);

struct RecognizableFiles {
  std::vector<std::filesystem::path> files;  ///< sorted
  std::size_t skipped = 0;                   ///< files that are none by name nor by content
};
/// Audio and score files in and below a folder: those that are called so, and those whose content is such whatever they
/// are called. Error{io | not_found} where it cannot be walked.
RecognizableFiles recognizable_files(const std::filesystem::path& folder);

}  // namespace euterpe
