// The forward pass of one layer of a pack: the weighted sums of each lane's network, and their activation.
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
};

// out(r, :) = f(b + left(r, :) W) for all rows; f' goes to `derivatives` unless that is null. weights: the bias, then
// the weights input by input. Strides are between the rows of a matrix; derivatives have a stride of the number of
// outputs.
template <class V>
void lane_layer_forward(const LaneLayer<V>& layer, const V* weights, const V* left, std::int64_t left_stride,
                        std::int64_t rows, V* out, std::int64_t out_stride, V* derivatives);

}  // namespace creche::CRECHE_LEVEL
