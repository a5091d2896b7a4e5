#pragma once
/// Noise from the project's own generator, so that it is the same everywhere.
#include <torch/torch.h>

#include <vector>

#include "base/random.hpp"

namespace euterpe {

torch::Tensor normal_tensor(Random& random, std::vector<std::int64_t> shape);   ///< N(0, 1)
torch::Tensor uniform_tensor(Random& random, std::vector<std::int64_t> shape);  ///< [0, 1)

}  // namespace euterpe
