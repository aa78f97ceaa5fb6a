#include "layers/lane_pass.hpp"

#include "activations/all.hpp"
#include "layers/parametric.hpp"
#include "losses/all.hpp"
#include "losses/loss_pass.hpp"
#include "losses/row_metric.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

template <class V, class Activation>
void lane_activate(V* values, V* derivatives, std::int64_t count, V parameter) {
  for (std::int64_t i = 0; i < count; ++i) {
    V derivative;
    values[i] = Activation::apply(values[i], parameter, derivative);
    if (derivatives != nullptr) derivatives[i] = derivative;
  }
}

template <class V, class Activation>
void lane_activate_and_bend(V* values, V* derivatives, V* terms, std::int64_t count, const V* slopes, V parameter) {
  for (std::int64_t i = 0; i < count; ++i) {
    const V z = values[i];
    V derivative;
    V value = Activation::apply(z, parameter, derivative);
    const V term = bend(z, slopes[i], value, derivative);
    values[i] = value;
    if (derivatives != nullptr) derivatives[i] = derivative;
    if (terms != nullptr) terms[i] = term;
  }
}

template <class V, class Loss>
CRECHE_INLINE void lane_loss_rows(const LaneRows<V>& batch, const LossNumbers<V>& numbers, int outputs) {
  for (std::int64_t r = 0; r < batch.rows; ++r) {
    const V* const z = batch.z + r * outputs;
    const V* const targets = batch.targets + r * outputs;
    const V label = batch.labels[r];
    batch.metric[r] = row_metric<Loss>(z, targets, label, outputs, batch.scratch);
    if (batch.gradient == nullptr) {
      batch.loss[r] = Loss::value(z, targets, label, batch.scratch, outputs, numbers);
      continue;
    }
    V* const gradient = batch.gradient + r * outputs;
    batch.loss[r] = Loss::apply(z, targets, label, gradient, outputs, numbers);
    const V scale = batch.scale[r];
    for (int c = 0; c < outputs; ++c) gradient[c] = flush_gradient(gradient[c] * scale);
  }
}

// Specialized for the most frequent numbers of outputs, which need no loops.
template <class V, class Loss>
void lane_loss_pass(const LaneRows<V>& batch, const LossNumbers<V>& numbers) {
  if (batch.outputs == 1) return lane_loss_rows<V, Loss>(batch, numbers, 1);
  if (batch.outputs == 2) return lane_loss_rows<V, Loss>(batch, numbers, 2);
  if (batch.outputs == 3) return lane_loss_rows<V, Loss>(batch, numbers, 3);
  lane_loss_rows<V, Loss>(batch, numbers, batch.outputs);
}

template <class V, class Loss>
void lane_head(const V* z, std::int64_t rows, int outputs, V* out) {
  for (std::int64_t r = 0; r < rows; ++r) Loss::predict(z + r * outputs, out + r * outputs, outputs);
}

template <class V, class Loss>
void lane_mean(V* z, std::int64_t rows, int submodels, int outputs, V* out, V* scratch) {
  for (std::int64_t r = 0; r < rows; ++r)
    Loss::Mean::apply(z + r * submodels * outputs, submodels, outputs, outputs, out + r * outputs, scratch);
}

}  // namespace detail

template <class V>
LaneActivate<V> lane_activate_function(ActivationKind kind) {
  return with_activation(
      kind, [](auto activation) -> LaneActivate<V> { return detail::lane_activate<V, decltype(activation)>; });
}

template <class V>
LaneBend<V> lane_bend_function(ActivationKind kind) {
  return with_activation(
      kind, [](auto activation) -> LaneBend<V> { return detail::lane_activate_and_bend<V, decltype(activation)>; });
}

template <class V>
LaneLossPass<V> lane_loss_function(LossKind kind) {
  return with_loss(kind, [](auto loss) -> LaneLossPass<V> { return detail::lane_loss_pass<V, decltype(loss)>; });
}

template <class V>
LaneHead<V> lane_head_function(LossKind kind) {
  return with_loss(kind, [](auto loss) -> LaneHead<V> { return detail::lane_head<V, decltype(loss)>; });
}

template <class V>
LaneMean<V> lane_mean_function(LossKind kind) {
  return with_loss(kind, [](auto loss) -> LaneMean<V> { return detail::lane_mean<V, decltype(loss)>; });
}

#define INSTANTIATE(T)                                                                      \
  template LaneActivate<NativeVec<T>> lane_activate_function<NativeVec<T>>(ActivationKind); \
  template LaneBend<NativeVec<T>> lane_bend_function<NativeVec<T>>(ActivationKind);         \
  template LaneLossPass<NativeVec<T>> lane_loss_function<NativeVec<T>>(LossKind);           \
  template LaneHead<NativeVec<T>> lane_head_function<NativeVec<T>>(LossKind);               \
  template LaneMean<NativeVec<T>> lane_mean_function<NativeVec<T>>(LossKind);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
