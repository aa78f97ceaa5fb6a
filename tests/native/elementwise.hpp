// Applies a function of one number to every number of an array, with a given number of lanes.
#pragma once

#include <array>
#include <cstddef>
#include <stdexcept>

#include "arrays.hpp"
#include "simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

// Calls f(V, i) for every group of N numbers of x; copies of the last number fill the last group.
template <class T, int N, class F>
void for_each_group(const T* x, std::size_t size, F f) {
  for (std::size_t i = 0; i < size; i += N) {
    Vec<T, N> group;
    for (std::size_t lane = 0; lane < N; ++lane)
      group.set_lane(static_cast<int>(lane), x[std::min(i + lane, size - 1)]);
    f(group, i);
  }
}

// out[i ... i + N - 1] = lanes, up to the end of out.
template <class T, int N>
void store_group(Vec<T, N> lanes, T* out, std::size_t i, std::size_t size) {
  for (std::size_t lane = 0; lane < N && i + lane < size; ++lane) out[i + lane] = lanes.lane(static_cast<int>(lane));
}

// Calls f with std::integral_constant<int, lanes>.
template <class F>
decltype(auto) with_lanes(int lanes, F f) {
  switch (lanes) {
    case 1:
      return f(std::integral_constant<int, 1>{});
    case 4:
      return f(std::integral_constant<int, 4>{});
    case 8:
      return f(std::integral_constant<int, 8>{});
    case 16:
      return f(std::integral_constant<int, 16>{});
    default:
      throw std::invalid_argument("lanes must be 1, 4, 8 or 16");
  }
}

// The kOutputs results of f(V x) (a std::array of them), one row each.
template <std::size_t kOutputs, class T, class F>
ArrayOut<T> map_elements(ArrayIn<T> x, int lanes, F f) {
  const std::size_t size = x.size();
  ArrayOut<T> out = new_array<T>({kOutputs, size});
  with_lanes(lanes, [&](auto n) {
    for_each_group<T, n.value>(x.data(), size, [&](auto group, std::size_t i) {
      const auto results = f(group);
      for (std::size_t k = 0; k < kOutputs; ++k) store_group(results[k], out.data() + k * size, i, size);
    });
  });
  return out;
}

}  // namespace creche::CRECHE_LEVEL
