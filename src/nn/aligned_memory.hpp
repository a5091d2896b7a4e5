#pragma once
/// Zeroed memory for weights and caches: on cache lines, and on large pages where it is large enough for them.
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace euterpe {

/// `count` zeros of a trivial type T, on an address that vectors can be loaded from.
template <class T>
class AlignedMemory {
 public:
  AlignedMemory() = default;
  explicit AlignedMemory(std::size_t count) : size_(count) {
    constexpr std::size_t kLargePage = std::size_t{2} << 20;
    const std::size_t align = count * sizeof(T) >= kLargePage ? kLargePage : 64;
    const std::size_t bytes = (count * sizeof(T) + align - 1) / align * align;
    void* memory = std::aligned_alloc(align, bytes == 0 ? align : bytes);
    if (!memory) throw std::bad_alloc();
    // A pass over the weights touches thousands of small pages, more than the processor remembers the places of.
    if (align == kLargePage) ::madvise(memory, bytes, MADV_HUGEPAGE);
    std::memset(memory, 0, bytes);
    data_.reset(static_cast<T*>(memory));
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::size_t size_ = 0;
  std::unique_ptr<T, Free> data_;
};

}  // namespace euterpe
