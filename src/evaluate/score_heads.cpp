#include "evaluate/score_heads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"
#include "recognize/training_score_heads.hpp"

namespace euterpe {
namespace {

bool use_encoder(const EvaluateOptions& options) {
  const auto wish = options.extra.find("encoder");
  if (wish == options.extra.end()) return false;
  if (wish->second != "0" && wish->second != "1")
    throw Error(Category::usage, "evaluate", fmt::format("--encoder: \"{}\" is neither 0 nor 1", wish->second));
  return wish->second == "1";
}

std::vector<Prediction> predictions(const std::vector<HeadExample>& examples, const std::vector<std::size_t>& rows,
                                    const std::function<std::vector<double>(const TaskEvidence&)>& answer) {
  std::vector<Prediction> all(rows.size());
  parallel_for(rows.size(), [&](std::size_t i) {
    all[i] = {answer(examples[rows[i]].evidence), examples[rows[i]].label};
  });
  return all;
}

TestedScores by_folds(const EvaluateOptions& options, ScoreTask task, bool with_baseline, bool by_piece) {
  LabeledScores set = read_labeled(task, options.data);
  if (task == ScoreTask::drum_style) std::erase_if(set.items, [](const LabeledScore& item) { return !item.beat; });
  if (options.limit > 0 && set.items.size() > static_cast<std::size_t>(options.limit))
    set.items.resize(static_cast<std::size_t>(options.limit));
  const int classes = static_cast<int>(set.labels.size());
  std::optional<ScoreEncoder> encoder;
  if (use_encoder(options)) encoder = ScoreEncoder::load();
  const bool tune = encoder && task == ScoreTask::drum_style;
  std::vector<HeadExample> examples = head_examples(set, task, encoder && !tune ? &*encoder : nullptr);
  if (by_piece)
    for (HeadExample& example : examples) example.group = example.id;
  const std::vector<int> fold = head_folds(examples, classes, options.folds, options.seed);
  const std::vector<bool> elsewhere = label_is_elsewhere(examples, fold);
  TestedScores tested;
  tested.labels = set.labels;
  nlohmann::json by_fold = nlohmann::json::array();
  for (int f = 0; f < options.folds; ++f) {
    std::vector<HeadExample> train;
    std::vector<std::size_t> test;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      if (fold[i] == f)
        test.push_back(i);
      else
        train.push_back(examples[i]);
    }
    const std::uint64_t seed = options.seed * 1000 + static_cast<std::uint64_t>(f);
    const ScoreHeads heads = fit_score_heads(task, set.labels, train, seed, tune ? &encoder->network() : nullptr);
    const auto answers = predictions(examples, test, [&](const TaskEvidence& e) { return heads.probabilities(e); });
    by_fold.push_back(accuracy(answers));
    tested.predictions.insert(tested.predictions.end(), answers.begin(), answers.end());
    for (const std::size_t i : test) {
      tested.groups.push_back(examples[i].group);
      tested.learned.push_back(elsewhere[i]);
    }
    if (!with_baseline) continue;
    const Forest forest = fit_baseline(classes, train, seed);
    for (const Prediction& p :
         predictions(examples, test, [&](const TaskEvidence& e) { return forest.probabilities(e.whole); }))
      tested.baseline.push_back(p);
  }
  tested.facts = {{"split", "folds"}, {"folds", options.folds}, {"fold_accuracy", by_fold}, {"data_set", set.name}};
  tested.facts["model"] = {
      {"name", fmt::format("fitted by folds, {}", encoder ? "hand descriptors and encoder" : "hand descriptors")},
      {"hash", encoder ? nlohmann::json(encoder->model().hash) : nlohmann::json()}};
  tested.facts["left_out"] = nlohmann::json::array();
  if (task == ScoreTask::drum_style && !tune)
    tested.facts["left_out"].push_back("notes: the tuned score-encoder, half of the shipped vote (--encoder 1)");
  return tested;
}

TestedScores shipped(const EvaluateOptions& options, ScoreTask task, bool with_baseline) {
  const ScoreHeads heads = ScoreHeads::load(options.model.empty() ? model_name(task) : options.model);
  if (heads.task() != task)
    throw Error(Category::unsupported, fmt::format("evaluate {}", name(task)),
                fmt::format("{}: is a model of {}", heads.model().name, name(heads.task())));
  LabeledScores set = read_labeled(task, options.data, 1);
  if (task == ScoreTask::drum_style) std::erase_if(set.items, [](const LabeledScore& item) { return !item.beat; });
  // What the model knows no name for cannot be asked of it.
  std::vector<int> known(set.labels.size(), -1);
  for (std::size_t i = 0; i < set.labels.size(); ++i) {
    const auto at = std::find(heads.labels().begin(), heads.labels().end(), set.labels[i]);
    if (at != heads.labels().end()) known[i] = static_cast<int>(at - heads.labels().begin());
  }
  std::erase_if(set.items, [&](const LabeledScore& item) { return known[static_cast<std::size_t>(item.label)] < 0; });
  for (LabeledScore& item : set.items) item.label = known[static_cast<std::size_t>(item.label)];

  LabeledScores learned = set;
  std::erase_if(learned.items, [&](const LabeledScore& item) { return !is_learned_from(task, item); });
  const nlohmann::json row = data_row(learned, "");
  bool met = false;
  for (const nlohmann::json& data : heads.model().card.value("data", nlohmann::json::array()))
    met = met || data.value("hash", std::string()) == row.at("hash").get<std::string>();
  std::string split = options.split;
  if (split.empty()) split = !met ? "all" : task == ScoreTask::drum_style ? "valid" : "not learned from";
  if (split == "not learned from")
    std::erase_if(set.items, [&](const LabeledScore& item) { return is_learned_from(task, item); });
  else if (split != "all")
    std::erase_if(set.items, [&](const LabeledScore& item) { return item.split != split; });
  if (options.limit > 0 && set.items.size() > static_cast<std::size_t>(options.limit))
    set.items.resize(static_cast<std::size_t>(options.limit));
  if (set.items.empty())
    throw Error(Category::bad_input, fmt::format("evaluate {}", name(task)),
                fmt::format("{}: no piece in --split {}", options.data.string(), split),
                "--split train, valid, test or all chooses the pieces.");

  std::optional<ScoreEncoder> encoder;
  if (heads.wants_embedding()) encoder = ScoreEncoder::load();
  const std::vector<HeadExample> examples = head_examples(set, task, encoder ? &*encoder : nullptr);
  std::vector<std::size_t> rows(examples.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  TestedScores tested;
  tested.labels = heads.labels();
  tested.predictions = predictions(examples, rows, [&](const TaskEvidence& e) { return heads.probabilities(e); });
  for (const HeadExample& example : examples) tested.groups.push_back(example.group);
  if (with_baseline && met && split != "all" && split != "train") {
    const std::vector<HeadExample> train = head_examples(learned, task, nullptr);
    const Forest forest = fit_baseline(static_cast<int>(heads.labels().size()), train, options.seed);
    tested.baseline = predictions(examples, rows, [&](const TaskEvidence& e) { return forest.probabilities(e.whole); });
  }
  tested.facts = {{"split", split},
                  {"data_set", set.name},
                  {"model", {{"name", heads.model().name}, {"hash", heads.model().hash}}}};
  return tested;
}

}  // namespace

TestedScores test_score_heads(const EvaluateOptions& options, ScoreTask task, bool with_baseline, bool by_piece) {
  if (options.folds == 1 || options.folds < 0)
    throw Error(Category::usage, fmt::format("evaluate {}", name(task)), "--folds: at least 2");
  TestedScores tested =
      options.folds > 0 ? by_folds(options, task, with_baseline, by_piece) : shipped(options, task, with_baseline);
  if (tested.predictions.empty())
    throw Error(Category::bad_input, fmt::format("evaluate {}", name(task)),
                options.data.string() + ": no piece with notes enough to ask");
  return tested;
}

double grouped_error(const std::vector<double>& values, const std::vector<std::string>& groups) {
  EUTERPE_ASSERT(values.size() == groups.size() && !values.empty());
  double mean = 0;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  std::map<std::string, double> sums;
  for (std::size_t i = 0; i < values.size(); ++i) sums[groups[i]] += values[i] - mean;
  double squares = 0;
  for (const auto& [group, sum] : sums) squares += sum * sum;
  return std::sqrt(squares) / static_cast<double>(values.size());
}

namespace {

std::vector<double> hits(const std::vector<Prediction>& predictions) {
  std::vector<double> all;
  for (const Prediction& p : predictions)
    all.push_back(std::max_element(p.probabilities.begin(), p.probabilities.end()) - p.probabilities.begin() ==
                  p.label);
  return all;
}

/// Standard deviation of the macro recall over 200 draws of the groups with replacement.
double macro_recall_error(const TestedScores& tested, std::uint64_t seed) {
  std::map<std::string, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < tested.groups.size(); ++i) members[tested.groups[i]].push_back(i);
  std::vector<const std::vector<std::size_t>*> groups;
  for (const auto& [group, rows] : members) groups.push_back(&rows);
  Random random(seed);
  double sum = 0, square = 0;
  constexpr int kDraws = 200;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<Prediction> drawn;
    for (std::size_t g = 0; g < groups.size(); ++g)
      for (const std::size_t i : *groups[random.below(groups.size())]) drawn.push_back(tested.predictions[i]);
    const double value = macro_recall(drawn);
    sum += value, square += value * value;
  }
  return std::sqrt(std::max(0.0, square / kDraws - sum / kDraws * sum / kDraws));
}

}  // namespace

nlohmann::json tested_report(const TestedScores& tested, std::uint64_t seed) {
  nlohmann::json report = classification_report(tested.predictions, tested.labels, seed);
  report.update(tested.facts);
  report["groups"] = std::set<std::string>(tested.groups.begin(), tested.groups.end()).size();
  const std::vector<double> right = hits(tested.predictions);
  if (std::find(tested.learned.begin(), tested.learned.end(), false) != tested.learned.end()) {
    std::set<std::string> labels;
    double sum = 0, n = 0;
    for (std::size_t i = 0; i < right.size(); ++i) {
      if (tested.learned[i])
        sum += right[i], ++n;
      else
        labels.insert(tested.labels[static_cast<std::size_t>(tested.predictions[i].label)]);
    }
    report["unlearned"] = {{"n", right.size() - static_cast<std::size_t>(n)}, {"labels", labels}};
    if (n > 0) report["accuracy_learned"] = sum / n;
  }
  report["accuracy_se"] = grouped_error(right, tested.groups);
  report["macro_recall_se"] = macro_recall_error(tested, seed);
  if (!tested.baseline.empty()) {
    const std::vector<double> forest = hits(tested.baseline);
    std::vector<double> lead;
    for (std::size_t i = 0; i < right.size(); ++i) lead.push_back(right[i] - forest[i]);
    report["baseline"] = {{"name", "forest of 500 trees over hand descriptors"},
                          {"accuracy", accuracy(tested.baseline)},
                          {"accuracy_se", grouped_error(forest, tested.groups)},
                          {"macro_recall", macro_recall(tested.baseline)},
                          {"lead", accuracy(tested.predictions) - accuracy(tested.baseline)},
                          {"lead_se", grouped_error(lead, tested.groups)}};
  }
  return report;
}

}  // namespace euterpe
