#include "nn/random_tensor_module.hpp"

namespace euterpe {

torch::Tensor normal_tensor(Random& random, std::vector<std::int64_t> shape) {
  torch::Tensor out = torch::empty(shape);
  float* values = out.data_ptr<float>();
  for (std::int64_t i = 0; i < out.numel(); ++i) values[i] = static_cast<float>(random.normal());
  return out;
}

torch::Tensor uniform_tensor(Random& random, std::vector<std::int64_t> shape) {
  torch::Tensor out = torch::empty(shape);
  float* values = out.data_ptr<float>();
  for (std::int64_t i = 0; i < out.numel(); ++i) values[i] = static_cast<float>(random.uniform());
  return out;
}

}  // namespace euterpe
