// One layer of a pack on its way forward: sums, each lane those of its own network, and their activation.
#pragma once

#include <cstdint>

#include "layers/lane_pass.hpp"
#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

template <class V>
struct LaneLayer {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  ActivationKind kind = ActivationKind::identity;
  LaneActivate<V> activate = nullptr;
  V parameter{};

  std::int64_t size() const { return (1 + inputs) * outputs; }
};

// out(r, :) = f(b + left(r, :) W) for all rows; f' goes to `derivatives` unless that is null. weights: the bias, then
// the weights input by input. From row to row the matrices are strides apart, derivatives as many as there are outputs.
template <class V>
void lane_layer_forward(const LaneLayer<V>& layer, const V* weights, const V* left, std::int64_t left_stride,
                        std::int64_t rows, V* out, std::int64_t out_stride, V* derivatives);

}  // namespace creche::CRECHE_LEVEL
