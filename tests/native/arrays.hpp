// NumPy arrays as arguments and results of the functions that tests call.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
using ArrayIn = nanobind::ndarray<const T, nanobind::c_contig, nanobind::device::cpu>;
template <class T>
using ArrayOut = nanobind::ndarray<T, nanobind::numpy, nanobind::c_contig>;

// An array of zeros that NumPy owns.
template <class T>
ArrayOut<T> new_array(std::initializer_list<std::size_t> shape) {
  std::size_t size = 1;
  for (const std::size_t extent : shape) size *= extent;
  auto data = std::make_unique<T[]>(std::max<std::size_t>(size, 1));
  T* const numbers = data.get();
  nanobind::capsule owner(data.release(), [](void* p) noexcept { std::unique_ptr<T[]>(static_cast<T*>(p)); });
  return ArrayOut<T>(numbers, shape, owner);
}

}  // namespace creche::CRECHE_LEVEL
