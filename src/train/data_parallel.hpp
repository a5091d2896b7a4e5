#pragma once
/// Several processes that train one network together, each on its share of every batch: c10d, with the environment that
/// torchrun sets (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, LOCAL_RANK). Gloo on the CPU, NCCL on GPUs where libtorch
/// and its headers have them.
#include <cstdint>
#include <memory>
#include <utility>

namespace at {
class Tensor;
}

namespace euterpe {

class Processes {
 public:
  /// Error{usage} naming the variable that is missing or no sensible number.
  Processes();
  ~Processes();

  int rank() const { return rank_; }
  int size() const { return size_; }
  int local_rank() const { return local_rank_; }  ///< the GPU of this process
  bool first() const { return rank_ == 0; }       ///< the one that writes files and speaks

  /// This process's share of n items: [first, second).
  std::pair<std::int64_t, std::int64_t> share(std::int64_t n) const;

  /// The tensor becomes the sum over all processes, the same bits in each. Meets the others first if that has not
  /// happened yet. Error{io} when they cannot be met or one of them has ended.
  void sum(at::Tensor& tensor);

 private:
  struct Group;
  int rank_ = 0, size_ = 1, local_rank_ = 0;
  std::unique_ptr<Group> group_;
};

/// Those of this process's environment; one alone where WORLD_SIZE is not set.
Processes& processes();

}  // namespace euterpe
