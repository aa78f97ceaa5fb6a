#include "engines/pack_rows.hpp"

#include <algorithm>
#include <limits>
#include <span>

#include "engines/row_order.hpp"
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
PackRows<T>::PackRows(const Plan& plan, const PackLanes<T>& lanes)
    : lanes_(lanes), columns_(plan.inputs), outputs_(plan.layers.back().width), train_rows_(of(0, false).count) {
  if (plan.shuffle) order_.resize(static_cast<std::size_t>(count(false) * kLanes));
  orders_.resize(order_.size());
  for (int i = 0; i < kLanes; ++i)
    first_with_same_order_.push_back(first_same_lane(
        lanes_, i, [](const Member<T>& one, const Member<T>& other) { return one.plan.seed == other.plan.seed; }));
  const bool same_order =
      std::all_of(first_with_same_order_.begin(), first_with_same_order_.end(), [](int first) { return first == 0; });
  for (const bool validation : {false, true}) {
    one_table_[validation] = is_one_table(validation);
    for (int i = 0; i < kLanes; ++i) weighted_[validation] |= of(i, validation).weights != nullptr;
    same_rows_[validation] = one_table_[validation] && (validation || !plan.shuffle || same_order);
  }
}

template <class T>
void PackRows<T>::shuffle(std::int64_t epoch) {
  if (order_.empty()) return;
  const std::int64_t count = this->count(false);
  const auto order_of_lane = [&](int lane) {
    return std::span(orders_).subspan(static_cast<std::size_t>(lane * count), static_cast<std::size_t>(count));
  };
  const auto draw = [&](int lane) {
    order_rows(lanes_[static_cast<std::size_t>(lane)].member->plan, static_cast<std::uint32_t>(epoch),
               order_of_lane(lane));
  };
  if (same_rows_[false]) {
    draw(0);
    for (std::int64_t position = 0; position < count; ++position)
      std::fill_n(order_.data() + position * kLanes, kLanes, order_of_lane(0)[static_cast<std::size_t>(position)]);
    return;
  }
  for (int i = 0; i < kLanes; ++i) {
    const int first = first_with_same_order_[static_cast<std::size_t>(i)];
    if (first < i) {
      std::copy_n(order_of_lane(first).data(), count, order_of_lane(i).data());
    } else {
      draw(i);
    }
  }
  for (std::int64_t position = 0; position < count; ++position)
    for (int i = 0; i < kLanes; ++i)
      order_[static_cast<std::size_t>(position * kLanes + i)] = orders_[static_cast<std::size_t>(i * count + position)];
}

template <class T>
double PackRows<T>::add_weights(double sum, int lane, bool validation, std::int64_t begin, std::int64_t count) const {
  for (std::int64_t r = 0; r < count; ++r) sum += weight(lane, validation, begin + r);
  return sum;
}

template <class T>
const Rows<T>& PackRows<T>::of(int lane, bool validation) const {
  const Member<T>& member = *lanes_[static_cast<std::size_t>(lane)].member;
  return validation ? member.validation : member.train;
}

// A gather has 32-bit offsets.
template <class T>
bool PackRows<T>::is_one_table(bool validation) const {
  const Rows<T>& first = of(0, validation);
  for (int i = 1; i < kLanes; ++i) {
    const Rows<T>& other = of(i, validation);
    if (other.x != first.x || other.x_stride != first.x_stride || other.classes != first.classes ||
        other.targets != first.targets || other.targets_stride != first.targets_stride)
      return false;
  }
  return first.count * std::max(first.x_stride, first.targets_stride) < std::numeric_limits<std::int32_t>::max();
}

template <class T>
void PackRows<T>::take_from_one_table(std::int64_t begin, std::int64_t rows, const Place& to) const {
  const Rows<T>& table = of(0, false);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int32_t* const row = order_.data() + position_in_epoch(begin + r) * kLanes;
    gather_columns(table.x, row, table.x_stride, columns_, to.columns + r * to.column_stride);
    if (table.classes != nullptr) {
      to.labels[r] = gather_integers<V>(table.classes, row);
    } else {
      gather_columns(table.targets, row, table.targets_stride, outputs_, to.targets + r * outputs_);
    }
  }
}

// All members receive the same rows.
template <class T>
void PackRows<T>::take_same(bool validation, std::int64_t begin, std::int64_t rows, const Place& to) const {
  const Rows<T>& table = of(0, validation);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t at = row(0, validation, begin + r);
    const T* const x = table.x + at * table.x_stride;
    for (std::int64_t i = 0; i < columns_; ++i) to.columns[r * to.column_stride + i] = V(x[i]);
    if (table.classes != nullptr) {
      to.labels[r] = V(static_cast<T>(table.classes[at]));
    } else {
      const T* const y = table.targets + at * table.targets_stride;
      for (std::int64_t c = 0; c < outputs_; ++c) to.targets[r * outputs_ + c] = V(y[c]);
    }
  }
}

template <class T>
void PackRows<T>::take(bool validation, std::int64_t begin, std::int64_t rows, const Place& to) const {
  if (same_rows_[validation]) return take_same(validation, begin, rows, to);
  if (one_table_[validation]) return take_from_one_table(begin, rows, to);
  for (int lane = 0; lane < kLanes; ++lane) {
    const Rows<T>& table = of(lane, validation);
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t at = row(lane, validation, begin + r);
      const T* const x = table.x + at * table.x_stride;
      T* const columns = reinterpret_cast<T*>(to.columns + r * to.column_stride) + lane;
      for (std::int64_t i = 0; i < columns_; ++i) columns[i * kLanes] = x[i];
      if (table.classes != nullptr) {
        reinterpret_cast<T*>(to.labels + r)[lane] = static_cast<T>(table.classes[at]);
      } else {
        const T* const y = table.targets + at * table.targets_stride;
        T* const targets = reinterpret_cast<T*>(to.targets + r * outputs_) + lane;
        for (std::int64_t c = 0; c < outputs_; ++c) targets[c * kLanes] = y[c];
      }
    }
  }
}

template <class T>
void PackRows<T>::take_scale(std::int64_t begin, std::int64_t rows, const double* per_weight, const Place& to) const {
  if (!weighted_[false]) {
    const V scale = make_lanes<V>([&](int i) { return static_cast<T>(per_weight[i]); });
    for (std::int64_t r = 0; r < rows; ++r) to.scale[r] = scale;
    return;
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    to.scale[r] = make_lanes<V>([&](int i) { return static_cast<T>(weight(i, false, begin + r) * per_weight[i]); });
  }
}

#define INSTANTIATE(T) template class PackRows<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
