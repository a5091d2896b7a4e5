#include "train/data_parallel.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>

// The headers of c10d's backends include those of gloo and nccl, which not every machine has.
#if defined(USE_C10D_GLOO) && __has_include(<gloo/algorithm.h>)
#define EUTERPE_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif
#if defined(USE_C10D_NCCL) && __has_include(<nccl.h>)
#define EUTERPE_NCCL
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

#include "base/error.hpp"

namespace euterpe {
namespace {

[[maybe_unused]] constexpr std::chrono::minutes kPatience{10};  ///< a validation or checkpoint of process 0 fits in

int environment(const char* name, std::optional<int> otherwise, int low, int high) {
  const char* text = std::getenv(name);
  if (!text || !*text) {
    if (otherwise) return *otherwise;
    throw Error(Category::usage, "data_parallel", fmt::format("WORLD_SIZE is set and {} is not", name),
                "start the processes with torchrun, or give all of RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT");
  }
  const std::string_view digits(text);
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < low || value > high)
    throw Error(Category::usage, "data_parallel",
                fmt::format("{} is \"{}\", must be a whole number from {} to {}", name, text, low, high));
  return value;
}

}  // namespace

#if defined(EUTERPE_GLOO) || defined(EUTERPE_NCCL)
struct Processes::Group {
#ifdef EUTERPE_GLOO
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
#endif
#ifdef EUTERPE_NCCL
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl;
#endif

  Group(int rank, int size, [[maybe_unused]] bool cuda) {
    const char* host = std::getenv("MASTER_ADDR");
    c10d::TCPStoreOptions options;
    options.port = static_cast<std::uint16_t>(environment("MASTER_PORT", {}, 1, 65535));
    // torchrun serves the store itself and says so.
    const char* served = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
    options.isServer = rank == 0 && !(served && std::string_view(served) == "True");
    options.numWorkers = static_cast<std::size_t>(size);
    options.waitWorkers = false;
    options.timeout = kPatience;
    const auto store = c10::make_intrusive<c10d::PrefixStore>(
        "euterpe", c10::make_intrusive<c10d::TCPStore>(std::string(host && *host ? host : "127.0.0.1"), options));
#ifdef EUTERPE_NCCL
    if (cuda) {
      nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size);
      return;
    }
#endif
#ifdef EUTERPE_GLOO
    auto how = c10d::ProcessGroupGloo::Options::create(kPatience);
    how->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
    gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, how);
#endif
  }

  void sum(at::Tensor& tensor) {
    std::vector<at::Tensor> tensors{tensor};
#ifdef EUTERPE_NCCL
    if (nccl) {
      nccl->allreduce(tensors)->wait();
      return;
    }
#endif
#ifdef EUTERPE_GLOO
    if (tensor.is_cpu()) {
      gloo->allreduce(tensors)->wait();
      return;
    }
    tensors[0] = tensor.cpu();  // a GPU without NCCL's headers: through the CPU
    gloo->allreduce(tensors)->wait();
    tensor.copy_(tensors[0]);
#endif
  }
};
#else
struct Processes::Group {
  Group(int, int, bool) {
    throw Error(Category::unsupported, "data_parallel", "this program was built without gloo's headers",
                "apt-get install libgloo-dev and build again");
  }
  void sum(at::Tensor&) {}
};
#endif

Processes::Processes() {
  size_ = environment("WORLD_SIZE", 1, 1, 1 << 16);
  if (size_ == 1) return;
  rank_ = environment("RANK", {}, 0, size_ - 1);
  local_rank_ = environment("LOCAL_RANK", rank_, 0, 1 << 10);
  environment("MASTER_PORT", {}, 1, 65535);
}

Processes::~Processes() = default;

std::pair<std::int64_t, std::int64_t> Processes::share(std::int64_t n) const {
  return {n * rank_ / size_, n * (rank_ + 1) / size_};
}

void Processes::sum(at::Tensor& tensor) {
  if (size_ == 1) return;
  torch::NoGradGuard guard;
  try {
    if (!group_) group_ = std::make_unique<Group>(rank_, size_, tensor.is_cuda());
    group_->sum(tensor);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    const std::string_view what(e.what());
    throw Error(
        Category::io, "data_parallel",
        fmt::format("process {} of {} cannot reach the others: {}", rank_, size_, what.substr(0, what.find('\n'))),
        "one of them has ended: see what it said, and start them all again, which resumes at the checkpoint");
  }
}

Processes& processes() {
  static Processes all;
  return all;
}

}  // namespace euterpe
