// Activations and losses of a pack: the functions of a single network (activations/, losses/) with one network per
// lane.
#pragma once

#include <cstdint>

#include "losses/numbers.hpp"
#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

// values[i] = f(values[i]) and, if derivatives is not null, derivatives[i] = f'.
template <class V>
using LaneActivate = void (*)(V* values, V* derivatives, std::int64_t count, V parameter);

// The same with slopes; terms, if not null, receives the terms of their gradient.
template <class V>
using LaneBend = void (*)(V* values, V* derivatives, V* terms, std::int64_t count, const V* slopes, V parameter);

// Rows of each member, every array row by row. gradient, if not null, receives dloss_dz, scaled and flushed as in
// loss_pass.
template <class V>
struct LaneRows {
  std::int64_t rows = 0;
  int outputs = 0;
  const V* z = nullptr;        // (rows, outputs)
  const V* targets = nullptr;  // (rows, outputs), or labels (rows,)
  const V* labels = nullptr;
  const V* scale = nullptr;  // (rows,)
  V* gradient = nullptr;     // (rows, outputs)
  V* loss = nullptr;         // (rows,)
  V* metric = nullptr;       // (rows,)
  V* scratch = nullptr;      // (outputs,)
};
template <class V>
using LaneLossPass = void (*)(const LaneRows<V>& rows, const LossNumbers<V>& numbers);

// out(r, :) = each network's prediction for row r, whose weighted sums are z(r, :); both (rows, outputs).
template <class V>
using LaneHead = void (*)(const V* z, std::int64_t rows, int outputs, V* out);

// out(r, :) = each network's weighted sums whose prediction is the mean of its submodels' predictions, from theirs,
// z(r, m, :), which it overwrites. scratch: (outputs,)
template <class V>
using LaneMean = void (*)(V* z, std::int64_t rows, int submodels, int outputs, V* out, V* scratch);

template <class V>
LaneActivate<V> lane_activate_function(ActivationKind kind);

template <class V>
LaneBend<V> lane_bend_function(ActivationKind kind);

template <class V>
LaneLossPass<V> lane_loss_function(LossKind kind);

template <class V>
LaneHead<V> lane_head_function(LossKind kind);

template <class V>
LaneMean<V> lane_mean_function(LossKind kind);

}  // namespace creche::CRECHE_LEVEL
