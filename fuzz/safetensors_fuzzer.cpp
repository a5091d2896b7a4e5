/// Any bytes: read_safetensors either throws Error or gives tensors that are written and read again unchanged.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "nn/safetensors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace euterpe;
  Safetensors file;
  try {
    file = read_safetensors(std::span(data, size));
  } catch (const Error&) {
    return 0;
  }
  const Safetensors again = read_safetensors(write_safetensors(file));
  EUTERPE_ASSERT(again.metadata == file.metadata);
  EUTERPE_ASSERT(again.tensors.size() == file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    const Tensor& other = again.at(name);
    EUTERPE_ASSERT(other.dtype == tensor.dtype && other.shape == tensor.shape && other.bytes == tensor.bytes);
    if (tensor.dtype == DType::f32 || tensor.dtype == DType::f16 || tensor.dtype == DType::bf16)
      EUTERPE_ASSERT(file.floats(name).size() == static_cast<std::size_t>(tensor.count()));
  }
  return 0;
}
