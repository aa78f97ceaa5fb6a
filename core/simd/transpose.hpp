// Transposes a square matrix in registers. Exchanging numbers within 128 bits takes one simple instruction, and so does
// exchanging blocks of 128 bits: first each square within such blocks is transposed, then the square of blocks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "lanes.hpp"
#include "unroll.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

// Numbers in a block of 128 bits.
template <class V>
inline constexpr int kBlockLanes = std::min<int>(V::kLanes, 16 / sizeof(typename V::Scalar));

// Within each kSide numbers, the first (kHigh 0) or the second half of those of a and b by turns: a0 b0 a1 b1.
template <int kSide, int kHigh, class V, int... kLane>
CRECHE_INLINE V by_turns(V a, V b, std::integer_sequence<int, kLane...>) {
  constexpr int n = V::kLanes;
  return V::make(__builtin_shufflevector(
      a.raw, b.raw, (kLane / kSide * kSide + kHigh * kSide / 2 + kLane % kSide / 2 + (kLane % 2) * n)...));
}

// Within each four numbers, the first pairs of a and b (kHigh 0), or the second pairs: a0 a1 b0 b1.
template <int kHigh, class V, int... kLane>
CRECHE_INLINE V pairs(V a, V b, std::integer_sequence<int, kLane...>) {
  constexpr int n = V::kLanes;
  return V::make(
      __builtin_shufflevector(a.raw, b.raw, (kLane / 4 * 4 + 2 * kHigh + kLane % 2 + (kLane % 4 / 2) * n)...));
}

// Transposes each kSide x kSide square of kSide registers.
template <int kSide, class V>
CRECHE_INLINE void transpose_squares(const V* from, V* to) {
  static_assert(kSide == 1 || kSide == 2 || kSide == 4);
  constexpr auto lanes = std::make_integer_sequence<int, V::kLanes>{};
  if constexpr (kSide == 1) {
    to[0] = from[0];
  } else if constexpr (kSide == 2) {
    const V first = from[0], second = from[1];
    to[0] = by_turns<2, 0>(first, second, lanes);
    to[1] = by_turns<2, 1>(first, second, lanes);
  } else {
    const V low01 = by_turns<4, 0>(from[0], from[1], lanes), high01 = by_turns<4, 1>(from[0], from[1], lanes);
    const V low23 = by_turns<4, 0>(from[2], from[3], lanes), high23 = by_turns<4, 1>(from[2], from[3], lanes);
    to[0] = pairs<0>(low01, low23, lanes);
    to[1] = pairs<1>(low01, low23, lanes);
    to[2] = pairs<0>(high01, high23, lanes);
    to[3] = pairs<1>(high01, high23, lanes);
  }
}

// The first halves (kHigh 0) of a and b, or their second halves: a0 a1 b0 b1 in blocks.
template <int kHigh, class V, int... kLane>
CRECHE_INLINE V halves(V a, V b, std::integer_sequence<int, kLane...>) {
  constexpr int n = V::kLanes;
  return V::make(__builtin_shufflevector(a.raw, b.raw, (kHigh * n / 2 + kLane % (n / 2) + kLane / (n / 2) * n)...));
}

// Blocks 0 and 2 (kOdd 0) of a and b, or blocks 1 and 3: a0 a2 b0 b2.
template <int kOdd, class V, int... kLane>
CRECHE_INLINE V every_second(V a, V b, std::integer_sequence<int, kLane...>) {
  constexpr int n = V::kLanes, block = kBlockLanes<V>;
  return V::make(__builtin_shufflevector(
      a.raw, b.raw, ((2 * (kLane / block % 2) + kOdd) * block + kLane % block + kLane / (n / 2) * n)...));
}

// Exchanges block c of rows[r * kStride] with block r of rows[c * kStride].
template <int kStride, class V>
CRECHE_INLINE void transpose_blocks(V* rows) {
  constexpr auto lanes = std::make_integer_sequence<int, V::kLanes>{};
  constexpr int blocks = V::kLanes / kBlockLanes<V>;
  static_assert(blocks == 1 || blocks == 2 || blocks == 4);
  if constexpr (blocks == 2) {
    const V first = rows[0], second = rows[kStride];
    rows[0] = halves<0>(first, second, lanes);
    rows[kStride] = halves<1>(first, second, lanes);
  } else if constexpr (blocks == 4) {
    const V a = rows[0], b = rows[kStride], c = rows[2 * kStride], d = rows[3 * kStride];
    const V low01 = halves<0>(a, b, lanes), high01 = halves<1>(a, b, lanes);
    const V low23 = halves<0>(c, d, lanes), high23 = halves<1>(c, d, lanes);
    rows[0] = every_second<0>(low01, low23, lanes);
    rows[kStride] = every_second<1>(low01, low23, lanes);
    rows[2 * kStride] = every_second<0>(high01, high23, lanes);
    rows[3 * kStride] = every_second<1>(high01, high23, lanes);
  }
}

}  // namespace detail

// rows[i] lane j <-> rows[j] lane i, for V::kLanes rows.
template <class V>
CRECHE_INLINE void transpose(V* rows) {
  constexpr int side = detail::kBlockLanes<V>;
  unroll<V::kLanes / side>([&](auto group) __attribute__((always_inline)) {
    detail::transpose_squares<side>(rows + group * side, rows + group * side);
  });
  unroll<side>([&](auto row) __attribute__((always_inline)) { detail::transpose_blocks<side>(rows + row); });
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
    detail::transpose_squares<4>(registers, columns);
  }

  // Writes each row as its four numbers, followed by zeros up to a whole register.
  static CRECHE_INLINE void store_padded(const V* columns, T* rows, std::int64_t stride) {
    V registers[4];
    detail::transpose_squares<4>(columns, registers);
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
      V square[n];
      if (r + n <= rows) {
        for (int i = 0; i < n; ++i) square[i] = V::load(from + (r + i) * kSide + c);
      } else {
        for (int i = 0; i < n; ++i) square[i] = r + i < rows ? V::load(from + (r + i) * kSide + c) : V(T(0));
      }
      transpose(square);
      for (int i = 0; i < n; ++i) square[i].store(to + (c + i) * kSide + r);
    }
  }
}

}  // namespace creche::CRECHE_LEVEL
