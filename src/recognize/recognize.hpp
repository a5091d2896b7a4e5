#pragma once
/// Style of a file, score or recording, by the trained models.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "recognize/style_audio.hpp"
#include "recognize/style_score.hpp"

namespace euterpe {

struct RecognizeOptions {
  std::string score_model = "style-score";
  std::string audio_model = "style-audio";
  bool commercial = false;  ///< refuse weights whose card does not allow commercial use
};

struct Recognition {
  std::string kind;                                   ///< "score" or "audio"
  std::vector<std::pair<std::string, double>> style;  ///< label and probability, most probable first
  std::string model, model_hash;
  bool commercial = false;            ///< whether the model that answered may be used commercially
  std::vector<std::string> warnings;  ///< what was mended in the file
};

/// Loads a model when the first file of its kind comes. Thread-safe.
class Recognizer {
 public:
  explicit Recognizer(RecognizeOptions options = {});
  ~Recognizer();

  /// Loads the model that a file asks for; nothing if it cannot be opened. A batch does this for all its files first,
  /// so that no model's Error is taken for one of a file: Error{not_found | bad_input | newer_version} or, if
  /// `commercial` forbids the model, Error{refused} with the command that trains a replacement.
  void load_for(const std::filesystem::path& path);
  void load_for(std::span<const std::uint8_t> bytes);

  /// Told apart by content: a file that begins as MIDI or MusicXML does is a score, anything else is given to the audio
  /// decoder.
  /// Error{bad_input} naming the file and why there is no answer: silence, drums alone, too few notes, not music;
  /// Error{io} if it cannot be read; and what load_for throws, where it was not called.
  Recognition recognize(const std::filesystem::path& path);
  /// The same for bytes from a pipe.
  Recognition recognize(std::span<const std::uint8_t> bytes);

 private:
  struct Models;
  void load(bool score);
  RecognizeOptions options_;
  std::unique_ptr<Models> models_;
};

/// Audio and score files among and below `roots`, sorted; a file named itself is taken whatever its name.
std::vector<std::filesystem::path> recognizable_files(const std::vector<std::filesystem::path>& roots);

}  // namespace euterpe
