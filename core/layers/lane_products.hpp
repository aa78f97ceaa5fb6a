// Matrix products of a pack of networks, one network per lane: every element of a matrix is a vector, and each lane
// multiplies its own matrices. Matrices are stored row by row. Tiles of rows x columns keep their sums in registers;
// each sum has the same order and the same fused multiply-adds as in a single network (gemm/tile.hpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "simd/lanes.hpp"
#include "simd/unroll.hpp"

namespace creche::CRECHE_LEVEL {

// AVX-512 and NEON have 32 registers, AVX2 has 16: for the sums, one row of right operands and one left operand.
#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr int kLaneTileRows = 2;
inline constexpr int kLaneTileColumns = 4;
#else
inline constexpr int kLaneTileRows = 4;
inline constexpr int kLaneTileColumns = 5;
#endif

// The strides of a tile's terms: left(row, k) and right(k, column).
struct LaneStrides {
  std::int64_t left_row, left_term, right_term, right_column;
};

// Computes a tile of sums and passes each to finish(row, column, sum).
template <class V, int kRows, int kColumns, class Begin, class Finish>
CRECHE_INLINE void lane_tile(const V* left, const V* right, LaneStrides at, std::int64_t terms, std::int64_t row,
                             std::int64_t column, const Begin& begin, const Finish& finish) {
  V sums[kRows][kColumns];
  unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    unroll<kColumns>([&](auto c) __attribute__((always_inline)) { sums[r][c] = begin(row + r, column + c); });
  });
  for (std::int64_t k = 0; k < terms; ++k, left += at.left_term, right += at.right_term) {
    V b[kColumns];
    unroll<kColumns>([&](auto c) __attribute__((always_inline)) {
      b[c] = right[c * at.right_column];
      in_register(b[c]);
    });
    unroll<kRows>([&](auto r) __attribute__((always_inline)) {
      const V a = left[r * at.left_row];
      unroll<kColumns>([&](auto c) __attribute__((always_inline)) { sums[r][c] = fma(a, b[c], sums[r][c]); });
    });
  }
  unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    unroll<kColumns>([&](auto c) __attribute__((always_inline)) { finish(row + r, column + c, sums[r][c]); });
  });
}

// Computes `tiles` tiles, one below the other, from row `row` on. Deliberately not inlined, see gemm/product.hpp; one
// call for many tiles, since a tile of a narrow network takes no longer than a call.
template <class V, int kRows, int kColumns, class Begin, class Finish>
__attribute__((noinline)) void lane_tiles(const V* left, const V* right, LaneStrides at, std::int64_t terms,
                                          std::int64_t row, std::int64_t tiles, std::int64_t column, const Begin& begin,
                                          const Finish& finish) {
  left += row * at.left_row;
  right += column * at.right_column;
  for (; tiles > 0; --tiles, row += kRows, left += kRows * at.left_row)
    lane_tile<V, kRows, kColumns>(left, right, at, terms, row, column, begin, finish);
}

// Calls f(std::integral_constant<int, size>, first, pieces) for pieces of at most kMost that cover 0 ... count - 1 as
// evenly as possible: 11 rows are two pieces of 4 and one of 3, since a small last piece would not keep the multipliers
// busy.
template <int kMost, class F>
CRECHE_INLINE void for_even_pieces(std::int64_t count, F&& f) {
  if (count <= 0) return;
  const std::int64_t pieces = (count + kMost - 1) / kMost;
  const std::int64_t larger =
      count - count / pieces * pieces;  // the number of pieces that are one larger than the others
  unroll<kMost>([&](auto smaller) {
    constexpr int size = smaller + 1;
    if (larger > 0 && size == count / pieces + 1) f(std::integral_constant<int, size>{}, std::int64_t{0}, larger);
    if (size == count / pieces) f(std::integral_constant<int, size>{}, larger * (size + 1), pieces - larger);
  });
}

// Calls finish(row, column, begin(row, column) + sum over k of left(row, k) right(k, column)) for all rows and columns.
template <class V, class Begin, class Finish>
void lane_product(const V* left, const V* right, LaneStrides at, std::int64_t rows, std::int64_t columns,
                  std::int64_t terms, const Begin& begin, const Finish& finish) {
  for_even_pieces<kLaneTileColumns>(columns, [&](auto width, std::int64_t column, std::int64_t pieces) {
    constexpr int kWidth = decltype(width)::value;
    for (; pieces > 0; --pieces, column += kWidth) {
      for_even_pieces<kLaneTileRows>(rows, [&](auto height, std::int64_t row, std::int64_t tiles) {
        lane_tiles<V, decltype(height)::value, kWidth>(left, right, at, terms, row, tiles, column, begin, finish);
      });
    }
  });
}

}  // namespace creche::CRECHE_LEVEL
