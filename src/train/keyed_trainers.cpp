#include "train/keyed_trainers.hpp"

#include <array>

#include "base/error.hpp"
#include "base/files.hpp"
#include "nn/frame_contexts.hpp"
#include "nn/voice_contexts.hpp"
#include "train/keyed_model.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

constexpr std::array<Setting, 4> kSettings{{{"epochs", 6, "Passes over the pieces that learn the mixing weights"},
                                            {"rate", 0.002, "Step of the first pass"},
                                            {"pieces", 2, "Contexts that fewer pieces have are not kept"},
                                            {"decay", 0.55, "Factor on the step from pass to pass"}}};

/// The file itself, or where it lies below the folder of its set or of all sets.
fs::path find_file(const fs::path& data, const char* set, const char* file) {
  if (!fs::is_directory(data)) return data;
  return fs::exists(data / set / file) ? data / set / file : data / file;
}

nlohmann::json train_on(const TrainingRequest& t, const KeyedDomain& domain, const fs::path& file, KeyedRows rows,
                        const char* set, const char* model, const char* style) {
  const std::string hash = sha256_file(file);
  if (t.forbidden.contains(hash))
    throw Error(Category::refused, "train", file.string() + ": its rights forbid to learn from it");
  KeyedTraining training;
  training.domain = &domain;
  training.out = t.out;
  training.fitting = {static_cast<int>(t["epochs"]), t["rate"], t["decay"], static_cast<int>(t["pieces"]), t.seed};
  training.card = {{"name", model},
                   {"task", "compose"},
                   {"styles", {style}},
                   {"commercial", true},
                   {"data",
                    {{{"name", set},
                      {"licence", "public domain"},
                      {"split", "train"},
                      {"pieces", rows["train"].size()},
                      {"hash", hash}}}}};
  training.rows = std::move(rows);
  return train_keyed_model(training);
}

nlohmann::json train_chorale(const TrainingRequest& t) {
  const fs::path file = find_file(t.data, "jsb", "Jsb16thSeparated.json");
  return train_on(t, voice_domain(), file, read_voice_rows(file), "jsb", "chorale", "chorale");
}

nlohmann::json train_frames_chorales(const TrainingRequest& t) {
  const fs::path file = find_file(t.data, "frames", "jsb_chorales.json");
  return train_on(t, frame_domain(), file, read_frame_rows(file), "frames", "frames-jsb_chorales", "chorale");
}

nlohmann::json train_frames_folk(const TrainingRequest& t) {
  const fs::path file = find_file(t.data, "frames", "nottingham.json");
  return train_on(t, frame_domain(), file, read_frame_rows(file), "frames", "frames-nottingham", "folk");
}

}  // namespace

std::span<const TrainerRow> keyed_trainers() {
  static constexpr std::array<TrainerRow, 3> rows{
      {{"chorale", "Four voices on a grid of sixteenths, by context mixing",
        "Jsb16thSeparated.json, or a folder with it or with jsb", kSettings, train_chorale, "chorale"},
       {"frames-chorales", "Frames of chorales, a quarter each",
        "jsb_chorales.json, or a folder with it or with frames", kSettings, train_frames_chorales,
        "frames-jsb_chorales"},
       {"frames-folk", "Frames of folk tunes, an eighth each", "nottingham.json, or a folder with it or with frames",
        kSettings, train_frames_folk, "frames-nottingham"}}};
  return rows;
}

}  // namespace euterpe
