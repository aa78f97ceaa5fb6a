// Matrix products of any size out of tiles.
//
// Outputs are divided: into groups of kMostPanels panels of columns, and within a group into tiles as tall as the
// registers allow. Sums are not divided; a long one only pauses, every kTermsPerBlock terms, with its float stored and
// loaded again, so that the block of the right matrix in use stays in the first-level cache for every tile of rows.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tile.hpp"

namespace rookery::ROOKERY_LEVEL {

// 128 terms x 3 panels x 64 bytes = 24 KiB, half of a 48 KiB first-level cache.
inline constexpr std::int64_t kTermsPerBlock = 128;

// Registers: AVX-512 and NEON have 32, AVX2 has 16. A tile needs rows x columns of them for sums, columns for the right
// matrix and one for the left; two multiply-adds a cycle, each four cycles long, need at least 8 sums under way.
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
  if (sizeof(T) == 8) return 8;   // 16 sums
  return kPanels == 1 ? 16 : 8;   // 16, 16 or 24 sums
#elif defined(__AVX2__)
  return sizeof(T) == 8 ? 2 : 6;  // 8 or 12 sums
#else
  return sizeof(T) == 8 ? 2 : 6;  // 16 or 24 sums
#endif
}

// The next smaller tile for the rows that are left over: 16, 8, 4, 2, 1 and 6, 4, 2, 1.
constexpr int smaller_tile(int rows) { return rows == 6 ? 4 : rows / 2; }

// A matrix in panels, of which only the beginning and the distance between panels matter.
template <class T>
struct Operand {
  const T* data;
  std::int64_t panel_stride;
};

// f(std::integral_constant<int, kPanels>, first panel) for groups of panels that cover 0 ... panels - 1. Four panels are
// two and two rather than three and one: a tile one panel wide loads more than it multiplies.
template <class T, class F>
ROOKERY_INLINE void for_panel_groups(std::int64_t begin, std::int64_t end, F&& f) {
  std::int64_t panel = begin;
  if constexpr (most_panels<T>() == 3) {
    for (; end - panel >= 3 && end - panel != 4; panel += 3) f(std::integral_constant<int, 3>{}, panel);
    for (; end - panel >= 2; panel += 2) f(std::integral_constant<int, 2>{}, panel);
  }
  for (; panel < end; ++panel) f(std::integral_constant<int, 1>{}, panel);
}

namespace detail {

// f(std::integral_constant<int, kRows>, first row) for tiles that cover begin ... end - 1, the tallest first.
template <int kRows, class F>
ROOKERY_INLINE void for_tiles(std::int64_t begin, std::int64_t end, F&& f) {
  for (; end - begin >= kRows; begin += kRows) f(std::integral_constant<int, kRows>{}, begin);
  if constexpr (kRows > 1) {
    if (begin < end) for_tiles<smaller_tile(kRows)>(begin, end, f);
  }
}

}  // namespace detail

// finish(tile, row, panel) is given rows row_begin ... row_end - 1 of
//   begin(n) + sum over k of left(row, k) * right(k, n),      k = 0 ... terms - 1
// tile by tile, and stores them in `out`, which also holds the unfinished sums of long products. `begin` is a row of 16
// numbers per panel (stride as right's), or null for zeros.
template <class T, class Finish>
void product_by_rows(Operand<T> left, std::int64_t row_begin, std::int64_t row_end, const T* begin, Operand<T> right,
                     std::int64_t terms, PanelMatrix<T> out, const Finish& finish) {
  for_panel_groups<T>(0, out.panels(), [&](auto panels, std::int64_t panel) {
    constexpr int kPanels = decltype(panels)::value;
    const T* const right_group = right.data + panel * right.panel_stride;
    std::int64_t done = 0;
    do {
      const std::int64_t now = terms - done <= kTermsPerBlock * 3 / 2 ? terms - done : kTermsPerBlock;
      const T* const left_block = left.data + (done / kPanel) * left.panel_stride;
      const T* const right_block = right_group + done * kPanel;
      const bool last = done + now == terms;
      detail::for_tiles<tallest_tile<T, kPanels>()>(row_begin, row_end, [&](auto rows, std::int64_t row) {
        Tile<T, decltype(rows)::value, kPanels> tile;
        if (done > 0) {
          tile.begin_with(out.at(panel, row), out.panel_stride());
        } else if (begin != nullptr) {
          tile.begin_with_row(begin + panel * right.panel_stride, right.panel_stride);
        } else {
          tile.clear();
        }
        tile.template accumulate<Left::by_rows>(left_block + row * kPanel, left.panel_stride, right_block,
                                                right.panel_stride, now);
        if (last) {
          finish(tile, row, panel);
        } else {
          tile.store(out.at(panel, row), out.panel_stride());
        }
      });
      done += now;
    } while (done < terms);
  });
}

// Rows i_begin ... i_end - 1 of left transposed times right, for kPanels panels of right:
//   out(i - i_begin, n) = sum over k of left(k, i) * right(k, n),      k = 0 ... terms - 1
// and, if totals is not null, totals(n) = sum over k of right(k, n). i_begin is a multiple of 16; out and totals have 16
// numbers per row and panel, their panels out_stride apart.
template <int kPanels, class T>
void product_by_columns(Operand<T> left, std::int64_t i_begin, std::int64_t i_end, Operand<T> right, std::int64_t terms,
                        T* out, T* totals, std::int64_t out_stride) {
  std::int64_t done = 0;
  do {
    const std::int64_t now = terms - done <= kTermsPerBlock * 3 / 2 ? terms - done : kTermsPerBlock;
    const T* const right_block = right.data + done * kPanel;
    for (std::int64_t i_panel = i_begin; i_panel < i_end; i_panel += kPanel) {
      const T* const left_block = left.data + (i_panel / kPanel) * left.panel_stride + done * kPanel;
      const std::int64_t i_count = std::min<std::int64_t>(kPanel, i_end - i_panel);
      detail::for_tiles<tallest_tile<T, kPanels>()>(0, i_count, [&](auto rows, std::int64_t row) {
        using TileT = Tile<T, decltype(rows)::value, kPanels>;
        using V = typename TileT::V;
        TileT tile;
        T* const sums = out + (i_panel - i_begin + row) * kPanel;
        if (done > 0) {
          tile.begin_with(sums, out_stride);
        } else {
          tile.clear();
        }
        if (totals != nullptr && i_panel == i_begin && row == 0) {
          V running[TileT::kColumns];
          const auto place = [&](int j) {
            return totals + (j / TileT::kPerPanel) * out_stride + (j % TileT::kPerPanel) * V::kLanes;
          };
          for (int j = 0; j < TileT::kColumns; ++j) running[j] = done > 0 ? V::load(place(j)) : V(T(0));
          tile.accumulate_with_totals(running, left_block + row, right_block, right.panel_stride, now);
          for (int j = 0; j < TileT::kColumns; ++j) running[j].store(place(j));
        } else {
          tile.template accumulate<Left::by_columns>(left_block + row, 0, right_block, right.panel_stride, now);
        }
        tile.store(sums, out_stride);
      });
    }
    done += now;
  } while (done < terms);
}

}  // namespace rookery::ROOKERY_LEVEL
