// The rows that a network reads: a view with a stride that owns nothing, over any table in memory or mapped into it.
#pragma once

#include <cstdint>
#include <cstring>

#include "gemm/panel.hpp"

namespace creche::CRECHE_LEVEL {

// Exactly one of classes and targets is set; weights may be null (every row has weight 1).
template <class T>
struct Rows {
  const T* x = nullptr;  // row r begins at x + r * x_stride
  std::int64_t x_stride = 0;
  std::int64_t count = 0;
  const std::int32_t* classes = nullptr;
  const T* targets = nullptr;  // row r begins at targets + r * targets_stride
  std::int64_t targets_stride = 0;
  const T* weights = nullptr;

  double weight(std::int64_t row) const { return weights ? static_cast<double>(weights[row]) : 1.0; }
};

// Copies the d features of one row to the panels that begin at `to`; the padding stays unchanged.
template <class T>
inline void copy_row(const T* from, std::int64_t d, T* to, std::int64_t panel_stride) {
  for (; d >= kPanel; d -= kPanel, from += kPanel, to += panel_stride) std::memcpy(to, from, kPanel * sizeof(T));
  // Copies of a constant size compile to single moves; a memcpy of unknown size is a call.
  if (d & 8) std::memcpy(to, from, 8 * sizeof(T)), to += 8, from += 8;
  if (d & 4) std::memcpy(to, from, 4 * sizeof(T)), to += 4, from += 4;
  if (d & 2) std::memcpy(to, from, 2 * sizeof(T)), to += 2, from += 2;
  if (d & 1) *to = *from;
}

}  // namespace creche::CRECHE_LEVEL
