// The optimizer of a pack: which parameters have the same numbers in every lane, those numbers in a step, the update.
#pragma once

#include <cstdint>
#include <vector>

#include "aligned.hpp"
#include "engines/pack_lane.hpp"
#include "optimizers/update.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
class PackUpdate {
 public:
  static constexpr int kLanes = kNativeLanes<T>;
  using V = Vec<T, kLanes>;

  // plan: of any lane.
  PackUpdate(const Plan& plan, const NetworkShape& shape, const PackLanes<T>& lanes);

  // A step of all lanes. Sets their scalars and the learning rates of the step.
  void step(PackLanes<T>& lanes, AlignedArray<T>& weights, AlignedArray<T>& gradients,
            std::vector<AlignedArray<T>>& planes);

  bool is_regularized() const { return regularized_; }  // in some lane

 private:
  // Parameters that are in one group in every lane, and the number of that group in each.
  struct Group {
    std::size_t of_lane[kLanes];
    std::size_t first_with_same_coefficients = 0;  // the first group that has the same ones in every lane
    CoefficientLanes<V> coefficient_lanes;
    Regularization<T> regularization_lanes[kLanes];
    Coefficients<V> coefficients;
    Regularization<V> regularization;
  };

  // Neighbouring parameters of one group, in vectors.
  struct GroupRange {
    std::int64_t begin, end;
    std::size_t group;
  };

  void find_groups(const PackLanes<T>& lanes);
  void add_range(std::int64_t begin, std::int64_t end, std::size_t block, std::size_t part, const PackLanes<T>& lanes);
  void clip_norm(const PackLanes<T>& lanes, AlignedArray<T>& gradients) const;
  void prepare(PackLanes<T>& lanes);
  void prepare_shared(PackLanes<T>& lanes);
  void prepare_lane(int lane, PackLanes<T>& lanes);

  const NetworkShape& shape_;
  bool regularized_ = false;
  bool clips_norm_ = false;
  bool shares_numbers_ = false;             // all lanes have the same numbers of an update
  std::vector<int> first_with_same_rates_;  // of each lane, the first with the same coefficients at every step
  LaneUpdate<T> update_;
  std::vector<Group> groups_;
  std::vector<GroupRange> ranges_;
};

}  // namespace creche::CRECHE_LEVEL
