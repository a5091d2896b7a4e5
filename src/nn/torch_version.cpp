#include "nn/torch_version.hpp"

#include <torch/torch.h>

namespace euterpe {

std::string torch_version() { return TORCH_VERSION; }

}  // namespace euterpe
