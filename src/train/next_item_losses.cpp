#include <torch/torch.h>

#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/hot.hpp"
#include "nn/row_kernels.hpp"
#include "train/next_item_losses_module.hpp"

namespace euterpe {
namespace {
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Rows of scores that are made together: with few enough of them they are read again while they are in the cache.
constexpr std::int64_t kRows = 256;

/// A loss whose gradient has been found along with it.
struct Known : torch::autograd::Function<Known> {
  static Tensor forward(AutogradContext* ctx, const Tensor&, const Tensor&, const Tensor& loss, const Tensor& dhidden,
                        const Tensor& dembedding) {
    ctx->save_for_backward({dhidden, dembedding});
    return loss;
  }
  static variable_list backward(AutogradContext* ctx, variable_list grad) {
    const auto saved = ctx->get_saved_variables();
    const bool plain = grad[0].item<double>() == 1;
    return {plain ? saved[0] : saved[0] * grad[0], plain ? saved[1] : saved[1] * grad[0], {}, {}, {}};
  }
};

Tensor known(const Tensor& hidden, const Tensor& embedding, double loss, const Tensor& dhidden,
             const Tensor& dembedding) {
  torch::AutoGradMode on(true);  // the caller had no use for gradients
  const Tensor value = torch::scalar_tensor(loss, torch::TensorOptions().device(hidden.device()));
  return Known::apply(hidden, embedding, value, dhidden.to(hidden.scalar_type()), dembedding);
}

/// Σ of −log softmax over rows of scores, which become their gradient.
double consume_scores(Tensor& scores, const std::int64_t* targets, float weight) {
  const std::int64_t rows = scores.size(0), columns = scores.size(1);
  auto* data = scores.data_ptr<float>();
  std::vector<double> nats(static_cast<std::size_t>(rows));
  at::parallel_for(0, rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r)
      nats[static_cast<std::size_t>(r)] = cross_entropy_row(data + r * columns, columns, targets[r], weight);
  });
  double sum = 0;
  for (const double n : nats) sum += n;
  return sum;
}

EUTERPE_HOT float dot(const float* a, const float* b, std::int64_t n) {
  constexpr int kLanes = 16;
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int k = 0; k < kLanes; ++k) lanes[k] += a[i + k] * b[i + k];
  float sum = 0;
  for (; i < n; ++i) sum += a[i] * b[i];
  for (const float lane : lanes) sum += lane;
  return sum;
}

EUTERPE_HOT void add_scaled(float* to, float scale, const float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] += scale * x[i];
}

/// log(1 + eˣ)
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

}  // namespace

Tensor softmax_loss(const Tensor& hidden, const Tensor& embedding, const Tensor& targets) {
  if (!hidden.is_cpu())
    return torch::nn::functional::cross_entropy(
        torch::linear(hidden, embedding.to(hidden.scalar_type())).to(torch::kFloat32), targets);
  torch::NoGradGuard guard;
  const Tensor h = hidden.detach().contiguous(), e = embedding.detach();
  const std::int64_t steps = h.size(0);
  const auto weight = 1 / static_cast<float>(std::max<std::int64_t>(1, steps));
  Tensor dhidden = torch::empty_like(h), dembedding = torch::zeros_like(e);
  double sum = 0;
  for (std::int64_t row = 0; row < steps; row += kRows) {
    const std::int64_t rows = std::min(kRows, steps - row);
    const Tensor part = h.narrow(0, row, rows);
    Tensor scores = torch::mm(part, e.t());
    sum += consume_scores(scores, targets.data_ptr<std::int64_t>() + row, weight);
    Tensor its = dhidden.narrow(0, row, rows);
    torch::mm_out(its, scores, e);
    dembedding.addmm_(scores.t(), part);
  }
  return known(hidden, embedding, sum * static_cast<double>(weight), dhidden, dembedding);
}

Tensor sampled_softmax_loss(const Tensor& hidden, const Tensor& embedding, const Tensor& targets,
                            const Tensor& candidates, const Tensor& log_expected) {
  // The target's score stands in the first column, those of the candidates behind it.
  const Tensor positive = embedding.index_select(0, targets), negative = embedding.index_select(0, candidates);
  const Tensor own = (hidden * positive).sum(1, true) - log_expected.index_select(0, targets).unsqueeze(1);
  const Tensor others = torch::mm(hidden, negative.t()) - log_expected.index_select(0, candidates).unsqueeze(0);
  const Tensor same = targets.unsqueeze(1) == candidates.unsqueeze(0);
  const Tensor scores = torch::cat({own, others.masked_fill(same, -INFINITY)}, 1);
  return -torch::log_softmax(scores, 1).select(1, 0).mean();
}

Tensor binary_loss(const Tensor& hidden, const Tensor& embedding, const Tensor& targets, const Tensor& negatives,
                   double beta) {
  if (!hidden.is_cpu()) {
    const Tensor positive = (hidden * embedding.index_select(0, targets)).sum(1);
    const Tensor others = (hidden.unsqueeze(1) *
                           embedding.index_select(0, negatives.flatten()).view({hidden.size(0), -1, hidden.size(1)}))
                              .sum(2);
    return (beta * torch::softplus(-positive) + torch::softplus(others).sum(1)).mean();
  }
  torch::NoGradGuard guard;
  const Tensor h = hidden.detach().contiguous(), e = embedding.detach();
  const std::int64_t steps = h.size(0), d = h.size(1), k = negatives.size(1);
  Tensor dhidden = torch::zeros_like(h), dembedding = torch::zeros_like(e);
  std::vector<float> slopes(static_cast<std::size_t>(steps * (k + 1)));
  std::vector<double> losses(static_cast<std::size_t>(steps));
  const auto* target = targets.data_ptr<std::int64_t>();
  const auto* negative = negatives.data_ptr<std::int64_t>();
  const auto item = [&](std::int64_t s, std::int64_t c) { return c == 0 ? target[s] : negative[s * k + c - 1]; };
  const float weight = 1 / static_cast<float>(std::max<std::int64_t>(1, steps));
  at::parallel_for(0, steps, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end; ++s)
      for (std::int64_t c = 0; c <= k; ++c) {
        const float* its = e.data_ptr<float>() + item(s, c) * d;
        const double score = dot(h.data_ptr<float>() + s * d, its, d);
        const double sigmoid = 1 / (1 + std::exp(-score));
        losses[static_cast<std::size_t>(s)] += c == 0 ? beta * softplus(-score) : softplus(score);
        const auto slope = static_cast<float>(c == 0 ? beta * (sigmoid - 1) : sigmoid) * weight;
        slopes[static_cast<std::size_t>(s * (k + 1) + c)] = slope;
        add_scaled(dhidden.data_ptr<float>() + s * d, slope, its, d);
      }
  });
  // Two steps may meet in one item, so one thread adds.
  for (std::int64_t s = 0; s < steps; ++s)
    for (std::int64_t c = 0; c <= k; ++c)
      add_scaled(dembedding.data_ptr<float>() + item(s, c) * d, slopes[static_cast<std::size_t>(s * (k + 1) + c)],
                 h.data_ptr<float>() + s * d, d);
  double sum = 0;
  for (const double loss : losses) sum += loss;
  return known(hidden, embedding, sum * static_cast<double>(weight), dhidden, dembedding);
}

double gbce_beta(std::int64_t k, std::int64_t items, double t) {
  EUTERPE_ASSERT(items > 1 && k >= 1);
  const double rate = std::min(1.0, static_cast<double>(k) / static_cast<double>(items - 1));
  return rate * (t * (1 - 1 / rate) + 1 / rate);
}

}  // namespace euterpe
