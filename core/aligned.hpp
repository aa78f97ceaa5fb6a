// Arrays of numbers that begin on a cache line and begin as zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "level.hpp"

namespace rookery::ROOKERY_LEVEL {

// 64: a cache line, and the widest register of any level.
inline constexpr std::size_t kAlignment = 64;

template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(std::int64_t size) : size_(size) {
    if (size == 0) return;
    data_.reset(static_cast<T*>(::operator new(bytes(), std::align_val_t(kAlignment))));
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
    void operator()(T* p) const { ::operator delete(static_cast<void*>(p), std::align_val_t(kAlignment)); }
  };

  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }

  std::unique_ptr<T, Free> data_;
  std::int64_t size_ = 0;
};

}  // namespace rookery::ROOKERY_LEVEL
