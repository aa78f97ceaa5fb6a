// Layer normalization of the weighted sums of each row (Ba, Kiros & Hinton 2016, "Layer Normalization", eq. 4).
//
//   h_j = (z_j - mean) / sqrt(variance + 1e-5)       p_j = g_j h_j + c_j
//   dL/dg_j = sum over rows of p'_j h_j              dL/dc_j = sum over rows of p'_j
//   dL/dz_j = (h'_j - mean(h') - h_j mean(h' h)) / sqrt(variance + 1e-5)
//
//   mean and variance (over n, not n - 1) of a row's n sums; p' = dL/dp, h' = g p'; g the gain, 1 at the start; c the
//   shift, 0 at the start
//
// A sum over the columns of a row has 16 parts, each of every sixteenth column; the parts are then added in their
// order.
//
// Tests: tests/engine/test_contract.py, tests/engine/test_gradients.py
#pragma once

#include <algorithm>
#include <cstdint>

#include "../gemm/panel.hpp"
#include "../simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

inline constexpr double kVarianceEpsilon = 1e-5;

// The columns of one row of a matrix in panels. each(f) calls f(at, column, part, live) for each vector: its offset
// from the row's first number, its first column, the number of the vector of partial sums that it belongs to, and 0 in
// the lanes of the padding, else 1.
template <class T>
struct PanelColumns {
  using V = Vec<T, kNativeLanes<T>>;
  static constexpr int kParts = kPanel / V::kLanes;

  std::int64_t columns, panel_stride;

  template <class F>
  CRECHE_INLINE void each(const F& f) const {
    for (std::int64_t panel = 0; panel < panel_count(columns); ++panel) {
      for (int part = 0; part < kParts; ++part) {
        V live(T(1));
        const std::int64_t first = panel * kPanel + part * V::kLanes;
        for (int i = 0; first + V::kLanes > columns && i < V::kLanes; ++i)
          live.set_lane(i, first + i < columns ? T(1) : T(0));
        f(panel * panel_stride + part * V::kLanes, first, part, live);
      }
    }
  }
  CRECHE_INLINE V add(const V* parts) const {
    T sum = parts[0].lane(0);
    for (int k = 1; k < kPanel; ++k) sum += parts[k / V::kLanes].lane(k % V::kLanes);
    return V(sum);
  }
};

// The same of one row of a pack, one network per lane.
template <class V>
struct LaneColumns {
  static constexpr int kParts = kPanel;

  std::int64_t columns;

  template <class F>
  CRECHE_INLINE void each(const F& f) const {
    for (std::int64_t c = 0; c < columns; ++c)
      f(c * V::kLanes, c, static_cast<int>(c % kPanel), V(typename V::Scalar(1)));
  }
  CRECHE_INLINE V add(const V* parts) const {
    V sum = parts[0];
    for (int k = 1; k < kPanel; ++k) sum += parts[k];
    return sum;
  }
};

// The mean over the columns of term(at, column).
template <class V, class Columns, class Term>
CRECHE_INLINE V mean_of_columns(const Columns& columns, const Term& term) {
  using T = typename V::Scalar;
  V parts[Columns::kParts];
  std::fill_n(parts, Columns::kParts, V(T(0)));
  columns.each([&](std::int64_t at, std::int64_t column, int part, V live) { parts[part] += live * term(at, column); });
  return columns.add(parts) * V(T(1) / static_cast<T>(columns.columns));
}

// Reads z, writes h and p, which may be where z is; h may be null. gain(column) and shift(column) are its
// parameters. Returns 1 / sqrt(variance + 1e-5).
template <class V, class Columns, class Gain, class Shift>
CRECHE_INLINE V normalize_row(const Columns& columns, const typename V::Scalar* z, typename V::Scalar* h,
                              typename V::Scalar* p, const Gain& gain, const Shift& shift) {
  using T = typename V::Scalar;
  const V mean = mean_of_columns<V>(columns, [&](std::int64_t at, std::int64_t) { return V::load(z + at); });
  const V variance = mean_of_columns<V>(columns, [&](std::int64_t at, std::int64_t) {
    const V centered = V::load(z + at) - mean;
    return centered * centered;
  });
  const V inverse = V(T(1)) / sqrt(variance + V(static_cast<T>(kVarianceEpsilon)));
  columns.each([&](std::int64_t at, std::int64_t column, int, V live) {
    const V normalized = live * (V::load(z + at) - mean) * inverse;
    if (h != nullptr) normalized.store(h + at);
    fma(gain(column), normalized, shift(column)).store(p + at);
  });
  return inverse;
}

// p holds p' and becomes dL/dz; h becomes the row's term of dL/dg, and shifts, which receives p', that of dL/dc.
template <class V, class Columns, class Gain>
CRECHE_INLINE void normalize_row_backward(const Columns& columns, typename V::Scalar* p, typename V::Scalar* h,
                                          typename V::Scalar* shifts, const Gain& gain, V inverse) {
  const V mean =
      mean_of_columns<V>(columns, [&](std::int64_t at, std::int64_t column) { return gain(column) * V::load(p + at); });
  const V along = mean_of_columns<V>(
      columns, [&](std::int64_t at, std::int64_t column) { return gain(column) * V::load(p + at) * V::load(h + at); });
  columns.each([&](std::int64_t at, std::int64_t column, int, V live) {
    const V from = V::load(p + at), normalized = V::load(h + at);
    from.store(shifts + at);
    (from * normalized).store(h + at);
    (live * fma(-normalized, along, gain(column) * from - mean) * inverse).store(p + at);
  });
}

}  // namespace creche::CRECHE_LEVEL
