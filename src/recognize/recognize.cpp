#include "recognize/recognize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/temporary_file.hpp"
#include "media/container.hpp"
#include "media/decode.hpp"
#include "recognize/cpu_timer.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

bool allows_commercial(const Model& model) { return model.card.value("commercial", nlohmann::json(false)) == true; }

/// "style-audio, which learned from emotify (CC-BY-NC-SA)"
std::string terms(const Model& model) {
  std::string sources;
  if (const auto data = model.card.find("data"); data != model.card.end())
    for (const auto& set : *data)
      if (set.is_object())
        sources +=
            fmt::format("{}{} ({})", sources.empty() ? "" : ", ", set.value("name", "?"), set.value("licence", "?"));
  return fmt::format("{}, which learned from {}", model.name, sources.empty() ? "data that it does not name" : sources);
}

/// Does what needs a model that may not be there.
void if_installed(const std::function<void()>& load) {
  try {
    load();
  } catch (const Error& error) {
    if (error.category() != Category::not_found) throw;
  }
}

const RecognizerModel* row_of(std::string_view name) {
  for (const RecognizerModel& row : recognizer_models())
    if (row.name == name) return &row;
  return nullptr;
}

std::string names_of_models() {
  std::string all;
  for (const RecognizerModel& row : recognizer_models()) all += fmt::format("{}{}", all.empty() ? "" : ", ", row.name);
  return all;
}

/// Error where there is no such model; a folder of that name is spoken of.
Model named_model(const std::string& name) {
  if (name.empty()) throw Error(Category::usage, "recognize", "--model needs a name, or a folder with a slash");
  try {
    return find_model(name);
  } catch (const Error& error) {
    std::error_code ignored;
    if (error.category() != Category::not_found || !fs::is_directory(name, ignored) || name.find('/') != name.npos)
      throw;
    throw Error(Category::not_found, error.operation(), error.detail(),
                fmt::format("the folder of that name is meant by a slash: --model ./{}", name));
  }
}

/// A hash of what answers, and how.
std::string versioned(std::string_view hash) {
  return sha256(std::string_view(fmt::format("answers {} {}", kAnswerVersion, hash)));
}

/// Whether FFmpeg finds an audio stream in it.
bool holds_audio(const fs::path& path) {
  try {
    return begins_as_audio(path) && probe_audio(path).sample_rate > 0;
  } catch (const Error& error) {
    if (error.category() == Category::interrupted) throw;
    return false;
  }
}

}  // namespace

std::optional<bool> taken_for_score(const fs::path& path) {
  try {
    if (!std::ifstream(path, std::ios::binary).is_open()) return {};
    return begins_as_score(path);
  } catch (const Error&) {
    return {};  // recognize() says so in its turn, and the other files are answered for
  }
}

std::span<const RecognizerModel> recognizer_models() {
  static const std::array<RecognizerModel, 6> rows{{
      {"style-audio", false, {"style", "emotion", "valence-arousal"}, "audio-encoder", "style-audio"},
      {"instrument", false, {"instrument"}, "audio-encoder", "instrument"},
      {"style-score", true, {"style"}, nullptr, "score-style"},
      {"score-emotion", true, {"quadrant", "valence-arousal"}, "score-encoder", "score-emotion"},
      {"composer-score", true, {"composer"}, "score-encoder", "composer"},
      {"drum-style", true, {"drum-style"}, "score-encoder", "drum-style"},
  }};
  return rows;
}

struct Recognizer::Models {
  /// One model that is asked.
  struct Head {
    const RecognizerModel* row = nullptr;
    Model model;
    std::string key;
    bool commercial = false;  ///< its encoder's terms are its own
    std::optional<AudioHeads> audio;
    std::optional<StyleScoreModel> style;
    std::optional<ScoreHeads> score;
  };
  struct Medium {
    std::once_flag once;
    std::vector<Head> heads;
  };
  std::map<std::string, std::string> named;  ///< row's name → the model to take for it
  Medium media[2];                           ///< [score]
  std::optional<AudioEncoder> audio_encoder;
  std::optional<ScoreEncoder> score_encoder;
  UnknownDetector
      unknown_score;  ///< the shipped style model's, for models of scores without one; empty where it has none
  std::mutex mutex;
  Stages stages;
};

Recognizer::Recognizer(RecognizeOptions options) : options_(std::move(options)), models_(std::make_unique<Models>()) {
  std::set<std::string_view> known;
  for (const RecognizerModel& row : recognizer_models()) known.insert(row.tasks.begin(), row.tasks.end());
  for (const std::string& task : options_.tasks)
    if (!known.contains(task))
      throw Error(Category::usage, "recognize", fmt::format("there is no task '{}'", task),
                  fmt::format("there are: {}", fmt::join(known, ", ")));
  for (const std::string& name : options_.without)
    if (!row_of(name))
      throw Error(Category::usage, "recognize", fmt::format("there is no model '{}' to leave out", name),
                  "there are: " + names_of_models());
  for (const std::string& name : options_.models) {
    const Model model = named_model(name);
    const std::string task = model.card.value("task", "");
    const RecognizerModel* row = row_of(task);
    if (!row)
      throw Error(Category::unsupported, "recognize",
                  fmt::format("{}: its task is \"{}\", which is none that recognize asks", name, task),
                  fmt::format("recognize takes models of these tasks: {}; `euterpe models` says what each is for",
                              names_of_models()));
    if (!wanted(*row))
      throw Error(Category::usage, "recognize",
                  fmt::format("{} would not be asked: it stands for {}, which says {}", name, row->name,
                              fmt::join(row->tasks, ", ")),
                  fmt::format("give a --task among these, or leave out --task and --without {}", row->name));
    const auto [other, fresh] = models_->named.try_emplace(task, name);
    if (!fresh && other->second != name)
      throw Error(Category::usage, "recognize", fmt::format("{} and {} both stand for {}", other->second, name, task),
                  "name one of them");
  }
}

Recognizer::~Recognizer() = default;

bool Recognizer::wanted(const RecognizerModel& row) const {
  const auto& without = options_.without;
  if (std::find(without.begin(), without.end(), row.name) != without.end()) return false;
  return options_.tasks.empty() || std::any_of(row.tasks.begin(), row.tasks.end(), [&](std::string_view task) {
           return std::find(options_.tasks.begin(), options_.tasks.end(), task) != options_.tasks.end();
         });
}

void Recognizer::load(bool score) {
  Models::Medium& medium = models_->media[score];
  std::call_once(medium.once, [&] {
    medium.heads.clear();  // of an attempt that failed
    std::vector<std::string> refused, train;
    std::string missing;
    const char* kind = score ? "scores" : "recordings";
    const auto says_some = [&](const RecognizerModel& row) {
      return row.score == score && std::any_of(row.tasks.begin(), row.tasks.end(), [&](std::string_view task) {
               return std::find(options_.tasks.begin(), options_.tasks.end(), task) != options_.tasks.end();
             });
    };
    if (!options_.tasks.empty() && std::ranges::none_of(recognizer_models(), says_some))
      throw Error(Category::not_found, "recognize",
                  fmt::format("{} is not told of {}", fmt::join(options_.tasks, ", "), kind),
                  fmt::format("it is told of {} alone", score ? "recordings" : "scores"));
    // What several models stand on: the encoder, and for scores a detector of what is no music.
    std::string encoder, detector;  // hashes of the models that they are in
    bool encoder_commercial = false;
    if_installed([&] {
      if (score)
        models_->score_encoder = ScoreEncoder::load();
      else
        models_->audio_encoder = AudioEncoder::load();
      const Model& model = score ? models_->score_encoder->model() : models_->audio_encoder->model();
      encoder = model.hash;
      encoder_commercial = allows_commercial(model);
    });
    if (score)
      if_installed([&] {
        const Model style = find_model("style-score");
        models_->unknown_score = UnknownDetector::from(style.weights());
        if (models_->unknown_score.inputs() != score_feature_names().size()) models_->unknown_score = {};
        if (!models_->unknown_score.empty()) detector = style.hash;
      });
    for (const RecognizerModel& row : recognizer_models()) {
      if (row.score != score || !wanted(row)) continue;
      const auto named = models_->named.find(row.name);
      const std::string name = named == models_->named.end() ? row.name : named->second;
      Models::Head head;
      head.row = &row;
      try {
        head.model = find_model(name);
        head.commercial = allows_commercial(head.model);
        if (row.encoder) {
          if (encoder.empty()) find_model(row.encoder);  // throws, and says what there is
          head.commercial = head.commercial && encoder_commercial;
        }
        const std::string others = (row.encoder ? encoder : "") + detector;
        head.key = versioned(head.model.hash + others);
      } catch (const Error& error) {
        if (error.category() != Category::not_found || named != models_->named.end()) throw;
        spdlog::info("recognize: {} is not asked: {}", row.name, error.detail());
        missing += fmt::format("{}{}", missing.empty() ? "" : ", ", row.name);
        continue;
      }
      if (options_.commercial && !head.commercial) {
        refused.push_back(terms(head.model));
        train.push_back(fmt::format("euterpe train {} --data DIR --out ./{}", row.train, row.name));
        continue;
      }
      if (!score) {
        head.audio = AudioHeads::load(name);
        head.audio->expect_encoder(encoder);
      } else if (std::string_view(row.name) == "style-score") {
        head.style = StyleScoreModel::load(name);
      } else {
        head.score = ScoreHeads::load(name);
      }
      medium.heads.push_back(std::move(head));
    }
    if (!refused.empty())
      throw Error(Category::refused, "recognize", fmt::format("not for commercial use: {}", fmt::join(refused, "; ")),
                  fmt::format("train a replacement on music of your own ({}) and name it with --model, or leave the "
                              "model out with --without",
                              fmt::join(train, "; ")));
    if (medium.heads.empty())
      throw Error(Category::not_found, "recognize",
                  fmt::format("no model is left to ask about {}{}", kind,
                              missing.empty() ? "" : fmt::format(" (not installed: {})", missing)),
                  "`euterpe models` lists those that are installed");
  });
}

void Recognizer::load_for(const fs::path& path) {
  if (const auto score = taken_for_score(path)) load(*score);
}

std::vector<std::string> Recognizer::idle_models() const {
  std::vector<std::string> idle;
  for (const auto& [row, name] : models_->named)
    if (models_->media[row_of(row)->score].heads.empty()) idle.push_back(name);
  return idle;
}

std::vector<ModelKey> Recognizer::keys(bool score) {
  load(score);
  std::vector<ModelKey> keys;
  for (const Models::Head& head : models_->media[score].heads) keys.push_back({head.row->name, head.key});
  if (score)
    keys.push_back(
        {kEmbeddingTask, versioned(models_->score_encoder ? models_->score_encoder->model().hash : "score.v1")});
  else
    keys.push_back(
        {kEmbeddingTask, versioned(models_->audio_encoder ? models_->audio_encoder->model().hash : "audio.v1")});
  return keys;
}

AskedAudio Recognizer::audio_models(const OnlyModels& only) {
  load(false);
  AskedAudio asked;
  for (const Models::Head& head : models_->media[false].heads) {
    if (only && !only->contains(head.row->name)) continue;
    asked.heads.push_back(&*head.audio);
    if (std::string_view(head.row->name) == "style-audio") asked.curve = &*head.audio;
  }
  if (models_->audio_encoder) asked.encoder = &*models_->audio_encoder;
  return asked;
}

AskedScore Recognizer::score_models(const OnlyModels& only) {
  load(true);
  AskedScore asked;
  for (const Models::Head& head : models_->media[true].heads) {
    if (only && !only->contains(head.row->name)) {
      asked.in_part = true;
      continue;
    }
    if (head.style) asked.style = &*head.style;
    if (head.score) asked.heads.push_back(&*head.score);
  }
  asked.unknown = &models_->unknown_score;
  if (models_->score_encoder) asked.encoder = &*models_->score_encoder;
  return asked;
}

void Recognizer::select(Recognition& recognition) const {
  const auto& wanted = options_.tasks;
  if (wanted.empty()) return;
  const auto unwanted = [&](const Answer& answer) {
    return std::find(wanted.begin(), wanted.end(), answer.task) == wanted.end();
  };
  std::erase_if(recognition.answers, unwanted);
  for (Segment& segment : recognition.curve) std::erase_if(segment.answers, unwanted);
  std::erase_if(recognition.curve, [](const Segment& segment) { return segment.answers.empty(); });
}

/// Under the terms of all that took part, each answer in its order; the time is added to the sum.
Recognition Recognizer::finish(Recognition result, const Stages& stages) {
  const auto set_terms = [&](std::vector<Answer>& answers) {
    for (Answer& answer : answers) {
      put_in_order(answer);
      for (const Models::Head& head : models_->media[result.kind == "score"].heads)
        if (head.model.hash == answer.model_hash) answer.commercial = head.commercial;
    }
  };
  result.embedding_space = versioned(result.embedding_space);
  set_terms(result.answers);
  for (Segment& segment : result.curve) set_terms(segment.answers);
  const std::lock_guard lock(models_->mutex);
  models_->stages.decode += stages.decode;
  models_->stages.descriptors += stages.descriptors;
  models_->stages.network += stages.network;
  models_->stages.heads += stages.heads;
  return result;
}

Stages Recognizer::stages() const {
  const std::lock_guard lock(models_->mutex);
  return models_->stages;
}

Recognition Recognizer::read(std::span<const std::uint8_t> bytes, const OnlyModels& only) {
  Stages stages;
  ScoreReadResult score;
  {
    const CpuTimer timer(stages.decode);
    score = read_score(bytes);
  }
  Recognition result = recognize_score(score.score, score_models(only), stages);
  result.warnings = score.mended;
  result = finish(std::move(result), stages);
  if (!only) select(result);
  return result;
}

Recognition Recognizer::recognize(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) throw Error(Category::bad_input, "recognize", "empty: there is nothing to recognize");
  if (begins_as_score(bytes)) return read(bytes, {});
  const TemporaryFile file("recognize", bytes);
  return recognize(file.path());
}

Recognition Recognizer::recognize(const fs::path& path, const OnlyModels& only) {
  const auto score = taken_for_score(path);
  if (!score) throw Error(Category::io, "recognize", path.string() + ": cannot be read");
  if (*score) {
    try {
      return read(read_file(path), only);
    } catch (const Error& error) {
      throw error.category() == Category::bad_input ? error.in(path.string()) : error;
    }
  }
  std::error_code ignored;
  if (fs::file_size(path, ignored) == 0 && !ignored)
    throw Error(Category::bad_input, "recognize", path.string() + ": empty, there is nothing to recognize");
  Stages stages;
  Recognition result = recognize_audio(path, audio_models(only), stages);
  result = finish(std::move(result), stages);
  if (!only) select(result);
  return result;
}

RecognizableFiles recognizable_files(const fs::path& folder) {
  RecognizableFiles found;
  for (fs::path& file : walk_files({folder})) {
    if (is_audio_name(file) || is_score_name(file) || taken_for_score(file).value_or(false) || holds_audio(file))
      found.files.push_back(std::move(file));
    else
      ++found.skipped;
  }
  return found;
}

}  // namespace euterpe
