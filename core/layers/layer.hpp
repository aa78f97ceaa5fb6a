// One layer on a range of rows: forward to its outputs, backward to the layer below.
//
//   u = s x                  a learned scale s of each input                            `scales_inputs`
//   z = b + u W
//     = t (u W) + b          with factors t of the outputs that each submodel has for itself      `sharing`
//   p = normalized z         layers/normalization.hpp, batch_normalization.hpp          `normalization`
//   y = f(p)                 or with learned slopes, layers/parametric.hpp              `parametric`
//   a = y, in training with dropout
//   out = a + x              if there are as many inputs as outputs                     `residual`
//
// Rows belong to a submodel (shape.hpp), whose own s, t, b and W they pass through.
//
// A layer of weights and activation alone is one product: the most frequent activations are applied to the sums in
// registers, the others to the tile that was just stored and is still in the first-level cache. Both use the same
// function of an activation, so the bits are the same.
#pragma once

#include <cstdint>

#include "gemm/bfloat16.hpp"
#include "network.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

// values[i] = f(values[i]) and, if derivatives is not null, derivatives[i] = f'; count is a multiple of 16.
template <class T>
using Activate = void (*)(T* values, T* derivatives, std::int64_t count, T parameter);

template <class T>
Activate<T> activate_function(ActivationKind kind);

// The same for rows of 16 neurons with slopes; terms, if not null, receives the terms of their gradient.
template <class T>
using Bend = void (*)(T* values, T* derivatives, T* terms, std::int64_t rows, const T* slopes, T parameter);

// What is known of a layer before its weights.
template <class T>
struct LayerFunctions {
  LayerPlan plan;
  LayerShape shape;
  bool rounds_products = false;  // the operands of the products of a step, to bfloat16
  bool is_plain = false;         // weights and an activation, without any other parameters
  Activate<T> activate = nullptr;
  Bend<T> bend = nullptr;

  LayerFunctions(const LayerPlan& plan, const LayerShape& shape, bool rounds_products = false);
};

// Whether the backward pass reads f' from a matrix. Otherwise it needs only the outputs, or nothing.
inline bool keeps_derivative(const LayerPlan& plan) {
  if (plan.dropout > 0 || plan.parametric) return true;
  if (plan.activation == ActivationKind::relu) return plan.residual;
  return plan.activation != ActivationKind::identity;
}
// Whether f' is 1 where an output is positive, and otherwise 0.
inline bool derivative_from_value(const LayerPlan& plan) {
  return !keeps_derivative(plan) && plan.activation == ActivationKind::relu;
}

// The matrices of a layer, with all rows of a batch. All but inputs and outputs may be null, if the plan or the pass
// does not need them.
template <class T>
struct LayerRows {
  PanelMatrix<T> inputs, outputs;
  PanelMatrix<T> scaled;      // the inputs times their scale
  PanelMatrix<T> derivative;  // da/dp, dropout included
  PanelMatrix<T> dloss_dz;    // before the backward pass of the layer: the gradient of the outputs
  PanelMatrix<T> skipped;     // the gradient of the outputs, of a residual layer
  PanelMatrix<T> normalized;
  T* inverse = nullptr;       // of the standard deviation of each row
  PanelMatrix<T> statistics;  // of each neuron in the batch; null: batch normalization takes the running ones
  // In the backward pass these receive each row's terms of the gradients of scale, shift, gain and slopes; `normalized`
  // those of the gain. Those of the factors of the outputs hold the sums u W until then.
  PanelMatrix<T> scale_terms, shift_terms, slope_terms, output_scale_terms, bias_terms;

  const PanelMatrix<T>& left() const { return scaled.data != nullptr ? scaled : inputs; }
};

// From the inputs to a, without dropout and without the inputs of a residual layer.
template <class T>
void layer_forward(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                   std::int64_t row_begin, std::int64_t row_end, std::int64_t submodel = 0);

// The two halves of it: to z, and from there on. Between them, batch normalization needs the statistics of all rows.
template <class T>
void layer_to_sums(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                   std::int64_t row_begin, std::int64_t row_end, std::int64_t submodel = 0);
template <class T>
void layer_from_sums(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                     std::int64_t row_begin, std::int64_t row_end);

// Adds the inputs of a residual layer to its outputs.
template <class T>
void add_residual(const LayerRows<T>& rows, std::int64_t row_begin, std::int64_t row_end);

// From dL/dout to dL/dz (with factors of the outputs: to dL/d(u W)), in place.
template <class T>
void outputs_backward(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                      std::int64_t row_begin, std::int64_t row_end, std::int64_t submodel = 0);

// The two halves of it: to dL/dp, where batch normalization needs the statistics of all rows, and from there on.
template <class T>
void outputs_backward_to_normalized(const LayerFunctions<T>& layer, const LayerRows<T>& rows, std::int64_t row_begin,
                                    std::int64_t row_end);
template <class T>
void outputs_backward_from_normalized(const LayerFunctions<T>& layer, const Network<T>& network,
                                      const LayerRows<T>& rows, std::int64_t row_begin, std::int64_t row_end,
                                      std::int64_t submodel = 0);

// From there to dL/dinputs.
template <class T>
void inputs_backward(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                     std::int64_t row_begin, std::int64_t row_end, const PanelMatrix<T>& out,
                     std::int64_t submodel = 0);

// Both, to dL/dz of the layer below; one product, if both layers are plain.
template <class T>
void layer_backward(const LayerFunctions<T>& layer, const LayerFunctions<T>& below, const Network<T>& network,
                    const LayerRows<T>& rows, const LayerRows<T>& rows_below, std::int64_t row_begin,
                    std::int64_t row_end, std::int64_t submodel = 0);

// The sum of rows row_begin ... row_end - 1 of one panel of terms, in their order: from 0 on, or, if `continues`, from
// what is in sums on.
template <class T>
CRECHE_INLINE void add_terms(const PanelMatrix<T>& terms, std::int64_t panel, std::int64_t row_begin,
                             std::int64_t row_end, bool continues, T* sums) {
  using V = Vec<T, kNativeLanes<T>>;
  for (int i = 0; i < kPanel; i += V::kLanes) {
    V sum = continues ? V::load(sums + i) : V(T(0));
    for (std::int64_t r = row_begin; r < row_end; ++r) sum += V::load(terms.at(panel, r) + i);
    sum.store(sums + i);
  }
}

// The weighted sums z. kept, if its data is not null, receives u W where there are factors of the outputs.
template <class T>
void weighted_sums(const LayerFunctions<T>& layer, const Network<T>& network, const LayerRows<T>& rows,
                   std::int64_t row_begin, std::int64_t row_end, const PanelMatrix<T>& out, std::int64_t submodel = 0,
                   const PanelMatrix<T>& kept = {});

}  // namespace creche::CRECHE_LEVEL
