#include "train/classifier.hpp"

#include <torch/torch.h>

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/random.hpp"

namespace euterpe {
namespace {

/// The networks are so small that threads inside an operation cost more than they give, and one thread has one order of
/// addition: members run beside each other instead.
class OneThread {
 public:
  OneThread() : before_(at::get_num_threads()) { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before_); }
  OneThread(const OneThread&) = delete;

 private:
  int before_;
};

struct Standard {
  std::vector<float> mean, deviation;
};

Standard standardize(const Examples& examples) {
  const std::size_t d = examples.features, n = examples.size();
  std::vector<double> sum(d, 0), squares(d, 0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < d; ++j) sum[j] += examples.row(i)[j];
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < d; ++j) {
      const double centered = examples.row(i)[j] - sum[j] / static_cast<double>(n);
      squares[j] += centered * centered;
    }
  Standard standard;
  for (std::size_t j = 0; j < d; ++j) {
    const double deviation = std::sqrt(squares[j] / static_cast<double>(n));
    standard.mean.push_back(static_cast<float>(sum[j] / static_cast<double>(n)));
    standard.deviation.push_back(deviation > 1e-6 ? static_cast<float>(deviation) : 1.0f);
  }
  return standard;
}

torch::Tensor inputs_of(const Examples& examples, const Standard& standard) {
  const auto n = static_cast<std::int64_t>(examples.size()), d = static_cast<std::int64_t>(examples.features);
  const auto view = [](const std::vector<float>& v, at::IntArrayRef shape) {
    return torch::from_blob(const_cast<float*>(v.data()), shape, torch::kFloat32);
  };
  return ((view(examples.x, {n, d}) - view(standard.mean, {d})) / view(standard.deviation, {d}))
      .clamp(-Mlp::kClip, Mlp::kClip);
}

torch::Tensor labels_of(const Examples& examples) {
  return torch::tensor(std::vector<std::int64_t>(examples.labels.begin(), examples.labels.end()));
}

/// Weights and biases with the generator that every random choice of one member comes from.
struct Network {
  std::vector<torch::Tensor> parameters;  ///< weight, bias, weight, bias …
  at::Generator generator;

  Network(std::size_t inputs, const ClassifierOptions& options, std::uint64_t seed)
      : generator(at::detail::createCPUGenerator(seed)) {
    auto width = static_cast<std::int64_t>(inputs);
    std::vector<int> widths = options.hidden;
    widths.push_back(options.classes);
    for (int out : widths) {
      const double bound = 1 / std::sqrt(static_cast<double>(width));
      parameters.push_back(torch::empty({out, width}).uniform_(-bound, bound, generator).set_requires_grad(true));
      parameters.push_back(torch::zeros({out}).set_requires_grad(true));
      width = out;
    }
  }

  /// \param noise and \param dropout are 0 where the network is judged, not trained
  torch::Tensor logits(torch::Tensor x, double noise, double dropout) {
    if (noise > 0) x = x + torch::empty_like(x).normal_(0, noise, generator);
    for (std::size_t i = 0; i < parameters.size(); i += 2) {
      x = torch::nn::functional::linear(x, parameters[i], parameters[i + 1]);
      if (i + 2 == parameters.size()) break;
      x = torch::gelu(x);
      if (dropout > 0) x = x * torch::empty_like(x).bernoulli_(1 - dropout, generator) / (1 - dropout);
    }
    return x;
  }

  std::vector<torch::Tensor> copy() const {
    std::vector<torch::Tensor> values;
    for (const auto& p : parameters) values.push_back(p.detach().clone());
    return values;
  }
};

torch::Tensor class_weights(const Examples& examples, const ClassifierOptions& options) {
  std::vector<float> count(static_cast<std::size_t>(options.classes), 0.0f);
  for (int label : examples.labels) count[static_cast<std::size_t>(label)] += 1;
  for (float& c : count)
    c = options.balance && c > 0 ? static_cast<float>(examples.size()) / (c * static_cast<float>(options.classes))
                                 : 1.0f;
  return torch::tensor(count);
}

Mlp as_mlp(const std::vector<torch::Tensor>& parameters, const Standard& standard) {
  Mlp mlp{standard.mean, standard.deviation, {}, 1.0};
  for (std::size_t i = 0; i < parameters.size(); i += 2) {
    const auto weight = parameters[i].contiguous(), bias = parameters[i + 1].contiguous();
    Mlp::Layer layer;
    layer.outputs = static_cast<std::size_t>(weight.size(0));
    layer.inputs = static_cast<std::size_t>(weight.size(1));
    layer.weight.assign(weight.data_ptr<float>(), weight.data_ptr<float>() + weight.numel());
    layer.bias.assign(bias.data_ptr<float>(), bias.data_ptr<float>() + bias.numel());
    // As they will stand on disk, so that what is calibrated here is what is loaded later.
    for (float& w : layer.weight) w = bf16_to_float(float_to_bf16(w));
    mlp.layers.push_back(std::move(layer));
  }
  return mlp;
}

Mlp train_member(const Examples& train, const Examples& valid, const ClassifierOptions& options, std::uint64_t seed,
                 int* epochs_run) {
  const OneThread one_thread;
  const Standard standard = standardize(train);
  const auto x = inputs_of(train, standard), valid_x = inputs_of(valid, standard);
  const auto y = labels_of(train), valid_y = labels_of(valid);
  const auto weights = class_weights(train, options);
  namespace F = torch::nn::functional;
  const auto loss_options = F::CrossEntropyFuncOptions().weight(weights).label_smoothing(options.label_smoothing);

  Network network(train.features, options, seed);
  torch::optim::AdamW optimizer(network.parameters,
                                torch::optim::AdamWOptions(options.learning_rate).weight_decay(options.weight_decay));
  Random random(seed);
  std::vector<std::int64_t> order(train.size());
  std::iota(order.begin(), order.end(), 0);
  double best = INFINITY;
  std::vector<torch::Tensor> kept = network.copy();
  int since_best = 0, epoch = 0;
  for (; epoch < options.epochs && since_best < options.patience; ++epoch) {
    check_interrupt();
    const double rate = options.learning_rate * 0.5 * (1 + std::cos(M_PI * epoch / options.epochs));
    static_cast<torch::optim::AdamWOptions&>(optimizer.param_groups()[0].options()).lr(rate);
    random.shuffle(order);
    const auto rows = torch::tensor(order);
    for (std::int64_t begin = 0; begin < rows.size(0); begin += options.batch) {
      const auto batch = rows.slice(0, begin, std::min<std::int64_t>(begin + options.batch, rows.size(0)));
      optimizer.zero_grad();
      const auto logits = network.logits(x.index_select(0, batch), options.input_noise, options.dropout);
      F::cross_entropy(logits, y.index_select(0, batch), loss_options).backward();
      optimizer.step();
    }
    const torch::NoGradGuard no_grad;
    const double loss =
        F::cross_entropy(network.logits(valid_x, 0, 0), valid_y, F::CrossEntropyFuncOptions().weight(weights))
            .item<double>();
    if (loss < best) {
      best = loss;
      kept = network.copy();
      since_best = 0;
    } else {
      ++since_best;
    }
  }
  *epochs_run += epoch;
  return as_mlp(kept, standard);
}

void check(const Examples& examples, const ClassifierOptions& options, const char* what) {
  EUTERPE_ASSERT(options.classes > 1 && options.members > 0 && options.batch > 0 && options.epochs > 0);
  EUTERPE_ASSERT(examples.x.size() == examples.size() * examples.features);
  std::vector<int> count(static_cast<std::size_t>(options.classes), 0);
  for (int label : examples.labels) {
    EUTERPE_ASSERT(label >= 0 && label < options.classes);
    ++count[static_cast<std::size_t>(label)];
  }
  if (std::count(count.begin(), count.end(), 0) > 0)
    throw Error(Category::bad_input, "train_classifier", std::string("a class has no ") + what + " example",
                "Every class needs examples from several artists or songs.");
}

/// What members say about examples that they have not learned from.
struct Held {
  std::vector<std::vector<std::vector<float>>> logits;  ///< [example][member][class]
  std::vector<int> labels, items;
};

void hear(Held& held, const Examples& examples, std::span<const Mlp> members) {
  for (std::size_t i = 0; i < examples.size(); ++i) {
    auto& all = held.logits.emplace_back();
    for (const Mlp& member : members) all.push_back(member.logits(examples.row(i)));
    held.labels.push_back(examples.labels[i]);
    held.items.push_back(examples.items[i]);
  }
}

struct Judgement {
  double nll = 0, accuracy = 0;
};

/// Mean over items of −log of the mean probability over the item's views and members.
Judgement judge(const Held& held, double temperature) {
  struct Item {
    std::vector<double> sum;
    double n = 0;
    int label = 0;
  };
  std::map<int, Item> items;
  for (std::size_t i = 0; i < held.labels.size(); ++i) {
    Item& item = items[held.items[i]];
    item.label = held.labels[i];
    for (const auto& logits : held.logits[i]) {
      const auto p = softmax(logits, temperature);
      item.sum.resize(p.size(), 0.0);
      for (std::size_t c = 0; c < p.size(); ++c) item.sum[c] += p[c];
      item.n += 1;
    }
  }
  Judgement judgement;
  for (const auto& [id, item] : items) {
    judgement.nll -= std::log(std::max(1e-12, item.sum[static_cast<std::size_t>(item.label)] / item.n));
    judgement.accuracy += std::max_element(item.sum.begin(), item.sum.end()) - item.sum.begin() == item.label;
  }
  judgement.nll /= static_cast<double>(items.size());
  judgement.accuracy /= static_cast<double>(items.size());
  return judgement;
}

/// Golden-section search in log T; the loss has one minimum there for a single network and is smooth for an ensemble.
void calibrate(MlpEnsemble& ensemble, const Held& held, ClassifierReport* report) {
  constexpr double kGolden = 0.6180339887498949;
  double low = std::log(0.2), high = std::log(5.0);
  double a = high - kGolden * (high - low), b = low + kGolden * (high - low);
  double loss_a = judge(held, std::exp(a)).nll, loss_b = judge(held, std::exp(b)).nll;
  while (high - low > 1e-3) {
    if (loss_a < loss_b) {
      high = b, b = a, loss_b = loss_a;
      a = high - kGolden * (high - low);
      loss_a = judge(held, std::exp(a)).nll;
    } else {
      low = a, a = b, loss_a = loss_b;
      b = low + kGolden * (high - low);
      loss_b = judge(held, std::exp(b)).nll;
    }
  }
  const double temperature = static_cast<float>(std::exp((low + high) / 2));
  for (Mlp& member : ensemble.members) member.temperature = temperature;
  if (report == nullptr) return;
  const Judgement judgement = judge(held, temperature);
  report->valid_nll = judgement.nll;
  report->valid_accuracy = judgement.accuracy;
  report->temperature = temperature;
}

}  // namespace

void Examples::add(std::span<const float> values, int label, std::string group, int item) {
  if (features == 0) features = values.size();
  EUTERPE_ASSERT(values.size() == features);
  x.insert(x.end(), values.begin(), values.end());
  labels.push_back(label);
  groups.push_back(std::move(group));
  items.push_back(item);
}

Examples Examples::subset(std::span<const std::size_t> rows) const {
  Examples chosen;
  chosen.features = features;
  for (std::size_t i : rows) chosen.add(row(i), labels[i], groups[i], items[i]);
  return chosen;
}

std::vector<int> group_folds(const Examples& examples, int classes, int folds, std::uint64_t seed) {
  std::map<std::string, std::vector<double>> counts;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    auto& count = counts[examples.groups[i]];
    count.resize(static_cast<std::size_t>(classes), 0.0);
    count[static_cast<std::size_t>(examples.labels[i])] += 1;
  }
  if (counts.size() < static_cast<std::size_t>(folds))
    throw Error(Category::bad_input, "group_folds",
                std::to_string(counts.size()) + " groups cannot fill " + std::to_string(folds) + " folds",
                "Ask for fewer folds or give more artists.");
  std::vector<std::string> names;
  for (const auto& [name, count] : counts) names.push_back(name);
  Random(seed).shuffle(names);
  const auto size = [&](const std::string& name) {
    return std::accumulate(counts[name].begin(), counts[name].end(), 0.0);
  };
  std::stable_sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return size(a) > size(b); });

  std::vector<std::vector<double>> load(static_cast<std::size_t>(folds),
                                        std::vector<double>(static_cast<std::size_t>(classes)));
  std::map<std::string, int> fold_of;
  for (const auto& name : names) {
    // Into the fold where the sum of squares of the loads, class by class, grows least.
    std::size_t best = 0;
    double least = INFINITY;
    for (std::size_t f = 0; f < load.size(); ++f) {
      double growth = 0;
      for (std::size_t c = 0; c < load[f].size(); ++c) growth += counts[name][c] * (2 * load[f][c] + counts[name][c]);
      if (growth < least) least = growth, best = f;
    }
    for (std::size_t c = 0; c < load[best].size(); ++c) load[best][c] += counts[name][c];
    fold_of[name] = static_cast<int>(best);
  }
  std::vector<int> result;
  for (const auto& group : examples.groups) result.push_back(fold_of[group]);
  return result;
}

MlpEnsemble train_classifier(const Examples& train, const Examples& valid, const ClassifierOptions& options,
                             ClassifierReport* report) {
  check(train, options, "training");
  EUTERPE_ASSERT(valid.size() > 0 && valid.features == train.features);
  const auto members = static_cast<std::size_t>(options.members);
  MlpEnsemble ensemble;
  ensemble.members.resize(members);
  std::vector<int> epochs(members, 0);
  parallel_for(members, [&](std::size_t m) {
    ensemble.members[m] = train_member(train, valid, options, Random::stream(options.seed, m).next(), &epochs[m]);
  });
  if (report != nullptr) report->epochs = std::accumulate(epochs.begin(), epochs.end(), 0);
  Held held;
  hear(held, valid, ensemble.members);
  calibrate(ensemble, held, report);
  return ensemble;
}

MlpEnsemble train_classifier_by_group(const Examples& examples, const ClassifierOptions& options, int folds,
                                      ClassifierReport* report) {
  check(examples, options, "training");
  EUTERPE_ASSERT(folds > 1);
  const auto fold_of = group_folds(examples, options.classes, folds, options.seed);
  std::vector<Examples> inside(static_cast<std::size_t>(folds)), outside(static_cast<std::size_t>(folds));
  for (std::size_t f = 0; f < inside.size(); ++f) {
    std::vector<std::size_t> in, out;
    for (std::size_t i = 0; i < examples.size(); ++i) (fold_of[i] == static_cast<int>(f) ? out : in).push_back(i);
    inside[f] = examples.subset(in);
    outside[f] = examples.subset(out);
    check(inside[f], options, "training");
  }
  const auto per_fold = static_cast<std::size_t>(options.members);
  MlpEnsemble ensemble;
  ensemble.members.resize(inside.size() * per_fold);
  std::vector<int> epochs(ensemble.members.size(), 0);
  parallel_for(ensemble.members.size(), [&](std::size_t m) {
    ensemble.members[m] = train_member(inside[m / per_fold], outside[m / per_fold], options,
                                       Random::stream(options.seed, m).next(), &epochs[m]);
  });
  if (report != nullptr) report->epochs = std::accumulate(epochs.begin(), epochs.end(), 0);
  Held held;
  for (std::size_t f = 0; f < outside.size(); ++f)
    hear(held, outside[f], std::span(ensemble.members).subspan(f * per_fold, per_fold));
  calibrate(ensemble, held, report);
  return ensemble;
}

}  // namespace euterpe
