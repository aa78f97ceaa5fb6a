// Transposes a square matrix in registers: log2(N) rounds of interleaving row i with row i + N/2.
#pragma once

#include <cstdint>
#include <utility>

#include "lanes.hpp"
#include "unroll.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

// a0 b0 a1 b1 ... from the lower halves (kOffset 0) or the upper halves (kOffset N/2) of a and b.
template <int kOffset, class V, int... kLane>
CRECHE_INLINE V interleave(V a, V b, std::integer_sequence<int, kLane...>) {
  constexpr int n = V::kLanes;
  return V::make(__builtin_shufflevector(a.raw, b.raw, (kOffset + kLane / 2 + (kLane % 2) * n)...));
}

}  // namespace detail

// rows[i] lane j <-> rows[j] lane i, for V::kLanes rows.
template <class V>
CRECHE_INLINE void transpose(V* rows) {
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

// Rows of four numbers, most often the outputs of a network: as many rows as a register has lanes fill four registers,
// with a fraction of the work of a whole square.
//
//   register j      rows j, 4 + j, 8 + j, ... one after the other
//   columns[c]      lane r = number c of row r
template <class V>
struct Quads {
  using T = typename V::Scalar;
  using Quad = Vec<T, 4>;
  static constexpr bool kPossible = V::kLanes >= 4;

  // `stride`: the distance between rows, each aligned to four numbers.
  static CRECHE_INLINE void load(const T* rows, std::int64_t stride, V* columns) {
    gather([&](int r) { return Quad::load(rows + r * stride); }, columns);
  }

  // quad(r) returns the four numbers of row r.
  template <class F>
  static CRECHE_INLINE void gather(F&& quad, V* columns) {
    V registers[4];
    for (int j = 0; j < 4; ++j) registers[j] = every_fourth<V::kLanes>(quad, j);
    transpose_quads(registers, columns);
  }

  // Writes each row as its four numbers, followed by zeros up to a whole register.
  static CRECHE_INLINE void store_padded(const V* columns, T* rows, std::int64_t stride) {
    V registers[4];
    transpose_quads(columns, registers);
    unroll<V::kLanes>([&](auto r) __attribute__((always_inline)) {
      padded<(r / 4) * 4>(registers[r % 4], std::make_integer_sequence<int, V::kLanes>{}).store(rows + r * stride);
    });
  }

 private:
  // The quads of rows first, first + 4, ..., n numbers in total.
  template <int n, class F>
  static CRECHE_INLINE Vec<T, n> every_fourth(F& quad, int first) {
    if constexpr (n == 4) {
      return quad(first);
    } else {
      return joined(every_fourth<n / 2>(quad, first), every_fourth<n / 2>(quad, first + n / 2),
                    std::make_integer_sequence<int, n>{});
    }
  }

  template <class Half, int... kLane>
  static CRECHE_INLINE auto joined(Half a, Half b, std::integer_sequence<int, kLane...>) {
    return Vec<T, sizeof...(kLane)>::make(__builtin_shufflevector(a.raw, b.raw, kLane...));
  }

  // Lanes kFrom ... kFrom + 3 of a, then zeros.
  template <int kFrom, int... kLane>
  static CRECHE_INLINE V padded(V a, std::integer_sequence<int, kLane...>) {
    return V::make(__builtin_shufflevector(a.raw, V(T(0)).raw, (kLane < 4 ? kFrom + kLane : V::kLanes)...));
  }

  // Within each quad, the first two numbers (kHigh 0) or the last two of a and b, interleaved.
  template <int kHigh, int... kLane>
  static CRECHE_INLINE V by_turns(V a, V b, std::integer_sequence<int, kLane...>) {
    constexpr int n = V::kLanes;
    return V::make(
        __builtin_shufflevector(a.raw, b.raw, (kLane / 4 * 4 + 2 * kHigh + kLane % 4 / 2 + (kLane % 2) * n)...));
  }

  // Within each quad, the first pairs of a and b (kHigh 0), or the second pairs.
  template <int kHigh, int... kLane>
  static CRECHE_INLINE V pairs(V a, V b, std::integer_sequence<int, kLane...>) {
    constexpr int n = V::kLanes;
    return V::make(
        __builtin_shufflevector(a.raw, b.raw, (kLane / 4 * 4 + 2 * kHigh + kLane % 2 + (kLane % 4 / 2) * n)...));
  }

  // Transposes each 4 x 4 square that the quads of four registers form.
  static CRECHE_INLINE void transpose_quads(const V* from, V* to) {
    constexpr auto lanes = std::make_integer_sequence<int, V::kLanes>{};
    const V low01 = by_turns<0>(from[0], from[1], lanes), high01 = by_turns<1>(from[0], from[1], lanes);
    const V low23 = by_turns<0>(from[2], from[3], lanes), high23 = by_turns<1>(from[2], from[3], lanes);
    to[0] = pairs<0>(low01, low23, lanes);
    to[1] = pairs<1>(low01, low23, lanes);
    to[2] = pairs<0>(high01, high23, lanes);
    to[3] = pairs<1>(high01, high23, lanes);
  }
};

// to(c, r) = from(r, c) for a block of 16 x 16 numbers. Only the first `rows` rows of `from` are read; zeros replace
// the rest. Rows are 16 numbers apart.
template <class T>
CRECHE_INLINE void transpose_panel_block(const T* from, int rows, T* to) {
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

}  // namespace creche::CRECHE_LEVEL
