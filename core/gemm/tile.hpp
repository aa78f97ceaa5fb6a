// The micro-kernel: one tile of a matrix product, kept in registers from the first term of its sums to the last.
//
//   C(i, n) = C0(i, n) + sum over k = 0, 1, 2, ... of left(i, k) * right(k, n)      by fused multiply-add, in that
//   order
//
// for kRows rows and kPanels panels of 16 columns. Every matrix lies in panels of 16 columns (panel.hpp):
//
//   right   [panel of n][k][16]        loaded as vectors
//   left    by rows:    left(i, k) = left[(k / 16) * panel_stride + i * 16 + k % 16]      activations times weights
//           by columns: left(i, k) = left[k * 16 + i]                                     activations transposed
//
// so that one kernel serves XW, dZ W^T (W kept a second time, transposed) and X^T dZ, reading memory in order each
// time. The sum of an output element never depends on the tile it fell into: tiles divide outputs, not sums.
//
// Tests: tests/native/test_gemm.py.   Benchmark: benchmarks/products.py
#pragma once

#include <cstdint>

#include "../simd/lanes.hpp"
#include "../simd/unroll.hpp"
#include "panel.hpp"

namespace creche::CRECHE_LEVEL {

enum class Left { by_rows, by_columns };

template <class T, int kRows, int kPanels>
struct Tile {
  static constexpr int kTileRows = kRows;
  static constexpr int kTilePanels = kPanels;
  using V = Vec<T, kNativeLanes<T>>;
  static constexpr int kPerPanel = kPanel / V::kLanes;  // registers that make up one row of one panel
  static constexpr int kColumns = kPanels * kPerPanel;

  V sums[kRows][kColumns];

  CRECHE_INLINE void clear() {
    each(0, [](V& sum, std::int64_t) __attribute__((always_inline)) { sum = V(T(0)); });
  }

  // Every row starts with the same 16 numbers per panel (the bias).
  CRECHE_INLINE void load_row(const T* row, std::int64_t panel_stride) {
    unroll<kColumns>([&](auto j) __attribute__((always_inline)) {
      const V v = V::load(row + column(j, panel_stride));
      unroll<kRows>([&](auto i) __attribute__((always_inline)) { sums[i][j] = v; });
    });
  }

  CRECHE_INLINE void load(const T* c, std::int64_t panel_stride) {
    each(panel_stride, [&](V& sum, std::int64_t at) __attribute__((always_inline)) { sum = V::load(c + at); });
  }

  CRECHE_INLINE void store(T* c, std::int64_t panel_stride) {
    each(panel_stride, [&](V& sum, std::int64_t at) __attribute__((always_inline)) { sum.store(c + at); });
  }

  // Calls f(sum, position) for every register of the tile; the position is relative to the tile's first number in a
  // panel matrix.
  template <class F>
  CRECHE_INLINE void each(std::int64_t panel_stride, F&& f) {
    unroll<kRows>([&](auto i) __attribute__((always_inline)) {
      unroll<kColumns>([&](auto j)
                           __attribute__((always_inline)) { f(sums[i][j], column(j, panel_stride) + i * kPanel); });
    });
  }

  // Adds the terms k = 0 ... terms - 1.
  template <Left kLeft>
  CRECHE_INLINE void accumulate(const T* left, std::int64_t left_panel_stride, const T* right,
                                std::int64_t right_panel_stride, std::int64_t terms) {
    if constexpr (kLeft == Left::by_columns) {
      (void)left_panel_stride;
      for (std::int64_t k = 0; k < terms; ++k) add_term<1>(left + k * kPanel, right + k * kPanel, right_panel_stride);
    } else {
      for (; terms >= kPanel; terms -= kPanel) {
        for (int k = 0; k < kPanel; ++k) add_term<kPanel>(left + k, right + k * kPanel, right_panel_stride);
        left += left_panel_stride;
        right += kPanel * kPanel;
      }
      for (int k = 0; k < terms; ++k) add_term<kPanel>(left + k, right + k * kPanel, right_panel_stride);
    }
  }

  // The same with left by columns. Also adds the rows of right to totals: the same sum with left = 1, which is the
  // gradient of the bias and would otherwise need its own pass. `resumes`: totals holds the sums of earlier terms.
  CRECHE_INLINE void accumulate_with_totals(bool resumes, T* totals, std::int64_t totals_panel_stride, const T* left,
                                            const T* right, std::int64_t right_panel_stride, std::int64_t terms) {
    V running[kColumns];
    unroll<kColumns>([&](auto j) __attribute__((always_inline)) {
      running[j] = resumes ? V::load(totals + column(j, totals_panel_stride)) : V(T(0));
    });
    for (std::int64_t k = 0; k < terms; ++k) {
      add_term<1>(left + k * kPanel, right + k * kPanel, right_panel_stride);
      unroll<kColumns>([&](auto j) __attribute__((always_inline)) {
        running[j] += V::load(right + k * kPanel + column(j, right_panel_stride));
      });
    }
    unroll<kColumns>([&](auto j)
                         __attribute__((always_inline)) { running[j].store(totals + column(j, totals_panel_stride)); });
  }

 private:
  // The offset of column register j from the first number of a row of the tile.
  static CRECHE_INLINE std::int64_t column(int j, std::int64_t panel_stride) {
    return (j / kPerPanel) * panel_stride + (j % kPerPanel) * V::kLanes;
  }

  // One term of every sum. left: kRows numbers, kLeftStride apart; right: one row of each panel.
  template <int kLeftStride>
  CRECHE_INLINE void add_term(const T* left, const T* right, std::int64_t right_panel_stride) {
    V b[kColumns];
    unroll<kColumns>([&](auto j)
                         __attribute__((always_inline)) { b[j] = V::load(right + column(j, right_panel_stride)); });
    unroll<kRows>([&](auto i) __attribute__((always_inline)) {
      const V a(left[i * kLeftStride]);
      unroll<kColumns>([&](auto j) __attribute__((always_inline)) { sums[i][j] = fma(a, b[j], sums[i][j]); });
    });
  }
};

}  // namespace creche::CRECHE_LEVEL
