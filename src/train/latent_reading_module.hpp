#pragma once
/// What the prior over latents makes of a batch while it learns.
#include <torch/torch.h>

#include "nn/latent_prior_module.hpp"
#include "train/latent_batches.hpp"

namespace euterpe {

/// How what stands before each bar is heard.
struct LatentHearing {
  double noise = 0;    ///< on the latents of earlier bars, in their standard deviations
  double dropout = 0;  ///< of the branches
};

/// All bars of a batch below each other, those that are not there too.
struct LatentReading {
  torch::Tensor z;        ///< standardized, [rows × latent]
  torch::Tensor said;     ///< what the prior says of each, [rows × d_model]
  torch::Tensor present;  ///< [rows × 1]
};
/// Most of the wishes are forgotten first, differently each time.
LatentReading read_latents(const LatentPriorModule& network, const LatentBatch& drawn, const LatentHearing& hearing,
                           Random& random);

/// Mean squared error of the velocity, a dimension (Lipman et al. 2023, equation 14 with a straight path).
torch::Tensor flow_error(const LatentPriorModule& network, const LatentReading& reading, Random& random);

}  // namespace euterpe
