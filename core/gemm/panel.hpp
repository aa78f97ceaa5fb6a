// The layout of every matrix of the engine: panels of 16 columns, each panel a column of full cache lines.
//
//   element (r, c) of a matrix with `rows` rows:  data[(c / 16) * rows * 16 + r * 16 + c % 16]
//
// One row of a float32 panel is one cache line and one AVX-512 register (two AVX2, four NEON registers). Columns beyond
// the last are padding: zeros wherever a kernel could read them into a sum.
#pragma once

#include <cstdint>

#include "../level.hpp"

namespace creche::CRECHE_LEVEL {

// 16 float32 fill a 64-byte cache line. The layout is the same on every level, so that states can be compared byte by
// byte.
inline constexpr int kPanel = 16;

constexpr std::int64_t panel_count(std::int64_t columns) { return (columns + kPanel - 1) / kPanel; }

// The number of rows to allocate in each panel for a matrix of `rows` rows: a multiple of 16, plus 8, because panels a
// power of two apart would compete for the same sets of the cache.
constexpr std::int64_t staggered_rows(std::int64_t rows) { return panel_count(rows) * kPanel + 8; }

// A view that owns nothing. data is 64-byte aligned; `rows` is the number of rows allocated in each panel.
template <class T>
struct PanelMatrix {
  T* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;

  std::int64_t panels() const { return panel_count(columns); }
  std::int64_t panel_stride() const { return rows * kPanel; }
  std::int64_t size() const { return panels() * panel_stride(); }
  T* at(std::int64_t panel, std::int64_t row) const { return data + panel * panel_stride() + row * kPanel; }
  // Its rows from one on.
  PanelMatrix from_row(std::int64_t row) const { return {data + row * kPanel, rows, columns}; }
  T& element(std::int64_t row, std::int64_t column) const { return at(column / kPanel, row)[column % kPanel]; }
};

}  // namespace creche::CRECHE_LEVEL
