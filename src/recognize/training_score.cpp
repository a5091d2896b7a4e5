#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"
#include "corpus/datasets.hpp"
#include "nn/model.hpp"
#include "recognize/style_score.hpp"
#include "recognize/training.hpp"
#include "recognize/unknown_scores.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr int kPassagesPerStyle = 4000;  // of a training split, drawn again from the pieces where there are fewer
constexpr int kMostPerPiece = 16;
constexpr int kKnownPerStyle = 300;  // pieces that the detector of the unknown learns from

struct StylePieces {
  std::vector<std::string> labels;
  std::vector<Piece> pieces;
  nlohmann::json data = nlohmann::json::array();
  bool commercial = true;
  int forbidden = 0;  // pieces left out because their file may not be learned from
};

StylePieces read_pieces(const fs::path& data, const std::set<std::string>& splits, const Forbidden& forbidden = {}) {
  StylePieces all;
  std::set<std::string> labels;
  for (const Dataset& set : datasets()) {
    if (!fs::is_directory(data / set.name)) continue;
    std::map<std::string, int> counts;
    std::map<std::string, std::string> manifests;
    for (Piece& piece : set.read(data / set.name)) {
      if (!splits.contains(piece.split)) continue;
      if (forbidden.contains(piece.file)) {
        ++all.forbidden;
        continue;
      }
      ++counts[piece.split];
      manifests[piece.split] += fmt::format("{} {}\n", piece.id, piece.score.note_count());
      labels.insert(piece.style);
      all.pieces.push_back(std::move(piece));
    }
    for (const auto& [split, pieces] : counts)
      all.data.push_back({{"name", set.name},
                          {"licence", set.licence},
                          {"split", split},
                          {"pieces", pieces},
                          {"hash", sha256(manifests[split])}});
    all.commercial = all.commercial && set.commercial;
  }
  if (labels.size() < 2)
    throw Error(Category::not_found, "read_style_passages",
                fmt::format("{}: holds fewer than two of the data sets that recognition learns from", data.string()),
                "Name the folder that holds jsb, nottingham, pop909 and classical.");
  all.labels.assign(labels.begin(), labels.end());
  return all;
}

int label_of(const std::vector<std::string>& labels, const std::string& style) {
  return static_cast<int>(std::lower_bound(labels.begin(), labels.end(), style) - labels.begin());
}

std::vector<StylePassage> windows_of(const StylePieces& all, const std::string& split) {
  std::vector<StylePassage> passages;
  for (const Piece& piece : all.pieces) {
    if (piece.split != split) continue;
    for (auto& window : style_windows(grid_notes(piece.score)))
      passages.push_back({std::move(window), label_of(all.labels, piece.style), piece.group});
  }
  return passages;
}

/// A passage as training sees it: it begins at any beat, may be short, and stands in any key.
std::vector<GridNote> draw_passage(const std::vector<GridNote>& notes, Random& random) {
  static constexpr std::array<int, 6> kLengths{64, 128, 192, 256, 256, 256};
  const int first = notes.front().onset - notes.front().onset % 4, last = notes.back().onset;
  const int length = kLengths[random.below(kLengths.size())];
  const int room = std::max(0, last + 1 - first - length) / 4;
  const int from = first + 4 * static_cast<int>(random.below(static_cast<std::uint64_t>(room) + 1));
  auto passage = grid_window(notes, from, from + length);
  const int shift = static_cast<int>(random.below(12)) - 6;
  for (GridNote& note : passage) note.pitch = std::clamp(note.pitch + shift, 0, 127);
  return passage;
}

std::vector<StylePassage> draw_training(const StylePieces& all, std::uint64_t seed) {
  std::map<std::string, int> pieces_of;
  for (const Piece& piece : all.pieces) pieces_of[piece.style] += piece.split == "train";
  std::vector<StylePassage> passages;
  for (std::size_t i = 0; i < all.pieces.size(); ++i) {
    const Piece& piece = all.pieces[i];
    if (piece.split != "train") continue;
    const auto notes = grid_notes(piece.score);
    if (notes.size() < kStyleMinNotes) continue;
    Random random = Random::stream(seed, i);
    const int draws = std::clamp(kPassagesPerStyle / pieces_of[piece.style], 1, kMostPerPiece);
    for (int d = 0; d < draws; ++d) {
      auto passage = draw_passage(notes, random);
      if (passage.size() >= 2 * kStyleMinNotes)
        passages.push_back({std::move(passage), label_of(all.labels, piece.style), piece.group});
    }
  }
  return passages;
}

Examples examples_of(const std::vector<StylePassage>& passages) {
  std::vector<std::vector<float>> features(passages.size());
  parallel_for(passages.size(), [&](std::size_t i) { features[i] = score_features(passages[i].notes); });
  Examples examples;
  for (std::size_t i = 0; i < passages.size(); ++i)
    examples.add(features[i], passages[i].label, passages[i].group, static_cast<int>(i));
  return examples;
}

/// What the training windows of each class are like: row-major [labels × descriptors], in the descriptors' own units.
void put_class_statistics(const Examples& windows, std::size_t labels, Safetensors& weights) {
  const std::size_t n = windows.features;
  std::vector<double> sum(labels * n, 0.0), square(labels * n, 0.0), count(labels, 0.0);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto label = static_cast<std::size_t>(windows.labels[i]);
    count[label] += 1;
    for (std::size_t j = 0; j < n; ++j) {
      const double x = windows.row(i)[j];
      sum[label * n + j] += x;
      square[label * n + j] += x * x;
    }
  }
  std::vector<float> mean(labels * n), deviation(labels * n);
  for (std::size_t j = 0; j < mean.size(); ++j) {
    const double of = std::max(1.0, count[j / n]), m = sum[j] / of;
    mean[j] = static_cast<float>(m);
    deviation[j] = static_cast<float>(std::sqrt(std::max(0.0, square[j] / of - m * m)));
  }
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(labels), static_cast<std::int64_t>(n)};
  weights.put("class_mean", shape, mean);
  weights.put("class_deviation", shape, deviation);
}

UnknownDetector unknown_of(const StylePieces& all, std::uint64_t seed) {
  std::map<std::string, std::vector<KnownScore>> by_style;
  for (const Piece& piece : all.pieces)
    if (piece.split == "train") by_style[piece.style].push_back({&piece.score, piece.group});
  std::vector<KnownScore> known;
  Random random(seed);
  for (auto& [style, pieces] : by_style) {
    random.shuffle(pieces);
    if (pieces.size() > kKnownPerStyle) pieces.resize(kKnownPerStyle);
    known.insert(known.end(), pieces.begin(), pieces.end());
  }
  return fit_unknown_scores(known, {}, style_views, seed);
}

}  // namespace

StylePassages read_style_passages(const fs::path& data, const std::string& split) {
  StylePieces all = read_pieces(data, {split});
  StylePassages result{all.labels, windows_of(all, split), std::move(all.data), all.commercial};
  return result;
}

nlohmann::json train_style_score(const fs::path& data, const fs::path& out, std::uint64_t seed,
                                 const Forbidden& forbidden) {
  const StylePieces all = read_pieces(data, {"train", "valid"}, forbidden);
  const Examples train = examples_of(draw_training(all, seed)), valid = examples_of(windows_of(all, "valid"));
  if (valid.size() == 0)
    throw Error(Category::bad_input, "train_style_score", data.string() + ": the validation split holds no passage");
  ClassifierOptions options;
  options.classes = static_cast<int>(all.labels.size());
  options.hidden = {96, 32};
  options.members = 3;
  options.epochs = 40;
  options.patience = 8;
  options.seed = seed;
  ClassifierReport report;
  const MlpEnsemble network = train_classifier(train, valid, options, &report);
  Safetensors weights;
  network.put(weights);
  put_class_statistics(examples_of(windows_of(all, "train")), all.labels.size(), weights);
  unknown_of(all, seed).put(weights);
  const nlohmann::json metrics{{"valid_nll", report.valid_nll}, {"valid_accuracy", report.valid_accuracy}};
  const nlohmann::json training{{"seed", seed},
                                {"manifest_hash", sha256(all.data.dump())},
                                {"train_passages", train.size()},
                                {"valid_passages", valid.size()},
                                {"epochs", report.epochs},
                                {"members", network.members.size()},
                                {"temperature", report.temperature}};
  nlohmann::json shown = metrics;
  shown["command"] = fmt::format("euterpe train style-score --data DIR --seed {}", seed);
  save_model(
      out, weights,
      {{"name", "style-score"},
       {"task", "style-score"},
       {"network", "mlp"},
       {"options", {{"labels", all.labels}, {"descriptors", "score.v1"}, {"window_sixteenths", kStyleWindow}}},
       {"tokenizer", nullptr},
       {"data", all.data},
       {"left_out", all.forbidden ? nlohmann::json{{"may_train = no", all.forbidden}} : nlohmann::json::object()},
       {"commercial", all.commercial},
       {"training", training},
       {"metrics", nlohmann::json::array({shown})}});
  return {{"training", training}, {"metrics", metrics}, {"labels", all.labels}};
}

}  // namespace euterpe
