// Transposing a square of registers, in registers: log2(N) rounds of interleaving row i with row i + N/2.
#pragma once

#include <cstdint>
#include <utility>

#include "lanes.hpp"

namespace rookery::ROOKERY_LEVEL {

namespace detail {

// a0 b0 a1 b1 ... from the lower halves (kOffset 0) or the upper halves (kOffset N/2) of a and b.
template <int kOffset, class V, int... kLane>
ROOKERY_INLINE V interleave(V a, V b, std::integer_sequence<int, kLane...>) {
  constexpr int n = V::kLanes;
  return V::make(__builtin_shufflevector(a.raw, b.raw, (kOffset + kLane / 2 + (kLane % 2) * n)...));
}

}  // namespace detail

// rows[i] lane j <-> rows[j] lane i, for V::kLanes rows.
template <class V>
ROOKERY_INLINE void transpose(V* rows) {
  constexpr int n = V::kLanes;
  if constexpr (n > 1) {
    using Lanes = std::make_integer_sequence<int, n>;
    for (int round = 1; round < n; round *= 2) {
      V mixed[n];
      for (int i = 0; i < n / 2; ++i) {
        mixed[2 * i] = detail::interleave<0>(rows[i], rows[i + n / 2], Lanes{});
        mixed[2 * i + 1] = detail::interleave<n / 2>(rows[i], rows[i + n / 2], Lanes{});
      }
      for (int i = 0; i < n; ++i) rows[i] = mixed[i];
    }
  }
}

// to(c, r) = from(r, c) for a block of 16 x 16 numbers, of which the first `rows` rows of `from` are there and the rest
// are taken as zeros. The rows of each lie 16 numbers apart.
template <class T>
ROOKERY_INLINE void transpose_panel_block(const T* from, int rows, T* to) {
  using V = Vec<T, kNativeLanes<T>>;
  constexpr int n = V::kLanes;
  constexpr int kSide = 16;
  for (int r = 0; r < kSide; r += n) {
    for (int c = 0; c < kSide; c += n) {
      V block[n];
      for (int i = 0; i < n; ++i) block[i] = r + i < rows ? V::load(from + (r + i) * kSide + c) : V(T(0));
      transpose(block);
      for (int i = 0; i < n; ++i) block[i].store(to + (c + i) * kSide + r);
    }
  }
}

}  // namespace rookery::ROOKERY_LEVEL
