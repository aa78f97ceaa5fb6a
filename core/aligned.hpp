// Arrays of numbers, aligned to a cache line and initialized with zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

// 64 bytes: a cache line, and the widest register of any level.
inline constexpr std::size_t kAlignment = 64;

// The size of a huge page. A matrix product walks through many panels at once, each on its own pages; with small pages
// the processor would spend much of its time on address translation.
inline constexpr std::size_t kHugePage = std::size_t{2} << 20;

template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(std::int64_t size) : size_(size) {
    if (size == 0) return;
    data_ = Owner(static_cast<T*>(::operator new(bytes(), alignment())), Free{alignment()});
#if defined(__linux__)
    if (alignment() == std::align_val_t(kHugePage)) madvise(data_.get(), bytes(), MADV_HUGEPAGE);
#endif
    std::memset(static_cast<void*>(data_.get()), 0, bytes());
  }

  T* data() const { return data_.get(); }
  std::int64_t size() const { return size_; }
  T& operator[](std::int64_t i) const { return data_.get()[i]; }

  void copy_from(const AlignedArray& other) {
    if (size_ > 0) std::memcpy(static_cast<void*>(data_.get()), other.data_.get(), bytes());
  }

 private:
  struct Free {
    std::align_val_t alignment{kAlignment};
    void operator()(T* p) const { ::operator delete(static_cast<void*>(p), alignment); }
  };
  using Owner = std::unique_ptr<T, Free>;

  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }
  std::align_val_t alignment() const { return std::align_val_t(bytes() >= kHugePage / 2 ? kHugePage : kAlignment); }

  Owner data_;
  std::int64_t size_ = 0;
};

}  // namespace creche::CRECHE_LEVEL
