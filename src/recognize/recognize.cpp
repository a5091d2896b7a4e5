#include "recognize/recognize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <optional>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_file.hpp"
#include "media/decode.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

/// Nothing if the file cannot be read.
std::optional<bool> is_score(const fs::path& path) {
  try {
    if (!std::ifstream(path, std::ios::binary).is_open()) return {};
    return begins_as_score(path);
  } catch (const Error&) {
    return {};  // recognize() says so in its turn, and the other files are answered for
  }
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
  if (const auto score = is_score(path)) load(*score);
}

void Recognizer::load_for(std::span<const std::uint8_t> bytes) {
  if (!bytes.empty()) load(begins_as_score(bytes));
}

Recognition Recognizer::recognize(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) throw Error(Category::bad_input, "recognize", "empty: there is nothing to recognize");
  if (!begins_as_score(bytes)) {
    const TemporaryFile file("recognize", bytes);
    return recognize(file.path());
  }
  load(true);
  const ScoreReadResult read = read_score(bytes);
  const auto notes = grid_notes(read.score);
  if (notes.empty())
    throw Error(Category::bad_input, "recognize",
                read.score.note_count() > 0 ? "holds drums alone: style is told from pitched notes" : "holds no notes");
  Recognition result = answer(*models_->score, "score", models_->score->piece_probabilities(notes));
  result.warnings = read.mended;
  return result;
}

Recognition Recognizer::recognize(const fs::path& path) {
  const auto score = is_score(path);
  if (!score) throw Error(Category::io, "recognize", path.string() + ": cannot be read");
  if (*score) {
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
      if (is_audio_name(file) || is_score_name(file)) files.push_back(std::move(file));
  }
  return files;
}

}  // namespace euterpe
