// One fully connected layer on a range of rows: forward with its activation, backward to the layer below.
//
// The most frequent activations are applied to the sums in registers, the others to the tile that was just stored and
// is still in the first-level cache. Both use the same function of an activation, so the bits are the same.
#pragma once

#include <cstdint>

#include "gemm/product.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

// values[i] = f(values[i]) and, if derivatives is not null, derivatives[i] = f'; count is a multiple of 16.
template <class T>
using Activate = void (*)(T* values, T* derivatives, std::int64_t count, T parameter);

template <class T>
Activate<T> activate_function(ActivationKind kind);

// Whether the backward pass reads f' from a matrix. Otherwise it needs only the values, or nothing.
inline bool keeps_derivative(const LayerPlan& plan) {
  return plan.dropout > 0 || (plan.activation != ActivationKind::identity && plan.activation != ActivationKind::relu);
}

// out(r, :) = f(b + left(r, :) W) for the rows of the range; f' goes to `derivative` unless its data is null.
template <class T>
void layer_forward(const LayerPlan& plan, Activate<T> activate, Operand<T> left, std::int64_t row_begin,
                   std::int64_t row_end, const PanelMatrix<T>& weights, const PanelMatrix<T>& out,
                   const PanelMatrix<T>& derivative);

// dloss_dz of the layer below, from dloss_dz of this layer: (dZ W^T)(r, :) times f' of the layer below. `below`, values
// and derivative are that layer's plan, values and derivatives.
template <class T>
void layer_backward(const LayerPlan& below, const PanelMatrix<T>& dloss_dz, std::int64_t row_begin,
                    std::int64_t row_end, const PanelMatrix<T>& transposed, const PanelMatrix<T>& values,
                    const PanelMatrix<T>& derivative, const PanelMatrix<T>& out);

}  // namespace creche::CRECHE_LEVEL
