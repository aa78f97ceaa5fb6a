// A lane of a pack: a member, and where its run is.
#pragma once

#include <algorithm>
#include <vector>

#include "engines/member.hpp"
#include "engines/member_state.hpp"
#include "optimizers/groups.hpp"
#include "progress.hpp"
#include "simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

// The numbers of an active member are in the pack's arrays, those of a member that has ended in `ended`.
template <class T>
struct PackLane {
  const Member<T>* member;
  ParameterGroups groups;
  Progress progress;
  double last_rate = 0;      // the learning rate of the step
  ScheduledFactors factors;  // of the step
  std::vector<EpochRecord> history;
  bool is_active = true;
  MemberState<T> ended;

  PackLane(const Member<T>& of, const std::vector<ParameterBlock>& blocks) : member(&of), groups(of.plan, blocks) {}
};

// As many as a register has; those without a member repeat the first one.
template <class T>
using PackLanes = std::vector<PackLane<T>>;

template <class T>
bool has_active_member(const PackLanes<T>& lanes) {
  return std::any_of(lanes.begin(), lanes.end(), [](const PackLane<T>& lane) { return lane.is_active; });
}

// An active member: all of them are at the same step.
template <class T>
const PackLane<T>& leader_of(const PackLanes<T>& lanes) {
  return *std::find_if(lanes.begin(), lanes.end(), [](const PackLane<T>& lane) { return lane.is_active; });
}

// The first lane that is the same as lane i.
template <class T, class IsSame>
int first_same_lane(const PackLanes<T>& lanes, int i, IsSame&& is_same) {
  const auto at = [&](int lane) -> const Member<T>& { return *lanes[static_cast<std::size_t>(lane)].member; };
  int lane = 0;
  while (lane < i && !is_same(at(lane), at(i))) ++lane;
  return lane;
}

}  // namespace creche::CRECHE_LEVEL
