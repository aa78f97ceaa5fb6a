// A network of a colony, and what it has in common with others.
#pragma once

#include <algorithm>

#include "engines/pack_shape.hpp"
#include "plan.hpp"
#include "rows.hpp"

namespace creche::CRECHE_LEVEL {

// One network of a colony: what `Solo` is constructed from.
template <class T>
struct Member {
  Plan plan;
  Rows<T> train;
  Rows<T> validation;
};

// Whether the steps of two members have the same coefficients, which then need to be computed only once.
template <class T>
bool have_same_rates(const Member<T>& one, const Member<T>& other) {
  return one.plan.optimizer == other.plan.optimizer && one.plan.schedule == other.plan.schedule &&
         one.plan.schedule.kind != ScheduleKind::reduce_on_plateau &&
         std::equal(one.plan.layers.begin(), one.plan.layers.end(), other.plan.layers.begin(), other.plan.layers.end(),
                    [](const LayerPlan& a, const LayerPlan& b) { return groups_of(a) == groups_of(b); }) &&
         std::equal(one.plan.embeddings.begin(), one.plan.embeddings.end(), other.plan.embeddings.begin(),
                    other.plan.embeddings.end(),
                    [](const EmbeddingPlan& a, const EmbeddingPlan& b) { return a.parameters == b.parameters; });
}

// Whether two members can share a pack.
template <class T>
bool fits_pack(const Member<T>& one, const Member<T>& other) {
  return have_same_shape(one.plan, other.plan) && one.train.count == other.train.count &&
         one.validation.count == other.validation.count;
}

}  // namespace creche::CRECHE_LEVEL
