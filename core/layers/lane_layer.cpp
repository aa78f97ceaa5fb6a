#include "layers/lane_layer.hpp"

#include "activations/relu.hpp"
#include "layers/batch_normalization.hpp"
#include "layers/lane_products.hpp"
#include "layers/layer.hpp"
#include "layers/normalization.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

std::int64_t lanes_at(const NetworkShape& network, const MaybeBlock& block) {
  return block ? network.blocks[*block].lanes_at : -1;
}

template <class V>
typename V::Scalar* numbers(V* vectors) {
  return reinterpret_cast<typename V::Scalar*>(vectors);
}

template <class V>
void dense_forward(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows,
                   std::int64_t submodel) {
  const V* const bias = weights + layer.bias_at(submodel);
  const auto begin = [&](std::int64_t, std::int64_t j) __attribute__((always_inline)) { return bias[j]; };
  const LaneStrides at{of.left_stride(), 1, layer.outputs, 1};
  V* const out = of.outputs;
  const std::int64_t stride = of.output_stride;
  const auto product = [&](const auto& finish) {
    lane_product<V>(of.left(), weights + layer.weights_at(submodel), at, rows, layer.outputs, layer.inputs, begin,
                    finish);
  };
  if (layer.kind == ActivationKind::relu && of.derivatives == nullptr && layer.is_plain) {
    product([&](std::int64_t r, std::int64_t j, V sum) __attribute__((always_inline)) {
      V unused;
      out[r * stride + j] = Relu::apply(sum, sum, unused);
    });
    return;
  }
  product([&](std::int64_t r, std::int64_t j, V sum) __attribute__((always_inline)) { out[r * stride + j] = sum; });
}

// The sums begin with 0; the bias is added after their factors.
template <class V>
void scaled_sums(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows,
                 std::int64_t submodel) {
  using T = typename V::Scalar;
  const V* const bias = weights + layer.bias_at(submodel);
  const V* const factor = weights + layer.output_scale_at_of(submodel);
  const auto begin = [](std::int64_t, std::int64_t) __attribute__((always_inline)) { return V(T(0)); };
  lane_product<V>(of.left(), weights + layer.weights_at(submodel), LaneStrides{of.left_stride(), 1, layer.outputs, 1},
                  rows, layer.outputs, layer.inputs, begin, [&](std::int64_t r, std::int64_t j, V sum) {
                    if (of.output_scale_terms != nullptr) of.output_scale_terms[r * layer.outputs + j] = sum;
                    of.outputs[r * of.output_stride + j] = fma(sum, factor[j], bias[j]);
                  });
}

// One neuron of all networks.
template <class V>
RowsOfNeurons<V> neurons_of(V* matrix, std::int64_t stride, std::int64_t neuron) {
  return {matrix == nullptr ? nullptr : numbers(matrix + neuron), stride * V::kLanes};
}

template <class V>
NormalizedNeurons<V> normalized_neurons(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of,
                                        std::int64_t rows, std::int64_t neuron) {
  const auto row = [&](std::int64_t r) { return layer.normalization_row(weights, r)[neuron]; };
  const auto row_of_batch = [&](std::int64_t r) { return of.statistics[r * layer.outputs + neuron]; };
  if (of.has_statistics(rows)) return {{row_of_batch(kBatchMeanRow), row_of_batch(kBatchVarianceRow)}, row(kGainRow)};
  return {{row(kRunningMeanRow), row(kRunningVarianceRow)}, row(kGainRow)};
}

template <class V>
void normalize_by_batch(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows) {
  for (std::int64_t j = 0; j < layer.outputs; ++j) {
    const RowsOfNeurons<V> z = neurons_of(of.outputs, of.output_stride, j);
    if (of.has_statistics(rows)) {
      const MeanAndVariance<V> found = batch_statistics(z, rows);
      of.statistics[kBatchMeanRow * layer.outputs + j] = found.mean;
      of.statistics[kBatchVarianceRow * layer.outputs + j] = found.variance;
    }
    normalize_neurons(normalized_neurons(layer, weights, of, rows, j), layer.normalization_row(weights, kShiftRow)[j],
                      0, rows, z, neurons_of(of.normalized, layer.outputs, j));
  }
}

template <class V>
void normalize_by_batch_backward(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of,
                                 std::int64_t rows) {
  for (std::int64_t j = 0; j < layer.outputs; ++j) {
    const RowsOfNeurons<V> p = neurons_of(of.dloss_dz, layer.outputs, j);
    const RowsOfNeurons<V> h = neurons_of(of.normalized, layer.outputs, j);
    GradientMeans<V> means;
    if (of.has_statistics(rows)) means = gradient_means(p, h, rows);
    normalize_neurons_backward(normalized_neurons(layer, weights, of, rows, j), means, 0, rows, p, h,
                               neurons_of(of.shift_terms, layer.outputs, j));
  }
}

template <class V>
void normalize(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows) {
  if (layer.shape.normalizes_by_batch) return normalize_by_batch(layer, weights, of, rows);
  const V* const shift = layer.normalization_row(weights, kShiftRow);
  const V* const gain = layer.normalization_row(weights, kGainRow);
  const LaneColumns<V> columns{layer.outputs};
  for (std::int64_t r = 0; r < rows; ++r) {
    auto* const z = numbers(of.outputs + r * of.output_stride);
    auto* const h = of.normalized == nullptr ? nullptr : numbers(of.normalized + r * layer.outputs);
    const V inverse = normalize_row<V>(
        columns, z, h, z, [=](std::int64_t column) { return gain[column]; },
        [=](std::int64_t column) { return shift[column]; });
    if (of.inverse != nullptr) of.inverse[r] = inverse;
  }
}

template <class V>
void normalize_backward(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows) {
  if (layer.shape.normalizes_by_batch) return normalize_by_batch_backward(layer, weights, of, rows);
  const V* const gain = layer.normalization_row(weights, kGainRow);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t at = r * layer.outputs;
    normalize_row_backward<V>(
        LaneColumns<V>{layer.outputs}, numbers(of.dloss_dz + at), numbers(of.normalized + at),
        numbers(of.shift_terms + at), [=](std::int64_t column) { return gain[column]; }, of.inverse[r]);
  }
}

// Calls finish(row, input, sum) with the sums of dZ W^T.
template <class V, class Finish>
void transposed_product(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows,
                        std::int64_t submodel, const Finish& finish) {
  using T = typename V::Scalar;
  const LaneStrides at{layer.outputs, 1, 1, layer.outputs};
  const auto zeros = [](std::int64_t, std::int64_t) __attribute__((always_inline)) { return V(T(0)); };
  lane_product<V>(of.dloss_dz, weights + layer.weights_at(submodel), at, rows, layer.inputs, layer.outputs, zeros,
                  finish);
}

}  // namespace

template <class V>
LaneLayer<V>::LaneLayer(const LayerPlan& plan, const LayerShape& layer, const NetworkShape& network)
    : inputs(layer.inputs),
      outputs(layer.outputs),
      kind(plan.activation),
      activate(lane_activate_function<V>(plan.activation)),
      bend(plan.parametric ? lane_bend_function<V>(plan.activation) : nullptr),
      parameter(static_cast<typename V::Scalar>(plan.activation_parameter)),
      is_residual(plan.residual),
      is_plain(!layer.scale && !layer.output_scale && !layer.normalization && !layer.slopes && !plan.residual),
      keeps_derivative(creche::CRECHE_LEVEL::keeps_derivative(plan)),
      derivative_from_value(creche::CRECHE_LEVEL::derivative_from_value(plan)),
      shape(layer),
      at(network.block_of(layer).lanes_at),
      scale_at(lanes_at(network, layer.scale)),
      output_scale_at(lanes_at(network, layer.output_scale)),
      normalization_at(lanes_at(network, layer.normalization)),
      slopes_at(lanes_at(network, layer.slopes)) {}

template <class V>
void lane_layer_forward(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows,
                        std::int64_t submodel) {
  if (layer.scale_at >= 0) {
    const V* const scale = weights + layer.scale_at_of(submodel);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t i = 0; i < layer.inputs; ++i)
        of.scaled[r * of.scaled_stride + i] = of.inputs[r * of.input_stride + i] * scale[i];
  }
  if (layer.output_scale_at >= 0) {
    scaled_sums(layer, weights, of, rows, submodel);
  } else {
    dense_forward(layer, weights, of, rows, submodel);
  }
  if (layer.kind == ActivationKind::relu && of.derivatives == nullptr && layer.is_plain) return;
  if (layer.normalization_at >= 0) normalize(layer, weights, of, rows);
  for (std::int64_t r = 0; r < rows; ++r) {
    V* const values = of.outputs + r * of.output_stride;
    V* const derivatives = of.derivatives == nullptr ? nullptr : of.derivatives + r * layer.outputs;
    if (layer.bend != nullptr) {
      layer.bend(values, derivatives, of.slope_terms == nullptr ? nullptr : of.slope_terms + r * layer.outputs,
                 layer.outputs, weights + layer.slopes_at, layer.parameter);
    } else if (layer.kind != ActivationKind::identity || derivatives != nullptr) {
      layer.activate(values, derivatives, layer.outputs, layer.parameter);
    }
  }
}

template <class V>
void lane_add_residual(const LaneLayer<V>& layer, const LaneMatrices<V>& of, std::int64_t rows) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t j = 0; j < layer.outputs; ++j)
      of.outputs[r * of.output_stride + j] += of.inputs[r * of.input_stride + j];
}

template <class V>
void lane_outputs_backward(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows,
                           std::int64_t submodel) {
  using T = typename V::Scalar;
  const bool changes = layer.keeps_derivative || layer.derivative_from_value || layer.is_residual;
  for (std::int64_t r = 0; changes && r < rows; ++r) {
    for (std::int64_t j = 0; j < layer.outputs; ++j) {
      const std::int64_t at = r * layer.outputs + j;
      V g = of.dloss_dz[at];
      if (layer.is_residual) of.skipped[at] = g;
      if (layer.slopes_at >= 0) of.slope_terms[at] = g * of.slope_terms[at];
      if (layer.keeps_derivative) g = g * of.derivatives[at];
      if (layer.derivative_from_value) g = select(of.outputs[r * of.output_stride + j] > V(T(0)), g, V(T(0)));
      of.dloss_dz[at] = g;
    }
  }
  if (layer.normalization_at >= 0) normalize_backward(layer, weights, of, rows);
  if (layer.output_scale_at < 0) return;
  const V* const factor = weights + layer.output_scale_at_of(submodel);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t j = 0; j < layer.outputs; ++j) {
      const std::int64_t at = r * layer.outputs + j;
      const V g = of.dloss_dz[at];
      of.bias_terms[at] = g;
      of.output_scale_terms[at] = g * of.output_scale_terms[at];
      of.dloss_dz[at] = g * factor[j];
    }
  }
}

template <class V>
void lane_move_running_statistics(const LaneLayer<V>& layer, V* weights, const V* statistics, std::int64_t count) {
  V* const running = weights + layer.normalization_at;
  for (std::int64_t j = 0; j < layer.outputs; ++j) {
    V& mean = running[kRunningMeanRow * layer.outputs + j];
    V& variance = running[kRunningVarianceRow * layer.outputs + j];
    const MeanAndVariance<V> moved = moved_statistics<V>(
        {mean, variance},
        {statistics[kBatchMeanRow * layer.outputs + j], statistics[kBatchVarianceRow * layer.outputs + j]}, count);
    mean = moved.mean;
    variance = moved.variance;
  }
}

template <class V>
void lane_inputs_backward(const LaneLayer<V>& layer, const V* weights, const LaneMatrices<V>& of, std::int64_t rows,
                          std::int64_t submodel, V* out) {
  transposed_product(layer, weights, of, rows, submodel,
                     [&](std::int64_t r, std::int64_t i, V sum)
                         __attribute__((always_inline)) { out[r * layer.inputs + i] = sum; });
  if (layer.scale_at < 0 && !layer.is_residual) return;
  const V* const scale = weights + (layer.scale_at < 0 ? 0 : layer.scale_at_of(submodel));
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < layer.inputs; ++i) {
      const std::int64_t at = r * layer.inputs + i;
      V g = out[at];
      if (layer.scale_at >= 0) {
        of.scale_terms[at] = g * of.inputs[r * of.input_stride + i];
        g = g * scale[i];
      }
      if (layer.is_residual) g += of.skipped[at];
      out[at] = g;
    }
  }
}

template <class V>
void lane_layer_backward(const LaneLayer<V>& layer, const LaneLayer<V>& below, const V* weights,
                         const LaneMatrices<V>& of, const LaneMatrices<V>& of_below, std::int64_t rows,
                         std::int64_t submodel) {
  using T = typename V::Scalar;
  V* const out = of_below.dloss_dz;
  if (!layer.is_plain || !below.is_plain) {
    lane_inputs_backward(layer, weights, of, rows, submodel, out);
    lane_outputs_backward(below, weights, of_below, rows, submodel);
    return;
  }
  const std::int64_t inputs = layer.inputs;
  const auto product = [&](const auto& finish) { transposed_product(layer, weights, of, rows, submodel, finish); };
  if (below.keeps_derivative) {
    const V* const derivative = of_below.derivatives;
    product([&](std::int64_t r, std::int64_t i, V sum)
                __attribute__((always_inline)) { out[r * inputs + i] = sum * derivative[r * inputs + i]; });
  } else if (below.derivative_from_value) {
    const V* const value = of_below.outputs;
    const std::int64_t stride = of_below.output_stride;
    product([&](std::int64_t r, std::int64_t i, V sum) __attribute__((always_inline)) {
      out[r * inputs + i] = select(value[r * stride + i] > V(T(0)), sum, V(T(0)));
    });
  } else {
    product([&](std::int64_t r, std::int64_t i, V sum) __attribute__((always_inline)) { out[r * inputs + i] = sum; });
  }
}

#define INSTANTIATE(T)                                                                                              \
  template LaneLayer<NativeVec<T>>::LaneLayer(const LayerPlan&, const LayerShape&, const NetworkShape&);            \
  template void lane_layer_forward<NativeVec<T>>(const LaneLayer<NativeVec<T>>&, const NativeVec<T>*,               \
                                                 const LaneMatrices<NativeVec<T>>&, std::int64_t, std::int64_t);    \
  template void lane_add_residual<NativeVec<T>>(const LaneLayer<NativeVec<T>>&, const LaneMatrices<NativeVec<T>>&,  \
                                                std::int64_t);                                                      \
  template void lane_outputs_backward<NativeVec<T>>(const LaneLayer<NativeVec<T>>&, const NativeVec<T>*,            \
                                                    const LaneMatrices<NativeVec<T>>&, std::int64_t, std::int64_t); \
  template void lane_move_running_statistics<NativeVec<T>>(const LaneLayer<NativeVec<T>>&, NativeVec<T>*,           \
                                                           const NativeVec<T>*, std::int64_t);                      \
  template void lane_inputs_backward<NativeVec<T>>(const LaneLayer<NativeVec<T>>&, const NativeVec<T>*,             \
                                                   const LaneMatrices<NativeVec<T>>&, std::int64_t, std::int64_t,   \
                                                   NativeVec<T>*);                                                  \
  template void lane_layer_backward<NativeVec<T>>(const LaneLayer<NativeVec<T>>&, const LaneLayer<NativeVec<T>>&,   \
                                                  const NativeVec<T>*, const LaneMatrices<NativeVec<T>>&,           \
                                                  const LaneMatrices<NativeVec<T>>&, std::int64_t, std::int64_t);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL
