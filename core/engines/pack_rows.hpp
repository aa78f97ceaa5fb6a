// The rows of a pack: in which order each lane visits those of its table, one row of each member per vector.
#pragma once

#include <cstdint>
#include <vector>

#include "engines/pack_lane.hpp"
#include "plan.hpp"
#include "rows.hpp"
#include "simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
class PackRows {
 public:
  static constexpr int kLanes = kNativeLanes<T>;
  using V = Vec<T, kLanes>;

  // Where rows are read to, each stored row by row.
  struct Place {
    V* columns = nullptr;  // of the table
    std::int64_t column_stride = 0;
    V* targets = nullptr;
    V* labels = nullptr;
    V* scale = nullptr;
  };

  // The lanes must outlive it.
  PackRows(const Plan& plan, const PackLanes<T>& lanes);

  // Sets the order of an epoch.
  void shuffle(std::int64_t epoch);

  // Reads the rows at positions begin ... begin + rows - 1 of each member's epoch, or of its validation rows. After the
  // last position of an epoch comes the first one again.
  void take(bool validation, std::int64_t begin, std::int64_t rows, const Place& to) const;
  // The factor of each row's loss.
  void take_scale(std::int64_t begin, std::int64_t rows, const double* per_weight, const Place& to) const;

  std::int64_t count(bool validation) const { return of(0, validation).count; }
  bool are_weighted(bool validation) const { return weighted_[validation]; }  // in some lane
  double weight(int lane, bool validation, std::int64_t position) const {
    return of(lane, validation).weight(row(lane, validation, position));
  }
  // `sum` and the weights of some rows.
  double add_weights(double sum, int lane, bool validation, std::int64_t begin, std::int64_t count) const;

 private:
  const Rows<T>& of(int lane, bool validation) const;
  std::int64_t row(int lane, bool validation, std::int64_t position) const {
    if (validation) return position;
    const std::int64_t at = position_in_epoch(position);
    return order_.empty() ? at : order_[static_cast<std::size_t>(at * kLanes + lane)];
  }
  std::int64_t position_in_epoch(std::int64_t position) const {
    return position >= train_rows_ ? position - train_rows_ : position;
  }
  bool is_one_table(bool validation) const;
  void take_from_one_table(std::int64_t begin, std::int64_t rows, const Place& to) const;
  void take_same(bool validation, std::int64_t begin, std::int64_t rows, const Place& to) const;

  const PackLanes<T>& lanes_;
  const std::int64_t columns_, outputs_, train_rows_;
  std::vector<int> first_with_same_order_;  // of each lane, the first that visits its rows in the same order
  std::vector<std::int32_t> orders_;        // the epoch's rows, lane by lane
  std::vector<std::int32_t> order_;         // the epoch's rows, position by position, one for each lane
  // For training rows [false] and validation rows [true]:
  bool one_table_[2] = {false, false};  // all members read one table that is small enough to gather from
  bool same_rows_[2] = {false, false};  // and all members visit its rows in the same order
  bool weighted_[2] = {false, false};
};

}  // namespace creche::CRECHE_LEVEL
