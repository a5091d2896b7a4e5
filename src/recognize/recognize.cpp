#include "recognize/recognize.hpp"

#include <fmt/format.h>

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/files.hpp"
#include "media/decode.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

/// "MThd", or the same inside a RIFF file of type RMID.
bool begins_as_midi(std::span<const std::uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 12));
  return text.starts_with("MThd") ||
         (text.starts_with("RIFF") && text.substr(std::min<std::size_t>(8, text.size())) == "RMID");
}

/// Nothing if the file cannot be read.
std::optional<bool> begins_as_midi(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  char head[12] = {};
  in.read(head, sizeof head);
  if (in.bad() || !in.is_open()) return {};
  return begins_as_midi(std::span(reinterpret_cast<const std::uint8_t*>(head), static_cast<std::size_t>(in.gcount())));
}

bool allows_commercial(const Model& model) {
  const auto it = model.card.find("commercial");
  return it != model.card.end() && it->is_boolean() && it->get<bool>();
}

template <class StyleModel>
void check_terms(const StyleModel& style, bool commercial, const char* task) {
  if (!commercial || allows_commercial(style.model())) return;
  std::string sources;
  if (const auto data = style.model().card.find("data"); data != style.model().card.end())
    for (const auto& set : *data)
      if (set.is_object())
        sources +=
            fmt::format("{}{} ({})", sources.empty() ? "" : ", ", set.value("name", "?"), set.value("licence", "?"));
  throw Error(Category::refused, "recognize",
              fmt::format("model {} may not be used commercially: it learned from {}", style.model().name, sources),
              fmt::format("Train a replacement on music of your own: euterpe train {} --data DIR --out DIR", task));
}

template <class StyleModel>
Recognition answer(const StyleModel& style, const char* kind, const std::vector<double>& probabilities) {
  Recognition result;
  result.kind = kind;
  for (std::size_t i = 0; i < probabilities.size(); ++i) result.style.emplace_back(style.labels()[i], probabilities[i]);
  std::stable_sort(result.style.begin(), result.style.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  result.model = style.model().name;
  result.model_hash = style.model().hash;
  result.commercial = allows_commercial(style.model());
  return result;
}

/// A file that lasts as long as the object, for decoders that must seek.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::span<const std::uint8_t> bytes) {
    std::string name = (fs::temp_directory_path() / "euterpe-XXXXXX").string();
    const int descriptor = mkstemp(name.data());
    if (descriptor < 0) throw Error(Category::io, "recognize", name + ": cannot make a temporary file");
    close(descriptor);
    path_ = name;
    std::ofstream out(path_, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) {
      fs::remove(path_);
      throw Error(Category::io, "recognize", name + ": cannot write", "Is the disk full?");
    }
  }
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

struct Recognizer::Models {
  std::once_flag score_once, audio_once;
  std::optional<StyleScoreModel> score;
  std::optional<StyleAudioModel> audio;
};

Recognizer::Recognizer(RecognizeOptions options) : options_(std::move(options)), models_(std::make_unique<Models>()) {}
Recognizer::~Recognizer() = default;

void Recognizer::load(bool score) {
  if (score)
    std::call_once(models_->score_once, [this] {
      StyleScoreModel model = StyleScoreModel::load(options_.score_model);
      check_terms(model, options_.commercial, "style-score");
      models_->score = std::move(model);
    });
  else
    std::call_once(models_->audio_once, [this] {
      StyleAudioModel model = StyleAudioModel::load(options_.audio_model);
      check_terms(model, options_.commercial, "style-audio");
      models_->audio = std::move(model);
    });
}

void Recognizer::load_for(const fs::path& path) {
  if (const auto is_score = begins_as_midi(path)) load(*is_score);
}

void Recognizer::load_for(std::span<const std::uint8_t> bytes) {
  if (!bytes.empty()) load(begins_as_midi(bytes));
}

Recognition Recognizer::recognize(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) throw Error(Category::bad_input, "recognize", "empty: there is nothing to recognize");
  if (!begins_as_midi(bytes)) {
    const TemporaryFile file(bytes);
    return recognize(file.path());
  }
  load(true);
  const MidiReadResult read = read_midi(bytes);
  const auto notes = grid_notes(read.score);
  if (notes.empty())
    throw Error(Category::bad_input, "recognize",
                read.score.note_count() > 0 ? "holds drums alone: style is told from pitched notes" : "holds no notes");
  Recognition result = answer(*models_->score, "score", models_->score->piece_probabilities(notes));
  result.warnings = read.mended;
  return result;
}

Recognition Recognizer::recognize(const fs::path& path) {
  const auto is_score = begins_as_midi(path);
  if (!is_score) throw Error(Category::io, "recognize", path.string() + ": cannot be read");
  if (*is_score) {
    try {
      return recognize(std::span<const std::uint8_t>(read_file(path)));
    } catch (const Error& error) {
      throw error.category() == Category::bad_input ? error.in(path.string()) : error;
    }
  }
  load(false);
  return answer(*models_->audio, "audio", models_->audio->file_probabilities(path));
}

std::vector<fs::path> recognizable_files(const std::vector<fs::path>& roots) {
  std::vector<fs::path> files;
  for (const fs::path& root : roots) {
    if (!fs::exists(root))
      throw Error(Category::not_found, "recognize", root.string() + ": there is no such file or folder");
    if (!fs::is_directory(root)) {
      files.push_back(root);
      continue;
    }
    for (fs::path& file : walk_files({root}))
      if (is_audio_name(file) || is_midi_name(file)) files.push_back(std::move(file));
  }
  return files;
}

}  // namespace euterpe
