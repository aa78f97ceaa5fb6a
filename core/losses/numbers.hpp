// The numbers that a loss may need, one per lane; those of each output lie in arrays [outputs].
#pragma once

#include "../plan.hpp"
#include "../simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

template <class V>
struct LossNumbers {
  V label_smoothing;   // cross_entropy
  V delta;             // huber
  const V* quantiles;  // quantile: of each output
};

}  // namespace creche::CRECHE_LEVEL
