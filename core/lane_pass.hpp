// Activations and losses of a pack: the functions that one network uses (activations/, losses/), each lane a network.
#pragma once

#include <cstdint>

#include "activations/all.hpp"
#include "loss_pass.hpp"
#include "losses/all.hpp"

namespace rookery::ROOKERY_LEVEL {

// values[i] = f(values[i]) and, if derivatives is not null, derivatives[i] = f'.
template <class V>
using LaneActivate = void (*)(V* values, V* derivatives, std::int64_t count, V parameter);

// The loss and the metric of one row of each member; gradient (null if not wanted): dloss_dz, scaled and flushed as
// loss_pass does. scratch: as many vectors as there are outputs.
template <class V>
struct LaneLoss {
  V loss, metric;
};
template <class V>
using LaneLossPass = LaneLoss<V> (*)(const V* z, const V* targets, V label, V scale, int outputs,
                                     const LossNumbers<V>& numbers, V* gradient, V* scratch);

namespace detail {

template <class V, class Activation>
void lane_activate(V* values, V* derivatives, std::int64_t count, V parameter) {
  for (std::int64_t i = 0; i < count; ++i) {
    V derivative;
    values[i] = Activation::apply(values[i], parameter, derivative);
    if (derivatives != nullptr) derivatives[i] = derivative;
  }
}

template <class V, class Loss>
LaneLoss<V> lane_loss_pass(const V* z, const V* targets, V label, V scale, int outputs, const LossNumbers<V>& numbers,
                           V* gradient, V* scratch) {
  LaneLoss<V> out;
  out.metric = row_metric<Loss>(z, targets, label, outputs, scratch);
  if (gradient == nullptr) {
    out.loss = Loss::value(z, targets, label, scratch, outputs, numbers);
    return out;
  }
  out.loss = Loss::apply(z, targets, label, gradient, outputs, numbers);
  for (int c = 0; c < outputs; ++c) gradient[c] = flush_gradient(gradient[c] * scale);
  return out;
}

}  // namespace detail

template <class V>
LaneActivate<V> lane_activate_function(ActivationKind kind) {
  return with_activation(
      kind, [](auto activation) -> LaneActivate<V> { return detail::lane_activate<V, decltype(activation)>; });
}

template <class V>
LaneLossPass<V> lane_loss_function(LossKind kind) {
  return with_loss(kind, [](auto loss) -> LaneLossPass<V> { return detail::lane_loss_pass<V, decltype(loss)>; });
}

}  // namespace rookery::ROOKERY_LEVEL
