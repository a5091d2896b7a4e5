#pragma once
/// What a recommender of sequences may learn by, each computed together with its gradient: no matrix [steps × items]
/// outlives its block of rows, and no vector of a candidate is copied.
///
/// This header needs libtorch and stays within train/.
#include <torch/torch.h>

namespace euterpe {

/// Mean −log softmax(h · Eᵀ)[target], in nats. \param hidden [steps × d] \param embedding [items × d]
/// \param targets int64 [steps]
torch::Tensor softmax_loss(const torch::Tensor& hidden, const torch::Tensor& embedding, const torch::Tensor& targets);

/// The same among the target and the candidates that all steps share, each score lowered by the log of how often its
/// item is expected among the candidates (Bengio and Senécal 2008; Yi et al. 2019). A candidate that is a step's target
/// does not stand against it.
/// \param candidates int64 [k] \param log_expected [items]
torch::Tensor sampled_softmax_loss(const torch::Tensor& hidden, const torch::Tensor& embedding,
                                   const torch::Tensor& targets, const torch::Tensor& candidates,
                                   const torch::Tensor& log_expected);

/// Mean −β log σ(h · e⁺) − Σ log(1 − σ(h · e⁻)): with β = 1 binary cross-entropy as in SASRec, else gBCE (Petrov and
/// Macdonald 2023, eq. 8). \param negatives int64 [steps × k]
torch::Tensor binary_loss(const torch::Tensor& hidden, const torch::Tensor& embedding, const torch::Tensor& targets,
                          const torch::Tensor& negatives, double beta);
/// gBCE's β for k of `items` − 1 negatives: t = 0 trusts the sample as it is (1), t = 1 makes up for all of it (eq. 9).
double gbce_beta(std::int64_t k, std::int64_t items, double t);

}  // namespace euterpe
