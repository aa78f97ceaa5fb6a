// The rows of a pack: read from the members' tables, one row of each member per vector.
#include <algorithm>
#include <limits>

#include "engines/pack.hpp"
#include "precisions.hpp"
#include "simd/gather.hpp"
#include "simd/transpose.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

// columns[c] = base[row[i] * stride + c] in lane i, for c = 0 ... count - 1.
template <class V>
CRECHE_INLINE void gather_columns(const typename V::Scalar* base, const std::int32_t* row, std::int64_t stride,
                                  std::int64_t count, V* columns) {
  if constexpr (Quads<V>::kPossible) {
    if (count >= 4) {
      const auto load_quads = [&](std::int64_t first) __attribute__((always_inline)) {
        Quads<V>::gather([&](int i) { return Quads<V>::Quad::load_unaligned(base + row[i] * stride + first); },
                         columns + first);
      };
      for (std::int64_t c = 0; c + 4 <= count; c += 4) load_quads(c);
      if (count % 4 != 0) load_quads(count - 4);  // overlaps the columns before
      return;
    }
  }
  std::int32_t at[V::kLanes];
  for (int i = 0; i < V::kLanes; ++i) at[i] = row[i] * static_cast<std::int32_t>(stride);
  for (std::int64_t c = 0; c < count; ++c) columns[c] = gather<V>(base + c, at);
}

}  // namespace

template <class T>
const Rows<T>& Pack<T>::member_rows(int lane, bool validation) const {
  const Member<T>& member = *lanes_[static_cast<std::size_t>(lane)].member;
  return validation ? member.validation : member.train;
}

// A gather has 32-bit offsets.
template <class T>
bool Pack<T>::is_one_table(bool validation) const {
  const Rows<T>& first = member_rows(0, validation);
  for (int i = 1; i < kLanes; ++i) {
    const Rows<T>& other = member_rows(i, validation);
    if (other.x != first.x || other.x_stride != first.x_stride || other.classes != first.classes ||
        other.targets != first.targets || other.targets_stride != first.targets_stride)
      return false;
  }
  return first.count * std::max(first.x_stride, first.targets_stride) < std::numeric_limits<std::int32_t>::max();
}

template <class T>
void Pack<T>::take_rows_of_one_table(std::int64_t begin, std::int64_t rows) {
  const Rows<T>& table = member_rows(0, false);
  const std::int64_t d = plan_.inputs;
  const std::int64_t outputs = shape_.outputs();
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int32_t* const row = order_.data() + (begin + r) * kLanes;
    gather_columns(table.x, row, table.x_stride, d, block_.columns + r * block_.column_stride);
    if (table.classes != nullptr) {
      block_.labels[r] = gather_integers<V>(table.classes, row);
    } else {
      gather_columns(table.targets, row, table.targets_stride, outputs, block_.targets + r * outputs);
    }
  }
}

// All members receive the same rows.
template <class T>
void Pack<T>::take_same_rows(bool validation, std::int64_t begin, std::int64_t rows) {
  const Rows<T>& table = member_rows(0, validation);
  const std::int64_t d = plan_.inputs;
  const std::int64_t outputs = shape_.outputs();
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t row = member_row(0, validation, begin + r);
    const T* const x = table.x + row * table.x_stride;
    for (std::int64_t i = 0; i < d; ++i) block_.columns[r * block_.column_stride + i] = V(x[i]);
    if (table.classes != nullptr) {
      block_.labels[r] = V(static_cast<T>(table.classes[row]));
    } else {
      const T* const y = table.targets + row * table.targets_stride;
      for (std::int64_t c = 0; c < outputs; ++c) block_.targets[r * outputs + c] = V(y[c]);
    }
  }
}

// The rows at positions begin ... begin + rows - 1 of each member's epoch, or of its validation rows.
template <class T>
void Pack<T>::take_rows(bool validation, std::int64_t begin, std::int64_t rows) {
  if (same_rows_[validation]) return take_same_rows(validation, begin, rows);
  if (one_table_[validation]) return take_rows_of_one_table(begin, rows);
  const std::int64_t d = plan_.inputs;
  const std::int64_t outputs = shape_.outputs();
  for (int lane = 0; lane < kLanes; ++lane) {
    const Rows<T>& table = member_rows(lane, validation);
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t row = member_row(lane, validation, begin + r);
      const T* const x = table.x + row * table.x_stride;
      T* const to = reinterpret_cast<T*>(block_.columns + r * block_.column_stride) + lane;
      for (std::int64_t i = 0; i < d; ++i) to[i * kLanes] = x[i];
      if (table.classes != nullptr) {
        reinterpret_cast<T*>(block_.labels + r)[lane] = static_cast<T>(table.classes[row]);
      } else {
        const T* const y = table.targets + row * table.targets_stride;
        T* const targets = reinterpret_cast<T*>(block_.targets + r * outputs) + lane;
        for (std::int64_t c = 0; c < outputs; ++c) targets[c * kLanes] = y[c];
      }
    }
  }
}

// The factor of each row's loss.
template <class T>
void Pack<T>::take_scale(std::int64_t begin, std::int64_t rows, const double* per_weight) {
  if (!weighted_[false]) {
    const V scale = make_lanes<V>([&](int i) { return static_cast<T>(per_weight[i]); });
    for (std::int64_t r = 0; r < rows; ++r) block_.scale[r] = scale;
    return;
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    block_.scale[r] = make_lanes<V>([&](int i) {
      return static_cast<T>(member_rows(i, false).weight(member_row(i, false, begin + r)) * per_weight[i]);
    });
  }
}

#define INSTANTIATE(T) template class Pack<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
