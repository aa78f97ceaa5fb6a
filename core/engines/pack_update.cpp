#include "engines/pack_update.hpp"

#include <algorithm>
#include <cmath>

#include "precisions.hpp"
#include "simd/gather.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
PackUpdate<T>::PackUpdate(const Plan& plan, const NetworkShape& shape, const PackLanes<T>& lanes) : shape_(shape) {
  const Member<T>& first = *lanes.front().member;
  for (const PackLane<T>& lane : lanes) {
    regularized_ |= creche::CRECHE_LEVEL::is_regularized(lane.member->plan.optimizer);
    clips_norm_ |= lane.member->plan.optimizer.clip_norm > 0;
    first_with_same_rates_.push_back(
        first_same_lane(lanes, static_cast<int>(first_with_same_rates_.size()), have_same_rates<T>));
  }
  shares_numbers_ = std::all_of(lanes.begin(), lanes.end(), [&](const PackLane<T>& lane) {
    return have_same_rates(first, *lane.member) &&
           first.plan.weight_decay_schedule == lane.member->plan.weight_decay_schedule;
  });
  update_ = lane_update_function<T>(plan.optimizer, regularized_);
  find_groups(lanes);
}

template <class T>
void PackUpdate<T>::find_groups(const PackLanes<T>& lanes) {
  for (std::size_t b = 0; b < shape_.blocks.size(); ++b) {
    const ParameterBlock& block = shape_.blocks[b];
    for (std::size_t p = 0; p < block.parts.size(); ++p) {
      const ParameterPart& part = block.parts[p];
      if (!part.is_learned) continue;
      add_range(block.lanes_at + part.row * block.columns, block.lanes_at + part.end() * block.columns, b, p, lanes);
    }
  }
}

template <class T>
void PackUpdate<T>::add_range(std::int64_t begin, std::int64_t end, std::size_t block, std::size_t part,
                              const PackLanes<T>& lanes) {
  Group group;
  std::transform(lanes.begin(), lanes.end(), group.of_lane,
                 [&](const PackLane<T>& lane) { return lane.groups.of(block, part); });
  const auto position_of = [&](auto&& is_same) {
    return static_cast<std::size_t>(std::find_if(groups_.begin(), groups_.end(), is_same) - groups_.begin());
  };
  const std::size_t found =
      position_of([&](const Group& other) { return std::equal(group.of_lane, group.of_lane + kLanes, other.of_lane); });
  if (found == groups_.size()) {
    group.first_with_same_coefficients = position_of([&](const Group& other) {
      for (std::size_t i = 0; i < lanes.size(); ++i) {
        const ParameterGroups& groups = lanes[i].groups;
        if (groups.first_with_same_coefficients(group.of_lane[i]) !=
            groups.first_with_same_coefficients(other.of_lane[i]))
          return false;
      }
      return true;
    });
    groups_.push_back(group);
  }
  if (!ranges_.empty() && ranges_.back().group == found && ranges_.back().end == begin) {
    ranges_.back().end = end;
  } else {
    ranges_.push_back({begin, end, found});
  }
}

// As in Solo: 16 sums for each panel of a block, each over its rows; then the sum of those.
template <class T>
void PackUpdate<T>::clip_norm(const PackLanes<T>& lanes, AlignedArray<T>& gradients) const {
  V sum(T(0));
  for (const ParameterBlock& block : shape_.blocks) {
    const V* const gradient = reinterpret_cast<V*>(gradients.data()) + block.lanes_at;
    for (std::int64_t column = 0; column < block.columns; ++column) {
      V squares(T(0));
      for (std::int64_t row = 0; row < block.rows; ++row) {
        const V g = gradient[row * block.columns + column];
        squares = fma(g, g, squares);
      }
      sum += squares;
    }
  }
  const V norm = sqrt(sum);
  alignas(kAlignment) T scale[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    const double limit = lanes[static_cast<std::size_t>(i)].member->plan.optimizer.clip_norm;
    scale[i] = limit > 0 ? std::min(T(1), static_cast<T>(limit) / (norm.lane(i) + T(1e-6))) : T(1);
  }
  const V factor = V::load(scale);
  V* const gradient = reinterpret_cast<V*>(gradients.data());
  for (std::int64_t k = 0; k < shape_.parameters; ++k) gradient[k] *= factor;
}

// Sets the numbers of the update of all members.
template <class T>
void PackUpdate<T>::prepare(PackLanes<T>& lanes) {
  if (shares_numbers_) return prepare_shared(lanes);
  for (int i = 0; i < kLanes; ++i) prepare_lane(i, lanes);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    if (group.first_with_same_coefficients == g) group.coefficients = group.coefficient_lanes.vectors();
    if (regularized_) group.regularization = Regularization<V>::from_lanes(group.regularization_lanes);
  }
}

template <class T>
void PackUpdate<T>::prepare_shared(PackLanes<T>& lanes) {
  const PackLane<T>& lane = leader_of(lanes);
  const double rate = scheduled_learning_rate(lane.member->plan, lane.progress);
  Scalars scalars;
  for (Group& group : groups_) {
    const std::size_t of_lane = group.of_lane[0];
    scalars = lane.progress.scalars;
    group.coefficients =
        Coefficients<V>(lane.groups.template coefficients<T>(of_lane, rate, lane.progress.step + 1, scalars));
    if (regularized_)
      group.regularization =
          Regularization<V>(lane.groups.template regularization<T>(of_lane, rate, lane.factors.weight_decay));
  }
  for (PackLane<T>& each : lanes) {
    each.progress.scalars = scalars;
    each.last_rate = rate;
  }
}

template <class T>
void PackUpdate<T>::prepare_lane(int i, PackLanes<T>& lanes) {
  PackLane<T>& lane = lanes[static_cast<std::size_t>(i)];
  const int first = first_with_same_rates_[static_cast<std::size_t>(i)];
  const PackLane<T>& same = lanes[static_cast<std::size_t>(first)];
  // A lane that has ended stays in its last epoch.
  const bool copies = &same != &lane && same.is_active;
  lane.last_rate = copies ? same.last_rate : scheduled_learning_rate(lane.member->plan, lane.progress);
  Scalars scalars = same.progress.scalars;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    const std::size_t of_lane = group.of_lane[i];
    if (group.first_with_same_coefficients == g) {
      if (copies) {
        group.coefficient_lanes.copy(i, first);
      } else {
        scalars = lane.progress.scalars;
        group.coefficient_lanes.set(
            i, lane.groups.template coefficients<T>(of_lane, lane.last_rate, lane.progress.step + 1, scalars));
      }
    }
    if (regularized_)
      group.regularization_lanes[i] =
          lane.groups.template regularization<T>(of_lane, lane.last_rate, lane.factors.weight_decay);
  }
  lane.progress.scalars = scalars;
}

template <class T>
void PackUpdate<T>::step(PackLanes<T>& lanes, AlignedArray<T>& weights, AlignedArray<T>& gradients,
                         std::vector<AlignedArray<T>>& planes) {
  if (clips_norm_) clip_norm(lanes, gradients);
  prepare(lanes);
  for (const GroupRange& range : ranges_) {
    const Group& group = groups_[range.group];
    T* at[kMaxPlanes] = {};
    for (std::size_t p = 0; p < planes.size(); ++p) at[p] = planes[p].data() + range.begin * kLanes;
    update_(weights.data() + range.begin * kLanes, gradients.data() + range.begin * kLanes, at,
            (range.end - range.begin) * kLanes, groups_[group.first_with_same_coefficients].coefficients,
            group.regularization);
  }
}

#define INSTANTIATE(T) template class PackUpdate<T>;
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
