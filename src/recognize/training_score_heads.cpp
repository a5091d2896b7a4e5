#include "recognize/training_score_heads.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "corpus/datasets.hpp"
#include "nn/model.hpp"
#include "recognize/unknown_scores.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr std::array<Setting, 1> kSettings{
    {{"encoder", 0,
      "1 = the vectors of the model score-encoder may vote too, 0 = what is counted in the notes alone"}}};
constexpr std::array<Setting, 1> kDrumSettings{
    {{"encoder", 1, "1 = the model score-encoder, tuned to drums (minutes), votes too, 0 = hand descriptors alone"}}};

const char* folder_of(ScoreTask task) {
  return task == ScoreTask::emotion ? "emopia" : task == ScoreTask::composer ? "classical" : "groove";
}

// Tunes and songs: by none of the composers. Chorales are not among them, for they are by one.
constexpr std::array<const char*, 2> kNobodys{"nottingham", "pop909"};

/// Training pieces of other sets that stand beside the composers', and their rows of the card.
struct Foreign {
  std::vector<Score> scores;
  nlohmann::json rows = nlohmann::json::array();
  bool commercial = true;
};

Foreign foreign_to(ScoreTask task, const RecognizerTraining& training) {
  Foreign foreign;
  if (task != ScoreTask::composer) return foreign;
  for (const char* name : kNobodys) {
    if (!fs::is_directory(training.data / name)) continue;
    const Dataset& set = dataset(name);
    std::string manifest;
    int pieces = 0;
    for (Piece& piece : set.read(training.data / name)) {
      if (piece.split != "train" || training.forbidden.contains(piece.file)) continue;
      manifest += fmt::format("{} {}\n", piece.id, piece.score.note_count());
      foreign.scores.push_back(std::move(piece.score));
      ++pieces;
    }
    foreign.rows.push_back({{"name", fmt::format("{} (as unknown)", name)},
                            {"licence", set.licence},
                            {"split", "train"},
                            {"pieces", pieces},
                            {"hash", sha256(manifest)}});
    foreign.commercial = foreign.commercial && set.commercial;
  }
  return foreign;
}

nlohmann::json train(ScoreTask task, const RecognizerTraining& training) {
  LabeledScores set = read_labeled(task, training.data);
  const int forbidden = leave_out(set, training.forbidden);
  std::erase_if(set.items, [&](const LabeledScore& item) { return !is_learned_from(task, item); });
  std::optional<ScoreEncoder> encoder;
  if (training["encoder"] != 0) encoder = ScoreEncoder::load();
  // Drums tune the encoder; the others may hear its vectors as they are.
  const bool tune = encoder && task == ScoreTask::drum_style;
  const std::vector<HeadExample> examples = head_examples(set, task, encoder && !tune ? &*encoder : nullptr);
  if (examples.empty())
    throw Error(Category::bad_input, fmt::format("train {}", model_name(task)),
                training.data.string() + ": no piece to learn from");
  HeadReport report;
  ScoreHeads heads = fit_score_heads(task, set.labels, examples, training.seed, tune ? &encoder->network() : nullptr,
                                     &report, training.run);
  const Foreign foreign = foreign_to(task, training);
  heads.tell_unknown_by(fit_score_unknown(task, set, foreign.scores, training.seed));
  Safetensors weights;
  heads.put(weights);
  nlohmann::json shown{{"inner_folds_accuracy", report.inner_accuracy}, {"inner_folds_nll", report.inner_nll}};
  const nlohmann::json metrics = shown;
  nlohmann::json data = nlohmann::json::array({data_row(set, "")});
  data[0]["split"] = task == ScoreTask::composer ? "train, valid" : "train";
  data.insert(data.end(), foreign.rows.begin(), foreign.rows.end());
  const nlohmann::json learned{{"seed", training.seed},
                               {"manifest_hash", sha256(data.dump())},
                               {"pieces", report.examples},
                               {"inner_folds", kInnerFolds},
                               {"judged", report.judged},
                               {"temperature", report.temperature},
                               {"encoder", encoder ? nlohmann::json(encoder->model().hash) : nlohmann::json()}};
  shown["command"] = fmt::format("euterpe train {} --data DIR --seed {}",
                                 task == ScoreTask::composer ? "composer" : model_name(task), training.seed);
  bool commercial = set.commercial && foreign.commercial;
  if (encoder && (tune || heads.wants_embedding()))
    commercial = commercial && encoder->model().card.value("commercial", nlohmann::json(false)) == true;
  save_model(training.out, weights,
             {{"name", model_name(task)},
              {"task", model_name(task)},
              {"network", "forest, kernel, n-grams, note-encoder"},
              {"options", heads.options()},
              {"tokenizer", nullptr},
              {"data", data},
              {"left_out", forbidden ? nlohmann::json{{"may_train = no", forbidden}} : nlohmann::json::object()},
              {"commercial", commercial},
              {"training", learned},
              {"metrics", nlohmann::json::array({shown})}});
  return {{"training", learned}, {"metrics", metrics}, {"labels", set.labels}};
}

template <ScoreTask task>
nlohmann::json train_task(const RecognizerTraining& training) {
  return train(task, training);
}

}  // namespace

bool is_learned_from(ScoreTask task, const LabeledScore& item) {
  switch (task) {
    case ScoreTask::emotion:
      return item.split == "train";
    case ScoreTask::composer:
      return item.split != "test";
    case ScoreTask::drum_style:
      return item.split == "train" && item.beat;
  }
  return false;
}

LabeledScores read_labeled(ScoreTask task, const fs::path& path, int least) {
  const fs::path inner = path / folder_of(task);
  const fs::path folder = fs::is_directory(inner) ? inner : path;
  switch (task) {
    case ScoreTask::emotion:
      if (fs::is_directory(folder / "annotations")) return read_vgmidi(folder);
      return read_emopia(folder);
    case ScoreTask::composer:
      return read_composers(folder, least);
    case ScoreTask::drum_style:
      return read_groove(folder);
  }
  return {};
}

std::vector<HeadExample> head_examples(const LabeledScores& set, ScoreTask task, const ScoreEncoder* encoder) {
  std::vector<HeadExample> all(set.items.size());
  parallel_for(all.size(), [&](std::size_t i) {
    const LabeledScore& item = set.items[i];
    all[i] = {task_evidence(item.score, task, encoder), item.label, item.group, item.id};
  });
  const std::size_t before = all.size();
  std::erase_if(all, [](const HeadExample& e) { return e.evidence.views.empty(); });
  if (all.size() < before)
    spdlog::warn("{}: {} of {} pieces have too few notes and are left out", set.name, before - all.size(), before);
  return all;
}

UnknownDetector fit_score_unknown(ScoreTask task, const LabeledScores& set, std::span<const Score> foreign,
                                  std::uint64_t seed) {
  std::set<std::string> groups;
  for (const LabeledScore& item : set.items) groups.insert(item.group);
  std::vector<KnownScore> known;
  for (const LabeledScore& item : set.items)
    known.push_back({&item.score, groups.size() < kInnerFolds ? item.id : item.group});
  return fit_unknown_scores(
      known, foreign, [&](const Score& score) { return task_evidence(score, task, nullptr).views; }, seed);
}

const RecognizerTrainer& score_emotion_trainer() {
  static const RecognizerTrainer row{"score-emotion", "Emotion of a score: Russell's quadrants of valence and arousal",
                                     "Folder of EMOPIA (*.mid, clips.csv), or one that holds it as emopia", kSettings,
                                     train_task<ScoreTask::emotion>};
  return row;
}

const RecognizerTrainer& composer_trainer() {
  static const RecognizerTrainer row{"composer",
                                     "Composer of a score, from its notes alone",
                                     "Folder of *.mid with works.csv (file,composer,work), or one that holds it as "
                                     "classical",
                                     kSettings,
                                     train_task<ScoreTask::composer>,
                                     "composer-score"};
  return row;
}

const RecognizerTrainer& drum_style_trainer() {
  static const RecognizerTrainer row{"drum-style", "Style of a drum performance",
                                     "Folder of Groove MIDI (info.csv), or one that holds it as groove", kDrumSettings,
                                     train_task<ScoreTask::drum_style>};
  return row;
}

}  // namespace euterpe
