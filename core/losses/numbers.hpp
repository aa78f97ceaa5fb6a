// The numbers that a loss may need, one per lane; those of each output lie in arrays [outputs]. And where its gradients
// end.
#pragma once

#include "../plan_parts.hpp"
#include "../simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

template <class V>
struct LossNumbers {
  V label_smoothing;   // cross_entropy
  V delta;             // huber
  const V* quantiles;  // quantile: of each output
};

// 2^-80. The gradient of a row that has been learned shrinks without end. Carried on, it would make every product of
// the backward pass subnormal, which is a hundred times slower on x86 processors. NaN stays NaN.
inline constexpr double kFlushedGradient = 0x1p-80;

template <class V>
CRECHE_INLINE V flush_gradient(V x) {
  return select(abs(x) < V(static_cast<typename V::Scalar>(kFlushedGradient)), V(typename V::Scalar(0)), x);
}

}  // namespace creche::CRECHE_LEVEL
