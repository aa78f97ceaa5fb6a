// Orthonormal columns from a matrix with at least as many rows as columns: the Q of A = Q R where the diagonal of R is
// positive, which makes Q unique.
//
// Gram-Schmidt by blocks of 8 columns. Each block is orthogonalized twice against the blocks before it ("twice is
// enough": Giraud, Langou & Rozloznik 2005), so that the columns are orthogonal to rounding error however badly A is
// conditioned.
//
//   panels of 8 columns, [panel][row][8]; the last panel is filled up with zeros
//   sums run over rows from 0 up, one lane a column: the same bits on every instruction set
//
// Tests: tests/native/test_initializers.py
#pragma once

#include <cmath>
#include <cstdint>

#include "simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

inline constexpr int kQrColumns = 8;

// One row of a panel, in as many registers as it needs.
struct QrRow {
  using V = Vec<double, kNativeLanes<double>>;
  static constexpr int kVectors = kQrColumns / V::kLanes;
  V part[kVectors];

  static CRECHE_INLINE QrRow zeros() {
    QrRow row;
    for (V& p : row.part) p = V(0);
    return row;
  }
  static CRECHE_INLINE QrRow load(const double* from) {
    QrRow row;
    for (int i = 0; i < kVectors; ++i) row.part[i] = V::load_unaligned(from + i * V::kLanes);
    return row;
  }
  CRECHE_INLINE void store(double* to) const {
    for (int i = 0; i < kVectors; ++i) part[i].store_unaligned(to + i * V::kLanes);
  }
  // this += factor * other
  CRECHE_INLINE void add(double factor, const QrRow& other) {
    for (int i = 0; i < kVectors; ++i) part[i] = fma(V(factor), other.part[i], part[i]);
  }
};

// panel -= q (q^T panel)
inline void remove_panel(const double* q, double* panel, std::int64_t rows) {
  QrRow products[kQrColumns];  // one row of q^T panel each
  for (QrRow& row : products) row = QrRow::zeros();
  for (std::int64_t i = 0; i < rows; ++i) {
    const QrRow row = QrRow::load(panel + i * kQrColumns);
    for (int k = 0; k < kQrColumns; ++k) products[k].add(q[i * kQrColumns + k], row);
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    QrRow row = QrRow::load(panel + i * kQrColumns);
    for (int k = 0; k < kQrColumns; ++k) row.add(-q[i * kQrColumns + k], products[k]);
    row.store(panel + i * kQrColumns);
  }
}

inline double dot(const double* panel, int a, int b, std::int64_t rows) {
  double sum = 0;
  for (std::int64_t i = 0; i < rows; ++i)
    sum = __builtin_fma(panel[i * kQrColumns + a], panel[i * kQrColumns + b], sum);
  return sum;
}

// Orthonormalizes the first `columns` columns of one panel.
inline void orthonormalize_panel(double* panel, int columns, std::int64_t rows) {
  for (int j = 0; j < columns; ++j) {
    for (int pass = 0; pass < 2; ++pass) {
      for (int k = 0; k < j; ++k) {
        const double product = dot(panel, k, j, rows);
        for (std::int64_t i = 0; i < rows; ++i) {
          double& x = panel[i * kQrColumns + j];
          x = __builtin_fma(-product, panel[i * kQrColumns + k], x);
        }
      }
    }
    const double norm = std::sqrt(dot(panel, j, j, rows));
    for (std::int64_t i = 0; i < rows; ++i) panel[i * kQrColumns + j] /= norm;
  }
}

}  // namespace detail

// panels: ceil(columns / 8) panels of [rows][8] numbers, changed in place. rows >= columns, the columns independent.
inline void orthonormalize(double* panels, std::int64_t rows, std::int64_t columns) {
  using detail::kQrColumns;
  const std::int64_t size = rows * kQrColumns;
  for (std::int64_t first = 0; first < columns; first += kQrColumns) {
    double* const panel = panels + first / kQrColumns * size;
    for (int pass = 0; pass < 2; ++pass)
      for (double* before = panels; before < panel; before += size) detail::remove_panel(before, panel, rows);
    const std::int64_t left = columns - first;
    detail::orthonormalize_panel(panel, static_cast<int>(left < kQrColumns ? left : kQrColumns), rows);
  }
}

}  // namespace creche::CRECHE_LEVEL
