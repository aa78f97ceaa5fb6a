// Matrix products of any size, composed of tiles.
//
// Outputs are divided: into groups of panels of columns, and within a group into tiles as tall as the registers allow.
// Sums are not divided. A long sum pauses every kTermsPerBlock terms: it is stored and loaded again, so that the
// current block of the right matrix stays in the first-level cache for every tile of rows.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tile.hpp"

namespace creche::CRECHE_LEVEL {

// 128 terms x 3 panels x 64 bytes = 24 KiB, half of a 48 KiB first-level cache.
inline constexpr std::int64_t kTermsPerBlock = 128;

// AVX-512 and NEON have 32 registers, AVX2 has 16. A tile needs rows x columns of them for sums, columns for the right
// matrix and one for the left. Two multiply-adds per cycle with a latency of four cycles need at least 8 independent
// sums.
template <class T>
constexpr int most_panels() {
#if defined(__AVX512F__)
  return sizeof(T) == 4 ? 3 : 1;
#else
  return 1;
#endif
}

template <class T, int kPanels>
constexpr int tallest_tile() {
#if defined(__AVX512F__)
  if (sizeof(T) == 8) return 8;  // 16 sums
  return kPanels == 1 ? 16 : 8;  // 16, 16 or 24 sums
#elif defined(__AVX2__)
  return sizeof(T) == 8 ? 2 : 6;  // 8 or 12 sums
#else
  return sizeof(T) == 8 ? 2 : 6;  // 16 or 24 sums
#endif
}

// The next smaller tile for the remaining rows: 16, 8, 4, 2, 1 and 6, 4, 2, 1.
constexpr int smaller_tile(int rows) { return rows == 6 ? 4 : rows / 2; }

// The number of terms to add before the next pause, if `left` terms remain.
constexpr std::int64_t block_of_terms(std::int64_t left) {
  return left <= kTermsPerBlock * 3 / 2 ? left : kTermsPerBlock;
}

// A matrix in panels, reduced to its beginning and the distance between panels.
template <class T>
struct Operand {
  const T* data;
  std::int64_t panel_stride;
};

// Calls f(std::integral_constant<int, kPanels>, first panel) for groups of panels that cover 0 ... panels - 1. Four
// panels are divided into two and two, not three and one: a tile of one panel loads more than it multiplies.
template <class T, class F>
CRECHE_INLINE void for_panel_groups(std::int64_t begin, std::int64_t end, F&& f) {
  std::int64_t panel = begin;
  if constexpr (most_panels<T>() == 3) {
    for (; end - panel >= 3 && end - panel != 4; panel += 3) f(std::integral_constant<int, 3>{}, panel);
    for (; end - panel >= 2; panel += 2) f(std::integral_constant<int, 2>{}, panel);
  }
  for (; panel < end; ++panel) f(std::integral_constant<int, 1>{}, panel);
}

namespace detail {

// Calls f(std::integral_constant<int, kRows>, first row) for tiles that cover begin ... end - 1, the tallest first.
template <int kRows, class F>
CRECHE_INLINE void for_tiles(std::int64_t begin, std::int64_t end, F&& f) {
  for (; end - begin >= kRows; begin += kRows) f(std::integral_constant<int, kRows>{}, begin);
  if constexpr (kRows > 1) {
    if (begin < end) for_tiles<smaller_tile(kRows)>(begin, end, f);
  }
}

// The initial values of a tile's sums.
enum class Begin { zeros, row, unfinished };

// The next two are deliberately not inlined: inlined into their loops, they would need too many registers, and the
// compiler would keep some of the sums in memory.

template <int kRows, int kPanels, class T, class Finish>
__attribute__((noinline)) void tile_by_rows(Begin begin, const T* begin_row, Operand<T> left, Operand<T> right,
                                            std::int64_t terms, bool last, T* out, std::int64_t out_stride,
                                            const Finish& finish, std::int64_t row, std::int64_t panel) {
  Tile<T, kRows, kPanels> tile;
  if (begin == Begin::unfinished) {
    tile.load(out, out_stride);
  } else if (begin == Begin::row) {
    tile.load_row(begin_row, right.panel_stride);
  } else {
    tile.clear();
  }
  tile.template accumulate<Left::by_rows>(left.data, left.panel_stride, right.data, right.panel_stride, terms);
  if (last) {
    finish(tile, row, panel);
  } else {
    tile.store(out, out_stride);
  }
}

template <int kRows, int kPanels, class T>
__attribute__((noinline)) void tile_by_columns(Begin begin, const T* left, Operand<T> right, std::int64_t terms, T* out,
                                               T* totals, std::int64_t out_stride) {
  using TileT = Tile<T, kRows, kPanels>;
  TileT tile;
  if (begin == Begin::unfinished) {
    tile.load(out, out_stride);
  } else {
    tile.clear();
  }
  if (totals != nullptr) {
    tile.accumulate_with_totals(begin == Begin::unfinished, totals, out_stride, left, right.data, right.panel_stride,
                                terms);
  } else {
    tile.template accumulate<Left::by_columns>(left, 0, right.data, right.panel_stride, terms);
  }
  tile.store(out, out_stride);
}

}  // namespace detail

// Calls finish(tile, row, panel) with rows row_begin ... row_end - 1 of
//   begin(n) + sum over k of left(row, k) * right(k, n),      k = 0 ... terms - 1
// tile by tile; finish stores them in `out`, which also holds the unfinished sums of long products. `begin_row` is a
// row of 16 numbers per panel (with the stride of right), or null for zeros.
template <class T, class Finish>
void product_by_rows(Operand<T> left, std::int64_t row_begin, std::int64_t row_end, const T* begin_row,
                     Operand<T> right, std::int64_t terms, PanelMatrix<T> out, const Finish& finish) {
  for_panel_groups<T>(0, out.panels(), [&](auto panels, std::int64_t panel) {
    constexpr int kPanels = decltype(panels)::value;
    const T* const begin_here = begin_row == nullptr ? nullptr : begin_row + panel * right.panel_stride;
    std::int64_t done = 0;
    do {
      const std::int64_t now = block_of_terms(terms - done);
      const detail::Begin begin = done > 0               ? detail::Begin::unfinished
                                  : begin_row != nullptr ? detail::Begin::row
                                                         : detail::Begin::zeros;
      const T* const left_block = left.data + (done / kPanel) * left.panel_stride;
      const Operand<T> right_block{right.data + panel * right.panel_stride + done * kPanel, right.panel_stride};
      detail::for_tiles<tallest_tile<T, kPanels>()>(row_begin, row_end, [&](auto rows, std::int64_t row) {
        detail::tile_by_rows<decltype(rows)::value, kPanels>(
            begin, begin_here, Operand<T>{left_block + row * kPanel, left.panel_stride}, right_block, now,
            done + now == terms, out.at(panel, row), out.panel_stride(), finish, row, panel);
      });
      done += now;
    } while (done < terms);
  });
}

// Rows i_begin ... i_end - 1 of left transposed times right, for kPanels panels of right:
//   out(i - i_begin, n) = sum over k of left(k, i) * right(k, n),      k = 0 ... terms - 1
// and, if totals is not null, totals(n) = sum over k of right(k, n). i_begin is a multiple of 16; out and totals have
// 16 numbers per row and panel, their panels out_stride apart. If `continues`, the sums begin with what is in out and
// totals.
template <int kPanels, class T>
void product_by_columns(Operand<T> left, std::int64_t i_begin, std::int64_t i_end, Operand<T> right, std::int64_t terms,
                        T* out, T* totals, std::int64_t out_stride, bool continues = false) {
  std::int64_t done = 0;
  do {
    const std::int64_t now = block_of_terms(terms - done);
    const detail::Begin begin = done > 0 || continues ? detail::Begin::unfinished : detail::Begin::zeros;
    const Operand<T> right_block{right.data + done * kPanel, right.panel_stride};
    for (std::int64_t i_panel = i_begin; i_panel < i_end; i_panel += kPanel) {
      const T* const left_block = left.data + (i_panel / kPanel) * left.panel_stride + done * kPanel;
      detail::for_tiles<tallest_tile<T, kPanels>()>(
          0, std::min<std::int64_t>(kPanel, i_end - i_panel), [&](auto rows, std::int64_t row) {
            T* const totals_here = i_panel == i_begin && row == 0 ? totals : nullptr;
            detail::tile_by_columns<decltype(rows)::value, kPanels>(begin, left_block + row, right_block, now,
                                                                    out + (i_panel - i_begin + row) * kPanel,
                                                                    totals_here, out_stride);
          });
    }
    done += now;
  } while (done < terms);
}

}  // namespace creche::CRECHE_LEVEL
