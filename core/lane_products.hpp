// Products of a pack of networks, one network per lane: every number of a matrix is a vector, and each lane multiplies
// its own. Matrices lie row by row. Tiles of rows x columns keep their sums in registers; each sum runs over its terms
// in the same order, by the same fused multiply-adds, as those of a network alone (gemm/tile.hpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "simd/lanes.hpp"
#include "simd/unroll.hpp"

namespace rookery::ROOKERY_LEVEL {

// AVX-512 and NEON have 32 registers, AVX2 16: sums, one row of right-hand numbers and one left-hand number.
#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr int kLaneTileRows = 2;
inline constexpr int kLaneTileColumns = 4;
#else
inline constexpr int kLaneTileRows = 4;
inline constexpr int kLaneTileColumns = 5;
#endif

// Where the terms of a tile's sums lie: left(row, k) and right(k, column).
struct LaneStrides {
  std::int64_t left_row, left_term, right_term, right_column;
};

// A tile of sums, finished by finish(row, column, sum): a call on purpose, see gemm/product.hpp.
template <class V, int kRows, int kColumns, class Begin, class Finish>
__attribute__((noinline)) void lane_tile(const V* left, const V* right, LaneStrides at, std::int64_t terms,
                                         std::int64_t row, std::int64_t column, const Begin& begin,
                                         const Finish& finish) {
  V sums[kRows][kColumns];
  unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    unroll<kColumns>([&](auto c) __attribute__((always_inline)) { sums[r][c] = begin(row + r, column + c); });
  });
  left += row * at.left_row;
  right += column * at.right_column;
  for (std::int64_t k = 0; k < terms; ++k, left += at.left_term, right += at.right_term) {
    V b[kColumns];
    unroll<kColumns>([&](auto c) __attribute__((always_inline)) { b[c] = right[c * at.right_column]; });
    unroll<kRows>([&](auto r) __attribute__((always_inline)) {
      const V a = left[r * at.left_row];
      unroll<kColumns>([&](auto c) __attribute__((always_inline)) { sums[r][c] = fma(a, b[c], sums[r][c]); });
    });
  }
  unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    unroll<kColumns>([&](auto c) __attribute__((always_inline)) { finish(row + r, column + c, sums[r][c]); });
  });
}

// finish(row, column, begin(row, column) + sum over k of left(row, k) right(k, column)) for all rows and columns.
template <class V, class Begin, class Finish>
void lane_product(const V* left, const V* right, LaneStrides at, std::int64_t rows, std::int64_t columns,
                  std::int64_t terms, const Begin& begin, const Finish& finish) {
  // Tiles as even as can be: of 10 columns two of 5, of 6 two of 3, lest the last be too narrow to fill the machine.
  const std::int64_t tiles = (columns + kLaneTileColumns - 1) / kLaneTileColumns;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t column = columns * tile / tiles;
    const std::int64_t width = columns * (tile + 1) / tiles - column;
    const auto of_width = [&](auto fixed) {
      constexpr int kColumns = decltype(fixed)::value;
      std::int64_t row = 0;
      for (; row + kLaneTileRows <= rows; row += kLaneTileRows)
        lane_tile<V, kLaneTileRows, kColumns>(left, right, at, terms, row, column, begin, finish);
      for (; row < rows; ++row) lane_tile<V, 1, kColumns>(left, right, at, terms, row, column, begin, finish);
    };
    switch (width) {
      case 1:
        of_width(std::integral_constant<int, 1>{});
        break;
      case 2:
        of_width(std::integral_constant<int, 2>{});
        break;
      case 3:
        of_width(std::integral_constant<int, 3>{});
        break;
      case 4:
        of_width(std::integral_constant<int, 4>{});
        break;
      default:
        of_width(std::integral_constant<int, kLaneTileColumns>{});
    }
  }
}

}  // namespace rookery::ROOKERY_LEVEL
