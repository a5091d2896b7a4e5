#include "nn/declared_size.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace euterpe {

void check_declared_size(const Safetensors& file, std::int64_t declared, const char* operation) {
  std::int64_t held = 0;
  for (const auto& [name, tensor] : file.tensors) held += tensor.count();
  if (declared / 2 > held)
    throw Error(Category::bad_input, operation,
                fmt::format("the card declares {} parameters, the file holds {}", declared, held),
                "The card and the weights do not belong together; install or train the model again.");
}

}  // namespace euterpe
