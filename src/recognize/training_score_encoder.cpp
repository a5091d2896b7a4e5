#include "recognize/training_score_encoder.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <map>

#include "base/error.hpp"
#include "base/files.hpp"
#include "corpus/datasets.hpp"
#include "corpus/labeled_scores.hpp"
#include "nn/model.hpp"
#include "train/note_encoder.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr int kHead = 32;  // numbers of a head of attention
constexpr std::array<Setting, 9> kSettings{{
    {"steps", 6500, "steps of training"},
    {"notes", 2048, "notes a step"},
    {"learning-rate", 2e-3, "greatest learning rate"},
    {"share", 0.2, "share of the notes that are masked"},
    {"width", 128, "numbers a note"},
    {"layers", 4, "blocks of attention"},
    {"ff", 320, "inner width of a block"},
    {"context", 256, "notes a window"},
    {"emopia", 0, "1 = also learn from emopia; the weights may then not be used commercially"},
}};

struct Corpus {
  std::vector<NotePiece> pieces;
  nlohmann::json data = nlohmann::json::array();
  bool commercial = true;
  int forbidden = 0;
};

/// Adds a piece of the splits "train" and "valid"; returns its line in the manifest, empty if it was left out.
std::string add_piece(Corpus& corpus, const std::string& source, bool meter, const std::string& id,
                      const std::string& split, const Score& score) {
  if (split != "train" && split != "valid") return {};
  corpus.pieces.push_back({source, split == "valid", meter, note_sequence(score)});
  return fmt::format("{} {}\n", id, score.note_count());
}

void add_set(Corpus& corpus, const Dataset& set, const fs::path& folder, const Forbidden& forbidden) {
  std::map<std::string, std::pair<int, std::string>> splits;
  for (const Piece& piece : set.read(folder)) {
    if (forbidden.contains(piece.file)) {
      ++corpus.forbidden;
      continue;
    }
    const std::string line = add_piece(corpus, set.name, true, piece.id, piece.split, piece.score);
    if (line.empty()) continue;
    ++splits[piece.split].first;
    splits[piece.split].second += line;
  }
  for (const auto& [split, pieces] : splits)
    corpus.data.push_back({{"name", set.name},
                           {"licence", set.licence},
                           {"split", split},
                           {"pieces", pieces.first},
                           {"hash", sha256(pieces.second)}});
  corpus.commercial = corpus.commercial && set.commercial;
}

void add_set(Corpus& corpus, LabeledScores set, bool meter, const Forbidden& forbidden) {
  corpus.forbidden += leave_out(set, forbidden);
  for (const LabeledScore& item : set.items) add_piece(corpus, set.name, meter, item.id, item.split, item.score);
  for (const char* split : {"train", "valid"}) corpus.data.push_back(data_row(set, split));
  corpus.commercial = corpus.commercial && set.commercial;
}

Corpus read_corpus(const RecognizerTraining& training) {
  Corpus corpus;
  for (const Dataset& set : datasets())
    if (fs::is_directory(training.data / set.name)) add_set(corpus, set, training.data / set.name, training.forbidden);
  if (fs::is_directory(training.data / "groove"))
    add_set(corpus, read_groove(training.data / "groove"), true, training.forbidden);
  if (training["emopia"] != 0) add_set(corpus, read_emopia(training.data / "emopia"), false, training.forbidden);
  if (corpus.pieces.empty())
    throw Error(Category::not_found, "train score-encoder",
                training.data.string() + ": holds none of the sets that the encoder learns from",
                "Name the folder that holds pop909, classical, nottingham, jsb and groove.");
  return corpus;
}

/// Before anything is read: a setting out of range is told at once and by its name.
void check_settings(const RecognizerTraining& training) {
  struct Range {
    const char* name;
    double least, most;
    bool whole = true;
  };
  static constexpr Range kRanges[] = {{"steps", 1, 1e9},
                                      {"notes", 16, 1e6},
                                      {"learning-rate", 1e-8, 1, false},
                                      {"share", 0.01, 0.9, false},
                                      {"width", kHead, 1024},
                                      {"layers", 1, 64},
                                      {"ff", 16, 8192},
                                      {"context", 16, 4096},
                                      {"emopia", 0, 1}};
  const auto refuse = [](const std::string& why) { throw Error(Category::usage, "train score-encoder", why); };
  for (const Range& range : kRanges) {
    const double value = training[range.name];
    if (!(value >= range.least && value <= range.most) || (range.whole && value != std::floor(value)))
      refuse(fmt::format("--{} is {}, must be {}{} to {}", range.name, value, range.whole ? "a whole number, " : "",
                         range.least, range.most));
  }
  if (std::fmod(training["width"], kHead) != 0) refuse(fmt::format("--width must be a multiple of {}", kHead));
  if (std::fmod(training["ff"], 16) != 0) refuse("--ff must be a multiple of 16");
  if (training["notes"] < training["context"] / 2) refuse("--notes must be at least half of --context");
}

nlohmann::json train(const RecognizerTraining& training) {
  check_settings(training);
  const Corpus corpus = read_corpus(training);
  auto integer = [&](const char* name) { return static_cast<int>(training[name]); };
  NoteEncoderTraining options;
  options.run = training.run;
  options.network = {kNoteVocabulary,          integer("width"), integer("layers"),
                     integer("width") / kHead, integer("ff"),    integer("context")};
  options.corpus = sha256(corpus.data.dump());
  options.seed = training.seed;
  options.steps = integer("steps");
  options.notes = integer("notes");
  options.share = training["share"];
  options.learning_rate = training["learning-rate"];
  NoteEncoderReport report;
  const Safetensors weights = train_note_encoder(corpus.pieces, options, &report);
  nlohmann::json pitch = nlohmann::json::object();
  for (const auto& [source, measured] : report.pitch_by_source)
    pitch[source] = {{"nats", measured.first}, {"accuracy", measured.second}};
  const nlohmann::json metrics{
      {"command", fmt::format("euterpe train score-encoder --data DIR --seed {}", training.seed)},
      {"validation_loss", report.best_validation},
      {"masked_pitch", pitch}};
  const nlohmann::json trained{{"seed", training.seed},           {"manifest_hash", options.corpus},
                               {"steps", report.steps},           {"best_step", report.best_step},
                               {"notes_per_step", options.notes}, {"learning_rate", options.learning_rate},
                               {"masked_share", options.share}};
  save_model(
      training.out, weights,
      {{"name", "score-encoder"},
       {"task", "score-encoder"},
       {"network", "note-encoder"},
       {"options", to_json(options.network)},
       {"tokenizer", nullptr},
       {"data", corpus.data},
       {"left_out", corpus.forbidden ? nlohmann::json{{"may_train = no", corpus.forbidden}} : nlohmann::json::object()},
       {"commercial", corpus.commercial},
       {"training", trained},
       {"metrics", nlohmann::json::array({metrics})}});
  return {{"training", trained}, {"metrics", metrics}, {"labels", nlohmann::json::array()}};
}

}  // namespace

const RecognizerTrainer& score_encoder_trainer() {
  static const RecognizerTrainer row{
      "score-encoder", "the encoder of notes that the models for scores stand on, by masked notes",
      "a folder with pop909, classical, nottingham, jsb, groove (and emopia)", kSettings, train};
  return row;
}

}  // namespace euterpe
