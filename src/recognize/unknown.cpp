#include "recognize/unknown.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"

namespace euterpe {
namespace {

constexpr int kInnerFolds = 3;  // of the classifier

/// Root mean square of W · x for a lower triangular W, its rows [1 … n] one after the other.
EUTERPE_HOT double whitened_length(const float* row, const float* x, std::size_t n) {
  double sum = 0;
  for (std::size_t r = 0; r < n; row += ++r) {
    std::array<float, 16> part{};
    std::size_t c = 0;
    for (; c + 16 <= r + 1; c += 16)
      for (std::size_t k = 0; k < 16; ++k) part[k] += row[c + k] * x[c + k];
    float y = 0;
    for (float p : part) y += p;
    for (; c <= r; ++c) y += row[c] * x[c];
    sum += static_cast<double>(y) * y;
  }
  return std::sqrt(sum / static_cast<double>(n));
}

std::vector<float> standardized(std::span<const float> x, const std::vector<float>& mean,
                                const std::vector<float>& deviation) {
  std::vector<float> z(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float value = (x[i] - mean[i]) / deviation[i];
    z[i] = std::isfinite(value) ? std::clamp(value, -Mlp::kClip, Mlp::kClip) : 0.0f;
  }
  return z;
}

/// The inverse of the lower Cholesky factor of the shrunk covariance of z, [n × d] with mean 0: Ledoit and Wolf 2004,
/// lemma 3.2 and section 3.3.
std::vector<float> whitening_of(const std::vector<float>& z, std::size_t n, std::size_t d) {
  std::vector<double> s(d * d, 0.0);
  parallel_for(d, [&](std::size_t i) {
    for (std::size_t k = 0; k < n; ++k) {
      const double a = z[k * d + i];
      for (std::size_t j = 0; j <= i; ++j) s[i * d + j] += a * z[k * d + j];
    }
  });
  const auto count = static_cast<double>(n), width = static_cast<double>(d);
  double trace = 0, squares = 0;
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      s[i * d + j] /= count;
      squares += (i == j ? 1 : 2) * s[i * d + j] * s[i * d + j];
      if (i == j) trace += s[i * d + i];
    }
  // δ² = ‖S − μI‖², β² = mean over the rows of ‖z zᵀ − S‖² / n = (Σ ‖z‖⁴ / n − ‖S‖²) / n, norms over d.
  double fourth = 0;
  for (std::size_t k = 0; k < n; ++k) {
    double length = 0;
    for (std::size_t i = 0; i < d; ++i) length += static_cast<double>(z[k * d + i]) * z[k * d + i];
    fourth += length * length / count;
  }
  const double mu = trace / width, delta = squares / width - mu * mu;
  const double beta = std::min((fourth - squares) / count / width, delta);
  const double shrinkage = delta > 0 ? beta / delta : 1;
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j <= i; ++j)
      s[i * d + j] = (1 - shrinkage) * s[i * d + j] + (i == j ? shrinkage * mu + 1e-4 : 0);
  // Cholesky in place, then the factor's inverse by forward substitution of unit vectors.
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = s[i * d + j];
      for (std::size_t k = 0; k < j; ++k) sum -= s[i * d + k] * s[j * d + k];
      s[i * d + j] = i == j ? std::sqrt(sum) : sum / s[j * d + j];
    }
  std::vector<float> inverse(d * (d + 1) / 2);
  parallel_for(d, [&](std::size_t column) {
    std::vector<double> x(d, 0.0);
    for (std::size_t i = column; i < d; ++i) {
      double sum = i == column ? 1 : 0;
      for (std::size_t k = column; k < i; ++k) sum -= s[i * d + k] * x[k];
      x[i] = sum / s[i * d + i];
      inverse[i * (i + 1) / 2 + column] = static_cast<float>(x[i]);
    }
  });
  return inverse;
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

ClassifierOptions classifier_options(std::uint64_t seed) {
  ClassifierOptions options;
  options.classes = 2;
  options.hidden = {32};
  options.members = 1;
  options.input_noise = 0.3;
  options.dropout = 0.4;
  options.weight_decay = 0.1;
  options.epochs = 40;
  options.seed = seed;
  return options;
}

/// [begin, end) of each run of rows of one item.
std::vector<std::pair<std::size_t, std::size_t>> items_of(const Examples& examples) {
  std::vector<std::pair<std::size_t, std::size_t>> items;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (i == 0 || examples.items[i] != examples.items[i - 1]) items.emplace_back(i, i);
    items.back().second = i + 1;
  }
  return items;
}

}  // namespace

void UnknownDetector::learn(const Examples& known, const Examples& other, std::uint64_t seed) {
  const std::size_t d = known.features, n = known.size();
  mean_.assign(d, 0.0f);
  deviation_.assign(d, 1.0f);
  for (std::size_t j = 0; j < d; ++j) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) sum += known.row(i)[j];
    const double mean = sum / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) squares += (known.row(i)[j] - mean) * (known.row(i)[j] - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(n));
    mean_[j] = static_cast<float>(mean);
    if (deviation > 1e-6) deviation_[j] = static_cast<float>(deviation);
  }
  std::vector<float> z;
  z.reserve(n * d);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = standardized(known.row(i), mean_, deviation_);
    z.insert(z.end(), row.begin(), row.end());
  }
  whitening_ = whitening_of(z, n, d);
  classifier_ = {};
  if (other.size() == 0) return;
  // Folds by group tell when to stop; where there are too few groups, by row.
  Examples both;
  for (const Examples* side : {&known, &other}) {
    const bool few = std::set<std::string>(side->groups.begin(), side->groups.end()).size() < std::size_t{kInnerFolds};
    for (std::size_t i = 0; i < side->size(); ++i)
      both.add(side->row(i), side == &other,
               (side == &other ? "other/" : "known/") + (few ? std::to_string(i) : side->groups[i]),
               static_cast<int>(both.size()));
  }
  classifier_ = train_classifier_by_group(both, classifier_options(seed), kInnerFolds);
}

UnknownDetector::Opinions UnknownDetector::opinions(std::span<const float> x) const {
  EUTERPE_ASSERT(x.size() == inputs());
  Opinions result;
  result.distance = whitened_length(whitening_.data(), standardized(x, mean_, deviation_).data(), x.size());
  for (const Mlp& member : classifier_.members) {
    const auto logits = member.logits(x);
    result.classifier += (logits[1] - logits[0]) / static_cast<double>(classifier_.members.size());
  }
  return result;
}

double UnknownDetector::evidence(const Opinions& item) const {
  const double distance = distance_scale_(item.distance);
  return classifier_.members.empty() ? distance : classifier_scale_(item.classifier) + 0.5 * distance;
}

UnknownDetector UnknownDetector::fit(const Examples& known, const Examples& other, const UnknownOptions& options) {
  EUTERPE_ASSERT(other.size() == 0 || other.features == known.features);
  const std::set<std::string> groups(known.groups.begin(), known.groups.end());
  if (groups.size() < 2)
    throw Error(Category::bad_input, "fit_unknown", "fewer than two artists or works to learn from");
  const int folds = std::clamp(options.folds, 2, static_cast<int>(groups.size()));
  Examples one_class = known;
  std::fill(one_class.labels.begin(), one_class.labels.end(), 0);
  const auto fold_of = group_folds(one_class, 1, folds, options.seed);

  std::vector<Opinions> unseen;
  std::optional<Progress> progress;
  if (options.progress) progress.emplace("learning what is unknown", static_cast<std::uint64_t>(folds) + 1, "fits");
  for (int fold = 0; fold < folds; ++fold) {
    std::vector<std::size_t> inside;
    for (std::size_t i = 0; i < known.size(); ++i)
      if (fold_of[i] != fold) inside.push_back(i);
    UnknownDetector part;
    part.learn(known.subset(inside), other, options.seed + static_cast<std::uint64_t>(fold) + 1);
    for (const auto& [begin, end] : items_of(known)) {
      if (fold_of[begin] != fold || known.labels[begin] < 0) continue;
      Opinions mean;
      for (std::size_t i = begin; i < end; ++i) {
        const Opinions one = part.opinions(known.row(i));
        mean.distance += one.distance / static_cast<double>(end - begin);
        mean.classifier += one.classifier / static_cast<double>(end - begin);
      }
      unseen.push_back(mean);
    }
    if (progress) progress->advance();
  }
  UnknownDetector detector;
  detector.learn(known, other, options.seed);
  const auto scale_of = [&](auto&& value) {
    std::vector<double> values;
    for (const Opinions& item : unseen) values.push_back(value(item));
    Scale scale{quantile(values, 0.5), quantile(values, 1 - options.false_unknown)};
    scale.limit = std::max(scale.limit, scale.typical + 1e-6);
    return scale;
  };
  detector.distance_scale_ = scale_of([](const Opinions& item) { return item.distance; });
  detector.classifier_scale_ = scale_of([](const Opinions& item) { return item.classifier; });
  detector.scale_ = scale_of([&](const Opinions& item) { return detector.evidence(item); });
  return detector;
}

double UnknownDetector::unknown(std::span<const float> x) const {
  const std::vector<float> view(x.begin(), x.end());
  return unknown(std::span(&view, 1));
}

double UnknownDetector::unknown(std::span<const std::vector<float>> views) const {
  if (empty()) return 0;
  EUTERPE_ASSERT(!views.empty());
  Opinions mean;
  for (const auto& view : views) {
    const Opinions one = opinions(view);
    mean.distance += one.distance / static_cast<double>(views.size());
    mean.classifier += one.classifier / static_cast<double>(views.size());
  }
  // The typical known item comes to 2 %, the limit to 50 %, and as far beyond it to 98 %.
  return 1 / (1 + std::exp(-4 * (scale_(evidence(mean)) - 1)));
}

void UnknownDetector::put(Safetensors& file, const std::string& prefix) const {
  if (empty()) return;
  const auto d = static_cast<std::int64_t>(inputs());
  file.put(prefix + ".mean", {d}, mean_);
  file.put(prefix + ".deviation", {d}, deviation_);
  file.put(prefix + ".whitening", {d * (d + 1) / 2}, whitening_, DType::bf16);
  std::vector<float> scales;
  for (const Scale& s : {distance_scale_, classifier_scale_, scale_}) {
    scales.push_back(static_cast<float>(s.typical));
    scales.push_back(static_cast<float>(s.limit));
  }
  file.put(prefix + ".scales", {3, 2}, scales);
  Safetensors network;
  classifier_.put(network);
  for (auto& [name, tensor] : network.tensors) file.tensors[prefix + "." + name] = std::move(tensor);
}

UnknownDetector UnknownDetector::from(const Safetensors& file, const std::string& prefix) {
  UnknownDetector detector;
  if (!file.has(prefix + ".mean")) return detector;
  const auto finite = [&](const std::string& name, std::span<const std::int64_t> shape) {
    auto values = file.floats(prefix + name, shape);
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
      throw Error(Category::bad_input, "load_unknown", "tensor " + prefix + name + " holds a value that is no number",
                  "The weights are damaged; train or install the model again.");
    return values;
  };
  constexpr std::array<std::int64_t, 1> kAny{-1};
  detector.mean_ = finite(".mean", kAny);
  const auto d = static_cast<std::int64_t>(detector.inputs());
  detector.deviation_ = finite(".deviation", std::array{d});
  detector.whitening_ = finite(".whitening", std::array{d * (d + 1) / 2});
  const auto scales = finite(".scales", std::array<std::int64_t, 2>{3, 2});
  detector.distance_scale_ = {scales[0], scales[1]};
  detector.classifier_scale_ = {scales[2], scales[3]};
  detector.scale_ = {scales[4], scales[5]};
  bool positive = detector.distance_scale_.limit > detector.distance_scale_.typical &&
                  detector.classifier_scale_.limit > detector.classifier_scale_.typical &&
                  detector.scale_.limit > detector.scale_.typical;
  for (float deviation : detector.deviation_) positive = positive && deviation > 0;
  Safetensors network;
  for (const auto& [name, tensor] : file.tensors)
    if (name.starts_with(prefix + ".member.")) network.tensors[name.substr(prefix.size() + 1)] = tensor;
  if (!network.tensors.empty()) detector.classifier_ = MlpEnsemble::from(network);
  if (!positive || (!network.tensors.empty() &&
                    (detector.classifier_.inputs() != detector.inputs() || detector.classifier_.outputs() != 2)))
    throw Error(Category::bad_input, "load_unknown", "the tensors " + prefix + ".* do not fit each other",
                "The weights are damaged or of another version; train or install the model again.");
  return detector;
}

}  // namespace euterpe
