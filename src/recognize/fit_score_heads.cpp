#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "recognize/training_score_heads.hpp"
#include "train/classifier.hpp"
#include "train/kernel_machine.hpp"

namespace euterpe {
namespace {

using Kind = ScoreMember::Kind;
using Dynamics = ScoreMember::Dynamics;
using Chosen = std::vector<const HeadExample*>;

constexpr std::size_t kMostViews = 12;  // of one piece that a model learns from: long pieces shall not drown others

/// At most kMostViews of n, spread evenly.
std::vector<std::size_t> spread(std::size_t n) {
  std::vector<std::size_t> chosen;
  const std::size_t most = std::min(n, kMostViews);
  for (std::size_t k = 0; k < most; ++k) chosen.push_back(k * n / most);
  return chosen;
}

Forest fit_forest(const Chosen& examples, const std::vector<int>& features, int classes, const ForestOptions& options) {
  std::vector<std::vector<float>> rows;
  std::vector<int> labels;
  for (const HeadExample* example : examples)
    for (const std::size_t v : spread(example->evidence.views.size())) {
      const std::vector<float>& view = example->evidence.views[v];
      if (features.empty()) {
        rows.push_back(view);
      } else {
        rows.emplace_back();
        for (const int f : features) rows.back().push_back(view[static_cast<std::size_t>(f)]);
      }
      labels.push_back(example->label);
    }
  return Forest::fit({rows, labels, classes}, options);
}

Examples embedding_examples(const Chosen& examples) {
  Examples all;
  int item = 0;
  for (const HeadExample* example : examples) {
    for (const std::size_t w : spread(example->evidence.embedding.size()))
      all.add(example->evidence.embedding[w], example->label, example->group, item);
    ++item;
  }
  return all;
}

/// One member of an ensemble before it has learned: `learn` is given the examples to learn from.
struct Recipe {
  ScoreMember shape;
  std::function<void(ScoreMember&, const Chosen&, std::uint64_t)> learn;
};

Recipe forest_recipe(Dynamics dynamics, std::vector<int> features, int classes, ForestOptions options) {
  Recipe recipe;
  recipe.shape.kind = Kind::forest;
  recipe.shape.dynamics = dynamics;
  recipe.shape.features = std::move(features);
  recipe.learn = [classes, options](ScoreMember& member, const Chosen& examples, std::uint64_t seed) {
    ForestOptions seeded = options;
    seeded.seed = seed;
    member.forest = fit_forest(examples, member.features, classes, seeded);
  };
  return recipe;
}

Recipe embedding_recipe(Dynamics dynamics, int classes) {
  Recipe recipe;
  recipe.shape.kind = Kind::embedding;
  recipe.shape.dynamics = dynamics;
  recipe.learn = [classes](ScoreMember& member, const Chosen& examples, std::uint64_t seed) {
    ClassifierOptions options;
    options.classes = classes;
    options.hidden = {32};
    options.epochs = 40;
    options.patience = 6;
    options.dropout = 0.4;
    options.members = 1;
    options.seed = seed;
    member.network = train_classifier_by_group(embedding_examples(examples), options, kInnerFolds);
  };
  return recipe;
}

Recipe kernel_recipe(Dynamics dynamics, int classes, double gamma, double ridge) {
  Recipe recipe;
  recipe.shape.kind = Kind::kernel;
  recipe.shape.dynamics = dynamics;
  recipe.learn = [=](ScoreMember& member, const Chosen& examples, std::uint64_t) {
    std::vector<float> x, targets;
    for (const HeadExample* example : examples) {
      x.insert(x.end(), example->evidence.whole.begin(), example->evidence.whole.end());
      for (int k = 0; k < classes; ++k) targets.push_back(k == example->label ? 1.0f : 0.0f);
    }
    KernelOptions options;
    options.gamma = gamma;
    options.ridge = ridge;
    member.kernel = fit_kernel_machine(examples.front()->evidence.whole.size(), x, targets, {}, options);
  };
  return recipe;
}

Recipe ngrams_recipe(int classes) {
  Recipe recipe;
  recipe.shape.kind = Kind::ngrams;
  recipe.learn = [classes](ScoreMember& member, const Chosen& examples, std::uint64_t seed) {
    std::vector<SparseVector> counts;
    std::vector<int> labels;
    for (const HeadExample* example : examples) {
      counts.push_back(example->evidence.ngrams);
      labels.push_back(example->label);
    }
    SparseLinearOptions options;
    options.cost = 3;
    options.balance = true;
    options.seed = seed;
    member.linear = SparseLinear::fit(counts, labels, classes, kNoteNgrams, options);
  };
  return recipe;
}

/// Descriptors that do not speak of loudness.
std::vector<int> without_loudness() {
  std::vector<int> features;
  const auto& names = task_feature_names(ScoreTask::emotion);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i].find("loudness") == std::string::npos) features.push_back(static_cast<int>(i));
  return features;
}

/// What inner folds of the training sets have shown to be better together than alone; see docs/recognize.md.
std::vector<Recipe> recipes(ScoreTask task, int classes, bool embedding) {
  std::vector<Recipe> all;
  ForestOptions best, random;
  best.trees = 120;
  best.min_leaf = 3;
  random.trees = 60;
  random.min_leaf = 4;
  random.random_cuts = true;
  switch (task) {
    case ScoreTask::emotion:
      all.push_back(forest_recipe(Dynamics::varied, {}, classes, best));
      all.push_back(kernel_recipe(Dynamics::varied, classes, 0.15, 0.5));
      if (embedding) all.push_back(embedding_recipe(Dynamics::varied, classes));
      all.push_back(forest_recipe(Dynamics::flat, without_loudness(), classes, random));
      break;
    case ScoreTask::composer:
      all.push_back(ngrams_recipe(classes));
      all.push_back(kernel_recipe(Dynamics::any, classes, 0.5, 0.03));
      if (embedding) all.push_back(embedding_recipe(Dynamics::any, classes));
      break;
    case ScoreTask::drum_style:
      random.trees = 28;
      all.push_back(forest_recipe(Dynamics::any, {}, classes, random));
      all.push_back(kernel_recipe(Dynamics::any, classes, 1.0, 0.03));
      break;
  }
  return all;
}

using Opinions = std::vector<std::vector<double>>;  // [examples][classes]

double nll(const Opinions& opinions, const Chosen& examples, double temperature) {
  double sum = 0;
  for (std::size_t i = 0; i < examples.size(); ++i)
    sum -= std::log(tempered(opinions[i], temperature)[static_cast<std::size_t>(examples[i]->label)]);
  return sum / static_cast<double>(examples.size());
}

/// The temperature of least loss, golden section over its logarithm.
double best_temperature(const Opinions& opinions, const Chosen& examples) {
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  double low = std::log(0.05), high = std::log(10.0);
  double a = high - ratio * (high - low), b = low + ratio * (high - low);
  double fa = nll(opinions, examples, std::exp(a)), fb = nll(opinions, examples, std::exp(b));
  for (int step = 0; step < 24; ++step) {
    if (fa < fb) {
      high = b, b = a, fb = fa, a = high - ratio * (high - low);
      fa = nll(opinions, examples, std::exp(a));
    } else {
      low = a, a = b, fa = fb, b = low + ratio * (high - low);
      fb = nll(opinions, examples, std::exp(b));
    }
  }
  return std::exp((low + high) / 2);
}

Opinions mixed(const std::vector<Opinions>& members, const std::vector<double>& weights) {
  Opinions mean(members.front().size(), std::vector<double>(members.front().front().size(), 0.0));
  for (std::size_t m = 0; m < members.size(); ++m)
    if (weights[m] > 0)
      for (std::size_t i = 0; i < mean.size(); ++i)
        for (std::size_t k = 0; k < mean[i].size(); ++k) mean[i][k] += weights[m] * members[m][i][k];
  return mean;
}

/// Weights of sum 1 in tenths whose mixture has the least loss; all of them are tried.
std::vector<double> best_weights(const std::vector<Opinions>& members, const Chosen& examples) {
  std::vector<double> best, weights(members.size(), 0.0);
  double least = 1e300;
  const std::function<void(std::size_t, int)> fill = [&](std::size_t m, int left) {
    if (m + 1 < members.size()) {
      for (int share = 0; share <= left; ++share) {
        weights[m] = share / 10.0;
        fill(m + 1, left - share);
      }
      return;
    }
    weights[m] = left / 10.0;
    const double loss = nll(mixed(members, weights), examples, 1.0);
    if (loss < least) least = loss, best = weights;
  };
  fill(0, 10);
  return best;
}

/// Notes hold what bars of descriptors lose: order and phrasing. Short windows, for a groove is told in a few bars.
ScoreMember tuned_member(const NoteEncoder& encoder, const Chosen& examples, int classes, std::uint64_t seed,
                         const std::filesystem::path& run) {
  std::vector<NoteMemberExample> pieces;
  std::vector<std::size_t> rows;
  for (const HeadExample* example : examples) {
    rows.push_back(rows.size());
    pieces.push_back({example->evidence.notes, example->label});
  }
  NoteMemberOptions options;
  options.classes = classes;
  options.hide = hidden(ScoreTask::drum_style);
  options.trained_layers = 2;
  options.epochs = 14;
  options.window = 96;
  options.windows_an_epoch = 6;
  options.semitones = 0;
  options.learning_rate = 2e-3;
  options.balance = true;
  options.run = run;
  ScoreMember member;
  member.kind = Kind::notes;
  member.tuned = NoteMember::fit(encoder, pieces, rows, {}, options, seed);
  return member;
}

std::vector<int> inner_folds(std::span<const HeadExample> examples, int classes, std::uint64_t seed) {
  std::set<std::string> groups;
  for (const HeadExample& example : examples) groups.insert(example.group);
  if (groups.size() >= kInnerFolds) return head_folds(examples, classes, kInnerFolds, seed);
  spdlog::warn("{} songs, works or sessions are too few to divide: the answer's certainty is fitted by piece",
               groups.size());
  std::vector<HeadExample> alone;
  for (const HeadExample& example : examples) alone.push_back({{}, example.label, example.id, example.id});
  return head_folds(alone, classes, kInnerFolds, seed);
}

}  // namespace

std::vector<int> head_folds(std::span<const HeadExample> examples, int classes, int folds, std::uint64_t seed) {
  Examples bare;
  for (std::size_t i = 0; i < examples.size(); ++i)
    bare.add({}, examples[i].label, examples[i].group, static_cast<int>(i));
  return group_folds(bare, classes, folds, seed);
}

std::vector<bool> label_is_elsewhere(std::span<const HeadExample> examples, std::span<const int> fold) {
  std::map<int, std::set<int>> folds_of;  // of a label
  for (std::size_t i = 0; i < examples.size(); ++i) folds_of[examples[i].label].insert(fold[i]);
  std::vector<bool> elsewhere;
  for (const HeadExample& example : examples) elsewhere.push_back(folds_of[example.label].size() > 1);
  return elsewhere;
}

Forest fit_baseline(int classes, std::span<const HeadExample> examples, std::uint64_t seed) {
  std::vector<std::vector<float>> rows;
  std::vector<int> labels;
  for (const HeadExample& example : examples) {
    rows.push_back(example.evidence.whole);
    labels.push_back(example.label);
  }
  ForestOptions options;
  options.trees = 500;
  options.balance = true;
  options.seed = seed;
  return Forest::fit({rows, labels, classes}, options);
}

ScoreHeads fit_score_heads(ScoreTask task, const std::vector<std::string>& labels,
                           std::span<const HeadExample> examples, std::uint64_t seed, const NoteEncoder* encoder,
                           HeadReport* report, const std::filesystem::path& run) {
  const int classes = static_cast<int>(labels.size());
  const bool embedding =
      std::all_of(examples.begin(), examples.end(), [](const HeadExample& e) { return !e.evidence.embedding.empty(); });
  const std::vector<Recipe> all = recipes(task, classes, embedding);
  const std::vector<int> fold = inner_folds(examples, classes, seed);
  std::vector<bool> judges = label_is_elsewhere(examples, fold);
  if (std::find(judges.begin(), judges.end(), true) == judges.end()) judges.assign(examples.size(), true);
  Chosen everything, judged;
  std::vector<int> judged_fold;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    everything.push_back(&examples[i]);
    if (!judges[i]) continue;
    judged.push_back(&examples[i]);
    judged_fold.push_back(fold[i]);
  }

  std::vector<Opinions> opinions(all.size(), Opinions(judged.size()));
  for (int f = 0; f < kInnerFolds; ++f) {
    Chosen others;
    for (std::size_t i = 0; i < examples.size(); ++i)
      if (fold[i] != f) others.push_back(&examples[i]);
    for (std::size_t m = 0; m < all.size(); ++m) {
      check_interrupt();
      ScoreMember member = all[m].shape;
      all[m].learn(member, others, seed * 100 + m);
      for (std::size_t i = 0; i < judged.size(); ++i)
        if (judged_fold[i] == f) opinions[m][i] = member.probabilities(judged[i]->evidence);
    }
  }

  std::vector<ScoreMember> members;
  std::vector<std::size_t> voting;  // of `members`, those whose mixture is weighed
  std::vector<Opinions> voices;
  for (std::size_t m = 0; m < all.size(); ++m) {
    ScoreMember member = all[m].shape;
    member.temperature = best_temperature(opinions[m], judged);
    for (auto& p : opinions[m]) p = tempered(p, member.temperature);
    if (member.dynamics != Dynamics::flat) {
      voting.push_back(m);
      voices.push_back(opinions[m]);
    }
    members.push_back(std::move(member));
  }
  const std::vector<double> weights = best_weights(voices, judged);
  for (std::size_t v = 0; v < voting.size(); ++v) members[voting[v]].weight = weights[v];
  Opinions ensemble = mixed(voices, weights);
  std::optional<ScoreMember> tuned;
  if (encoder && task == ScoreTask::drum_style) {
    Chosen others, held_out;
    Opinions words, mixture;
    // The fold that has most to judge by.
    std::vector<int> sizes(kInnerFolds, 0);
    for (const int f : judged_fold) ++sizes[static_cast<std::size_t>(f)];
    const int chosen = static_cast<int>(std::max_element(sizes.begin(), sizes.end()) - sizes.begin());
    for (std::size_t i = 0; i < examples.size(); ++i)
      if (fold[i] != chosen) others.push_back(&examples[i]);
    for (std::size_t i = 0; i < judged.size(); ++i)
      if (judged_fold[i] == chosen) held_out.push_back(judged[i]);
    const auto folder = [&](const char* name) { return run.empty() ? run : run / name; };
    tuned = tuned_member(*encoder, others, classes, seed, folder("inner"));
    for (const HeadExample* example : held_out) words.push_back(tuned->probabilities(example->evidence));
    const double own = best_temperature(words, held_out);
    for (std::size_t i = 0, row = 0; i < judged.size(); ++i)
      if (judged_fold[i] == chosen)
        mixture.push_back(mixed({{ensemble[i]}, {tempered(words[row++], own)}}, {0.5, 0.5}).front());
    ensemble = std::move(mixture);
    judged = std::move(held_out);
    tuned = tuned_member(*encoder, everything, classes, seed, folder("all"));
    tuned->temperature = own;
  }
  const double temperature = best_temperature(ensemble, judged);

  std::vector<ScoreMember> kept;
  for (std::size_t m = 0; m < all.size(); ++m) {
    if (members[m].weight <= 0) continue;
    check_interrupt();
    all[m].learn(members[m], everything, seed * 100 + m);
    kept.push_back(std::move(members[m]));
  }
  if (tuned) kept.push_back(std::move(*tuned));  // the others' weights have the sum 1, as has its own
  if (report) {
    report->examples = examples.size();
    report->judged = judged.size();
    report->temperature = temperature;
    report->inner_nll = nll(ensemble, judged, temperature);
    double right = 0;
    for (std::size_t i = 0; i < judged.size(); ++i)
      right += std::max_element(ensemble[i].begin(), ensemble[i].end()) - ensemble[i].begin() == judged[i]->label;
    report->inner_accuracy = right / static_cast<double>(judged.size());
  }
  ScoreHeads heads(task, labels, std::move(kept), temperature);

  const std::size_t inputs = task_feature_names(task).size(), k = labels.size();
  std::vector<double> sum(k * inputs, 0.0), square(k * inputs, 0.0), count(k, 0.0);
  for (const HeadExample& example : examples)
    for (const std::size_t v : spread(example.evidence.views.size())) {
      const auto label = static_cast<std::size_t>(example.label);
      count[label] += 1;
      for (std::size_t i = 0; i < inputs; ++i) {
        const double x = example.evidence.views[v][i];
        sum[label * inputs + i] += x;
        square[label * inputs + i] += x * x;
      }
    }
  std::vector<float> mean(k * inputs), deviation(k * inputs);
  for (std::size_t j = 0; j < mean.size(); ++j) {
    const double n = std::max(1.0, count[j / inputs]), m = sum[j] / n;
    mean[j] = static_cast<float>(m);
    deviation[j] = static_cast<float>(std::sqrt(std::max(0.0, square[j] / n - m * m)));
  }
  heads.describe_classes(std::move(mean), std::move(deviation));
  return heads;
}

}  // namespace euterpe
